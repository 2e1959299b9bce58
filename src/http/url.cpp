#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/client.h"

namespace meridian::http {
namespace {

constexpr std::size_t url_max = 8 * 1024;
constexpr std::size_t host_max = 253;

std::uint16_t usual_port(bool tls) { return tls ? 443 : 80; }

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool is_host(std::string_view host) {
    return !host.empty() && host.size() <= host_max &&
           host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string_view::npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc() || stop != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace

std::string Target::authority() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    auto out = is_v6 ? fmt::format("[{}]", host) : host;
    if (port != 0 && port != usual_port(tls)) out += fmt::format(":{}", port);
    return out;
}

// Stricter than RFC 3986: no user names, and nothing that another reader of the same text could take for another host.
std::optional<Url> parse_url(std::string_view url) {
    if (url.size() > url_max || !std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; })) return std::nullopt;
    Url out;
    const auto scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos) return std::nullopt;
    const auto scheme = lower(url.substr(0, scheme_end));
    if (scheme != "http" && scheme != "https") return std::nullopt;
    out.target.tls = scheme == "https";
    url.remove_prefix(scheme_end + 3);
    url = url.substr(0, url.find('#'));

    const auto authority_end = std::min(url.find_first_of("/?"), url.size());
    auto authority = url.substr(0, authority_end);
    out.path = url.substr(authority_end);
    if (!out.path.starts_with('/')) out.path.insert(0, 1, '/');

    std::string_view rest;
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        ErrorCode broken;
        const auto address = asio::ip::make_address_v6(authority.substr(1, close - 1), broken);
        if (broken || address.scope_id() != 0) return std::nullopt;
        out.target.host = address.to_string();
        rest = authority.substr(close + 1);
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        out.target.host = lower(authority.substr(0, colon));
        if (!is_host(out.target.host)) return std::nullopt;
        rest = authority.substr(colon);
    }
    out.target.port = usual_port(out.target.tls);
    if (rest.empty() || rest == ":") return out;
    if (!rest.starts_with(':')) return std::nullopt;
    const auto port = parse_port(rest.substr(1));
    if (!port) return std::nullopt;
    out.target.port = *port;
    return out;
}

}  // namespace meridian::http
