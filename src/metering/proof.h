// The file that `meridian verify` reads: one receipt or one event, its place in the log, and the log's signed checkpoint.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/json.h"
#include "metering/note.h"
#include "metering/tree.h"

namespace meridian::metering {

JsonArray hashes_json(const Proof& proof);
std::optional<Proof> hashes_in(const Json& json);  // no more than a tree can need

struct LeafProof {
    std::string_view noun;  // "receipt", "event"
    std::string id, leaf;
    std::uint64_t index = 0;
    Checkpoint checkpoint;
    VerifierKey key;
};

// `leaf` is a receipt's or an event's.
Json proof_file(std::string_view leaf, std::uint64_t index, const Proof& inclusion, std::uint64_t tree_size, std::string_view note,
                const VerifierKey& key);

// What the file proves, under one of the trusted keys or, without any, under the key that the file names. Strict: nothing may be missing,
// more, or written in another way. The diagnostic is half a sentence.
expected<LeafProof> check_proof(std::string_view text, std::span<const VerifierKey> trusted);

}  // namespace meridian::metering
