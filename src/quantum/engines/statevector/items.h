// What circuits are lowered to: few kinds of items over wires (the bits of an index), in an order that may be changed where items commute.
//
// Every one-qubit gate is diagonal x real rotation x diagonal, and so is a gate under one control, or any run of both on the same target
// and control (one rotation for each value of the control). The diagonals of all of them, and all gates that are diagonal anyway, are
// terms of phase polynomials, exp(i (c + sum b_k x_k + sum a_jk x_j x_k)), which cost one pass however many terms meet in it. What is
// left are real rotations at half the arithmetic of a complex gate, and dense blocks where rotations would be more work.
#pragma once
#include <array>
#include <complex>
#include <cstdint>
#include <vector>

#include "quantum/ir/gates.h"

namespace meridian::quantum {

using Wire = std::uint8_t;
inline constexpr Wire no_wire = 255;
using Matrix2 = std::array<Amplitude, 4>;
using RealMatrix2 = std::array<double, 4>;

struct Item {
    enum class Kind : std::uint8_t {
        rotation,     // rotations[index][k] on wire a, where k is the value of wire b, or 0 without one
        pair,         // a 4 x 4 matrix on wires a (least significant) and b; `index` into pairs
        interaction,  // the same in fewer multiplications; `index` into interactions
        phase,        // exp(i angle) where wires a and b (if any) are 1
        conditional,  // a 2 x 2 matrix on wire a where the wires of `mask` have `value`; `index` into conditionals
        flag,         // exp(i angle) where the wires of `mask` have `value`
        matrix,       // a larger matrix under controls; `index` into matrices
    };
    Kind kind = Kind::phase;
    Wire a = no_wire, b = no_wire;
    std::uint32_t index = 0;
    double angle = 0;
    std::uint64_t mask = 0, value = 0;
    std::uint64_t moves = 0, reads = 0;  // wires that it mixes; wires in whose basis it is diagonal
};

struct Matrix {
    std::vector<Wire> wires;  // least significant first
    std::uint64_t mask = 0, value = 0;
    std::vector<Amplitude> elements;
};

// A two-qubit gate, up to what its neighbours took over (interaction.h); in this order. Basis state k has a in bit 0 and b in bit 1.
struct Interaction {
    struct Plane {
        double phase = 0;           // state q becomes (1 + i phase) q
        double to_p = 0, to_q = 0;  // p becomes p + to_p q, q becomes q + to_q p; these numbers are imaginary, or
        bool is_real = false;       // real;
        bool is_exchanged = false;  // then p and q change places
    };
    std::array<double, 2> turn{};    // of wires a and b: 0 becomes 0 - turn 1, 1 becomes 1 + turn 0
    std::array<Plane, 2> planes;     // p and q are the states 0 and 3, and 1 and 2
    std::array<Amplitude, 4> scale;  // of the states as they were called before the exchange; the first is real
};

struct Items {
    std::vector<Item> list;
    std::vector<std::array<RealMatrix2, 2>> rotations;
    std::vector<GateMatrix> pairs;
    std::vector<Interaction> interactions;
    std::vector<Matrix2> conditionals;
    std::vector<Matrix> matrices;
    double phase = 0;                             // of everything
    std::vector<Wire> wires_before, wires_after;  // by qubit

    // The same work on the same wires in the same order, with whatever angles.
    [[nodiscard]] bool same_shape(const Items& other) const;
};

}  // namespace meridian::quantum
