#include "metering/replay.h"

#include <fmt/format.h>

#include <charconv>

namespace meridian::metering {
namespace {

constexpr std::string_view suffix = ".seg";

std::optional<std::uint64_t> first_sequence_in(std::string_view name) {
    if (name.size() != 20 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + 20, number);
    if (error != std::errc() || end != name.data() + 20) return std::nullopt;
    return number;
}

// How far the ledger was durable according to whole checkpoint records at or after `from`, wherever they begin.
std::uint64_t claim_after(std::string_view segment, std::uint64_t from, std::uint64_t expected_sequence) {
    std::uint64_t claim = 0;
    for (std::uint64_t at = from; at + header_bytes < segment.size(); ++at) {
        if (segment[at + 8] != static_cast<char>(RecordType::checkpoint)) continue;
        const auto record = record_at(segment, at);
        if (!record || record->sequence < expected_sequence) continue;
        if (const auto made = read_signed(record->payload)) claim = std::max(claim, made->durable_through);
    }
    return claim;
}

std::unexpected<Diagnostic> damaged(const std::string& path, std::uint64_t at, std::string_view what) {
    return complaint(
        fmt::format("The ledger is damaged: {} at byte {}: {}. Bring it back from a backup with `meridian restore`.", path, at, what), at);
}

class Replay {
public:
    Replay(Disk& disk, const std::string& directory, History& history, std::uint64_t durable_leaves)
        : disk_(disk), directory_(directory), history_(history), durable_leaves_(durable_leaves) {}

    expected<Ending> run() {
        auto segments = segments_in(disk_, directory_);
        if (!segments) return std::unexpected(segments.error());
        ending_.segments = std::move(*segments);
        for (std::size_t i = 0; i < ending_.segments.size() && !ending_.has_tail; ++i)
            if (auto read = segment(i); !read) return std::unexpected(read.error());
        if (history_.book.size() < durable_leaves_) {
            return complaint(
                fmt::format("The ledger in {} ends after {} receipts, but {} were there under a signed checkpoint. Bring it back from a "
                            "backup with `meridian restore`.",
                            directory_, history_.book.size(), durable_leaves_));
        }
        return std::move(ending_);
    }

private:
    [[nodiscard]] std::string path(std::size_t i) const { return directory_ + "/" + ending_.segments[i].name; }

    expected<std::string> bytes_of(std::size_t i) {
        auto bytes = disk_.read_file(path(i));
        if (!bytes) return complaint(fmt::format("The ledger cannot be read: {}.", bytes.error().said));
        return std::move(*bytes);
    }

    expected<void> segment(std::size_t i) {
        const auto bytes = bytes_of(i);
        if (!bytes) return std::unexpected(bytes.error());
        if (ending_.segments[i].first_sequence != history_.next_sequence) return trouble(i, 0, *bytes, "records before it are missing");
        ending_.kept = i + 1;
        ending_.at = 0;
        while (const auto record = record_at(*bytes, ending_.at)) {
            if (record->sequence != history_.next_sequence) break;
            if (auto taken = history_.take(*record, static_cast<std::uint32_t>(i)); !taken)
                return damaged(path(i), record->at, taken.error().said);
            ending_.at = record->end();
        }
        ending_.blank_until = bytes->size();
        if (is_blank(*bytes, ending_.at)) return {};
        return trouble(i, ending_.at, *bytes, "a record is not what was written");
    }

    // Refuses when what is missing had been durable; marks the tail otherwise.
    expected<void> trouble(std::size_t i, std::uint64_t at, std::string_view bytes, std::string_view what) {
        auto claim = claim_after(bytes, at, history_.next_sequence);
        for (std::size_t later = i + 1; later < ending_.segments.size(); ++later) {
            const auto more = bytes_of(later);
            if (!more) return std::unexpected(more.error());
            claim = std::max(claim, claim_after(*more, 0, history_.next_sequence));
        }
        if (claim >= history_.next_sequence || history_.book.size() < durable_leaves_) return damaged(path(i), at, what);
        ending_.has_tail = true;
        return {};
    }

    Disk& disk_;
    const std::string& directory_;
    History& history_;
    std::uint64_t durable_leaves_;
    Ending ending_;
};

}  // namespace

expected<void> History::take(const Record& record, std::uint32_t segment) {
    auto taken = record.type == RecordType::opened    ? take_opening(record)
                 : record.type == RecordType::receipt ? take_receipt(record, segment)
                                                      : take_checkpoint(record);
    if (taken) next_sequence = record.sequence + 1;
    return taken;
}

expected<void> History::take_opening(const Record& record) {
    auto opening = read_opening(record.payload);
    if (!opening) return complaint("an opening cannot be read");
    last_time = std::max(last_time, opening->at);
    const auto id = opening->id;
    if (book.index_of(id) || !open.emplace(id, std::move(*opening)).second)
        return complaint(fmt::format("the run {} is opened twice", id.str()));
    return {};
}

expected<void> History::take_receipt(const Record& record, std::uint32_t segment) {
    const auto facts = facts_of(record.payload);
    if (!facts) return std::unexpected(facts.error());
    if (open.erase(facts->id) == 0)
        return complaint(fmt::format("the run {} has a receipt without an opening, or a second one", facts->id.str()));
    MERIDIAN_ASSERT(book.add(*facts, {segment, record.at}));  // opened once, so settled once
    tree.append(leaf_hash(record.payload));
    last_time = std::max(last_time, facts->ended_at);
    return {};
}

expected<void> History::take_checkpoint(const Record& record) {
    const auto made = read_signed(record.payload);
    if (!made || made->durable_through >= record.sequence) return complaint("a checkpoint cannot be read");
    const auto checkpoint = check == Check::roots ? read_note(made->note) : read_note(made->note, key);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    if (checkpoint->origin != key.name) {
        return complaint(fmt::format("the checkpoint is of the log {}, and this zone's key is {}; bring the zone's key files back",
                                     checkpoint->origin, key.name));
    }
    if (checkpoint->size > tree.size() || checkpoint->size < signed_size || tree.root(checkpoint->size) != checkpoint->root)
        return complaint(fmt::format("the log was changed, for its {} receipts are not those that were signed", checkpoint->size));
    durable_through = std::max(durable_through, made->durable_through);
    note = made->note;
    signed_size = checkpoint->size;
    ++checkpoints;
    return {};
}

std::string segment_name(std::uint64_t first_sequence) { return fmt::format("{:020}{}", first_sequence, suffix); }

expected<std::vector<SegmentFile>> segments_in(Disk& disk, const std::string& directory) {
    const auto names = disk.list(directory);
    if (!names) return complaint(fmt::format("The ledger cannot be read: {}.", names.error().said));
    std::vector<SegmentFile> found;
    for (const auto& each : *names)
        if (const auto first = first_sequence_in(each)) found.push_back({*first, each});
    return found;  // sorted by name, and so by sequence
}

expected<Ending> replay(Disk& disk, const std::string& directory, History& history, std::uint64_t durable_leaves) {
    return Replay(disk, directory, history, durable_leaves).run();
}

std::optional<Checkpoint> newest_published(Disk& disk, const std::string& directory, const VerifierKey& key) {
    const auto text = disk.read_file(directory + "/checkpoint");
    if (!text) return std::nullopt;
    auto checkpoint = read_note(*text, key);
    if (!checkpoint) return std::nullopt;
    return std::move(*checkpoint);
}

}  // namespace meridian::metering
