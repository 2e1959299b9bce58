#include "resource/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "resource/json_bind.h"

namespace meridian::inline resource {

namespace {

// The first of that name; "" is what Go sends for what was never set.
const std::string* given(const TextPairs& query, std::string_view name) {
    for (const auto& [key, value] : query)
        if (key == name) return value.empty() ? nullptr : &value;
    return nullptr;
}

// A count from 1. What does not fit into 64 bits is merely a very large count.
std::optional<std::uint64_t> counted(const TextPairs& query, std::string_view name) {
    const std::string* text = given(query, name);
    if (text == nullptr) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    const bool is_whole = end == text->data() + text->size();
    if (is_whole && error == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
    if (!is_whole || error != std::errc()) throw invalid(std::string(name), FieldProblem::Reason::format, "must be a whole number from 1");
    if (number == 0) throw invalid(std::string(name), FieldProblem::Reason::constraint, "must be at least 1");
    return number;
}

std::uint32_t size_in(const TextPairs& query) {
    auto size = counted(query, "page_size");
    if (!size) size = counted(query, "per_page");
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(size.value_or(page_size_default), page_size_max));
}

}  // namespace

Page Page::from(const TextPairs& query) {
    constexpr std::uint64_t number_max = std::uint64_t{1} << 40;  // keeps offset() far from overflow; such a page is empty anyway
    return {.number = std::min(counted(query, "page").value_or(1), number_max), .size = size_in(query)};
}

CursorPage CursorPage::from(const TextPairs& query) {
    CursorPage page{.after = std::nullopt, .size = size_in(query)};
    if (const std::string* token = given(query, "page_token")) {
        page.after = unbase64(*token);
        if (!page.after) throw invalid("page_token", FieldProblem::Reason::format, "must be a next_page_token of an earlier answer");
    }
    return page;
}

std::string page_token(std::string_view key) { return base64url(key); }

}  // namespace meridian::inline resource
