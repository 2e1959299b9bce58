#include "keys/asymmetric.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "base/error.h"

namespace meridian::keys {
namespace {

constexpr std::size_t aes_bytes = 32, der_max = 16 * 1024;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
    void operator()(PKCS8_PRIV_KEY_INFO* info) const { PKCS8_PRIV_KEY_INFO_free(info); }
    void operator()(BIO* bio) const { BIO_free(bio); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// What OpenSSL has queued about a failure would be taken for one of TLS by the next who looks.
std::unexpected<Diagnostic> failed(std::string said) {
    ERR_clear_error();
    return complaint(std::move(said));
}

// `write(nullptr)` gives the length, `write(&end)` writes, as OpenSSL's i2d functions do.
template <class Write>
std::string der_of(Write write) {
    const int size = write(nullptr);
    MERIDIAN_ASSERT(size > 0);
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* end = bytes_of(der);
    MERIDIAN_ASSERT(write(&end) == size);
    return der;
}

bool is_of(EVP_PKEY* key, const AsymmetricKind& kind) {
    if (kind.scheme != Scheme::ecdsa) return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) == static_cast<int>(kind.bits);
    char name[64] = {};
    std::size_t length = 0;
    if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return false;
    return OBJ_txt2nid(name) == EC_curve_nist2nid(kind.curve) || std::string_view(name, length) == kind.curve;
}

Owned<EVP_PKEY_CTX> context_for(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*)) {
    Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    MERIDIAN_ASSERT(context && begin(context.get()) == 1);
    return context;
}

Owned<EVP_PKEY_CTX> oaep(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*), const char* digest) {
    auto context = context_for(key, begin);
    MERIDIAN_ASSERT(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_oaep_md_name(context.get(), digest, nullptr) == 1 &&
                    EVP_PKEY_CTX_set_rsa_mgf1_md_name(context.get(), digest, nullptr) == 1);
    return context;
}

Owned<EVP_PKEY_CTX> signing(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*), const AsymmetricKind& kind) {
    auto context = context_for(key, begin);
    auto* const raw = context.get();
    const auto* const digest = EVP_get_digestbyname(kind.digest);
    if (kind.scheme == Scheme::rsa_pss) {
        MERIDIAN_ASSERT(EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(raw, digest) == 1 &&
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(raw, RSA_PSS_SALTLEN_DIGEST) == 1);
    } else if (kind.scheme == Scheme::rsa_pkcs1) {
        MERIDIAN_ASSERT(EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_PADDING) == 1);
    }
    MERIDIAN_ASSERT(EVP_PKEY_CTX_set_signature_md(raw, digest) == 1);
    return context;
}

using Transform = int (*)(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*, std::size_t);
// What `f` makes of the input; nothing where it refuses.
std::string transformed(EVP_PKEY_CTX* context, Transform f, std::string_view input) {
    std::size_t size = 0;
    if (f(context, nullptr, &size, bytes_of(input), input.size()) != 1) return {};
    std::string out(size, '\0');
    if (f(context, bytes_of(out), &size, bytes_of(input), input.size()) != 1) {
        OPENSSL_cleanse(out.data(), out.size());
        return {};
    }
    out.resize(size);
    return out;
}

// RFC 5649.
std::string unwrapped(std::string_view wrapped, std::string_view key) {
    const Owned<EVP_CIPHER_CTX> cipher(EVP_CIPHER_CTX_new());
    EVP_CIPHER_CTX_set_flags(cipher.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    MERIDIAN_ASSERT(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_wrap_pad(), nullptr, bytes_of(key), nullptr) == 1);
    std::string out(wrapped.size() + EVP_MAX_BLOCK_LENGTH, '\0');
    int size = 0;
    if (EVP_DecryptUpdate(cipher.get(), bytes_of(out), &size, bytes_of(wrapped), static_cast<int>(wrapped.size())) != 1) size = 0;
    out.resize(static_cast<std::size_t>(std::max(size, 0)));
    return out;
}

}  // namespace

std::size_t digest_bytes(const AsymmetricKind& kind) {
    return static_cast<std::size_t>(EVP_MD_get_size(EVP_get_digestbyname(kind.digest)));
}

struct AsymmetricKey::Native {
    Owned<EVP_PKEY> key;
    AsymmetricKind kind;
};

AsymmetricKey::AsymmetricKey(std::unique_ptr<Native> native) : native_(std::move(native)) {}
AsymmetricKey::~AsymmetricKey() = default;
AsymmetricKey::AsymmetricKey(AsymmetricKey&&) noexcept = default;
AsymmetricKey& AsymmetricKey::operator=(AsymmetricKey&&) noexcept = default;

