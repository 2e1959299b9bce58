#include "quantum/service/energy.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace meridian::quantum::service {

void EnergyMeter::count(Steady now) {
    looked_at_ = now;
    const auto before = std::exchange(last_, counter_());
    double threads = 0;
    for (const auto& [number, share] : running_) threads += share.threads;
    for (auto& [number, share] : running_) {
        if (last_ && before)
            share.microjoules += static_cast<double>(*last_ - *before) * share.threads / threads;
        else
            share.is_known = false;
    }
}

EnergyMeter::Run EnergyMeter::begin(unsigned threads, Steady now) {
    const std::lock_guard lock(mutex_);
    if (counter_) count(now);
    running_.emplace(++number_, Share{.threads = static_cast<double>(std::max(1u, threads))});
    return {*this, number_};
}

void EnergyMeter::look(Steady now) {
    const std::lock_guard lock(mutex_);
    if (counter_ && now >= looked_at_ + limits::energy_look) count(now);
}

std::optional<Millijoules> EnergyMeter::end(Run run, Steady now) {
    const std::lock_guard lock(mutex_);
    if (!counter_) return std::nullopt;
    count(now);
    const auto& share = running_.at(run.number_);
    if (!share.is_known) return std::nullopt;
    return Millijoules(std::llround(share.microjoules / 1e3));
}

void EnergyMeter::forget(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    running_.erase(number);
}

}  // namespace meridian::quantum::service
