// What `meridian verify` says, offline and read-only: of one receipt's file, or of a whole ledger.
#include <fmt/format.h>

#include <algorithm>

#include "metering/log/chain.h"
#include "metering/proof.h"
#include "metering/replay.h"

namespace meridian::metering {
namespace {

Meter::Verdict bad(std::string said) { return {.good = false, .said = std::move(said)}; }

std::string remarks(const History& history, const Ending& ending) {
    std::string said;
    if (const auto rest = history.book.size() - history.signed_size; rest > 0) said += fmt::format("; {} more are not signed yet", rest);
    for (const auto& [change, leaf] : history.changes) {
        said += fmt::format("; from number {} on the log follows {}", change.kept + 1, change.from.name);
        if (const auto lost = change.last.size - change.kept; lost > 0)
            said += fmt::format(", of which {} were lost and are declared so", lost);
    }
    if (!history.open.empty()) said += fmt::format("; {} runs are open", history.open.size());
    if (ending.has_tail) said += "; behind them is a torn record, which the next start cuts";
    return said;
}

}  // namespace

expected<WholeLog> read_log(Disk& disk, const std::string& directory, Pool* helper) {
    const auto key_text = disk.read_file(directory + "/key");
    if (!key_text) return complaint(fmt::format("{} is no ledger: {}.", directory, key_text.error().said));
    auto key = key_text->ends_with('\n') ? VerifierKey::parse(std::string_view(*key_text).substr(0, key_text->size() - 1), KeyKind::log)
                                         : complaint("it has no end");
    if (!key) return complaint(fmt::format("{}/key cannot be used: {}.", directory, key.error().said));
    // Read first: a ledger that is being written to grows behind it.
    auto keys = read_chain(disk, directory, *key);
    if (!keys) return std::unexpected(keys.error());
    auto published = newest_published(disk, directory, *keys);
    if (!published)
        return complaint(
            fmt::format("{}/checkpoint is not a checkpoint signed by {}; a start of Meridian writes it anew.", directory, key->str()));

    auto witnessed = newest_witnessed(disk, directory, *keys);
    if (!witnessed) return std::unexpected(witnessed.error());
    WholeLog log{std::move(*keys), std::move(*published), std::move(*witnessed), {}, {}};
    log.history.keys = log.keys;
    log.history.check = History::Check::roots_and_signatures;
    // A checkpoint of a log before may speak of more than was kept of it.
    std::uint64_t durable = 0;
    for (const Published* each : {&log.published, log.witnessed ? &*log.witnessed : nullptr})
        if (each && each->origin == key->name) durable = std::max(durable, each->size);
    auto ending = replay(disk, directory, log.history, durable, helper);
    if (!ending) return std::unexpected(ending.error());
    log.ending = std::move(*ending);
    if (log.published.size > log.history.signed_size)
        return complaint(fmt::format("The ledger in {} lacks the record of its newest checkpoint.", directory));
    if (auto checked = check_root(log.history, log.published, directory); !checked) return std::unexpected(checked.error());
    if (log.witnessed)
        if (auto checked = check_root(log.history, *log.witnessed, directory); !checked) return std::unexpected(checked.error());
    return log;
}

Meter::Verdict Meter::verify_directory(Disk& disk, const std::string& directory, std::string_view trusted_key, Pool* helper) {
    const auto trusted = trusted_keys(trusted_key, {});
    if (!trusted) return bad(trusted.error().said);
    const auto log = read_log(disk, directory, helper);
    if (!log) return bad(log.error().said);
    if (!trusted->empty() && std::ranges::find(log->keys, trusted_key, &VerifierKey::str) == log->keys.end())
        return bad(fmt::format("The ledger in {} is signed by {}, and the key that you trust is none of its keys.", directory,
                               log->keys.back().str()));
    const auto& history = log->history;
    return {.good = true,
            .said = fmt::format("{} receipts under {} checkpoints, signed by {}{}.",
                                history.signed_size - history.changes.size() - history.book.events_among(history.signed_size),
                                history.checkpoints, log->keys.back().str(), remarks(history, log->ending)),
            .receipts =
                static_cast<std::int64_t>(history.book.size() - history.changes.size() - history.book.events_among(history.book.size())),
            .checkpoints = static_cast<std::int64_t>(history.checkpoints)};
}

Meter::Verdict Meter::verify_file(std::string_view text, std::string_view trusted_key, std::string_view chain) {
    const auto keys = trusted_keys(trusted_key, chain);
    if (!keys) return bad(keys.error().said);
    const auto proof = check_proof(text, *keys);
    if (!proof) return bad(fmt::format("The file does not verify: {}.", proof.error().said));
    const std::string_view how = trusted_key.empty()               ? " as the file itself says; compare that key with one that you trust"
                                 : proof->key.str() == trusted_key ? ", the key that you trust"
                                                                   : ", which the key that you trust leads to";
    return {.good = true,
            .said = fmt::format("The {} {} is number {} of {} in the log {}, signed by {}{}.", proof->noun, proof->id, proof->index + 1,
                                proof->checkpoint.size, proof->checkpoint.origin, proof->key.str(), how),
            .receipts = proof->noun == "receipt" ? 1 : 0,
            .checkpoints = 1};
}

}  // namespace meridian::metering
