// How a log goes on under another key. A leaf says so: it names the log before (its last checkpoint) and the key that follows, and is
// signed by the key before. So the chain holds both ways: whoever trusts the old key finds the new one, and a checkpoint of the new
// one covers the leaf that names the old.
//
// The new log begins as the leaves that the old one had, so that receipts keep their places. After a loss some of them are missing:
// the leaf then says which, and the new log's name keeps it apart from the old one, so that nobody's history forks.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/disk.h"
#include "base/time.h"
#include "metering/note.h"

namespace meridian::metering {

struct Succession {
    enum class Cause { rotated, restored };
    Cause cause = Cause::rotated;
    VerifierKey from, to;
    Checkpoint last;         // of the log before, as far as anybody has seen it
    std::uint64_t kept = 0;  // leaves of it that are in the new log, all before this one; those up to last.size are lost
    Timestamp at{};
};
std::string succession_leaf(const Succession& made, const keys::SigningKey& from);
// Only what succession_leaf writes, with the signature of `from`. The diagnostic is half a sentence.
expected<Succession> read_succession(std::string_view leaf);

// The file `keys` of a ledger: the verifier keys of the log from the first to the present one, a line each. `present` alone where
// there is none. The diagnostic is a sentence.
expected<std::vector<VerifierKey>> read_chain(Disk& disk, const std::string& directory, const VerifierKey& present);
std::string chain_text(const std::vector<VerifierKey>& chain);

}  // namespace meridian::metering