AsymmetricKey AsymmetricKey::generate(const AsymmetricKind& kind) {
    Owned<EVP_PKEY> key(kind.scheme == Scheme::ecdsa ? EVP_EC_gen(kind.curve) : EVP_RSA_gen(kind.bits));
    MERIDIAN_ASSERT(key);
    return AsymmetricKey(std::make_unique<Native>(std::move(key), kind));
}

expected<AsymmetricKey> AsymmetricKey::from_pkcs8(std::string_view der, const AsymmetricKind& kind, bool is_from_outside) {
    const auto* at = bytes_of(der);
    const Owned<PKCS8_PRIV_KEY_INFO> info(der.size() > der_max ? nullptr
                                                               : d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
    if (!info || at != bytes_of(der) + der.size()) return failed("this is no private key in PKCS#8 (DER)");
    Owned<EVP_PKEY> key(EVP_PKCS82PKEY(info.get()));
    if (!key || !is_of(key.get(), kind)) return failed("this private key is of another kind or size");
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (is_from_outside && EVP_PKEY_check(context.get()) != 1) return failed("the halves of this private key do not belong together");
    return AsymmetricKey(std::make_unique<Native>(std::move(key), kind));
}

std::string AsymmetricKey::pkcs8() const {
    const Owned<PKCS8_PRIV_KEY_INFO> info(EVP_PKEY2PKCS8(native_->key.get()));
    MERIDIAN_ASSERT(info);
    return der_of([&](unsigned char** out) { return i2d_PKCS8_PRIV_KEY_INFO(info.get(), out); });
}

std::string AsymmetricKey::public_der() const {
    return der_of([&](unsigned char** out) { return i2d_PUBKEY(native_->key.get(), out); });
}

std::string AsymmetricKey::public_pem() const {
    const Owned<BIO> bio(BIO_new(BIO_s_mem()));
    MERIDIAN_ASSERT(bio && PEM_write_bio_PUBKEY(bio.get(), native_->key.get()) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::size_t AsymmetricKey::modulus_bytes() const { return static_cast<std::size_t>(EVP_PKEY_get_size(native_->key.get())); }

expected<std::string> AsymmetricKey::encrypt(std::string_view plaintext) const {
    const auto context = oaep(native_->key.get(), EVP_PKEY_encrypt_init, native_->kind.digest);
    auto out = transformed(context.get(), EVP_PKEY_encrypt, plaintext);
    if (out.empty()) return failed("this is too long for one block of the key");
    return out;
}

expected<std::string> AsymmetricKey::decrypt(std::string_view ciphertext) const {
    const auto context = oaep(native_->key.get(), EVP_PKEY_decrypt_init, native_->kind.digest);
    auto out = transformed(context.get(), EVP_PKEY_decrypt, ciphertext);
    if (out.empty()) return failed("this was not encrypted with the public half of the key, or was damaged");
    return out;
}

expected<std::string> AsymmetricKey::unwrap(std::string_view wrapped) const {
    constexpr const char* said = "this was not wrapped with the public half of the key, or was damaged";
    const auto head = modulus_bytes();
    if (wrapped.size() <= head || wrapped.size() > head + der_max) return complaint(said);
    auto inner = decrypt(wrapped.substr(0, head));
    if (!inner) return complaint(said);
    const SecretBytes key(std::move(*inner));
    if (key.view().size() != aes_bytes) return complaint(said);
    auto out = unwrapped(wrapped.substr(head), key.view());
    if (out.empty()) return failed(said);
    return out;
}

expected<std::string> AsymmetricKey::sign(std::string_view digest) const {
    if (digest.size() != digest_bytes(native_->kind)) return complaint("the digest has another length than the algorithm's");
    const auto context = signing(native_->key.get(), EVP_PKEY_sign_init, native_->kind);
    auto out = transformed(context.get(), EVP_PKEY_sign, digest);
    if (out.empty()) return failed("OpenSSL does not sign this");
    return out;
}

bool AsymmetricKey::verify(std::string_view digest, std::string_view signature) const {
    if (digest.size() != digest_bytes(native_->kind)) return false;
    const auto context = signing(native_->key.get(), EVP_PKEY_verify_init, native_->kind);
    const bool is_valid = EVP_PKEY_verify(context.get(), bytes_of(signature), signature.size(), bytes_of(digest), digest.size()) == 1;
    ERR_clear_error();
    return is_valid;
}

SecretBytes::~SecretBytes() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

}  // namespace meridian::keys
