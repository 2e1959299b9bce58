#include "metering/commitment.h"

namespace meridian::metering {

CommitmentKey CommitmentKey::make(Rng& rng) {
    CommitmentKey made;
    rng.fill(std::as_writable_bytes(std::span(made.key_)));
    return made;
}

std::string CommitmentKey::text() const { return base64(bytes()); }

Commitment::Commitment(const CommitmentKey& key, std::string_view label) : code_(key.bytes()) {
    code_.add(label);
    code_.add(std::string_view("\0", 1));
}

}  // namespace meridian::metering
