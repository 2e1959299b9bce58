// The gate table: every gate that programs may name, once, as data. Parsers, engines, tests and documentation loop over it.
//
// Conventions. Operands are listed as in OpenQASM: controls first, then targets. The matrix of a gate acts on its targets alone and
// is row-major, 2^t x 2^t, with target 0 as the least significant bit of a row or column index. Angles are radians. Definitions and
// global phases are those of OpenQASM 2's qelib1 and Qiskit's circuit library: `u(theta, phi, lambda)` is
// [[cos(theta/2), -e^(i lambda) sin(theta/2)], [e^(i phi) sin(theta/2), e^(i (phi+lambda)) cos(theta/2)]], `rz` is
// diag(e^(-i theta/2), e^(i theta/2)), `p` is diag(1, e^(i theta)). Phases matter as soon as a gate is controlled.
#pragma once
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace meridian::quantum {

using Amplitude = std::complex<double>;

// clang-format off
enum class Gate : std::uint8_t {
    gphase,
    id, x, y, z, h, s, sdg, t, tdg, sx, sxdg, rx, ry, rz, p, r, u2, u,
    cx, cy, cz, ch, cs, csdg, csx, cp, crx, cry, crz, cu3, cu,
    swap, iswap, dcx, ecr, rxx, ryy, rzz, rzx, xx_minus_yy, xx_plus_yy, fsim,
    ccx, ccz, cswap, c3x, c3sx, c4x,
};
// clang-format on
inline constexpr std::size_t gate_count = static_cast<std::size_t>(Gate::c4x) + 1;

// Two targets at most, so a matrix has at most 16 elements.
inline constexpr std::size_t gate_targets_max = 2, gate_parameters_max = 4;
using GateMatrix = std::array<Amplitude, 16>;

struct GateInfo {
    Gate gate;
    std::string_view name;
    std::array<std::string_view, 4> aliases;  // other names of the same gate; empty ones at the end
    std::uint8_t parameters;                  // number of angles
    std::uint8_t controls;                    // leading operands that are controls, active on 1
    std::uint8_t targets;                     // operands after them
    bool is_diagonal;                         // of the target matrix, for any angles
    void (*matrix)(std::span<const double> angles, GateMatrix& out);
    std::string_view help;  // one line for the documentation

    [[nodiscard]] constexpr std::size_t operands() const { return std::size_t{controls} + targets; }
};

// The whole table, in the order of the enumeration.
std::span<const GateInfo> gates();
const GateInfo& info(Gate gate);
inline std::string_view name(Gate gate) { return info(gate).name; }
// By name or alias, case-sensitive.
std::optional<Gate> gate_named(std::string_view name);

// The gate and angles that undo `gate` with `angles` (as many as the gate has), exactly, global phase included.
struct GateCall {
    Gate gate;
    std::array<double, gate_parameters_max> angles{};
};
// Nothing where the inverse is no gate of the table (iswap, dcx): its matrix is the adjoint.
std::optional<GateCall> inverse(Gate gate, std::span<const double> angles);

}  // namespace meridian::quantum
