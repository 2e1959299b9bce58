#include "secrets/types.h"

#include <algorithm>

#include "base/error.h"

namespace meridian::secrets {
namespace {

using keys::Scheme;

constexpr Algorithm all[] = {
    {Usage::symmetric_encryption, "aes_256_gcm", true},
    {Usage::asymmetric_encryption, "rsa_oaep_2048_sha256", false, {Scheme::rsa_oaep, 2048, "", "SHA256"}},
    {Usage::asymmetric_encryption, "rsa_oaep_3072_sha256", true, {Scheme::rsa_oaep, 3072, "", "SHA256"}},
    {Usage::asymmetric_encryption, "rsa_oaep_4096_sha256", false, {Scheme::rsa_oaep, 4096, "", "SHA256"}},
    {Usage::asymmetric_signing, "ec_p256_sha256", true, {Scheme::ecdsa, 0, "P-256", "SHA256"}},
    {Usage::asymmetric_signing, "ec_p384_sha384", false, {Scheme::ecdsa, 0, "P-384", "SHA384"}},
    {Usage::asymmetric_signing, "ec_secp256k1_sha256", false, {Scheme::ecdsa, 0, "secp256k1", "SHA256"}},
    {Usage::asymmetric_signing, "rsa_pss_2048_sha256", false, {Scheme::rsa_pss, 2048, "", "SHA256"}},
    {Usage::asymmetric_signing, "rsa_pss_3072_sha256", true, {Scheme::rsa_pss, 3072, "", "SHA256"}},
    {Usage::asymmetric_signing, "rsa_pss_4096_sha256", false, {Scheme::rsa_pss, 4096, "", "SHA256"}},
    {Usage::asymmetric_signing, "rsa_pkcs1_2048_sha256", false, {Scheme::rsa_pkcs1, 2048, "", "SHA256"}},
    {Usage::asymmetric_signing, "rsa_pkcs1_3072_sha256", false, {Scheme::rsa_pkcs1, 3072, "", "SHA256"}},
    {Usage::asymmetric_signing, "rsa_pkcs1_4096_sha256", false, {Scheme::rsa_pkcs1, 4096, "", "SHA256"}},
};

}  // namespace

std::span<const Algorithm> algorithms() { return all; }

const Algorithm* algorithm(Usage usage, std::string_view name) {
    const auto* const at = std::ranges::find_if(all, [&](const Algorithm& one) { return one.usage == usage && one.name == name; });
    return at == std::end(all) ? nullptr : at;
}

const Algorithm& Key::algorithm() const {
    const auto* const known = secrets::algorithm(use, algorithm_name);
    if (!known) throw Error(Fault::bug, "A stored key is of an algorithm that is not known.", algorithm_name);
    return *known;
}

void Key::complete() {
    switch (use) {
        case Usage::symmetric_encryption:
            usage.symmetric_encryption = algorithm_name;
            break;
        case Usage::asymmetric_encryption:
            usage.asymmetric_encryption = algorithm_name;
            break;
        case Usage::asymmetric_signing:
            usage.asymmetric_signing = algorithm_name;
            break;
    }
    state = deletion_requested_at ? KeyState::scheduled_for_deletion
            : current == 0        ? KeyState::pending_key_material
            : is_disabled         ? KeyState::disabled
                                  : KeyState::enabled;
    rotation_count = newest > 0 ? newest - 1 : 0;
    rotation_policy.reset();
    if (rotation_period) rotation_policy = RotationPolicy{rotation_period, next_rotation_at};
}

}  // namespace meridian::secrets
