// One step of the pass back of the adjoint method: undoes a gate on two states at once and sums what its derivatives need.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "quantum/engines/statevector/state.h"
#include "quantum/ir/gates.h"

namespace meridian::quantum {

// A matrix on at most two positions under controls, made ready for the layout. Row r of the matrix has bit t of r at targets[t].
//
// Works in vectors of the machine's own size, which are parts of a block. Targets in their lanes become permutations of lanes (flips),
// targets above them choose among vectors: new[r] = sum over high flips h and low flips l of coefficient[r][h][l] * permuted_l(old[r ^ h]),
// where r runs over the high targets alone and coefficients are lanes. Lanes whose controls do not agree get the identity.
struct Backward {
    std::vector<unsigned> targets;
    std::uint64_t control_mask = 0, control_value = 0;  // positions
    GateMatrix undo{};                                  // the adjoint of the gate
    bool wants_sums = false;

    // Filled by `ready`.
    unsigned high = 0, flips = 0;                      // targets above the lanes; log2 of the low flips
    bool is_exchange = false;                          // X, whose target and controls are all above the lanes
    std::size_t first_flip = 0, second_flip = 0;       // of lanes
    std::vector<std::size_t> high_bits;                // of vector numbers, ascending
    std::size_t vector_mask = 0, vector_value = 0;     // controls above the lanes
    std::vector<double> coefficients;                  // [r][h][l] re lanes, im lanes
    std::vector<std::size_t> high_target, low_target;  // indices into targets
    void ready();
    // Groups of vectors that belong together: the kernel works on a range of them.
    [[nodiscard]] std::size_t groups(std::size_t blocks) const { return vectors(blocks) >> high; }
    static std::size_t vectors(std::size_t blocks);
};

// sums[r * 4 + c] += sum of psi_r conj(lambda_c) over all indices whose controls agree, r and c the targets' values, before undoing.
using BackwardSums = GateMatrix;
void step_back(const Backward& step, State<double>& psi, State<double>& lambda, std::size_t begin, std::size_t end, BackwardSums& sums);

}  // namespace meridian::quantum
