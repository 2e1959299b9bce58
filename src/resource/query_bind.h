// Filters of a list as a struct: query parameters read by a field table, with the same rules and complaints as a body.
// Repeated keys are lists. Booleans come as true, True and 1 (Go, Python, curl), times with a blank in place of 'T'.
#pragma once
#include "resource/json_bind.h"
#include "resource/page.h"

namespace meridian::inline resource {

// The parameters that `shape` knows, as the JSON that `from_json` reads. What does not convert stays a text, to be complained of.
Json query_as_json(const ObjectShape& shape, const TextPairs& query);

std::optional<bool> parse_bool(std::string_view text);

// Keys that the table does not know are ignored, also by strict tables: paging and tracing travel beside the filters.
template <Described T>
T from_query(const TextPairs& query) {
    return from_json<T>(query_as_json(object_shape_of<T>(), query));
}

}  // namespace meridian::inline resource
