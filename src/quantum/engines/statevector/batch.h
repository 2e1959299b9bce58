// The circuits of a job by structure, and those that lanes serve.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/lanes.h"
#include "quantum/engines/statevector/prepare.h"

namespace meridian::quantum {

// Numbers of circuits of one structure, in their order; groups in the order of their first.
std::vector<std::vector<std::size_t>> by_structure(std::span<const Circuit> circuits);

// The plan for a group, where lanes are faster than one circuit after the other.
std::optional<LanePlan> lane_plan(const Prepared& program, std::size_t circuits, Precision precision);

// Calls `use(states, lane, number)` for each circuit of the group, on the members of the team, with its state in that lane. `between` is
// asked on the calling thread; false ends it, and this then is false.
template <class Real>
bool run_in_lanes(const LanePlan& plan, std::span<const Circuit> circuits, std::span<const std::size_t> numbers, Team& team,
                  const std::function<bool(double done)>& between,
                  const std::function<void(const LaneStates<Real>& states, std::span<const std::size_t> here)>& use);

}  // namespace meridian::quantum
