// Lists page the same way everywhere: by number (page, page_size or per_page) or by a token.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::inline resource {

using TextPairs = std::vector<std::pair<std::string, std::string>>;  // a decoded query

inline constexpr std::uint32_t page_size_default = 50;
inline constexpr std::uint32_t page_size_max = 1000;  // Terraform asks for a thousand; more is capped, not refused

struct Page {
    std::uint64_t number = 1;  // from 1
    std::uint32_t size = page_size_default;
    [[nodiscard]] std::uint64_t offset() const { return (number - 1) * size; }
    // Throws Error{invalid} that names the parameter.
    static Page from(const TextPairs& query);
};

template <class T>
struct Paged {
    std::vector<T> items;
    std::uint64_t total_count = 0;
};

// A page past the end is empty, with the true count: clients read on until they meet it.
template <class T>
Paged<T> page_of(std::vector<T> all, const Page& page) {
    const std::uint64_t total = all.size();
    const auto first = std::min<std::uint64_t>(page.offset(), total);
    const auto last = std::min<std::uint64_t>(first + page.size, total);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(last), all.end());
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
    return {std::move(all), total};
}
// `f` on every item: rows to views.
template <class T, class F>
auto mapped(const Paged<T>& page, F f) -> Paged<decltype(f(page.items.front()))> {
    Paged<decltype(f(page.items.front()))> made{{}, page.total_count};
    made.items.reserve(page.items.size());
    for (const auto& item : page.items) made.items.push_back(f(item));
    return made;
}

// The other form: the caller reads size + 1 items that come after `after` (a key of its own making) and cuts.
struct CursorPage {
    std::optional<std::string> after;  // the key in the token; nothing: from the start
    std::uint32_t size = page_size_default;
    static CursorPage from(const TextPairs& query);
};
template <class T>
struct CursorPaged {
    std::vector<T> items;
    std::optional<std::string> next_page_token;
};
std::string page_token(std::string_view key);  // opaque on the wire
template <class T, class Key>
CursorPaged<T> cut(std::vector<T> one_more, const CursorPage& page, Key key) {
    CursorPaged<T> made{std::move(one_more), std::nullopt};
    if (made.items.size() > page.size) {
        made.items.erase(made.items.begin() + static_cast<std::ptrdiff_t>(page.size), made.items.end());
        made.next_page_token = page_token(key(made.items.back()));
    }
    return made;
}

}  // namespace meridian::inline resource
