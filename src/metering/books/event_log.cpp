// The meter's part for events: leaves among the receipts, in no sum.
#include "metering/books/event.h"
#include "metering/ledger_meter.h"

namespace meridian::metering {
namespace {

// Of one question whose filter few events fit: the answer then ends early and says where to go on.
constexpr std::size_t examined_max = 5000;

}  // namespace

void LedgerMeter::log_event(const AdminEvent& event) {
    const auto leaf = event_leaf(event, zone_);
    auto record = unsealed(leaf.size());
    record += leaf;
    const auto hash = leaf_hash(leaf);
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            check_writable();
            if (book_.index_of(RunId(event.id.uuid()))) return;
            if (journal_.has_room(record.size() + checkpoint_room)) {
                const auto place = journal_.append(RecordType::event, record);
                journal_.reserve(checkpoint_room);
                checkpoint_reserve_ += checkpoint_room;
                MERIDIAN_ASSERT(book_.add(event, place));
                fresh_.push_back(hash);
                return;
            }
        }
        journal_.make_room(record.size() + checkpoint_room);
    }
}

AdminEvent LedgerMeter::read_event_at(std::uint64_t index, Place place) {
    auto made = read_event(journal_.read(place));
    if (!made)
        throw Error(Fault::unavailable, "An event cannot be read back, for the ledger is damaged; look at the log.", made.error().said);
    made->index = static_cast<std::int64_t>(index);
    return std::move(*made);
}

EventPage LedgerMeter::events(const EventFilter& filter) {
    std::vector<std::pair<std::uint64_t, Place>> places;
    {
        const std::lock_guard lock(mutex_);
        for (const auto index : book_.list(filter, examined_max)) places.emplace_back(index, book_.place(index));
    }
    EventPage page;
    for (const auto& [index, place] : places) {
        if (page.events.size() == filter.limit) {
            page.next_before = page.events.back().index;
            return page;
        }
        auto event = read_event_at(index, place);
        if (filter.fits(event)) page.events.push_back(std::move(event));
    }
    if (places.size() == examined_max) page.next_before = static_cast<std::int64_t>(places.back().first);
    return page;
}

}  // namespace meridian::metering
