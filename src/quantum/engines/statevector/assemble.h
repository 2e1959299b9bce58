// Turns a segment of items into a program: addresses, coefficients by lane, rotations bundled by three, phases gathered into polynomials.
#pragma once
#include "quantum/engines/statevector/items.h"
#include "quantum/engines/statevector/program.h"
#include "quantum/engines/statevector/schedule.h"

namespace meridian::quantum {

// `lane_bits`: log2 of the lanes of the vectors that will run it. Coefficients go to the end of `pool`. A phase left in `phase` becomes
// part of the first kernel that takes one, and is then 0.
template <class Real>
Program assemble(const Items& items, const Segment& segment, unsigned lane_bits, Pool<Real>& pool, double& phase);

}  // namespace meridian::quantum
