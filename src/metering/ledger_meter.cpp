#include "metering/ledger_meter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "metering/replay.h"

namespace meridian::metering {
namespace {

// Not written when it is so already. A full disk is no reason to refuse a start: receipts can still be read.
void keep_file(Disk& disk, const std::string& path, const std::string& text) {
    if (const auto there = disk.read_file(path); there && *there == text) return;
    const auto done = disk.replace_file(path, text);
    if (done) return;
    if (done.error().kind != DiskError::Kind::full) raise(done.error(), "writing the ledger");
    log::warn("metering", "{} is not the newest: {}", path, done.error().said);
}

}  // namespace

LedgerMeter::LedgerMeter(Disk& disk, Clock& clock, Rng& rng, Pool& pool, const keys::SigningKey& key, const geography::ZoneFacts& zone,
                         MeterOptions options, std::unique_ptr<DirectoryLock> lock)
    : disk_(disk),
      clock_(clock),
      rng_(rng),
      pool_(pool),
      key_(key),
      options_(std::move(options)),
      lock_(std::move(lock)),
      verifier_{origin_of(zone.name.str(), key.public_key()), key.public_key()},
      writer_(zone),
      zone_(zone.name.str()),
      place_(zone.place()),
      jurisdiction_(zone.jurisdiction()),
      journal_(disk, options_.directory, {options_.segment_bytes, options_.ahead_bytes}, mutex_) {}

expected<std::unique_ptr<DirectoryLock>> LedgerMeter::lock(Disk& disk, const std::string& directory) {
    if (const auto made = disk.make_durable_directories(directory); !made)
        return complaint(fmt::format("The ledger's directory {} cannot be made: {}.", directory, made.error().said));
    auto lock = disk.lock(directory + "/lock");
    if (lock) return std::move(*lock);
    if (lock.error().kind == DiskError::Kind::busy)
        return complaint(fmt::format("The ledger in {} is in use by another Meridian; stop that one first.", directory));
    return complaint(
        fmt::format("The ledger in {} cannot be locked: {}. Check the directory's permissions.", directory, lock.error().said));
}

expected<std::unique_ptr<Meter>> Meter::open(Disk& disk, Clock& clock, Rng& rng, Pool& pool, const keys::SigningKey& key,
                                             geography::ZoneFacts zone, MeterOptions options) {
    auto lock = LedgerMeter::lock(disk, options.directory);
    if (!lock) return std::unexpected(lock.error());
    auto meter = std::make_unique<LedgerMeter>(disk, clock, rng, pool, key, zone, std::move(options), std::move(*lock));
    try {
        if (auto begun = meter->begin(); !begun) return std::unexpected(begun.error());
    } catch (const Error& e) {
        return complaint(fmt::format("{} ({})", e.said, e.logged));
    }
    return meter;
}

expected<void> LedgerMeter::begin(const Change* change) {
    const auto& directory = options_.directory;
    auto history = replayed(change);
    if (!history) return std::unexpected(history.error());
    book_ = std::move(history->book);
    tree_ = std::move(history->tree);
    durable_sequence_ = history->durable_through;
    for (auto& [what, leaf] : history->changes) changes_.push_back({what.kept, std::move(leaf)});
    // The newest one may be of the log before: then ours has none yet.
    if (const auto newest = read_note(history->note); newest && newest->origin == verifier_.name) {
        signed_size_ = history->signed_size;
        note_ = history->note;
    }
    if (change)
        if (auto taken = take_over(*change); !taken) return taken;
    close_interrupted(*history);
    commit();
    keep_file(disk_, directory + "/key", verifier_.str() + "\n");
    keep_file(disk_, directory + "/checkpoint", note_);
    return {};
}

// The ledger as it was left, repaired, with everything checked that others may have seen of it.
expected<History> LedgerMeter::replayed(const Change* change) {
    const auto& directory = options_.directory;
    auto chain = change ? change->chain : read_chain(disk_, directory, verifier_);
    if (!chain) return std::unexpected(chain.error());
    chain_ = std::move(*chain);
    const auto published = newest_published(disk_, directory, chain_);
    const auto witnessed = newest_witnessed(disk_, directory, chain_);
    if (!witnessed) return std::unexpected(witnessed.error());
    // Of a log that ended, less may have been kept.
    const bool is_given_up = change && change->cause == Succession::Cause::restored;
    std::uint64_t durable = 0;
    for (const auto& each : {published, *witnessed})
        if (each && !is_given_up && (change || each->origin == verifier_.name)) durable = std::max(durable, each->size);

    History history;
    history.keys = chain_;
    const auto ending = replay(disk_, directory, history, durable);
    if (!ending) return std::unexpected(ending.error());
    if (!history.note.empty()) {
        if (const auto newest = read_note(history.note, chain_); !newest)
            return complaint(
                fmt::format("The ledger in {} cannot be continued: {}. Bring the ledger or the zone's key files back from a backup.",
                            directory, newest.error().said));
    }
    for (const auto& each : {published, *witnessed}) {
        if (!each || (is_given_up && each->size > history.tree.size())) continue;
        if (auto checked = check_root(history, *each, directory); !checked) return std::unexpected(checked.error());
    }
    if (*witnessed && (*witnessed)->origin == verifier_.name) witnessed_ = (*witnessed)->note;
    journal_.begin(*ending, history);
    return history;
}

// Appends the leaf by which the key before hands over, unless an earlier attempt did, and signs its log's last checkpoint.
expected<void> LedgerMeter::take_over(const Change& change) {
    if (changes_.size() + 1 >= chain_.size()) return {};
    const auto kept = tree_.size();
    const auto& from = chain_[changes_.size()];
    const bool is_lost = change.seen && change.seen->size > kept;
    if (change.cause == Succession::Cause::restored && !is_lost)
        return complaint("Nothing of the log is missing, so nothing has to be given up. For a new key: `meridian log rotate-key`.");
    const auto last = is_lost ? *change.seen : Checkpoint{from.name, kept, tree_.root(kept)};
    const auto leaf = succession_leaf({change.cause, from, verifier_, last, kept, clock_.now()}, change.from);
    auto record = unsealed(leaf.size());
    record += leaf;
    journal_.make_room(record.size() + checkpoint_room);
    {
        const std::lock_guard lock(mutex_);
        book_.add_leaf(journal_.append(RecordType::succession, record));
    }
    tree_.append(leaf_hash(leaf));
    changes_.push_back({kept, leaf});
    if (change.cause == Succession::Cause::rotated) {
        const auto ending = signed_note({from.name, kept + 1, tree_.root(kept + 1)}, change.from);
        if (const auto synced = journal_.sync(append_checkpoint(ending, kept + 1, 0)); !synced) raise(synced.error(), "syncing the ledger");
    }
    signed_size_ = 0;
    note_.clear();
    return {};
}

// What is known of a run whose process died: that it began, and that it had not ended when the ledger was last written.
void LedgerMeter::close_interrupted(History& history) {
    std::vector<Opening> all;
    for (auto& [id, opening] : history.open) all.push_back(std::move(opening));
    std::ranges::sort(all, {}, [](const Opening& o) { return std::pair(o.at, o.id); });
    for (auto& opening : all) {
        Receipt receipt;
        receipt.id = opening.id;
        receipt.start = std::move(opening.start);
        receipt.outcome = Outcome::interrupted;
        receipt.started_at = opening.at;
        receipt.ended_at = std::max(opening.at, history.last_time);
        receipt.took = receipt.ended_at - receipt.started_at;
        receipt.leaf = writer_.write(receipt);
        const auto room = room_for_receipt(receipt.start) + checkpoint_room;
        journal_.make_room(room);
        const std::lock_guard lock(mutex_);
        journal_.reserve(room);
        append_receipt(receipt, prepare(receipt));
    }
    if (!all.empty()) log::info("metering", "{} runs were open when the last process ended; their receipts say interrupted", all.size());
}

void LedgerMeter::check_writable() const {
    if (is_broken_) {
        throw Error(Fault::unavailable, "The disk failed under the ledger, so no run can begin; look at the log and restart Meridian.",
                    "a sync failed")
            .with_code("disk_failed");
    }
    if (is_closed_) throw Error(Fault::unavailable, "Meridian is stopping; try again shortly.").after(std::chrono::seconds(1));
}

std::uint64_t LedgerMeter::room_for_receipt(const RunStart& start) const { return header_bytes + writer_.room(start); }

// The part that needs no lock: the bytes and their hash.
LedgerMeter::Prepared LedgerMeter::prepare(const Receipt& receipt) {
    Prepared made{unsealed(receipt.leaf.size()), leaf_hash(receipt.leaf), facts_of(receipt)};
    made.record += receipt.leaf;
    return made;
}

// The room for it and for a checkpoint over it was reserved; the latter stays so until the commit. Under the mutex.
std::uint64_t LedgerMeter::append_receipt(const Receipt& receipt, Prepared prepared) {
    journal_.release(room_for_receipt(receipt.start) + checkpoint_room);
    const auto place = journal_.append(RecordType::receipt, prepared.record);
    journal_.reserve(checkpoint_room);
    checkpoint_reserve_ += checkpoint_room;
    MERIDIAN_ASSERT(book_.add(prepared.facts, place));
    purses_.spent(receipt.start, receipt.started_at, receipt.cost);
    fresh_.push_back(prepared.hash);
    return book_.size() - 1;
}

Receipt LedgerMeter::read(std::uint64_t index, Place place) {
    auto made = read_leaf(journal_.read(place));
    if (!made)
        throw Error(Fault::unavailable, "A receipt cannot be read back, for the ledger is damaged; look at the log.", made.error().said);
    made->index = static_cast<std::int64_t>(index);
    return std::move(*made);
}

std::optional<Receipt> LedgerMeter::find(const RunId& id) {
    std::optional<std::uint64_t> index;
    Place place;
    {
        const std::lock_guard lock(mutex_);
        index = book_.index_of(id);
        if (!index || book_.is_event(*index)) return std::nullopt;
        place = book_.place(*index);
    }
    return read(*index, place);
}

std::vector<Receipt> LedgerMeter::list(const ReceiptFilter& filter) {
    std::vector<std::pair<std::uint64_t, Place>> places;
    {
        const std::lock_guard lock(mutex_);
        for (const auto index : book_.list(filter)) places.emplace_back(index, book_.place(index));
    }
    std::vector<Receipt> out;
    out.reserve(places.size());
    for (const auto& [index, place] : places) out.push_back(read(index, place));
    return out;
}

std::vector<Receipt> LedgerMeter::since(std::int64_t index, std::size_t limit) {
    std::vector<std::pair<std::uint64_t, Place>> places;
    {
        const std::lock_guard lock(mutex_);
        const auto size = book_.size();
        const auto first =
            std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(index, 0)), size - std::min<std::uint64_t>(size, limit));
        for (auto i = first; i < size; ++i)
            if (!book_.id(i).is_nil() && !book_.is_event(i)) places.emplace_back(i, book_.place(i));
    }
    std::vector<Receipt> out;
    out.reserve(places.size());
    for (const auto& [i, place] : places) out.push_back(read(i, place));
    return out;
}

std::optional<RunId> LedgerMeter::run_of(const QuoteId& quote) {
    const std::lock_guard lock(mutex_);
    const auto index = book_.index_of(quote);
    return index ? std::optional(book_.id(*index)) : std::nullopt;
}

Meter::Sums LedgerMeter::sums(const ProjectId& project) {
    const std::lock_guard lock(mutex_);
    return book_.sums(project);
}

}  // namespace meridian::metering
