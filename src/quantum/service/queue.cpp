#include "quantum/service/queue.h"

#include <algorithm>

namespace meridian::quantum::service {
namespace {

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
    const Place place{-static_cast<int>(waiting.priority), number_++};
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
Queue::Shares::iterator Queue::next(Shares& shares, Lane of) {
    auto best = shares.end();
    for (auto it = shares.begin(); it != shares.end(); ++it) {
        const auto& list = it->second.waiting[index_of(of)];
        if (list.empty()) continue;
        if (best == shares.end() || it->second.used < best->second.used ||
            (it->second.used == best->second.used && list.begin()->first.number < best->second.waiting[index_of(of)].begin()->first.number))
            best = it;
    }
    return best;
}

std::optional<Waiting> Queue::take(Lane lane) {
    auto from = lane;
    auto found = next(shares_, from);
    if (found == shares_.end() && lane == Lane::large) found = next(shares_, from = Lane::small);
    if (found == shares_.end()) return std::nullopt;
    auto& list = found->second.waiting[index_of(from)];
    const auto taken = list.begin()->second;
    list.erase(list.begin());
    at_.erase(taken.job);
    found->second.used += taken.cost;
    ++found->second.running;
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
        if (found == shares.end()) break;
        auto& list = found->second.waiting[index_of(lane)];
        const auto& first = list.begin()->second;
        out.emplace_back(first.job, passed);
        passed += first.cost;
        found->second.used += first.cost;
        list.erase(list.begin());
    }
    return out;
}

}  // namespace meridian::quantum::service
