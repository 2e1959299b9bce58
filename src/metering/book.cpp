#include "metering/book.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace meridian::metering {
namespace {

// A sum that nobody reaches must not end the run that would pass it.
std::int64_t saturated(std::int64_t a, std::int64_t b) {
    std::int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

}  // namespace

// The last bytes of an ordered id are random; byte 15 chose the shard.
std::size_t Book::Shard::slot_of(const RunId& id) const {
    std::uint64_t word;
    std::memcpy(&word, id.uuid().bytes.data() + 7, 8);
    return (word * 0x9E3779B97F4A7C15ull >> 32) & (slots_.size() - 1);
}

std::optional<std::uint64_t> Book::Shard::find(const RunId& id, const std::deque<Entry>& entries) const {
    if (slots_.empty()) return std::nullopt;
    for (auto slot = slot_of(id); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
        if (entries[slots_[slot] - 1].id == id) return slots_[slot] - 1;
    return std::nullopt;
}

void Book::Shard::put(const RunId& id, std::uint32_t one_more) {
    auto slot = slot_of(id);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = one_more;
}

void Book::Shard::insert(const RunId& id, std::uint64_t index, const std::deque<Entry>& entries) {
    if (++used_ * 4 > slots_.size() * 3) {
        const auto old = std::exchange(slots_, std::vector<std::uint32_t>(std::max<std::size_t>(16, slots_.size() * 2)));
        for (const auto one_more : old)
            if (one_more != 0) put(entries[one_more - 1].id, one_more);
    }
    put(id, static_cast<std::uint32_t>(index + 1));
}

// A leaf that is not there yet.
std::uint32_t Book::enter(const RunId& id, Place place) {
    const auto index = entries_.size();
    MERIDIAN_ASSERT(index < std::numeric_limits<std::uint32_t>::max());
    entries_.push_back({id, place});
    shards_[shard_of(id)].insert(id, index, entries_);
    return static_cast<std::uint32_t>(index);
}

bool Book::add(const AdminEvent& event, Place place) {
    const RunId id(event.id.uuid());
    if (index_of(id)) return false;
    const auto position = enter(id, place);
    event_positions_.push_back(position);
    events_[event.organization].push_back({position, event.at, event.project.value_or(ProjectId())});
    return true;
}

std::uint64_t Book::events_among(std::uint64_t leaves) const {
    const auto end = std::ranges::lower_bound(event_positions_, leaves);
    return static_cast<std::uint64_t>(end - event_positions_.begin());
}

bool Book::is_event(std::uint64_t index) const { return std::ranges::binary_search(event_positions_, static_cast<std::uint32_t>(index)); }

std::vector<std::uint64_t> Book::list(const EventFilter& filter, std::size_t limit) const {
    std::vector<std::uint64_t> out;
    if (filter.id) {
        const auto index = index_of(RunId(filter.id->uuid()));
        if (index && is_event(*index)) out.push_back(*index);
        return out;
    }
    const auto found = events_.find(filter.organization);
    if (found == events_.end()) return out;
    const auto before =
        std::clamp<std::int64_t>(filter.before_index.value_or(std::numeric_limits<std::int64_t>::max()), 0, entries_.size());
    auto at = std::ranges::lower_bound(found->second, static_cast<std::uint32_t>(before), {}, &EventEntry::position);
    while (at != found->second.begin() && out.size() < limit) {
        --at;
        if (!filter.fits_project(at->project)) continue;
        if ((filter.from && at->at < *filter.from) || (filter.to && at->at >= *filter.to)) continue;
        out.push_back(at->position);
    }
    return out;
}

bool Book::add(const LeafFacts& facts, Place place) {
    if (index_of(facts.id)) return false;
    const auto position = enter(facts.id, place);
    auto& project = projects_[facts.project];
    project.organization = facts.organization;
    project.positions.push_back(position);
    organizations_[facts.organization].push_back(position);
    auto& sums = project.sums;
    ++sums.runs;
    sums.input_tokens = saturated(sums.input_tokens, facts.usage.input_tokens);
    sums.output_tokens = saturated(sums.output_tokens, facts.usage.output_tokens);
    sums.cost = Money::nanos(saturated(sums.cost.count(), facts.cost.count()));
    if (!facts.quote.is_nil()) quotes_.emplace(facts.quote, position);
    rollup_->add(facts);
    return true;
}

std::optional<std::uint64_t> Book::index_of(const QuoteId& quote) const {
    const auto found = quotes_.find(quote);
    return found == quotes_.end() ? std::nullopt : std::optional<std::uint64_t>(found->second);
}

std::optional<std::uint64_t> Book::index_of(const RunId& id) const { return shards_[shard_of(id)].find(id, entries_); }

std::vector<std::uint64_t> Book::list(const ReceiptFilter& filter) const {
    const auto before =
        std::clamp<std::int64_t>(filter.before_index.value_or(std::numeric_limits<std::int64_t>::max()), 0, entries_.size());
    std::vector<std::uint64_t> out;
    const auto add = [&](const std::vector<std::uint32_t>& positions) {
        auto at = std::ranges::lower_bound(positions, static_cast<std::uint32_t>(before));
        for (auto left = filter.limit; at != positions.begin() && left > 0; --left) out.push_back(*--at);
    };
    if (!filter.projects) {
        if (const auto found = organizations_.find(filter.organization); found != organizations_.end()) add(found->second);
        return out;
    }
    for (const auto& project : *filter.projects) {
        const auto found = projects_.find(project);
        if (found != projects_.end() && found->second.organization == filter.organization) add(found->second.positions);
    }
    std::ranges::sort(out, std::ranges::greater());
    if (out.size() > filter.limit) out.resize(filter.limit);
    return out;
}

Meter::Sums Book::sums(const ProjectId& project) const {
    const auto found = projects_.find(project);
    return found == projects_.end() ? Meter::Sums{} : found->second.sums;
}

}  // namespace meridian::metering
