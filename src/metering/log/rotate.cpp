#include "metering/log/rotate.h"

#include <fmt/format.h>

#include "metering/ledger_meter.h"
#include "metering/log/witnesses.h"
#include "metering/replay.h"

namespace meridian::metering {
namespace {

// What others have seen of the log at most: published, or cosigned.
expected<std::optional<Checkpoint>> newest_seen(Disk& disk, const std::string& ledger, const std::vector<VerifierKey>& chain,
                                                const VerifierKey& log) {
    std::optional<Checkpoint> newest = newest_published(disk, ledger, chain);
    const auto witnessed = newest_witnessed(disk, ledger, chain);
    if (!witnessed) return std::unexpected(witnessed.error());
    if (newest && newest->origin != log.name) newest.reset();
    if (*witnessed && (*witnessed)->origin == log.name && (!newest || newest->size < (*witnessed)->size)) newest = **witnessed;
    return newest;
}

}  // namespace

expected<std::string> change_log_key(Disk& disk, Clock& clock, Rng& rng, Pool& pool, const geography::ZoneFacts& zone, MeterOptions options,
                                     const NewKey& wanted) {
    auto lock = LedgerMeter::lock(disk, options.directory);
    if (!lock) return std::unexpected(lock.error());
    const auto ring = keys::KeyRing::open(disk, rng, wanted.keys_directory);
    if (!ring) return std::unexpected(ring.error());
    const auto next = keys::next_signing_key(disk, rng, wanted.keys_directory);
    if (!next) return std::unexpected(next.error());
    const auto name = zone.name.str();
    const VerifierKey before{origin_of(name, ring->signing.public_key()), ring->signing.public_key()};
    const VerifierKey after{origin_of(name, next->public_key()), next->public_key()};
    const auto ledger = options.directory;
    auto chain = read_chain(disk, ledger, before);
    if (chain) {
        chain->push_back(after);
    } else if (chain = read_chain(disk, ledger, after); !chain) {  // the file was written already
        return std::unexpected(chain.error());
    }
    if (!wanted.seen.empty()) {
        if (const auto read = read_note(wanted.seen, *chain); !read)
            return complaint(fmt::format("The checkpoint that somebody has seen cannot be used: {}.", read.error().said));
        if (auto kept = keep_newest_witnessed(disk, ledger, wanted.seen); !kept) return std::unexpected(kept.error());
    }
    const auto seen = newest_seen(disk, ledger, *chain, before);
    if (!seen) return std::unexpected(seen.error());
    try {
        LedgerMeter meter(disk, clock, rng, pool, *next, zone, std::move(options), std::move(*lock));
        const LedgerMeter::Change change{ring->signing, *chain, wanted.cause, *seen};
        if (auto begun = meter.begin(&change); !begun) return std::unexpected(begun.error());
        if (const auto written = disk.replace_file(ledger + "/keys", chain_text(*chain)); !written)
            return complaint(fmt::format("The log's keys cannot be written: {}. Run this again.", written.error().said));
        if (auto taken = keys::take_next_signing_key(disk, wanted.keys_directory); !taken) return std::unexpected(taken.error());
        meter.close();
    } catch (const Error& e) {
        return complaint(fmt::format("{} ({})", e.said, e.logged));
    }
    return after.str();
}

}  // namespace meridian::metering
