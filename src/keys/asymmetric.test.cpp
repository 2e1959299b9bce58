#include "keys/asymmetric.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "base/hash.h"

namespace meridian::keys {
namespace {

constexpr AsymmetricKind oaep{Scheme::rsa_oaep, 2048, "", "SHA256"};
constexpr AsymmetricKind signers[] = {{Scheme::ecdsa, 0, "P-256", "SHA256"},
                                      {Scheme::ecdsa, 0, "P-384", "SHA384"},
                                      {Scheme::ecdsa, 0, "secp256k1", "SHA256"},
                                      {Scheme::rsa_pss, 2048, "", "SHA256"},
                                      {Scheme::rsa_pkcs1, 2048, "", "SHA256"}};

TEST(AsymmetricKeys, SignDigestsAndRefuseWhatWasTamperedWith) {
    for (const auto& kind : signers) {
        const auto key = AsymmetricKey::generate(kind), other = AsymmetricKey::generate(kind);
        std::string digest(digest_bytes(kind), 'd');
        auto signature = key.sign(digest).value();
        EXPECT_TRUE(key.verify(digest, signature)) << kind.curve << kind.bits;
        EXPECT_FALSE(other.verify(digest, signature));
        EXPECT_FALSE(key.verify(digest, signature.substr(1)));
        EXPECT_FALSE(key.verify(digest, ""));
        EXPECT_FALSE(key.sign(digest + "d")) << "a digest of another length";
        digest[0] ^= 1;
        EXPECT_FALSE(key.verify(digest, signature));
    }
}

TEST(AsymmetricKeys, ComeBackFromTheirBytesAndFromNoOthers) {
    for (const auto& kind : signers) {
        const auto key = AsymmetricKey::generate(kind);
        const auto der = key.pkcs8();
        const auto again = AsymmetricKey::from_pkcs8(der, kind).value();
        EXPECT_EQ(again.public_pem(), key.public_pem());
        EXPECT_TRUE(key.public_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
        for (const auto& another : signers)
            if (another.scheme != kind.scheme && (another.bits != kind.bits || another.curve != kind.curve))
                EXPECT_FALSE(AsymmetricKey::from_pkcs8(der, another));
        EXPECT_FALSE(AsymmetricKey::from_pkcs8(der + "x", kind));
        EXPECT_FALSE(AsymmetricKey::from_pkcs8(der.substr(0, der.size() - 1), kind));
        EXPECT_FALSE(AsymmetricKey::from_pkcs8("", kind));
    }
    EXPECT_FALSE(AsymmetricKey::from_pkcs8(AsymmetricKey::generate(signers[0]).pkcs8(), signers[1])) << "P-256 is not P-384";
    EXPECT_FALSE(AsymmetricKey::from_pkcs8(AsymmetricKey::generate(signers[2]).pkcs8(), signers[0])) << "secp256k1 is not P-256";
}

TEST(AsymmetricKeys, DecryptWhatTheirPublicHalfEncrypted) {
    const auto key = AsymmetricKey::generate(oaep), other = AsymmetricKey::generate(oaep);
    auto hidden = key.encrypt("hello").value();
    EXPECT_EQ(hidden.size(), key.modulus_bytes());
    EXPECT_EQ(key.decrypt(hidden), "hello");
    EXPECT_FALSE(other.decrypt(hidden));
    EXPECT_TRUE(key.encrypt(std::string(190, 'x')));
    EXPECT_FALSE(key.encrypt(std::string(191, 'x'))) << "a block less 66 bytes of padding";
    hidden[7] ^= 1;
    EXPECT_FALSE(key.decrypt(hidden));
    EXPECT_FALSE(key.decrypt("short"));
}

std::string wrapped(const AsymmetricKey& key, std::string_view secret) {
    const std::string aes(32, 'a');
    auto* cipher = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    std::string out(secret.size() + 32, '\0');
    int size = 0;
    EVP_EncryptInit_ex(cipher, EVP_aes_256_wrap_pad(), nullptr, reinterpret_cast<const unsigned char*>(aes.data()), nullptr);
    EVP_EncryptUpdate(cipher, reinterpret_cast<unsigned char*>(out.data()), &size, reinterpret_cast<const unsigned char*>(secret.data()),
                      static_cast<int>(secret.size()));
    EVP_CIPHER_CTX_free(cipher);
    return key.encrypt(aes).value() + out.substr(0, static_cast<std::size_t>(size));
}

TEST(AsymmetricKeys, UnwrapWhatIsTooLongForOneBlock) {
    const auto key = AsymmetricKey::generate(oaep);
    const auto secret = AsymmetricKey::generate(signers[4]).pkcs8();
    auto whole = wrapped(key, secret);
    EXPECT_EQ(key.unwrap(whole), secret);
    EXPECT_FALSE(key.unwrap(whole.substr(0, key.modulus_bytes())));
    EXPECT_FALSE(AsymmetricKey::generate(oaep).unwrap(whole));
    whole.back() ^= 1;
    EXPECT_FALSE(key.unwrap(whole));
}

}  // namespace
}  // namespace meridian::keys
