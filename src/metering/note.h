// Checkpoints as C2SP's tlog-checkpoint and signed-note have them, and verifier keys as Go's note package writes them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/hash.h"
#include "keys/keys.h"

namespace meridian::metering {

struct Checkpoint {
    std::string origin;
    std::uint64_t size = 0;
    Sha256 root{};
};

// The forms that these texts share: a number without leading zeros, and a line, which is taken from the front; nothing without its end.
std::optional<std::uint64_t> note_number(std::string_view text);
std::optional<std::string_view> take_line(std::string_view& rest);

// "meridian/<zone>/<first 8 hex of the key's id>": another key is another log.
std::string origin_of(std::string_view zone, const keys::PublicKey& key);

// The algorithm's number in a verifier key: Ed25519 over the note's text, or C2SP's cosignature/v1, which has a time beside it.
enum class KeyKind : char { log = 1, witness = 4 };

// "<name>+<8 hex of its hash>+<base64 of the algorithm's number and the public key>"
struct VerifierKey {
    std::string name;
    keys::PublicKey key{};
    KeyKind kind = KeyKind::log;
    [[nodiscard]] std::string str() const;
    [[nodiscard]] std::string hash() const;  // the four bytes by which a signature line names the key
    static expected<VerifierKey> parse(std::string_view text, KeyKind kind = KeyKind::log);
};

// A signed note in its parts. Every line must have its form.
struct NoteSignature {
    std::string_view name;
    std::string hash, signature;
};
struct Note {
    std::string_view text;  // what is signed
    std::vector<NoteSignature> signatures;
    // The signatures that name this key.
    [[nodiscard]] std::vector<std::string_view> by(const VerifierKey& key) const;
};
expected<Note> split_note(std::string_view note);
std::string signature_line(const VerifierKey& key, std::string_view signature);

// "<origin>\n<size>\n<base64 root>\n\n— <origin> <base64 of key hash and signature>\n"
std::string signed_note(const Checkpoint& checkpoint, const keys::SigningKey& key);

// The checkpoint without a look at the signatures: for logs whose newest note was checked, and whose records carry checksums.
expected<Checkpoint> read_note(std::string_view note);
// With the signature of `key`, whose name must be the origin. Signatures of others (cosigners) are passed over.
expected<Checkpoint> read_note(std::string_view note, const VerifierKey& key);

}  // namespace meridian::metering
