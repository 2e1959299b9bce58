// Turns a segment of items into a program: addresses, coefficients by lane, rotations bundled by three, phases gathered into polynomials.
#pragma once
#include "quantum/engines/statevector/items.h"
#include "quantum/engines/statevector/program.h"
#include "quantum/engines/statevector/schedule.h"

namespace meridian::quantum {

// `lane_bits`: log2 of the lanes of the vectors that will run it. Coefficients go to the end of `pool`. What is pending becomes
// part of the first kernel that takes it, and kernels may leave something.
template <class Real>
Program assemble(const Items& items, const Segment& segment, unsigned lane_bits, Pool<Real>& pool, Pending& pending);

}  // namespace meridian::quantum
