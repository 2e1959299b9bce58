#include "base/sim/file.h"

#include <algorithm>
#include <cstring>

namespace meridian::sim {

constexpr std::uint64_t sector = 512;  // the most that hardware promises to write whole

void change_bytes(const Unwritten& change, std::string& bytes) {
    if (change.is_truncation) return bytes.resize(change.at);
    if (bytes.size() < change.at + change.bytes.size()) bytes.resize(change.at + change.bytes.size());
    std::memcpy(bytes.data() + change.at, change.bytes.data(), change.bytes.size());
}

namespace {

void change_some_sectors(const Unwritten& change, std::string& bytes, Rng& rng) {
    const auto end = change.at + change.bytes.size();
    for (auto at = change.at; at < end;) {
        const auto next = std::min((at / sector + 1) * sector, end);
        if (rng.below(2) == 0) change_bytes({at, change.bytes.substr(at - change.at, next - at), false}, bytes);
        at = next;
    }
}

}  // namespace

std::string torn(const Node& file, Rng& rng) {
    std::string bytes = file.durable;
    if (file.unwritten.empty()) return bytes;
    // Half of the time the disk wrote in order and stopped; half of the time it wrote in an order of its own.
    const bool in_order = rng.below(2) == 0;
    const auto whole = in_order ? rng.below(file.unwritten.size() + 1) : 0;
    for (std::size_t i = 0; i < file.unwritten.size(); ++i) {
        const auto& change = file.unwritten[i];
        if (in_order && i < whole)
            change_bytes(change, bytes);
        else if (in_order && i > whole)
            break;
        else if (!change.is_truncation)
            change_some_sectors(change, bytes, rng);
        else if (rng.below(2) == 0)
            change_bytes(change, bytes);
    }
    return bytes;
}

std::unexpected<DiskError> disk_error(DiskError::Kind kind, std::string_view doing, const std::string& path, std::string_view why) {
    return std::unexpected(DiskError{kind, std::string(doing) + " " + path + ": " + std::string(why)});
}

DiskResult<void> MemoryFile::alive(std::string_view doing) const {
    if (*lives_ == life_) return {};
    return disk_error(DiskError::Kind::io, doing, path_, "the power was cut after it was opened");
}

DiskResult<std::size_t> MemoryFile::read(std::uint64_t at, std::span<char> into) {
    if (auto dead = alive("reading"); !dead) return std::unexpected(dead.error());
    const auto& bytes = node_->seen;
    if (at >= bytes.size()) return 0;
    const auto count = std::min<std::uint64_t>(into.size(), bytes.size() - at);
    std::memcpy(into.data(), bytes.data() + at, count);
    return count;
}

DiskResult<void> MemoryFile::write(std::uint64_t at, std::string_view bytes) {
    if (auto allowed = may_change("writing"); !allowed) return allowed;
    const auto end = at + bytes.size();
    const auto size = node_->seen.size();
    const auto room = disk_.room();
    if (end > size && end - size > room) {
        // As a real disk does it: what fits is written.
        if (const auto fits = size + room; fits > at) record({at, std::string(bytes.substr(0, fits - at)), false});
        return disk_error(DiskError::Kind::full, "writing", path_, "No space left on device");
    }
    record({at, std::string(bytes), false});
    return {};
}

DiskResult<std::uint64_t> MemoryFile::size() {
    if (auto dead = alive("measuring"); !dead) return std::unexpected(dead.error());
    return node_->seen.size();
}

DiskResult<void> MemoryFile::truncate(std::uint64_t size) {
    if (auto allowed = may_change("truncating"); !allowed) return allowed;
    record({size, {}, true});
    return {};
}

DiskResult<void> MemoryFile::sync() {
    if (auto allowed = may_change("syncing"); !allowed) return allowed;
    node_->durable = node_->seen;
    node_->unwritten.clear();
    return {};
}

DiskResult<void> MemoryFile::may_change(std::string_view doing) {
    if (auto dead = alive(doing); !dead) return dead;
    if (is_read_only_ && doing != "syncing") return disk_error(DiskError::Kind::denied, doing, path_, "it was opened for reading");
    return disk_.count_mutation(doing, path_);
}

void MemoryFile::record(Unwritten change) {
    change_bytes(change, node_->seen);
    node_->unwritten.push_back(std::move(change));
}

}  // namespace meridian::sim
