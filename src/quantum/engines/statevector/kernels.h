// Runs a program on one block of amplitudes, with the widest vectors of this processor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "quantum/engines/statevector/program.h"

namespace meridian::quantum {

// Memory that kernels use beside the block, kept from one block to the next; one for each thread.
template <class Real>
struct Workspace {
    Pool<Real> table;    // of phases, for one leaf
    Pool<Real> columns;  // of a large matrix
};

// log2 of the lanes of a vector, at most log2 of `State::lanes`; programs are made for this number.
template <class Real>
unsigned vector_lane_bits();

// `outer`: the wires outside the block that are 1 in this one.
template <class Real>
void run(const Program& program, const Real* pool, Real* block, std::uint64_t outer, Workspace<Real>& workspace);

// The names of the instruction sets compiled in that this processor has, best first.
std::vector<const char*> instruction_sets();
// For tests: only this one from now on, or the best again for nullptr. Plans made before still run, at the price of assembling again.
void use_instruction_set(const char* name);

}  // namespace meridian::quantum
