#include "base/id.h"

#include "base/rng.h"

namespace meridian {
namespace {

int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
bool dash_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

Uuid stamped(Uuid u, std::uint8_t version) {
    u.bytes[6] = static_cast<std::uint8_t>((u.bytes[6] & 0x0f) | (version << 4));
    u.bytes[8] = static_cast<std::uint8_t>((u.bytes[8] & 0x3f) | 0x80);
    return u;
}

}  // namespace

std::string Uuid::str() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(36, '-');
    char* at = text.data();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (dash_before(i)) ++at;
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    Uuid u;
    const char* at = text.data();
    for (std::size_t i = 0; i < u.bytes.size(); ++i) {
        if (dash_before(i) && *at++ != '-') return std::nullopt;
        const int high = nibble(at[0]), low = nibble(at[1]);
        if (high < 0 || low < 0) return std::nullopt;
        u.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
        at += 2;
    }
    return u;
}

Uuid Uuid::random(Rng& rng) {
    Uuid u;
    rng.fill(std::as_writable_bytes(std::span(u.bytes)));
    return stamped(u, 4);
}

Uuid Uuid::ordered(Rng& rng, std::int64_t unix_milliseconds) {
    Uuid u;
    rng.fill(std::as_writable_bytes(std::span(u.bytes)));
    for (std::size_t i = 0; i < 6; ++i) u.bytes[i] = static_cast<std::uint8_t>(unix_milliseconds >> (8 * (5 - i)));
    return stamped(u, 7);
}

}  // namespace meridian
