// Digests and text encodings of bytes.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace meridian {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
// Many inputs, one digest.
class Sha256Stream {
public:
    Sha256Stream();
    ~Sha256Stream();
    Sha256Stream(Sha256Stream&&) noexcept;
    Sha256Stream& operator=(Sha256Stream&&) noexcept;
    void add(std::string_view bytes);
    Sha256 finish();  // once

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

// CRC-32C (Castagnoli), as in RFC 3720; `seed` is the value of the bytes before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

std::string hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> unhex(std::string_view text);  // the bytes
std::string base64(std::string_view bytes);
std::string base64url(std::string_view bytes);  // no padding
// Standard or URL alphabet, padding optional; nothing for anything else.
std::optional<std::string> unbase64(std::string_view text);

// Takes the same time for equal lengths, whatever the bytes.
bool equal_in_constant_time(std::string_view a, std::string_view b);

std::string_view as_view(const Sha256& digest);
std::optional<Sha256> parse_sha256(std::string_view hex64);

bool is_utf8(std::string_view text);

}  // namespace meridian
