// The ledger as a public log.
#include "metering/ledger_meter.h"

namespace meridian::metering {

std::vector<keys::PublicKey> LedgerMeter::log_keys() {
    std::vector<keys::PublicKey> all;
    for (auto key = chain_.rbegin(); key != chain_.rend(); ++key) all.push_back(key->key);
    return all;
}

PublicLog::Chain LedgerMeter::log_chain() {
    Chain chain;
    std::uint64_t size = 0;
    {
        const std::lock_guard lock(mutex_);
        chain.checkpoint = note_;
        size = covered_;
    }
    const std::lock_guard lock(tree_mutex_);
    for (const auto& each : changes_) chain.changes.push_back({each.index, each.leaf, tree_.inclusion(each.index, size)});
    return chain;
}

std::string LedgerMeter::log_witnessed() {
    const std::lock_guard lock(mutex_);
    return witnessed_;
}

void LedgerMeter::keep_witnessed(std::string note) {
    if (const auto kept = disk_.replace_file(options_.directory + "/witnessed", note); !kept)
        raise(kept.error(), "writing what the witnesses signed");
    const std::lock_guard lock(mutex_);
    witnessed_ = std::move(note);
}

std::uint64_t LedgerMeter::log_size() {
    const std::lock_guard lock(mutex_);
    return covered_;
}

std::optional<std::string> LedgerMeter::tile(const Tile& tile) {
    if (!has_tile(log_size(), tile)) return std::nullopt;
    const std::lock_guard lock(tree_mutex_);
    return tile_bytes(tree_, tile);
}

PublicLog::Inclusion LedgerMeter::inclusion(std::uint64_t index, std::uint64_t size) {
    const std::lock_guard lock(tree_mutex_);
    return {tree_.row(0, index, 1).front(), tree_.inclusion(index, size)};
}

Proof LedgerMeter::consistency(std::uint64_t from, std::uint64_t to) {
    const std::lock_guard lock(tree_mutex_);
    return tree_.consistency(from, to);
}

}  // namespace meridian::metering
