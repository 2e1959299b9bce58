// Checkpoints as C2SP's tlog-checkpoint and signed-note have them, and verifier keys as Go's note package writes them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/hash.h"
#include "keys/keys.h"

namespace meridian::metering {

struct Checkpoint {
    std::string origin;
    std::uint64_t size = 0;
    Sha256 root{};
};

// "meridian/<zone>/<first 8 hex of the key's id>": another key is another log.
std::string origin_of(std::string_view zone, const keys::PublicKey& key);

// "<name>+<8 hex of its hash>+<base64 of 0x01 and the public key>"
struct VerifierKey {
    std::string name;
    keys::PublicKey key{};
    [[nodiscard]] std::string str() const;
    static expected<VerifierKey> parse(std::string_view text);
};

// "<origin>\n<size>\n<base64 root>\n\n— <origin> <base64 of key hash and signature>\n"
std::string signed_note(const Checkpoint& checkpoint, const keys::SigningKey& key);

// The checkpoint without a look at the signatures: for logs whose newest note was checked, and whose records carry checksums.
expected<Checkpoint> read_note(std::string_view note);
// With the signature of `key`, whose name must be the origin. Signatures of others (cosigners) are passed over.
expected<Checkpoint> read_note(std::string_view note, const VerifierKey& key);

}  // namespace meridian::metering
