// Keys of two halves in the algorithms that others name: RSA to decrypt and to sign, elliptic curves to sign. PKCS#8 outside, OpenSSL
// inside. New keys, paddings and nonces come from OpenSSL's own generator: it takes no other.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace meridian::keys {

enum class Scheme { rsa_oaep, rsa_pss, rsa_pkcs1, ecdsa };
struct AsymmetricKind {
    Scheme scheme = Scheme::rsa_oaep;
    unsigned bits = 0;              // of an RSA modulus
    const char* curve = "";         // "P-256"
    const char* digest = "SHA256";  // of what is signed, and of the paddings
};
std::size_t digest_bytes(const AsymmetricKind& kind);

class AsymmetricKey {
public:
    // Takes seconds for a large RSA key.
    static AsymmetricKey generate(const AsymmetricKind& kind);
    // A key that is not of this kind is complained of; one from outside also where its halves do not belong together, which takes as
    // long as many signatures.
    static expected<AsymmetricKey> from_pkcs8(std::string_view der, const AsymmetricKind& kind, bool is_from_outside = true);
    ~AsymmetricKey();
    AsymmetricKey(AsymmetricKey&&) noexcept;
    AsymmetricKey& operator=(AsymmetricKey&&) noexcept;

    [[nodiscard]] std::string pkcs8() const;  // both halves: to be sealed at once
    [[nodiscard]] std::string public_pem() const;
    [[nodiscard]] std::string public_der() const;

    // OAEP. What does not open is complained of in one way, whatever is wrong with it.
    [[nodiscard]] expected<std::string> encrypt(std::string_view plaintext) const;
    [[nodiscard]] expected<std::string> decrypt(std::string_view ciphertext) const;
    [[nodiscard]] std::size_t modulus_bytes() const;
    // OAEP for a key of AES, RFC 5649 under that for the rest (CKM_RSA_AES_KEY_WRAP).
    [[nodiscard]] expected<std::string> unwrap(std::string_view wrapped) const;

    // Of a digest of `digest_bytes`. Those of elliptic curves are in DER.
    [[nodiscard]] expected<std::string> sign(std::string_view digest) const;
    [[nodiscard]] bool verify(std::string_view digest, std::string_view signature) const;

private:
    struct Native;
    explicit AsymmetricKey(std::unique_ptr<Native>);
    std::unique_ptr<Native> native_;
};

// The bytes of a key, overwritten when they are let go.
class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(std::string bytes) : bytes_(std::move(bytes)) {}
    SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        bytes_.swap(other.bytes_);
        return *this;
    }
    ~SecretBytes();
    [[nodiscard]] std::string_view view() const { return bytes_; }

private:
    std::string bytes_;
};

}  // namespace meridian::keys
