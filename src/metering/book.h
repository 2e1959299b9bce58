// What the ledger's records add up to, in memory: where each receipt is, whose it is, and the sums. Rebuilt at every start.
// Not locked: its owner does that.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "metering/books/event.h"
#include "metering/books/rollup.h"
#include "metering/leaf.h"

namespace meridian::metering {

// Where a record is.
struct Place {
    std::uint32_t segment = 0;  // the how-manieth
    std::uint64_t offset = 0;
};

class Book {
public:
    // False, and nothing changed, when the run has a receipt already.
    bool add(const LeafFacts& facts, Place place);
    // A leaf that is no receipt: it has its place among the others, and nobody pays for it.
    void add_leaf(Place place) { entries_.push_back({RunId(), place}); }
    // An event is a leaf among the others and in no sum. False when it is there already.
    bool add(const AdminEvent& event, Place place);
    [[nodiscard]] bool is_event(std::uint64_t index) const;
    // How many of the first `leaves` are events.
    [[nodiscard]] std::uint64_t events_among(std::uint64_t leaves) const;
    // Newest first, as far as the filter can be judged from here; at most `limit`.
    [[nodiscard]] std::vector<std::uint64_t> list(const EventFilter& filter, std::size_t limit) const;
    [[nodiscard]] std::uint64_t size() const { return entries_.size(); }  // leaves
    [[nodiscard]] std::optional<std::uint64_t> index_of(const RunId& id) const;
    // The first receipt that names the quote.
    [[nodiscard]] std::optional<std::uint64_t> index_of(const QuoteId& quote) const;
    [[nodiscard]] const RunId& id(std::uint64_t index) const { return entries_[index].id; }
    [[nodiscard]] Place place(std::uint64_t index) const { return entries_[index].place; }
    // Newest first, before `before`, at most `limit`.
    [[nodiscard]] std::vector<std::uint64_t> list(const ReceiptFilter& filter) const;
    [[nodiscard]] Meter::Sums sums(const ProjectId& project) const;
    [[nodiscard]] const Rollup& rollup() const { return *rollup_; }  // needs none of its owner's locks

private:
    struct Entry {
        RunId id;
        Place place;
    };
    std::uint32_t enter(const RunId& id, Place place);
    // Open addressing over the entries. Many small ones, so that growing one never holds up a run for long.
    class Shard {
    public:
        [[nodiscard]] std::optional<std::uint64_t> find(const RunId& id, const std::deque<Entry>& entries) const;
        void insert(const RunId& id, std::uint64_t index, const std::deque<Entry>& entries);

    private:
        [[nodiscard]] std::size_t slot_of(const RunId& id) const;
        void put(const RunId& id, std::uint32_t one_more);
        std::vector<std::uint32_t> slots_;  // index + 1; 0: free. A power of two, at most three quarters full
        std::size_t used_ = 0;
    };
    struct Project {
        OrganizationId organization;
        std::vector<std::uint32_t> positions;
        Meter::Sums sums;
    };

    struct EventEntry {
        std::uint32_t position;
        Timestamp at;
        ProjectId project;  // nil: none
    };

    static constexpr std::size_t shard_count = 256;
    [[nodiscard]] static std::size_t shard_of(const RunId& id) { return id.uuid().bytes[15]; }
    std::deque<Entry> entries_;  // by index; never moves what it has
    std::vector<Shard> shards_ = std::vector<Shard>(shard_count);
    std::unordered_map<ProjectId, Project> projects_;
    std::unordered_map<OrganizationId, std::vector<std::uint32_t>> organizations_;
    std::unordered_map<QuoteId, std::uint32_t> quotes_;
    std::vector<std::uint32_t> event_positions_;
    std::unordered_map<OrganizationId, std::vector<EventEntry>> events_;
    std::unique_ptr<Rollup> rollup_ = std::make_unique<Rollup>();
};

}  // namespace meridian::metering
