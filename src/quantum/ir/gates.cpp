#include "quantum/ir/gates.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "quantum/ir/turn.h"

namespace meridian::quantum {
namespace {

using Angles = std::span<const double>;
constexpr double pi = std::numbers::pi;
constexpr Amplitude i{0, 1};
const double root = 1 / std::numbers::sqrt2;

void one(GateMatrix& m, Amplitude a, Amplitude b, Amplitude c, Amplitude d) { m = {a, b, c, d}; }
void diagonal(GateMatrix& m, Amplitude a, Amplitude d) { m = {a, 0, 0, d}; }
void two(GateMatrix& m, std::array<Amplitude, 16> rows) { m = rows; }

void m_rx(Angles a, GateMatrix& m) {
    const Amplitude half = turn(a[0] / 2);
    one(m, half.real(), -i * half.imag(), -i * half.imag(), half.real());
}
void m_ry(Angles a, GateMatrix& m) {
    const Amplitude half = turn(a[0] / 2);
    one(m, half.real(), -half.imag(), half.imag(), half.real());
}
void m_rz(Angles a, GateMatrix& m) {
    const Amplitude half = turn(a[0] / 2);
    diagonal(m, std::conj(half), half);
}
void m_p(Angles a, GateMatrix& m) { diagonal(m, 1, turn(a[0])); }
void u_of(double theta, double phi, double lambda, GateMatrix& m) {
    const Amplitude half = turn(theta / 2), by_phi = turn(phi), by_lambda = turn(lambda);
    one(m, half.real(), -by_lambda * half.imag(), by_phi * half.imag(), by_phi * by_lambda * half.real());
}
void m_u(Angles a, GateMatrix& m) { u_of(a[0], a[1], a[2], m); }
void m_u_with_phase(Angles a, GateMatrix& m) {
    u_of(a[0], a[1], a[2], m);
    for (int k = 0; k < 4; ++k) m[k] *= turn(a[3]);
}
void m_identity(Angles, GateMatrix& m) { diagonal(m, 1, 1); }
void m_x(Angles, GateMatrix& m) { one(m, 0, 1, 1, 0); }
void m_y(Angles, GateMatrix& m) { one(m, 0, -i, i, 0); }
void m_z(Angles, GateMatrix& m) { diagonal(m, 1, -1); }
void m_h(Angles, GateMatrix& m) { one(m, root, root, root, -root); }
void m_s(Angles, GateMatrix& m) { diagonal(m, 1, i); }
void m_sdg(Angles, GateMatrix& m) { diagonal(m, 1, -i); }
void m_t(Angles, GateMatrix& m) { diagonal(m, 1, {root, root}); }
void m_tdg(Angles, GateMatrix& m) { diagonal(m, 1, {root, -root}); }
void m_sx(Angles, GateMatrix& m) { one(m, {.5, .5}, {.5, -.5}, {.5, -.5}, {.5, .5}); }
void m_sxdg(Angles, GateMatrix& m) { one(m, {.5, -.5}, {.5, .5}, {.5, .5}, {.5, -.5}); }
void m_r(Angles a, GateMatrix& m) {
    const double c = std::cos(a[0] / 2), sine = std::sin(a[0] / 2);
    one(m, c, -i * turn(-a[1]) * sine, -i * turn(a[1]) * sine, c);
}
void m_u2(Angles a, GateMatrix& m) { u_of(pi / 2, a[0], a[1], m); }
void m_gphase(Angles a, GateMatrix& m) { m[0] = turn(a[0]); }

void m_swap(Angles, GateMatrix& m) { two(m, {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}); }
void m_iswap(Angles, GateMatrix& m) { two(m, {1, 0, 0, 0, 0, 0, i, 0, 0, i, 0, 0, 0, 0, 0, 1}); }
// cx(0,1) then cx(1,0)
void m_dcx(Angles, GateMatrix& m) { two(m, {1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0}); }
// (IX - XY) / sqrt 2, with the first operand as the least significant bit
void m_ecr(Angles, GateMatrix& m) { two(m, {0, root, 0, root * i, root, 0, -root * i, 0, 0, root * i, 0, root, -root * i, 0, root, 0}); }
void m_rxx(Angles a, GateMatrix& m) {
    const Amplitude c = std::cos(a[0] / 2), w = -i * std::sin(a[0] / 2);
    two(m, {c, 0, 0, w, 0, c, w, 0, 0, w, c, 0, w, 0, 0, c});
}
void m_ryy(Angles a, GateMatrix& m) {
    const Amplitude c = std::cos(a[0] / 2), w = i * std::sin(a[0] / 2);
    two(m, {c, 0, 0, w, 0, c, -w, 0, 0, -w, c, 0, w, 0, 0, c});
}
void m_rzz(Angles a, GateMatrix& m) {
    const Amplitude same = turn(-a[0] / 2), other = turn(a[0] / 2);
    two(m, {same, 0, 0, 0, 0, other, 0, 0, 0, 0, other, 0, 0, 0, 0, same});
}
// exp(-i theta/2 X(second) Z(first))
void m_rzx(Angles a, GateMatrix& m) {
    const Amplitude c = std::cos(a[0] / 2), w = i * std::sin(a[0] / 2);
    two(m, {c, 0, -w, 0, 0, c, 0, w, -w, 0, c, 0, 0, w, 0, c});
}
void m_xx_minus_yy(Angles a, GateMatrix& m) {
    const Amplitude c = std::cos(a[0] / 2), w = -i * std::sin(a[0] / 2);
    two(m, {c, 0, 0, w * turn(-a[1]), 0, 1, 0, 0, 0, 0, 1, 0, w * turn(a[1]), 0, 0, c});
}
void m_xx_plus_yy(Angles a, GateMatrix& m) {
    const Amplitude c = std::cos(a[0] / 2), w = -i * std::sin(a[0] / 2);
    two(m, {1, 0, 0, 0, 0, c, w * turn(-a[1]), 0, 0, w * turn(a[1]), c, 0, 0, 0, 0, 1});
}
void m_fsim(Angles a, GateMatrix& m) {
    const Amplitude c = std::cos(a[0]), w = -i * std::sin(a[0]);
    two(m, {1, 0, 0, 0, 0, c, w, 0, 0, w, c, 0, 0, 0, 0, turn(-a[1])});
}

// clang-format off
using enum Gate;
constexpr GateInfo table[] = {
    // gate       name          aliases                       angles controls targets diagonal
    {gphase,      "gphase",      {},                  1, 0, 0, true,  m_gphase,        "global phase e^(i angle)"},
    {id,          "id",          {"u0"},              0, 0, 1, true,  m_identity,      "identity"},
    {x,           "x",           {"X"},               0, 0, 1, false, m_x,             "Pauli X"},
    {y,           "y",           {},                  0, 0, 1, false, m_y,             "Pauli Y"},
    {z,           "z",           {},                  0, 0, 1, true,  m_z,             "Pauli Z"},
    {h,           "h",           {},                  0, 0, 1, false, m_h,             "Hadamard"},
    {s,           "s",           {},                  0, 0, 1, true,  m_s,             "square root of Z"},
    {sdg,         "sdg",         {},                  0, 0, 1, true,  m_sdg,           "inverse of s"},
    {t,           "t",           {},                  0, 0, 1, true,  m_t,             "fourth root of Z"},
    {tdg,         "tdg",         {},                  0, 0, 1, true,  m_tdg,           "inverse of t"},
    {sx,          "sx",          {},                  0, 0, 1, false, m_sx,            "square root of X"},
    {sxdg,        "sxdg",        {},                  0, 0, 1, false, m_sxdg,          "inverse of sx"},
    {rx,          "rx",          {},                  1, 0, 1, false, m_rx,            "rotation about X"},
    {ry,          "ry",          {},                  1, 0, 1, false, m_ry,            "rotation about Y"},
    {rz,          "rz",          {},                  1, 0, 1, true,  m_rz,            "rotation about Z"},
    {p,           "p",           {"phase", "u1"},     1, 0, 1, true,  m_p,             "phase of |1>"},
    {r,           "r",           {"prx"},             2, 0, 1, false, m_r,             "rotation by theta about cos(phi) X + sin(phi) Y"},
    {u2,          "u2",          {},                  2, 0, 1, false, m_u2,            "u(pi/2, phi, lambda)"},
    {u,           "u",           {"U", "u3"},         3, 0, 1, false, m_u,             "any one-qubit gate, up to a phase"},
    {cx,          "cx",          {"CX", "cnot"},      0, 1, 1, false, m_x,             "controlled X"},
    {cy,          "cy",          {},                  0, 1, 1, false, m_y,             "controlled Y"},
    {cz,          "cz",          {},                  0, 1, 1, true,  m_z,             "controlled Z"},
    {ch,          "ch",          {},                  0, 1, 1, false, m_h,             "controlled Hadamard"},
    {cs,          "cs",          {},                  0, 1, 1, true,  m_s,             "controlled s"},
    {csdg,        "csdg",        {},                  0, 1, 1, true,  m_sdg,           "controlled sdg"},
    {csx,         "csx",         {},                  0, 1, 1, false, m_sx,            "controlled sx"},
    {cp,          "cp",          {"cphase", "cu1"},   1, 1, 1, true,  m_p,             "controlled phase"},
    {crx,         "crx",         {},                  1, 1, 1, false, m_rx,            "controlled rx"},
    {cry,         "cry",         {},                  1, 1, 1, false, m_ry,            "controlled ry"},
    {crz,         "crz",         {},                  1, 1, 1, true,  m_rz,            "controlled rz"},
    {cu3,         "cu3",         {},                  3, 1, 1, false, m_u,             "controlled u"},
    {cu,          "cu",          {},                  4, 1, 1, false, m_u_with_phase,  "controlled e^(i gamma) u(theta, phi, lambda)"},
    {swap,        "swap",        {},                  0, 0, 2, false, m_swap,          "exchange of two qubits"},
    {iswap,       "iswap",       {},                  0, 0, 2, false, m_iswap,         "exchange with a phase i on |01> and |10>"},
    {dcx,         "dcx",         {},                  0, 0, 2, false, m_dcx,           "cx both ways, one after the other"},
    {ecr,         "ecr",         {},                  0, 0, 2, false, m_ecr,           "echoed cross resonance"},
    {rxx,         "rxx",         {},                  1, 0, 2, false, m_rxx,           "exp(-i theta/2 XX)"},
    {ryy,         "ryy",         {},                  1, 0, 2, false, m_ryy,           "exp(-i theta/2 YY)"},
    {rzz,         "rzz",         {},                  1, 0, 2, true,  m_rzz,           "exp(-i theta/2 ZZ)"},
    {rzx,         "rzx",         {},                  1, 0, 2, false, m_rzx,           "exp(-i theta/2 ZX), Z on the first qubit"},
    {xx_minus_yy, "xx_minus_yy", {},                  2, 0, 2, false, m_xx_minus_yy,   "exp(-i theta/4 (XX - YY)) with phase beta"},
    {xx_plus_yy,  "xx_plus_yy",  {},                  2, 0, 2, false, m_xx_plus_yy,    "exp(-i theta/4 (XX + YY)) with phase beta"},
    {fsim,        "fsim",        {},                  2, 0, 2, false, m_fsim,          "partial iswap by theta, then cp(-phi)"},
    {ccx,         "ccx",         {"toffoli"},         0, 2, 1, false, m_x,             "X under two controls"},
    {ccz,         "ccz",         {},                  0, 2, 1, true,  m_z,             "Z under two controls"},
    {cswap,       "cswap",       {"fredkin"},         0, 1, 2, false, m_swap,          "controlled swap"},
    {c3x,         "c3x",         {"mcx"},             0, 3, 1, false, m_x,             "X under three controls"},
    {c3sx,        "c3sx",        {"c3sqrtx"},         0, 3, 1, false, m_sx,            "sx under three controls"},
    {c4x,         "c4x",         {},                  0, 4, 1, false, m_x,             "X under four controls"},
};
// clang-format on

bool table_is_in_order() {
    return std::ranges::all_of(table, [k = std::size_t{0}](const GateInfo& row) mutable { return row.gate == Gate(k++); });
}

}  // namespace

std::span<const GateInfo> gates() {
    static_assert(std::size(table) == gate_count);
    static const bool in_order = table_is_in_order();
    MERIDIAN_ASSERT(in_order);
    return table;
}

const GateInfo& info(Gate gate) { return table[std::size_t(gate)]; }

std::optional<Gate> gate_named(std::string_view wanted) {
    for (const GateInfo& row : table)
        if (row.name == wanted || (!wanted.empty() && std::ranges::find(row.aliases, wanted) != row.aliases.end())) return row.gate;
    return std::nullopt;
}

std::optional<GateCall> inverse(Gate gate, std::span<const double> a) {
    MERIDIAN_ASSERT(a.size() == info(gate).parameters);
    switch (gate) {
        case id:
        case x:
        case y:
        case z:
        case h:
        case cx:
        case cy:
        case cz:
        case ch:
        case swap:
        case ecr:
        case ccx:
        case ccz:
        case cswap:
        case c3x:
        case c4x:
            return GateCall{gate};
        case s:
            return GateCall{sdg};
        case sdg:
            return GateCall{s};
        case t:
            return GateCall{tdg};
        case tdg:
            return GateCall{t};
        case sx:
            return GateCall{sxdg};
        case sxdg:
            return GateCall{sx};
        case cs:
            return GateCall{csdg};
        case csdg:
            return GateCall{cs};
        case gphase:
        case rx:
        case ry:
        case rz:
        case p:
        case cp:
        case crx:
        case cry:
        case crz:
        case rxx:
        case ryy:
        case rzz:
        case rzx:
            return GateCall{gate, {-a[0]}};
        case r:
        case xx_minus_yy:
        case xx_plus_yy:
            return GateCall{gate, {-a[0], a[1]}};
        case fsim:
            return GateCall{gate, {-a[0], -a[1]}};
        case u2:
            return GateCall{u, {-pi / 2, -a[1], -a[0]}};
        case u:
        case cu3:
            return GateCall{gate, {-a[0], -a[2], -a[1]}};
        case cu:
            return GateCall{gate, {-a[0], -a[2], -a[1], -a[3]}};
        case iswap:
        case dcx:
        case csx:
        case c3sx:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace meridian::quantum
