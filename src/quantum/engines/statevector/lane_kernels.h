// The loops over places of which each holds a pair of vectors, one lane per parameter set.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "quantum/engines/statevector/lane_plan.h"

namespace meridian::quantum {

// All work with vectors of `vector_bytes()`. Coefficients are vectors; complex ones are a vector of real and one of imaginary parts.
template <class Real>
struct LaneLoops {
    // Product state: cell 0 has 1 already; run k multiplies by its coefficients 2k and 2k + 1.
    static void start(Real* state, std::span<const std::uint16_t> places, std::size_t runs, const Real* columns);
    // Rotations [[c, -s], [s, c]] about each mask. Coefficients c, s by mask; by tangent c is taken as 1.
    static void turn(Real* state, const LanePlan::Step& step, const Real* coefficients, bool by_tangent);
    // Tables follow each other, each with 2^rows complex entries.
    static void diagonal(Real* state, const LanePlan::Step& step, const Real* tables);
    // Matrices [row][column], row r with bit t of target t.
    static void dense(Real* state, const LanePlan::Step& step, const Real* matrix);
    static void exchange(Real* state, const LanePlan::Step& step);
    // table[e] *= factor for the entries e with `bit`.
    static void scale_entries(Real* table, std::size_t entries, std::size_t bits, std::size_t values, const Real* factor);
    // sums[l] += sum over places of weight |psi|^2, and over pairs of Re(conj(psi[b ^ mask]) psi[b] (f + i g)); g may be null.
    static void sum_squares(const Real* state, std::span<const double> weights, double* sums);
    static void sum_pairs(const Real* state, std::span<const std::uint16_t> bases, std::size_t mask, const double* f, const double* g,
                          double* sums);
};

extern template struct LaneLoops<double>;
extern template struct LaneLoops<float>;

}  // namespace meridian::quantum
