#include <fmt/format.h>

#include "cli/commands.h"

namespace meridian::cli {

int print(const Json& json) {
    fmt::print("{}\n", to_text(json));
    return ok;
}

std::string field(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? std::string(view(*text)) : std::string();
}

std::int64_t number(const Json& json, std::string_view key) {
    const auto* value = member(json, key);
    if (!value) return 0;
    if (value->is_int64()) return value->get_int64();
    if (value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
    return 0;
}

}  // namespace meridian::cli
