// HMAC (RFC 2104) with SHA-256.
#pragma once
#include <array>
#include <string_view>

#include "base/hash.h"

namespace meridian {

// Many inputs, one code.
class HmacStream {
public:
    explicit HmacStream(std::string_view key);
    void add(std::string_view bytes) { inner_.add(bytes); }
    Sha256 finish();  // once

private:
    std::array<char, 64> outer_pad_{};
    Sha256Stream inner_;
};

Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace meridian
