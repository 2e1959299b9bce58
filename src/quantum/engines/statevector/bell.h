// Splits two-qubit gates into gates on single wires and what is diagonal in the Bell basis.
#pragma once
#include <array>
#include <optional>

#include "quantum/engines/statevector/items.h"

namespace meridian::quantum {

// The gate is (after[1] x after[0]) N (before[1] x before[0]); [0] acts on the less significant wire.
struct BellSplit {
    std::array<Matrix2, 2> before, after;
    // N, in the planes {00, 11} and {01, 10}: exp(i phase) times [[cos, i sin], [i sin, cos]] of the angle.
    std::array<double, 2> phase, angle;
};

// Nothing for what is not unitary.
std::optional<BellSplit> bell_split(const GateMatrix& m);

// On (low, high).
GateMatrix tensor(const Matrix2& low, const Matrix2& high);
GateMatrix product(const GateMatrix& later, const GateMatrix& earlier);

}  // namespace meridian::quantum
