// Base64 and UTF-8.
#include <array>

#include "base/hash.h"

namespace meridian {
namespace {

constexpr char standard_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, const char* digits, bool padded) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    std::size_t i = 0;
    for (; i + 3 <= bytes.size(); i += 3) {
        const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        for (const int shift : {18, 12, 6, 0}) text += digits[group >> shift & 63];
    }
    if (const auto left = bytes.size() - i; left > 0) {
        const unsigned group = at(i) << 16 | (left == 2 ? at(i + 1) << 8 : 0);
        text += digits[group >> 18 & 63];
        text += digits[group >> 12 & 63];
        if (left == 2) text += digits[group >> 6 & 63];
        if (padded) text.append(3 - left, '=');
    }
    return text;
}

constexpr std::uint8_t no_digit = 255;
constexpr std::array<std::uint8_t, 256> values_of(const char* digits) {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(digits[i])] = i;
    return values;
}
constexpr auto standard_values = values_of(standard_digits);
constexpr auto url_values = values_of(url_digits);

}  // namespace

std::string base64(std::string_view bytes) { return encode(bytes, standard_digits, true); }
std::string base64url(std::string_view bytes) { return encode(bytes, url_digits, false); }

std::optional<std::string> unbase64(std::string_view text) {
    const bool is_url = text.find_first_of("-_") != std::string_view::npos;
    const auto& values = is_url ? url_values : standard_values;
    if (text.ends_with('=')) {
        if (text.size() % 4 != 0) return std::nullopt;
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    unsigned group = 0, bits = 0;
    for (const char c : text) {
        const auto value = values[static_cast<std::uint8_t>(c)];
        if (value == no_digit) return std::nullopt;
        group = (group << 6 | value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(group >> bits & 0xff);
        }
    }
    // Left-over bits that are set would make two texts for the same bytes.
    if ((group & ((1u << bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

bool is_utf8(std::string_view text) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
    const auto* const end = at + text.size();
    while (at < end) {
        const std::uint8_t first = *at++;
        if (first < 0x80) continue;
        // The range of the second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF.
        int more;
        std::uint8_t low = 0x80, high = 0xBF;
        if (first >= 0xC2 && first <= 0xDF) {
            more = 1;
        } else if (first >= 0xE0 && first <= 0xEF) {
            more = 2;
            if (first == 0xE0) low = 0xA0;
            if (first == 0xED) high = 0x9F;
        } else if (first >= 0xF0 && first <= 0xF4) {
            more = 3;
            if (first == 0xF0) low = 0x90;
            if (first == 0xF4) high = 0x8F;
        } else {
            return false;
        }
        for (; more > 0; --more, low = 0x80, high = 0xBF) {
            if (at == end || *at < low || *at > high) return false;
            ++at;
        }
    }
    return true;
}

}  // namespace meridian
