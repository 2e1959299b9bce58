// The file by which a reader who trusts one key of a log comes to trust the others: the present key, its newest checkpoint, and the
// leaves that tell of changes, each with its place under that checkpoint.
#pragma once
#include <string_view>
#include <vector>

#include "base/json.h"
#include "metering/log/service.h"
#include "metering/note.h"

namespace meridian::metering {

Json chain_file(const PublicLog::Chain& chain, const VerifierKey& present);
// All keys of the log, the first one first, when `trusted` is one of them and everything holds. The diagnostic is half a sentence.
expected<std::vector<VerifierKey>> check_chain(std::string_view text, const VerifierKey& trusted);

// The keys that a reader trusts: none for an empty text, that one, or with the file of the log's keys all of them. The diagnostic is a
// sentence.
expected<std::vector<VerifierKey>> trusted_keys(std::string_view key, std::string_view chain);

}  // namespace meridian::metering
