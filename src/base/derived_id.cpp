#include "base/derived_id.h"

#include <algorithm>

#include "base/hash.h"

namespace meridian {

Uuid derived_uuid(std::string_view bytes) {
    const auto digest = sha256(bytes);
    Uuid made;
    std::copy_n(digest.begin(), made.bytes.size(), made.bytes.begin());
    made.bytes[6] = static_cast<std::uint8_t>((made.bytes[6] & 0x0F) | 0x80);
    made.bytes[8] = static_cast<std::uint8_t>((made.bytes[8] & 0x3F) | 0x80);
    return made;
}

}  // namespace meridian
