#include "http/client_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/version.h"

namespace meridian::http {
namespace {

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
        return low(x) == low(y);
    });
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
    return std::ranges::any_of(names, [&](std::string_view one) { return same_name(one, name); });
}

// Ours to say.
constexpr std::array<std::string_view, 6> written_here = {"host",       "content-length", "connection", "transfer-encoding",
                                                          "keep-alive", "upgrade"};
// Not for a host that another host named.
constexpr std::array<std::string_view, 6> credentials = {"authorization", "proxy-authorization", "cookie",
                                                         "x-auth-token",  "x-api-key",           "api-key"};

// RFC 9110's token characters.
bool is_token(std::string_view text) {
    static constexpr auto table = [] {
        std::array<bool, 256> out{};
        for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
            out[static_cast<unsigned char>(c)] = true;
        }
        return out;
    }();
    return !text.empty() && std::ranges::all_of(text, [](char c) { return table[static_cast<unsigned char>(c)]; });
}

bool is_value(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; });
}

bool is_path(std::string_view text) {
    return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

void add_number(std::string& out, std::size_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void remove_all(Headers& headers, const auto& unwanted) {
    Headers kept;
    for (const auto& [name, value] : headers) {
        if (!unwanted(name)) kept.add(name, value);
    }
    headers = std::move(kept);
}

// Without dot segments: they are the other side's to resolve, and we compare no paths.
std::string relative_path(const std::string& base, std::string_view location) {
    location = location.substr(0, location.find('#'));
    if (location.starts_with('/')) return std::string(location);
    const auto without_query = base.substr(0, base.find('?'));
    if (location.starts_with('?')) return without_query + std::string(location);
    if (location.empty()) return base;
    return without_query.substr(0, without_query.rfind('/') + 1) + std::string(location);
}

bool has_scheme(std::string_view location) {
    const auto colon = location.find(':');
    return colon != std::string_view::npos && colon < std::min(location.find_first_of("/?#"), location.size());
}

}  // namespace

std::optional<std::string> unsendable(const Target& target, const Outgoing& request) {
    if (!is_token(request.method)) return "the method is not one word";
    if (!is_path(request.path)) return "the path does not begin with a slash, or holds a blank or a control character";
    if (!is_value(target.host) || target.host.find(' ') != std::string::npos) return "the host holds a blank or a control character";
    for (const auto& [name, value] : request.headers) {
        if (!is_token(name)) return "a header's name is not one word";
        if (!is_value(value)) return fmt::format("the header {} holds a line break or a control character", name);
    }
    return std::nullopt;
}

void write_head(const Target& target, const Outgoing& request, std::string& out) {
    out.clear();
    out += request.method;
    out += ' ';
    out += request.path;
    out += " HTTP/1.1\r\nHost: ";
    out += target.host.empty() ? std::string("localhost") : target.authority();
    out += "\r\n";
    for (const auto& [name, value] : request.headers) {
        if (is_one_of(name, written_here)) continue;
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    }
    // Some public sites refuse requests that do not say who asks; a replica of ours does not care.
    if (!target.local && !request.headers.has("user-agent")) out.append("User-Agent: ").append(build()).append("\r\n");
    if (request.fresh_connection) out += "Connection: close\r\n";
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
        out += "Content-Length: ";
        add_number(out, request.body.size());
        out += "\r\n";
    }
    out += "\r\n";
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

std::optional<std::string> follow(int status, std::string_view location, Target& target, Outgoing& request) {
    if (location.empty()) return "the answer redirects, but does not say where to";
    if (has_scheme(location) || location.starts_with("//")) {
        const auto url =
            parse_url(location.starts_with("//") ? fmt::format("{}:{}", target.tls ? "https" : "http", location) : std::string(location));
        if (!url) return "the answer redirects to an address that is not a plain http or https URL";
        const bool leaves = url->target.tls != target.tls || url->target.authority() != target.authority();
        if (leaves) {
            remove_all(request.headers, [](std::string_view name) { return is_one_of(name, credentials); });
        }
        target = url->target;
        request.path = url->path;
    } else {
        request.path = relative_path(request.path, location);
    }
    // As browsers do: only 307 and 308 repeat a body.
    const bool becomes_get = (status == 303 && request.method != "HEAD") || ((status == 301 || status == 302) && request.method == "POST");
    if (becomes_get) {
        request.method = "GET";
        request.body.clear();
        remove_all(request.headers, [](std::string_view name) { return name.size() > 8 && same_name(name.substr(0, 8), "content-"); });
    }
    return unsendable(target, request);
}

}  // namespace meridian::http
