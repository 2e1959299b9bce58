// JSON of the outside world: Boost.JSON behind one strict door (depth, size, UTF-8, no duplicate surprises).
#pragma once
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace meridian {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

inline constexpr std::size_t json_depth_max = 64;

// RFC 8259 only; the diagnostic carries the byte offset. Invalid UTF-8 is refused.
expected<Json> parse_json(std::string_view text, std::size_t depth_max = json_depth_max, boost::json::storage_ptr storage = {});
std::string to_text(const Json& value);
// For values that are read and soon thrown away as a whole: memory is taken in few large pieces and given back with the last value.
boost::json::storage_ptr json_arena(std::size_t first_bytes);

// Members that may be missing or of another kind: nullptr then.
const Json* member(const Json& object, std::string_view key);
const boost::json::string* text_member(const Json& object, std::string_view key);
std::string_view view(const boost::json::string& s);

}  // namespace meridian
