#include "quantum/service/links.h"

#include <fmt/format.h>

#include <charconv>

#include "base/hash.h"
#include "quantum/service/types.h"

namespace meridian::quantum::service {

std::string Links::mark(std::string_view path, std::int64_t expires) const {
    const auto made = key_.mac(fmt::format("{}\n{}", path, expires), "quantum links");
    return base64url(as_view(made));
}

std::string Links::sign(std::string_view path) const {
    const auto expires = unix_seconds(clock_.now()) + limits::link.count();
    return fmt::format("{}.{}", expires, mark(path, expires));
}

bool Links::is_good(std::string_view path, std::string_view token) const {
    const auto dot = token.find('.');
    if (dot == std::string_view::npos) return false;
    std::int64_t expires = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + dot, expires);
    if (error != std::errc() || end != token.data() + dot || expires < unix_seconds(clock_.now())) return false;
    return equal_in_constant_time(token.substr(dot + 1), mark(path, expires));
}

}  // namespace meridian::quantum::service
