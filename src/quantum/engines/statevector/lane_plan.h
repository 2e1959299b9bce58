// What one structure of circuit needs in lanes: its steps, without their coefficients.
//
// Each amplitude of a small state is a pair of vectors with a parameter set in each lane, so every amplitude can lie anywhere. X,
// controlled X and swaps therefore only change the map from indices to places. A gate on one qubit is a real rotation between two diagonals
// (U = e^(ia) diag(1, b) R diag(1, c)); rotations of up to six qubits go together over the 64 amplitudes that they mix, and every diagonal
// since the last step that mixed amplitudes joins one pass, as entries of tables over parities of the place.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "quantum/engines/statevector/prepare.h"

namespace meridian::quantum {

struct LanePlan {
    // Gates on one qubit that follow each other, in order.
    struct Run {
        std::uint32_t qubit = 0;
        std::vector<std::uint32_t> before{}, turn{}, after{};  // operations: diagonals, what lies between them, diagonals
        bool is_real = false;                                  // `turn` is a real rotation as it stands
    };
    // A diagonal, or what a run has at one of its ends.
    struct Phases {
        enum class Of : std::uint8_t { op, run_before, run_after };
        Of of = Of::op;
        std::uint32_t number = 0;
        std::vector<std::uint8_t> bits{};  // of a table's entry, by operand: controls first
        std::uint64_t control_values = 0;  // on which it acts
        std::uint64_t flips = 0;           // operands whose bit reads inverted
        std::size_t controls = 0;
    };
    struct Table {
        std::vector<std::uint32_t> rows;  // bit b of an entry is the parity of rows[b] & place
        std::vector<Phases> phases;
        std::vector<std::uint8_t> entry;  // by place
    };
    enum class Kind : std::uint8_t { diagonal, turns, exchange, one, two };
    struct Step {
        Kind kind = Kind::one;
        std::vector<Table> tables{};         // diagonal
        std::uint32_t first_run = 0;         // turns: as many runs as there are masks
        std::vector<std::uint32_t> ops{};    // one, two: multiplied in order; exchange: X under controls
        std::vector<std::uint16_t> masks{};  // what leads from a place to its partner, by target
        std::vector<std::uint16_t> bases{};  // the places whose targets are 0 and whose controls agree
    };

    std::uint32_t qubits = 0;
    std::vector<Op> ops;
    std::vector<Run> runs;
    std::uint32_t starting_runs = 0;                // the first ones, on a basis state: it lies at place 0
    std::uint64_t starting_values = 0;              // of their qubits
    std::vector<std::uint16_t> starting_places{0};  // 2^starting_runs: which runs flipped their qubit, run 0 as the least significant bit
    std::vector<Step> steps;
    std::vector<std::uint16_t> place;  // of each index at the end

    // What a run of so many lanes costs, in 2x2 matrices on one amplitude.
    [[nodiscard]] double passes(std::size_t lanes) const;

    // Nothing where lanes do not serve: a large state, a plan that would be large, or matrices on more than two qubits.
    static std::optional<LanePlan> of(const Prepared& program);
};

namespace limits {
inline constexpr std::uint32_t lane_qubits = 12;  // 2^12 amplitudes of two vectors: half of a second-level cache
inline constexpr std::size_t turns_at_once = 6, table_bits = 6;
inline constexpr std::size_t lane_plan_bytes = std::size_t{64} << 20;  // of places; some ten thousand steps of twelve qubits
}  // namespace limits

}  // namespace meridian::quantum
