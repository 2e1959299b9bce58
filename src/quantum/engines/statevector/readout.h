// Draws the outcomes of the measurements at the end of a path and writes them into classical bits.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quantum/engines/statevector/prepare.h"
#include "quantum/engines/statevector/sample.h"
#include "quantum/engines/statevector/state.h"
#include "quantum/engines/statevector/table.h"
#include "quantum/engines/statevector/tally.h"

namespace meridian::quantum {

// From an index of a state to the classical bits.
class Bits {
public:
    // `position[q]` is the bit of an index for qubit q; `memory` holds what is known already. Of several readings into a bit the last
    // counts.
    Bits(std::span<const Reading> readings, std::span<const std::uint8_t> position, const ClassicalMemory& memory);
    // Qubit q is bit q of an index.
    Bits(std::span<const Reading> readings, const ClassicalMemory& memory) : Bits(readings, {}, memory) {}
    [[nodiscard]] bool are_known() const { return read_.empty(); }  // whatever the state is
    [[nodiscard]] std::span<const std::uint64_t> of(std::uint64_t index);

private:
    struct Read {
        std::uint32_t position, bit;
    };
    std::vector<Read> read_;
    std::vector<std::uint64_t> known_, words_;
};

// Writes what the shots drew: index k for shots[k]. `memory` is that of all shots, words per shot, or empty.
void note(Bits& bits, std::span<const std::uint64_t> shots, std::vector<std::uint64_t> indices, Tally& tally,
          std::span<std::uint64_t> memory);

template <class Real>
class Readout {
public:
    // Looks at the state once; the state must not change while this is used.
    Readout(const State<Real>& state, std::span<const Reading> readings, const ClassicalMemory& memory, Team& team);

    // False where the state has no norm, or none that is a number.
    [[nodiscard]] bool is_sound() const;
    // Shot s draws the number (seed, s, draw).
    void draw(std::span<const std::uint64_t> shots, std::uint64_t seed, std::uint64_t draw, Tally& tally, std::span<std::uint64_t> memory);

private:
    Team& team_;
    Bits bits_;
    std::optional<Table> table_;  // for small states
    std::optional<Drawer<Real>> drawer_;
};

extern template class Readout<double>;
extern template class Readout<float>;

}  // namespace meridian::quantum
