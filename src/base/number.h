// Whole numbers in decimal digits.
#pragma once
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace meridian {

// The number that the whole text is; nothing where there is more, less or too much. A sign is taken where `I` has one.
template <std::integral I>
std::optional<I> whole_number(std::string_view text) {
    I number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace meridian
