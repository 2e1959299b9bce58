#include "base/json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>

#include "base/hash.h"

namespace meridian {
namespace {

namespace bj = boost::json;
using Code = bj::error_code;

// Builds the value, and counts the members that were written, so that a name given twice can be noticed.
struct Builder {
    static constexpr std::size_t max_object_size = bj::object::max_size();
    static constexpr std::size_t max_array_size = bj::array::max_size();
    static constexpr std::size_t max_key_size = bj::string::max_size();
    static constexpr std::size_t max_string_size = bj::string::max_size();

    bj::value_stack stack;
    std::size_t members = 0;

    Builder(unsigned char* buffer, std::size_t size, bj::storage_ptr storage) : stack({}, buffer, size) { stack.reset(std::move(storage)); }

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return true; }
    bool on_object_end(std::size_t n, Code&) {
        members += n;
        stack.push_object(n);
        return true;
    }
    bool on_array_begin(Code&) { return true; }
    bool on_array_end(std::size_t n, Code&) {
        stack.push_array(n);
        return true;
    }
    bool on_key_part(bj::string_view s, std::size_t, Code&) {
        stack.push_chars(s);
        return true;
    }
    bool on_key(bj::string_view s, std::size_t, Code&) {
        stack.push_key(s);
        return true;
    }
    bool on_string_part(bj::string_view s, std::size_t, Code&) {
        stack.push_chars(s);
        return true;
    }
    bool on_string(bj::string_view s, std::size_t, Code&) {
        stack.push_string(s);
        return true;
    }
    bool on_number_part(bj::string_view, Code&) { return true; }
    bool on_int64(std::int64_t i, bj::string_view, Code&) {
        stack.push_int64(i);
        return true;
    }
    bool on_uint64(std::uint64_t u, bj::string_view, Code&) {
        stack.push_uint64(u);
        return true;
    }
    // Boost 1.81 computes doubles that are some units off in the last place; the text, which is here in one piece, is exact.
    bool on_double(double d, bj::string_view text, Code& failed) {
        std::from_chars(text.data(), text.data() + text.size(), d);
        if (!std::isfinite(d)) failed = bj::error::exponent_overflow;
        stack.push_double(d);
        return !failed;
    }
    bool on_bool(bool b, Code&) {
        stack.push_bool(b);
        return true;
    }
    bool on_null(Code&) {
        stack.push_null();
        return true;
    }
    bool on_comment_part(bj::string_view, Code&) { return true; }
    bool on_comment(bj::string_view, Code&) { return true; }
};

// The depth of the recursion was bounded by the parser.
std::size_t members_of(const Json& value) {
    std::size_t count = 0;
    if (const auto* object = value.if_object()) {
        count = object->size();
        for (const auto& each : *object) count += members_of(each.value());
    } else if (const auto* array = value.if_array()) {
        for (const auto& each : *array) count += members_of(each);
    }
    return count;
}

std::string_view what_is_wrong(const Code& failed) {
    if (failed == bj::error::incomplete) return "the JSON text ends too early";
    if (failed == bj::error::extra_data) return "something follows the JSON value";
    if (failed == bj::error::too_deep) return "the JSON value is nested too deeply";
    if (failed == bj::error::exponent_overflow) return "a number is too large";
    if (failed == bj::error::illegal_leading_surrogate || failed == bj::error::illegal_trailing_surrogate)
        return "half of a surrogate pair stands alone in a JSON string";
    return "this is not valid JSON";
}

}  // namespace

expected<Json> parse_json(std::string_view text, std::size_t depth_max, bj::storage_ptr storage) {
    unsigned char buffer[4096];
    bj::parse_options options;
    options.max_depth = depth_max;
    bj::basic_parser<Builder> parser(options, buffer, sizeof buffer, std::move(storage));
    Code failed;
    const auto used = parser.write_some(false, text.data(), text.size(), failed);
    if (!failed && used < text.size()) failed = bj::error::extra_data;
    if (failed) {
        if (!is_utf8(text)) return complaint(fmt::format("this is not valid UTF-8, at byte {}", used), used);
        return complaint(fmt::format("{}, at byte {}", what_is_wrong(failed), used), used);
    }
    auto& builder = parser.handler();
    Json value = builder.stack.release();
    // Two readers of a name given twice may each believe another value; nobody sends that for a good reason.
    if (builder.members != members_of(value)) return complaint("an object of this JSON text names one of its members twice");
    return value;
}

std::string to_text(const Json& value) { return bj::serialize(value); }

bj::storage_ptr json_arena(std::size_t first_bytes) { return bj::make_shared_resource<bj::monotonic_resource>(first_bytes); }

const Json* member(const Json& object, std::string_view key) {
    const auto* o = object.if_object();
    return o ? o->if_contains(key) : nullptr;
}

const bj::string* text_member(const Json& object, std::string_view key) {
    const auto* m = member(object, key);
    return m ? m->if_string() : nullptr;
}

std::string_view view(const bj::string& s) { return {s.data(), s.size()}; }

}  // namespace meridian
