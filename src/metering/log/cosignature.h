// C2SP's cosignature/v1: a witness's statement that, at a time, this checkpoint was the largest it had seen of the log, and that it
// continues all that it had seen before. One more signature line of the note. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "metering/note.h"

namespace meridian::metering {

// The line by which `witness`, whose key is `key`, signs the note. The note has the form of one.
std::string cosignature(std::string_view note, const VerifierKey& witness, const keys::SigningKey& key, Timestamp at);
// When the witness signed it, to the second: the newest time, nothing when there is no line of it. A wrong signature is a complaint.
expected<std::optional<Timestamp>> cosigned_at(std::string_view note, const VerifierKey& witness);

}  // namespace meridian::metering
