// What `meridian verify` says, offline and read-only: of one receipt's file, or of a whole ledger.
#include <fmt/format.h>

#include "metering/proof.h"
#include "metering/replay.h"

namespace meridian::metering {
namespace {

Meter::Verdict bad(std::string said) { return {.good = false, .said = std::move(said)}; }

std::string remarks(const History& history, const Ending& ending) {
    std::string said;
    if (const auto rest = history.book.size() - history.signed_size; rest > 0) said += fmt::format("; {} more are not signed yet", rest);
    if (!history.open.empty()) said += fmt::format("; {} runs are open", history.open.size());
    if (ending.has_tail) said += "; behind them is a torn record, which the next start cuts";
    return said;
}

}  // namespace

Meter::Verdict Meter::verify_directory(Disk& disk, const std::string& directory) {
    const auto key_text = disk.read_file(directory + "/key");
    if (!key_text) return bad(fmt::format("{} is no ledger: {}.", directory, key_text.error().said));
    const auto key = key_text->ends_with('\n') ? VerifierKey::parse(std::string_view(*key_text).substr(0, key_text->size() - 1))
                                               : complaint("it has no end");
    if (!key) return bad(fmt::format("{}/key cannot be used: {}.", directory, key.error().said));
    // Read first: a ledger that is being written to grows behind it.
    const auto published = newest_published(disk, directory, *key);
    if (!published)
        return bad(
            fmt::format("{}/checkpoint is not a checkpoint signed by {}; a start of Meridian writes it anew.", directory, key->str()));

    History history;
    history.key = *key;
    history.check = History::Check::roots_and_signatures;
    const auto ending = replay(disk, directory, history, published->size);
    if (!ending) return bad(ending.error().said);
    if (published->size > history.signed_size)
        return bad(fmt::format("The ledger in {} lacks the record of its newest checkpoint.", directory));
    if (history.tree.root(published->size) != published->root)
        return bad(
            fmt::format("The ledger in {} was changed: its {} receipts are not those that were signed.", directory, published->size));
    return {.good = true,
            .said = fmt::format("{} receipts under {} checkpoints, signed by {}{}.", history.signed_size, history.checkpoints, key->str(),
                                remarks(history, *ending)),
            .receipts = static_cast<std::int64_t>(history.book.size()),
            .checkpoints = static_cast<std::int64_t>(history.checkpoints)};
}

Meter::Verdict Meter::verify_file(std::string_view text, std::string_view trusted_key) {
    std::optional<VerifierKey> trusted;
    if (!trusted_key.empty()) {
        auto key = VerifierKey::parse(trusted_key);
        if (!key) return bad(fmt::format("The key to trust cannot be used: {}.", key.error().said));
        trusted = std::move(*key);
    }
    const auto proof = check_proof(text, trusted ? &*trusted : nullptr);
    if (!proof) return bad(fmt::format("The receipt does not verify: {}.", proof.error().said));
    const auto facts = facts_of(proof->leaf);
    return {
        .good = true,
        .said = fmt::format("Receipt {} is number {} of {} in the log {}, signed by {}{}.", facts->id.str(), proof->index + 1,
                            proof->checkpoint.size, proof->checkpoint.origin, proof->key.str(),
                            trusted ? ", the key that you trust" : " as the file itself says; compare that key with one that you trust"),
        .receipts = 1,
        .checkpoints = 1};
}

}  // namespace meridian::metering
