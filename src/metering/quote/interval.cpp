#include "metering/quote/interval.h"

#include <algorithm>
#include <cmath>

namespace meridian::metering {
namespace {

constexpr double tail = (1 - limits::interval_share) / 2;
constexpr double step = 0.01;
// How far a level may go below zero, where the quantiles of what was seen end and the interval is stretched instead.
constexpr double level_lowest = -0.2, level_highest = 0.4;
constexpr double guess_spread = 10;  // a first guess may be wrong by this factor either way

// The quantile at `level` from the lower end of sorted logarithms; beyond the ends, as far again as the end lies from the middle for each
// tenth that the level is below zero. `few`: the finite-sample correction of split conformal prediction.
double quantile(const std::vector<double>& sorted, double level) {
    const auto n = static_cast<double>(sorted.size());
    const double middle = sorted[sorted.size() / 2];
    const double corrected = level * (n + 1) / n - 1 / n;
    if (corrected >= 0) {
        const double at = std::min(corrected, 1.0) * (n - 1);
        const auto left = static_cast<std::size_t>(at);
        const auto right = std::min(left + 1, sorted.size() - 1);
        return sorted[left] + (at - static_cast<double>(left)) * (sorted[right] - sorted[left]);
    }
    const double reach = std::max(middle - sorted.front(), 0.02);
    return sorted.front() - reach * (-corrected) * 10;
}

double whole_milliseconds(double seconds, double (*round)(double)) { return round(seconds * 1000) / 1000; }

}  // namespace

Interval::Interval() : low_level_(tail), high_level_(tail) {}

Seconds Interval::predict(const Work& work, double guess) const {
    if (seen_.empty()) {
        const double expected = std::max((work.certain + work.open) * guess, limits::shortest_seconds);
        return {expected, work.certain * guess / guess_spread, expected * guess_spread, 0};
    }
    std::vector<double> up, down;
    up.reserve(seen_.size());
    for (const auto& seen : seen_) {
        const double open = seen.did_all ? work.open : std::min<double>(work.open, seen.open);
        const double rate = seen.seconds / std::max<double>(seen.certain + seen.open, 1e-9);
        up.push_back(std::log(std::max(rate * (work.certain + open), limits::shortest_seconds)));
    }
    std::ranges::sort(up);
    for (auto it = up.rbegin(); it != up.rend(); ++it) down.push_back(-*it);
    const double low = std::exp(quantile(up, low_level_)), high = std::exp(-quantile(down, high_level_));
    const double expected = std::exp(up[up.size() / 2]);
    return {expected, whole_milliseconds(std::min(low, expected), std::floor), whole_milliseconds(std::max(high, expected), std::ceil),
            static_cast<std::uint32_t>(seen_.size())};
}

void Interval::add(const Work& done, double seconds, bool did_all) {
    seen_.push_back({static_cast<float>(done.certain), static_cast<float>(done.open),
                     static_cast<float>(std::max(seconds, limits::shortest_seconds)), did_all});
    if (seen_.size() > limits::interval_runs) seen_.pop_front();
}

void Interval::judge(const Seconds& promised, double seconds) {
    if (promised.runs == 0) return;  // a guess says nothing of the levels
    const auto steer = [](double& level, bool is_missed) {
        level = std::clamp(level + step * (tail - (is_missed ? 1 : 0)), level_lowest, level_highest);
    };
    steer(low_level_, seconds < promised.low);
    steer(high_level_, seconds > promised.high);
}

Interval& Intervals::of(const std::string& key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        all_.splice(all_.begin(), all_, found->second);
        return all_.front().second;
    }
    all_.emplace_front(key, Interval());
    by_key_[key] = all_.begin();
    if (all_.size() > limits::interval_keys) {
        by_key_.erase(all_.back().first);
        all_.pop_back();
    }
    return all_.front().second;
}

Seconds Intervals::predict(const std::string& key, const Work& work, double guess) {
    const std::lock_guard lock(mutex_);
    return of(key).predict(work, guess);
}

void Intervals::add(const std::string& key, const Work& done, double seconds, bool did_all) {
    const std::lock_guard lock(mutex_);
    of(key).add(done, seconds, did_all);
}

void Intervals::judge(const std::string& key, const Seconds& promised, double seconds) {
    const std::lock_guard lock(mutex_);
    of(key).judge(promised, seconds);
}

std::size_t Intervals::size() const {
    const std::lock_guard lock(mutex_);
    return all_.size();
}

}  // namespace meridian::metering
