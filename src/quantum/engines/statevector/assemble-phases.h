// Gathers terms of phases over the wires of a block, and outside it, into one polynomial.
#pragma once
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "quantum/engines/statevector/items.h"
#include "quantum/engines/statevector/program.h"

namespace meridian::quantum {

struct BlockMap {
    std::vector<std::uint8_t> position;  // by wire; no_wire outside the block
    unsigned bits = 0;                   // of the block, at least those of one group of lanes
};

// `table` receives the phases within a leaf, as many as it has amplitudes, where they are not all 1. Takes the pending phase; and the
// scale, if that costs nothing or has become so small that it must not wait.
Phases gathered(const Items& items, std::span<const std::uint32_t> terms, const BlockMap& block, unsigned leaf_bits, Pending& pending,
                std::vector<std::complex<double>>& table);

}  // namespace meridian::quantum
