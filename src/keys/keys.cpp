#include "keys/keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "base/error.h"

namespace meridian::keys {
namespace {

constexpr std::size_t key_bytes = 32, nonce_bytes = 12, tag_bytes = 16;
// First byte of what seal() gives; another scheme gets another number.
constexpr char sealed_version = 1;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int length_of(std::string_view text) {
    MERIDIAN_ASSERT(text.size() <= (1u << 30));
    return static_cast<int>(text.size());
}

std::string random_bytes(Rng& rng, std::size_t count) {
    std::string bytes(count, '\0');
    rng.fill(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

Cipher begin_seal(const std::array<std::uint8_t, key_bytes>& key, std::string_view nonce, std::string_view context) {
    Cipher cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    MERIDIAN_ASSERT(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes_of(nonce)) == 1);
    MERIDIAN_ASSERT(EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(context), length_of(context)) == 1);
    return cipher;
}

Cipher begin_open(const std::array<std::uint8_t, key_bytes>& key, std::string_view nonce, std::string_view context) {
    Cipher cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    MERIDIAN_ASSERT(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes_of(nonce)) == 1);
    MERIDIAN_ASSERT(EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(context), length_of(context)) == 1);
    return cipher;
}

}  // namespace

std::string key_id(const PublicKey& key) {
    const Sha256 digest = sha256({reinterpret_cast<const char*>(key.data()), key.size()});
    return hex(std::span(digest).first(8));
}

struct SigningKey::Native {
    Key key;
    PublicKey public_key{};
    std::string seed;
    ~Native() { OPENSSL_cleanse(seed.data(), seed.size()); }
};

SigningKey::SigningKey(std::unique_ptr<Native> native) : native_(std::move(native)) {}
SigningKey::~SigningKey() = default;
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;

SigningKey SigningKey::generate(Rng& rng) {
    auto made = from_seed(random_bytes(rng, key_bytes));
    MERIDIAN_ASSERT(made.has_value());
    return std::move(*made);
}

expected<SigningKey> SigningKey::from_seed(std::string_view seed32) {
    if (seed32.size() != key_bytes) return complaint("a signing key is 32 bytes long");
    auto native = std::make_unique<Native>();
    native->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed32), seed32.size()));
    if (!native->key) return complaint("OpenSSL does not take the signing key");
    std::size_t size = native->public_key.size();
    MERIDIAN_ASSERT(EVP_PKEY_get_raw_public_key(native->key.get(), native->public_key.data(), &size) == 1 &&
                    size == native->public_key.size());
    native->seed = seed32;
    return SigningKey(std::move(native));
}

Signature SigningKey::sign(std::string_view message) const {
    const Digest digest(EVP_MD_CTX_new());
    Signature signature{};
    std::size_t size = signature.size();
    MERIDIAN_ASSERT(EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, native_->key.get()) == 1);
    MERIDIAN_ASSERT(EVP_DigestSign(digest.get(), signature.data(), &size, bytes_of(message), message.size()) == 1 &&
                    size == signature.size());
    return signature;
}

const PublicKey& SigningKey::public_key() const { return native_->public_key; }

std::string SigningKey::seed() const { return native_->seed; }

bool verify(const PublicKey& key, std::string_view message, std::string_view signature64) {
    if (signature64.size() != Signature{}.size()) return false;
    const Key native(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
    const Digest digest(EVP_MD_CTX_new());
    if (!native || EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, native.get()) != 1) return false;
    return EVP_DigestVerify(digest.get(), bytes_of(signature64), signature64.size(), bytes_of(message), message.size()) == 1;
}

expected<SealingKey> SealingKey::from_bytes(std::string_view key32) {
    std::array<std::uint8_t, key_bytes> key{};
    if (key32.size() != key.size()) return complaint("a sealing key is 32 bytes long");
    std::memcpy(key.data(), key32.data(), key.size());
    return SealingKey(key);
}

// version, nonce, ciphertext, tag. Random nonces are good for some four billion secrets under one key.
std::string SealingKey::seal(std::string_view secret, std::string_view context, Rng& rng) const {
    const std::string nonce = random_bytes(rng, nonce_bytes);
    const Cipher cipher = begin_seal(key_, nonce, context);
    std::string hidden(secret.size(), '\0'), tag(tag_bytes, '\0');
    int size = 0;
    MERIDIAN_ASSERT(EVP_EncryptUpdate(cipher.get(), bytes_of(hidden), &size, bytes_of(secret), length_of(secret)) == 1);
    MERIDIAN_ASSERT(EVP_EncryptFinal_ex(cipher.get(), bytes_of(hidden) + size, &size) == 1);
    MERIDIAN_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) == 1);
    return sealed_version + nonce + hidden + tag;
}

expected<std::string> SealingKey::open(std::string_view sealed, std::string_view context) const {
    if (sealed.size() < 1 + nonce_bytes + tag_bytes || sealed.size() > (1u << 30)) return complaint("this is no sealed secret");
    if (sealed[0] != sealed_version) return complaint("the secret was sealed by a newer Meridian");
    const std::string_view hidden = sealed.substr(1 + nonce_bytes, sealed.size() - 1 - nonce_bytes - tag_bytes);
    std::string tag(sealed.substr(sealed.size() - tag_bytes)), secret(hidden.size(), '\0');
    const Cipher cipher = begin_open(key_, sealed.substr(1, nonce_bytes), context);
    int size = 0;
    MERIDIAN_ASSERT(EVP_DecryptUpdate(cipher.get(), bytes_of(secret), &size, bytes_of(hidden), length_of(hidden)) == 1);
    MERIDIAN_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1);
    if (EVP_DecryptFinal_ex(cipher.get(), bytes_of(secret) + size, &size) == 1) return secret;
    OPENSSL_cleanse(secret.data(), secret.size());  // it was deciphered, but is not what was sealed
    return complaint("the secret was sealed with another key, for another purpose, or was damaged");
}

Sha256 SealingKey::mac(std::string_view message, std::string_view context) const {
    const auto hmac = [](std::span<const std::uint8_t> key, std::string_view text) {
        Sha256 made{};
        unsigned size = 0;
        MERIDIAN_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), made.data(), &size) !=
                            nullptr &&
                        size == made.size());
        return made;
    };
    auto derived = hmac(key_, context);
    const auto made = hmac(derived, message);
    OPENSSL_cleanse(derived.data(), derived.size());
    return made;
}

}  // namespace meridian::keys
