#include "base/hmac.h"

#include <algorithm>

namespace meridian {

HmacStream::HmacStream(std::string_view key) {
    const auto digest = key.size() > outer_pad_.size() ? std::optional(sha256(key)) : std::nullopt;
    std::array<char, 64> inner_pad{};
    std::ranges::copy(digest ? as_view(*digest) : key, inner_pad.begin());
    for (std::size_t i = 0; i < inner_pad.size(); ++i) {
        outer_pad_[i] = static_cast<char>(inner_pad[i] ^ 0x5C);
        inner_pad[i] = static_cast<char>(inner_pad[i] ^ 0x36);
    }
    inner_.add({inner_pad.data(), inner_pad.size()});
}

Sha256 HmacStream::finish() {
    Sha256Stream outer;
    outer.add({outer_pad_.data(), outer_pad_.size()});
    outer.add(as_view(inner_.finish()));
    return outer.finish();
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
    HmacStream stream(key);
    stream.add(bytes);
    return stream.finish();
}

}  // namespace meridian
