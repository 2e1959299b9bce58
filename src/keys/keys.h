// Keys: signing (Ed25519), sealing of secrets that we must present again (AES-256-GCM). Private keys never leave this room.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/disk.h"
#include "base/expected.h"
#include "base/hash.h"
#include "base/rng.h"

namespace meridian::keys {

using Signature = std::array<std::uint8_t, 64>;
using PublicKey = std::array<std::uint8_t, 32>;

std::string key_id(const PublicKey& key);  // hex of the first 8 bytes of its SHA-256

class SigningKey {
public:
    static SigningKey generate(Rng& rng);
    static expected<SigningKey> from_seed(std::string_view seed32);
    ~SigningKey();
    SigningKey(SigningKey&&) noexcept;
    SigningKey& operator=(SigningKey&&) noexcept;
    [[nodiscard]] Signature sign(std::string_view message) const;
    [[nodiscard]] const PublicKey& public_key() const;
    [[nodiscard]] std::string key_id() const { return keys::key_id(public_key()); }
    [[nodiscard]] std::string seed() const;  // for the key file alone

private:
    struct Native;
    explicit SigningKey(std::unique_ptr<Native>);
    std::unique_ptr<Native> native_;
};

[[nodiscard]] bool verify(const PublicKey& key, std::string_view message, std::string_view signature64);

// Seals with a random nonce; `context` is bound in (what the secret is for) and must be given again to open.
class SealingKey {
public:
    static expected<SealingKey> from_bytes(std::string_view key32);
    [[nodiscard]] std::string seal(std::string_view secret, std::string_view context, Rng& rng) const;
    [[nodiscard]] expected<std::string> open(std::string_view sealed, std::string_view context) const;
    // HMAC-SHA256 of the message under a key made for `context` alone: for links that we hand out and recognize again.
    [[nodiscard]] Sha256 mac(std::string_view message, std::string_view context) const;

private:
    explicit SealingKey(std::array<std::uint8_t, 32> key) : key_(key) {}
    std::array<std::uint8_t, 32> key_;
};

// Key files of one zone or of the control plane: made on first start with mode 0600, durable before first use.
struct KeyRing {
    SigningKey signing;
    SealingKey sealing;
    static expected<KeyRing> open(Disk& disk, Rng& rng, const std::string& directory);
};

// Another signing key that will take over: made durable beside the one in use, and the same one again until it is taken.
expected<SigningKey> next_signing_key(Disk& disk, Rng& rng, const std::string& directory);
// Puts it in the place of the one in use, which is gone then. Nothing happens where there is none.
expected<void> take_next_signing_key(Disk& disk, const std::string& directory);

}  // namespace meridian::keys
