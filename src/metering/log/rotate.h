// Gives a zone's log a new key: `meridian log rotate-key`, and after a loss the new log that names the old one.
#pragma once
#include <optional>
#include <string>

#include "metering/log/succession.h"
#include "metering/service.h"

namespace meridian::metering {

struct NewKey {
    std::string keys_directory;
    // After a loss: the ledger is behind what was published or witnessed, and this says that what is missing is given up.
    Succession::Cause cause = Succession::Cause::rotated;
    std::string seen = {};  // a checkpoint of the log that somebody has, where it is newer than what lies beside the ledger
};
// With the zone's Meridian stopped. Every step is durable before the next; one that was interrupted is ended by calling this again.
// The log's new verifier key, or a sentence.
expected<std::string> change_log_key(Disk& disk, Clock& clock, Rng& rng, Pool& pool, const geography::ZoneFacts& zone, MeterOptions options,
                                     const NewKey& wanted);

}  // namespace meridian::metering
