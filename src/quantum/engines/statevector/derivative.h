// The derivative of a gate's matrix by one of its angles, for every gate of the table without a second table.
#pragma once
#include <cstddef>
#include <span>

#include "quantum/ir/gates.h"

namespace meridian::quantum {

// Elements of the table's matrices are sums of a constant and of sines of frequency 1/2 and 1 in each angle, so two shifted differences
// give the derivative exactly: with d = d_half + d_one and g(s) = (f(t+s) - f(t-s)) / 2, g(pi) = 2 d_half and g(pi/2) = sqrt(2) d_half +
// d_one.
GateMatrix derivative(Gate gate, std::span<const double> angles, std::size_t which);

}  // namespace meridian::quantum
