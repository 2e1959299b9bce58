#include "quantum/service/queue.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace meridian::quantum::service {
namespace {

constexpr int booked_rank = -100;  // before every priority

constexpr std::size_t index_of(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace

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
    const int rank = waiting.is_booked ? booked_rank : -static_cast<int>(waiting.priority);
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
            return std::tuple(!found.at->second.is_booked, found.share->used, found.at->first.number);
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

std::vector<std::pair<JobId, Duration>> Queue::forecast(Lane lane) const {
    std::vector<std::pair<JobId, Duration>> out;
    Shares shares;
    for (const auto& [project, share] : shares_) {
        auto& copy = shares[project];
        copy.used = share.used;
        const auto& list = share.waiting[index_of(lane)];
        for (auto it = list.begin(); it != list.end() && copy.waiting[index_of(lane)].size() < limits::forecast; ++it)
            copy.waiting[index_of(lane)].insert(*it);
    }
    Duration passed{};
    while (out.size() < limits::forecast) {
        const auto found = next(shares, lane);
        if (!found) break;
        const auto& first = found->at->second;
        out.emplace_back(first.job, passed);
        passed += first.cost;
        found->share->used += first.cost;
        found->share->waiting[index_of(lane)].erase(found->at);
    }
    return out;
}

}  // namespace meridian::quantum::service
