#include "quantum/service/queue.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "quantum/service/times.h"

namespace meridian::quantum::service {
namespace {

constexpr int booked_rank = -100;  // before every priority

constexpr std::size_t index_of(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace

Booked::Booked(std::span<const Booking> bookings, Timestamp at) : at_(at) {
    const auto sooner = [](std::optional<Timestamp>& than, Timestamp time) { than = than ? std::min(*than, time) : time; };
    for (const auto& booking : bookings) {
        if (booking.finished_at <= at) continue;
        sooner(closed_from_, booking.started_at);
        sooner(changes_at_, booking.started_at > at ? booking.started_at : booking.finished_at);
        if (booking.started_at <= at) lasting_.push_back(booking.id);
    }
}

bool Booked::may_begin(const Waiting& waiting) const {
    if (waiting.booking) return std::ranges::find(lasting_, *waiting.booking) != lasting_.end();
    return !closed_from_ || waiting.longest <= limits::booking_yield || later(at_, waiting.longest) <= *closed_from_;
}

// A project that comes anew starts level with the others: what it did not use while it was away is not saved up.
Duration Queue::least_used() const {
    std::optional<Duration> least;
    for (const auto& [project, share] : shares_)
        if (share.is_active() && (!least || share.used < *least)) least = share.used;
    return least.value_or(Duration::zero());
}

void Queue::add(const Waiting& waiting) {
    const auto floor = least_used();
    auto& share = shares_[waiting.project];
    if (!share.is_active()) share.used = std::max(share.used, floor);
    const int rank = waiting.booking ? booked_rank : -static_cast<int>(waiting.priority);
    const Place place{rank, number_++};
    share.waiting[index_of(waiting.lane)].emplace(place, waiting);
    at_.insert_or_assign(waiting.job, At{waiting.project, waiting.lane, place});
}

bool Queue::remove(const JobId& job) {
    const auto at = at_.find(job);
    if (at == at_.end()) return false;
    shares_.at(at->second.project).waiting[index_of(at->second.lane)].erase(at->second.place);
    at_.erase(at);
    return true;
}

// Ties go to the job that came first, so that equal shares take turns in the order of arrival.
std::optional<Queue::Found> Queue::next(Shares& shares, Lane of, const May& may) {
    std::optional<Found> best;
    for (auto& [project, share] : shares) {
        auto& list = share.waiting[index_of(of)];
        auto at = list.begin();
        for (std::size_t looked = 0; may && at != list.end() && !may(at->second); ++at)
            if (++looked == limits::forecast) at = std::prev(list.end());
        if (at == list.end()) continue;
        const auto order = [](const Found& found) {
            return std::tuple(!found.at->second.booking, found.share->used, found.at->first.number);
        };
        const Found found{&share, at};
        if (!best || order(found) < order(*best)) best = found;
    }
    return best;
}

std::optional<Waiting> Queue::take(Lane lane, const May& may) {
    auto from = lane;
    auto found = next(shares_, from, may);
    if (!found && lane == Lane::large) found = next(shares_, from = Lane::small, may);
    if (!found) return std::nullopt;
    const auto taken = found->at->second;
    found->share->waiting[index_of(from)].erase(found->at);
    at_.erase(taken.job);
    found->share->used += taken.cost;
    ++found->share->running;
    return taken;
}

void Queue::ended(const Waiting& taken, Duration took) {
    auto& share = shares_.at(taken.project);
    share.used += took - taken.cost;
    --share.running;
}

// What a forecast looks at: the jobs of one lane, and of them the first of each project.
Queue Queue::first_of(Lane lane) const {
    Queue part;
    part.number_ = number_;
    for (const auto& [project, share] : shares_) {
        auto& copy = part.shares_[project];
        copy.used = share.used;
        copy.running = share.running;
        for (const auto& [place, waiting] : share.waiting[index_of(lane)]) {
            if (copy.waiting[index_of(lane)].size() == limits::forecast) break;
            copy.waiting[index_of(lane)].emplace(place, waiting);
            part.at_.emplace(waiting.job, At{project, lane, place});
        }
    }
    return part;
}

// The queue itself is tried, on a clock that jumps from one end of a job, or of a booking, to the next.
Queue::Forecast Queue::forecast(Lane lane, Timestamp from, std::span<const Booking> bookings, std::span<const Waiting> early) const {
    Forecast out;
    auto trial = first_of(lane);
    std::vector<Waiting> to_come;
    for (const auto& waiting : early)
        if (waiting.lane == lane && to_come.size() < limits::forecast) to_come.push_back(waiting);
    for (auto now = from; out.size() < limits::forecast && (trial.size() > 0 || !to_come.empty());) {
        const Booked booked(bookings, now);
        std::erase_if(to_come, [&](const Waiting& waiting) {
            if (!booked.may_begin(waiting)) return false;
            trial.add(waiting);
            return true;
        });
        const auto taken = trial.take(lane, bookings.empty() ? May() : [&](const Waiting& waiting) { return booked.may_begin(waiting); });
        if (taken) {
            out.emplace_back(taken->job, now);
            now = later(now, taken->cost);
            trial.ended(*taken, taken->cost);
        } else if (const auto next = booked.changes_at()) {
            now = *next;
        } else {
            break;
        }
    }
    for (const auto& [job, at] : trial.at_) out.emplace_back(job, std::nullopt);
    for (const auto& waiting : to_come) out.emplace_back(waiting.job, std::nullopt);
    return out;
}

}  // namespace meridian::quantum::service
