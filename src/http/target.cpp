#include <algorithm>

#include "http/parse.h"

namespace meridian::http {
namespace {

constexpr std::size_t target_max = 16 * 1024;

// What a browser resolves before it sends. Left in, it means one thing to us and another to whoever opens a file by that name.
bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);  // '/'
        const auto segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") return true;
        path.remove_prefix(segment.size());
    }
    return false;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

}  // namespace

expected<void> read_target(Request& request) {
    std::string_view target = request.target;
    if (target.size() > target_max) return complaint("the request target is too long");
    if (!std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; })) {
        return complaint("the request target has characters that must be percent-encoded");
    }
    // The absolute form that proxies use; whose host it names makes no difference here.
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!target.starts_with(scheme)) continue;
        target.remove_prefix(std::min(target.find_first_of("/?", scheme.size()), target.size()));
        if (target.empty() || target.front() == '?') return complaint("the request target has no path");
        request.target.erase(0, request.target.size() - target.size());
        target = request.target;
        break;
    }
    if (!target.starts_with('/')) return complaint("the request target must begin with a slash");
    const auto question = std::min(target.find('?'), target.size());
    const auto path = target.substr(0, question);
    auto decoded = percent_decode(path, false);
    if (!decoded || std::ranges::any_of(*decoded, is_control)) return complaint("the path is not percent-encoded UTF-8");
    if (has_dot_segment(*decoded)) return complaint("the path has a segment of dots");
    request.path = std::move(*decoded);
    request.query.clear();
    if (question < target.size()) {
        auto query = parse_query(target.substr(question + 1));
        if (!query) return complaint("the query is not percent-encoded UTF-8");
        request.query = std::move(*query);
    }
    return {};
}

}  // namespace meridian::http
