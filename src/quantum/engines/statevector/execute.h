// Runs a program for many shots and counts what its classical bits hold at the end.
//
// Problem: measurements in the middle make every shot a run of its own. Idea: all shots of the same outcomes so far share one state. At a
// measurement each shot draws its outcome from a number that belongs to it alone, (seed, shot, draw); the shots then part in two groups,
// and the smaller group goes on with a copy of the state while the larger one keeps it. So the results are those of shots run one by one,
// on any number of threads, at the price of one run per distinct history. Of nested copies each holds at most half the shots of the one
// before, so there are at most log2(shots); where even those would take more than `RunOptions::branch_bytes`, the smaller group starts
// again from the beginning later, and finds the same way. Measurements that nothing depends on wait, and are drawn together at the end.
#pragma once
#include "base/expected.h"
#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/prepare.h"

namespace meridian::quantum {

template <class Real>
expected<Samples> execute(const Prepared& program, const RunOptions& options, Team& team, PlanCache* plans);

namespace limits {
inline constexpr std::uint64_t shots_at_once = std::uint64_t{1} << 18;
inline constexpr unsigned qubits_per_member = 13;  // up to here members take shares of the shots instead of the state
}  // namespace limits

}  // namespace meridian::quantum
