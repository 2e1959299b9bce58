// Structs to JSON and back, by their field tables. Every problem of an input is named, not only the first.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "resource/shape.h"

namespace meridian::inline resource {

inline constexpr std::size_t problems_max = 50;      // problems named in one answer; a hostile body has a million
inline constexpr std::size_t path_max = 200;         // bytes of a problem's path
inline constexpr std::size_t elements_max = 10'000;  // of a list or map without at_most

struct Reading {
    bool is_strict = false;    // keys that no table knows are problems (a table may also say so itself)
    bool null_clears = false;  // merge_json: null empties an optional (RFC 7396) instead of leaving it alone (Scaleway)
    std::string_view at = {};  // path of the value inside a larger input, for the names of the problems
};

namespace json_detail {
// `stored`: our own rows. Nothing is hidden, ignored or held against the limits that outside input must keep.
enum class How { whole, merge, stored };
Json write(const Shape& shape, const void* value, How how = How::whole);
void read(const Shape& shape, void* into, const Json& json, How how, const Reading& reading);
}  // namespace json_detail

template <Shaped T>
Json to_json(const T& value) {
    return json_detail::write(shape_of<T>(), &value);
}

// Throws Error{invalid} with one FieldProblem for each thing that is wrong: "endpoints.0.disable_auth".
template <Shaped T>
T from_json(const Json& json, const Reading& reading = {}) {
    T made{};
    json_detail::read(shape_of<T>(), &made, json, json_detail::How::whole, reading);
    return made;
}

// Changes only what has a key in `json`; nested structs are merged, lists and maps replaced. All or nothing.
template <Shaped T>
void merge_json(T& into, const Json& json, const Reading& reading = {}) {
    T copy = into;
    json_detail::read(shape_of<T>(), &copy, json, json_detail::How::merge, reading);
    into = std::move(copy);
}

// "3.5s": the wire form of a duration, at most nine decimals, no trailing zeros.
std::string duration_text(Duration duration);
std::optional<Duration> parse_duration(std::string_view text);

// Error{invalid} whose sentence sums up `problems`.
Error invalid(std::vector<FieldProblem> problems);
Error invalid(std::string field, FieldProblem::Reason reason, std::string help);

}  // namespace meridian::inline resource
