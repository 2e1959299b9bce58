// Signed texts that travel: JSON Web Signature in its compact form (RFC 7515, 7.1) by EdDSA (RFC 8037).
#pragma once
#include <string>
#include <string_view>

#include "keys/keys.h"

namespace meridian::keys {

// `header`: JSON that says alg EdDSA and the kid of the key. `payload`: any bytes.
std::string compact_jws(const SigningKey& key, std::string_view header, std::string_view payload);

}  // namespace meridian::keys
