#include "keys/jws.h"

#include "base/hash.h"

namespace meridian::keys {

std::string compact_jws(const SigningKey& key, std::string_view header, std::string_view payload) {
    const auto text = base64url(header) + "." + base64url(payload);
    const auto signature = key.sign(text);
    return text + "." + base64url({reinterpret_cast<const char*>(signature.data()), signature.size()});
}

}  // namespace meridian::keys
