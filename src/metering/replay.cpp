#include "metering/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <future>

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

// A segment and its receipts, as far as its records go.
struct Looked {
    DiskResult<std::string> bytes;
    std::vector<History::Leaf> receipts;
};
Looked look(Disk& disk, const std::string& path) {
    Looked made{disk.read_file(path), {}};
    if (!made.bytes) return made;
    for (auto record = record_at(*made.bytes, 0); record; record = record_at(*made.bytes, record->end()))
        if (record->type == RecordType::receipt) made.receipts.push_back(History::look(*record));
    return made;
}

class Replay {
public:
    Replay(Disk& disk, const std::string& directory, History& history, std::uint64_t durable_leaves, Pool* helper)
        : disk_(disk), directory_(directory), history_(history), durable_leaves_(durable_leaves), helper_(helper) {}

    expected<Ending> run() {
        auto segments = segments_in(disk_, directory_);
        if (!segments) return std::unexpected(segments.error());
        ending_.segments = std::move(*segments);
        for (std::size_t i = 0; i < ending_.segments.size() && !ending_.has_tail; ++i)
            if (auto read = segment(i); !read) return std::unexpected(read.error());
        if (history_.book.size() < durable_leaves_) {
            return complaint(
                fmt::format("The ledger in {} ends after {} receipts, but {} were there under a signed checkpoint. Bring it back from a "
                            "backup with `meridian restore`, or give up what is missing: `meridian log rotate-key --after-loss`.",
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

    // What look() finds in the segment, which the helper has begun with; it begins with the next one.
    Looked looked_at(std::size_t i) {
        auto found = ahead_.valid() ? ahead_.get() : look(disk_, path(i));
        if (helper_ && i + 1 < ending_.segments.size()) {
            std::promise<Looked> next;
            ahead_ = next.get_future();
            helper_->post([&disk = disk_, where = path(i + 1), next = std::move(next)]() mutable { next.set_value(look(disk, where)); });
        }
        return found;
    }

    expected<void> segment(std::size_t i) {
        const auto looked = looked_at(i);
        const auto& bytes = looked.bytes;
        if (!bytes) return complaint(fmt::format("The ledger cannot be read: {}.", bytes.error().said));
        auto leaf = looked.receipts.begin();
        if (ending_.segments[i].first_sequence != history_.next_sequence) return trouble(i, 0, *bytes, "records before it are missing");
        ending_.kept = i + 1;
        ending_.at = 0;
        while (const auto record = record_at(*bytes, ending_.at)) {
            if (record->sequence != history_.next_sequence) break;
            const auto* seen = record->type == RecordType::receipt ? &*leaf++ : nullptr;
            if (auto taken = history_.take(*record, static_cast<std::uint32_t>(i), seen); !taken) {
                if (history_.is_changing) return std::unexpected(taken.error());
                return damaged(path(i), record->at, taken.error().said);
            }
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
    Pool* helper_;
    std::future<Looked> ahead_;  // the segment after the one that is being read
    Ending ending_;
};

}  // namespace

History::Leaf History::look(const Record& receipt) { return {facts_of(receipt.payload), leaf_hash(receipt.payload)}; }

expected<void> History::take(const Record& record, std::uint32_t segment, const Leaf* seen) {
    const auto taken = [&] {
        switch (record.type) {
            case RecordType::opened:
                return take_opening(record);
            case RecordType::receipt:
                return take_receipt(record, segment, seen ? *seen : look(record));
            case RecordType::checkpoint:
                return take_checkpoint(record);
            case RecordType::event:
                return take_event(record, segment);
            case RecordType::succession:
                return take_succession(record, segment);
        }
        return expected<void>(complaint("a record is of no known kind"));
    }();
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

expected<void> History::take_receipt(const Record& record, std::uint32_t segment, const Leaf& leaf) {
    const auto& facts = leaf.facts;
    if (!facts) return std::unexpected(facts.error());
    if (open.erase(facts->id) == 0)
        return complaint(fmt::format("the run {} has a receipt without an opening, or a second one", facts->id.str()));
    MERIDIAN_ASSERT(book.add(*facts, {segment, record.at}));  // opened once, so settled once
    tree.append(leaf.hash);
    last_time = std::max(last_time, facts->ended_at);
    return {};
}

expected<void> History::take_event(const Record& record, std::uint32_t segment) {
    const auto event = read_event(record.payload);
    if (!event) return std::unexpected(event.error());
    if (open.contains(RunId(event->id.uuid())) || !book.add(*event, {segment, record.at}))
        return complaint(fmt::format("the event {} is there twice", event->id.str()));
    tree.append(leaf_hash(record.payload));
    last_time = std::max(last_time, event->at);
    return {};
}

expected<void> History::take_checkpoint(const Record& record) {
    const auto made = read_signed(record.payload);
    if (!made || made->durable_through >= record.sequence) return complaint("a checkpoint cannot be read");
    const auto checkpoint = read_note(made->note);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    const auto* key = signer(*checkpoint);
    if (!key) {
        return complaint(fmt::format("the checkpoint is of the log {}, and this zone's key is {}; bring the zone's key files back",
                                     checkpoint->origin, keys.empty() ? "none" : keys[changes.size()].name));
    }
    if (check == Check::roots_and_signatures)
        if (const auto checked = read_note(made->note, *key); !checked) return std::unexpected(checked.error());
    if (checkpoint->size > tree.size() || checkpoint->size < signed_size || tree.root(checkpoint->size) != checkpoint->root)
        return complaint(fmt::format("the log was changed, for its {} receipts are not those that were signed", checkpoint->size));
    durable_through = std::max(durable_through, made->durable_through);
    note = made->note;
    signed_size = checkpoint->size;
    ++checkpoints;
    return {};
}

// The present key; and that of the log before for its last checkpoint, which covers the leaf that ends it.
const VerifierKey* History::signer(const Checkpoint& checkpoint) const {
    const auto present = changes.size();
    if (present < keys.size() && keys[present].name == checkpoint.origin) return &keys[present];
    if (present == 0) return nullptr;
    const auto& change = changes.back().what;
    const bool is_last = change.cause == Succession::Cause::rotated && checkpoint.size == change.kept + 1;
    return is_last && change.from.name == checkpoint.origin ? &keys[present - 1] : nullptr;
}

expected<void> History::take_succession(const Record& record, std::uint32_t segment) {
    auto change = read_succession(record.payload);
    if (!change) return std::unexpected(change.error());
    const auto present = changes.size();
    if (present + 1 >= keys.size()) {
        is_changing = true;
        return complaint("The log's key is being changed, and that was interrupted: run `meridian log rotate-key` again.");
    }
    if (change->from.str() != keys[present].str() || change->to.str() != keys[present + 1].str())
        return complaint("a change of the log's key is not the one that the file `keys` has");
    const bool is_whole = change->last.size == change->kept;
    if (change->kept != tree.size() || (is_whole && tree.root(change->kept) != change->last.root) ||
        (!is_whole && change->cause == Succession::Cause::rotated))
        return complaint("the log was changed, for its leaves are not those before the change of its key");
    book.add_leaf({segment, record.at});
    tree.append(leaf_hash(record.payload));
    last_time = std::max(last_time, change->at);
    changes.push_back({std::move(*change), std::string(record.payload)});
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

expected<Ending> replay(Disk& disk, const std::string& directory, History& history, std::uint64_t durable_leaves, Pool* helper) {
    return Replay(disk, directory, history, durable_leaves, helper).run();
}

expected<Checkpoint> read_note(std::string_view note, std::span<const VerifierKey> keys) {
    auto checkpoint = read_note(note);
    if (!checkpoint) return checkpoint;
    const auto key = std::ranges::find(keys, checkpoint->origin, &VerifierKey::name);
    if (key == keys.end()) return complaint(fmt::format("it is of the log {}, not of {}", checkpoint->origin, keys.back().name));
    return read_note(note, *key);
}

std::optional<Published> newest_published(Disk& disk, const std::string& directory, std::span<const VerifierKey> keys) {
    const auto text = disk.read_file(directory + "/checkpoint");
    if (!text) return std::nullopt;
    auto checkpoint = read_note(*text, keys);
    if (!checkpoint) return std::nullopt;
    return Published{std::move(*checkpoint), *text};
}

expected<std::optional<Published>> newest_witnessed(Disk& disk, const std::string& directory, std::span<const VerifierKey> keys) {
    const auto text = disk.read_file(directory + "/witnessed");
    if (!text && text.error().kind == DiskError::Kind::not_found) return std::nullopt;
    auto checkpoint = text ? read_note(*text, keys) : complaint(text.error().said);
    if (!checkpoint)
        return complaint(
            fmt::format("{}/witnessed, what witnesses have seen of the log, cannot be used: {}. Bring it back from a backup, or "
                        "ask a witness for its newest checkpoint of this log and put that there.",
                        directory, checkpoint.error().said));
    return Published{std::move(*checkpoint), *text};
}

expected<void> check_root(const History& history, const Checkpoint& checkpoint, const std::string& directory) {
    for (const auto& [change, leaf] : history.changes)
        if (change.from.name == checkpoint.origin && change.kept < checkpoint.size) return {};  // lost, and declared so
    if (checkpoint.size <= history.tree.size() && history.tree.root(checkpoint.size) == checkpoint.root) return {};
    return complaint(
        fmt::format("The ledger in {} was changed: its {} receipts are not those that were signed.", directory, checkpoint.size));
}

}  // namespace meridian::metering
