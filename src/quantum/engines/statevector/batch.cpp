#include "quantum/engines/statevector/batch.h"

#include <algorithm>
#include <atomic>

namespace meridian::quantum {
namespace {

constexpr std::size_t structures_compared = 16;  // the ones met last: a job of ever new structures stays linear

}  // namespace

std::vector<std::vector<std::size_t>> by_structure(std::span<const Circuit> circuits) {
    std::vector<std::vector<std::size_t>> groups;
    for (std::size_t k = 0; k < circuits.size(); ++k) {
        bool found = false;
        for (std::size_t g = groups.size(); g-- > 0 && groups.size() - g <= structures_compared && !found;)
            if (same_structure(circuits[groups[g][0]], circuits[k])) {
                groups[g].push_back(k);
                found = true;
            }
        if (!found) groups.push_back({k});
    }
    return groups;
}

std::optional<LanePlan> lane_plan(const Prepared& program, std::size_t circuits, Precision precision) {
    // A pass costs the same however many lanes are used, and a lone circuit fuses better.
    const std::size_t lanes = precision == Precision::double_ ? LaneStates<double>::lanes() : LaneStates<float>::lanes();
    return circuits >= std::max<std::size_t>(2, lanes / 4) ? LanePlan::of(program) : std::nullopt;
}

template <class Real>
bool run_in_lanes(const LanePlan& plan, std::span<const Circuit> circuits, std::span<const std::size_t> numbers, Team& team,
                  const std::function<bool(double)>& between,
                  const std::function<void(const LaneStates<Real>&, std::span<const std::size_t>)>& use) {
    const std::size_t lanes = LaneStates<Real>::lanes();
    const std::size_t rounds = (numbers.size() + lanes - 1) / lanes;
    std::atomic<bool> goes_on = true;
    team.run([&](unsigned member) {
        const auto [begin, end] = team.share(rounds, member);
        if (begin == end) return;
        LaneStates<Real> states(plan);
        std::vector<const Circuit*> bound(lanes);
        for (std::size_t round = begin; round < end && goes_on; ++round) {
            if (member == 0 && !between(double(round - begin) / double(end - begin))) goes_on = false;
            const auto here = numbers.subspan(round * lanes, std::min(lanes, numbers.size() - round * lanes));
            for (std::size_t k = 0; k < here.size(); ++k) bound[k] = &circuits[here[k]];
            states.run(std::span(bound).first(here.size()));
            use(states, here);
        }
    });
    return goes_on;
}

template bool run_in_lanes<double>(const LanePlan&, std::span<const Circuit>, std::span<const std::size_t>, Team&,
                                   const std::function<bool(double)>&,
                                   const std::function<void(const LaneStates<double>&, std::span<const std::size_t>)>&);
template bool run_in_lanes<float>(const LanePlan&, std::span<const Circuit>, std::span<const std::size_t>, Team&,
                                  const std::function<bool(double)>&,
                                  const std::function<void(const LaneStates<float>&, std::span<const std::size_t>)>&);

}  // namespace meridian::quantum
