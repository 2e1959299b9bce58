// The loops over amplitudes of which each is a pair of vectors, one lane per parameter set.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quantum/engines/statevector/lanes.h"

namespace meridian::quantum {

template <class Real>
struct LaneStep {
    LanePlan::Kind kind;
    std::uint8_t target_count;
    std::size_t bits[2];    // of the targets, ascending
    std::size_t offset[4];  // of each row of the matrix
    std::size_t control_mask, control_value;
    const Real* coefficients;  // [row][column] or [row], re and im vectors
};

// Applies the step to amplitudes [begin, end), an aligned range that holds whole groups of it.
template <class Real>
void lane_step(const LaneStep<Real>& step, Real* state, std::size_t begin, std::size_t end);

// sum over k of Re(conj(psi[k ^ x]) psi[k] (f[k] + i g[k])) in each lane; g may be null.
template <class Real>
void lane_sum(const Real* state, std::size_t size, std::size_t x, const double* f, const double* g, double* sums);

}  // namespace meridian::quantum
