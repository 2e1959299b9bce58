#include "inference/request_bounds.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"

namespace meridian::inference {
namespace {

constexpr std::string_view of_no_cost[] = {"stream", "stream_options", "user", "metadata"};
constexpr std::int64_t template_tokens = 256, message_tokens = 32;

void add_canonical(std::string& out, const Json& value);

void add_canonical(std::string& out, const JsonObject& object, bool is_whole) {
    std::vector<std::string_view> keys;
    for (const auto& pair : object)
        if (!is_whole || std::ranges::find(of_no_cost, std::string_view(pair.key())) == std::end(of_no_cost)) keys.push_back(pair.key());
    std::ranges::sort(keys);
    out += '{';
    for (const auto key : keys) {
        const auto& value = object.at(key);
        if (is_whole && value.is_null()) continue;  // as if it were not there
        out += to_text(Json(key));
        out += ':';
        add_canonical(out, value);
        out += ',';
    }
    out += '}';
}

void add_canonical(std::string& out, const Json& value) {
    if (const auto* list = value.if_array()) {
        out += '[';
        for (const auto& item : *list) {
            add_canonical(out, item);
            out += ',';
        }
        out += ']';
    } else if (const auto* object = value.if_object()) {
        add_canonical(out, *object, false);
    } else {
        out += to_text(value);
    }
}

}  // namespace

std::string canonical_digest(std::string_view what, const JsonObject& value) {
    std::string text(what);
    add_canonical(text, value, true);
    return hex(sha256(text));
}

std::string digest_of(const Asked& asked) { return canonical_digest("request", asked.body); }

std::int64_t input_at_most(const Asked& asked) {
    const auto* messages = asked.body.if_contains("messages");
    const auto count = messages && messages->is_array() ? messages->get_array().size() : 1;
    return static_cast<std::int64_t>(asked.text_bytes) + template_tokens + message_tokens * static_cast<std::int64_t>(count);
}

}  // namespace meridian::inference
