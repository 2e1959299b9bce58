// Orders items into segments: runs of items whose moved wires fit one cache block together, so that a segment costs one pass over memory.
#pragma once
#include <cstdint>
#include <vector>

#include "quantum/engines/statevector/items.h"

namespace meridian::quantum {

struct Segment {
    std::uint64_t wires = 0;           // those of the block: always the lowest, whose amplitudes are neighbours in memory
    std::uint64_t zero = 0;            // those outside the block that nothing has moved from 0 before: where one is 1, amplitudes are 0
    std::vector<std::uint32_t> items;  // in the order of their application
};

struct BlockShape {
    unsigned wires;          // of the whole state
    unsigned block_bits;     // wires of a block
    unsigned lowest;         // wires that always belong to it
    unsigned starts = 24;    // candidates tried for each segment
    std::uint64_t zero = 0;  // wires that are 0 at first: blocks where one of them is 1 cost nothing until something moves it
};
std::vector<Segment> schedule(const Items& items, const BlockShape& shape);

}  // namespace meridian::quantum
