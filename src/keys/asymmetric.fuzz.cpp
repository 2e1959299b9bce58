// A private key that somebody brings: any bytes end in a key of the kind or in a diagnostic.
#include "keys/asymmetric.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian::keys;
    const std::string_view der(reinterpret_cast<const char*>(data), size);
    const AsymmetricKind kinds[] = {{Scheme::rsa_oaep, 2048, "", "SHA256"}, {Scheme::ecdsa, 0, "P-256", "SHA256"}};
    for (const auto& kind : kinds)
        if (const auto key = AsymmetricKey::from_pkcs8(der, kind)) (void)key->public_pem();
    return 0;
}
