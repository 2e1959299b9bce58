// Counts outcomes of any width: outcomes come in any order, what comes out is sorted and distinct.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quantum/engines/engine.h"

namespace meridian::quantum {

class Tally {
public:
    explicit Tally(std::size_t words) : words_(words) {}

    void add(std::span<const std::uint64_t> outcome, std::uint64_t count);
    void add(const Tally& other);
    // Fills outcomes and counts.
    void finish(Samples& into);

private:
    void compact();

    std::size_t words_;
    std::vector<std::uint64_t> outcomes_, counts_;
    std::size_t compact_at_ = std::size_t{1} << 16;  // entries; doubles when most of them are distinct
};

}  // namespace meridian::quantum
