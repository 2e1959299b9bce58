// Lists of leaves go by pages, newest first; the key in a page's token is the number of the last leaf of the one before.
#pragma once
#include <cstdint>
#include <optional>

#include "base/number.h"
#include "resource/json_bind.h"
#include "resource/page.h"

namespace meridian::metering {

// Before which leaf the page begins; nothing: with the newest. Throws Error{invalid} for a token that is none of ours.
inline std::optional<std::int64_t> leaf_before(const CursorPage& page) {
    if (!page.after) return std::nullopt;
    const auto index = whole_number<std::int64_t>(*page.after);
    if (!index) throw invalid("page_token", FieldProblem::Reason::format, "must be a next_page_token of an earlier answer");
    return index;
}

}  // namespace meridian::metering
