#include "quantum/ir/gates.h"

#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace meridian::quantum {
namespace {

using Matrix = std::vector<std::vector<Amplitude>>;
using Angles = std::vector<double>;
constexpr Amplitude i{0, 1};
constexpr double pi = std::numbers::pi;

Matrix identity(std::size_t side) {
    Matrix m(side, std::vector<Amplitude>(side));
    for (std::size_t k = 0; k < side; ++k) m[k][k] = 1;
    return m;
}

Matrix operator*(const Matrix& a, const Matrix& b) {
    Matrix m(a.size(), std::vector<Amplitude>(a.size()));
    for (std::size_t r = 0; r < a.size(); ++r)
        for (std::size_t c = 0; c < a.size(); ++c)
            for (std::size_t k = 0; k < a.size(); ++k) m[r][c] += a[r][k] * b[k][c];
    return m;
}

Matrix operator*(Amplitude factor, Matrix m) {
    for (auto& row : m)
        for (auto& x : row) x *= factor;
    return m;
}

Matrix operator+(Matrix a, const Matrix& b) {
    for (std::size_t r = 0; r < a.size(); ++r)
        for (std::size_t c = 0; c < a.size(); ++c) a[r][c] += b[r][c];
    return a;
}

Matrix adjoint(const Matrix& m) {
    Matrix out = m;
    for (std::size_t r = 0; r < m.size(); ++r)
        for (std::size_t c = 0; c < m.size(); ++c) out[r][c] = std::conj(m[c][r]);
    return out;
}

double distance(const Matrix& a, const Matrix& b) {
    double worst = 0;
    for (std::size_t r = 0; r < a.size(); ++r)
        for (std::size_t c = 0; c < a.size(); ++c) worst = std::max(worst, std::abs(a[r][c] - b[r][c]));
    return worst;
}

// Second factor on the more significant bit.
Matrix on_both(const Matrix& low, const Matrix& high) {
    Matrix m(4, std::vector<Amplitude>(4));
    for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t c = 0; c < 4; ++c) m[r][c] = high[r >> 1][c >> 1] * low[r & 1][c & 1];
    return m;
}

// exp(m) by scaling and squaring of the series.
Matrix exponential(const Matrix& m) {
    const Matrix small = Amplitude(1.0 / 256) * m;
    Matrix sum = identity(m.size()), term = sum;
    for (int k = 1; k < 12; ++k) sum = sum + (term = Amplitude(1.0 / k) * (term * small));
    for (int k = 0; k < 8; ++k) sum = sum * sum;
    return sum;
}

const Matrix I = identity(2), X{{0, 1}, {1, 0}}, Y{{0, -i}, {i, 0}}, Z{{1, 0}, {0, -1}};

Matrix turn_about(const Matrix& generator, double angle) { return exponential(-i * Amplitude(angle / 2) * generator); }
Matrix phase(double angle) { return {{1, 0}, {0, std::polar(1.0, angle)}}; }
Matrix euler(double theta, double phi, double lambda) {
    return std::polar(1.0, (phi + lambda) / 2) * (turn_about(Z, phi) * turn_about(Y, theta) * turn_about(Z, lambda));
}
// Controlled by the low bit, or by the high one.
Matrix low_controls(const Matrix& m) { return on_both({{1, 0}, {0, 0}}, I) + on_both({{0, 0}, {0, 1}}, m); }
Matrix high_controls(const Matrix& m) { return on_both(I, {{1, 0}, {0, 0}}) + on_both(m, {{0, 0}, {0, 1}}); }

// What a gate does to its targets, by its generator or by simpler gates and never by the table.
const std::map<Gate, std::function<Matrix(const Angles&)>>& definitions() {
    using enum Gate;
    static const auto fixed = [](Matrix m) { return [m](const Angles&) { return m; }; };
    static const Matrix hadamard = Amplitude(1 / std::numbers::sqrt2) * (X + Z),
                        root_of_x = std::polar(1.0, pi / 4) * turn_about(X, pi / 2);
    static const Matrix xx = on_both(X, X), yy = on_both(Y, Y), zz = on_both(Z, Z);
    static const Matrix exchange = Amplitude(0.5) * (identity(4) + xx + yy + zz);
    static const auto about = [](const Matrix& generator) { return [generator](const Angles& a) { return turn_about(generator, a[0]); }; };
    static const std::map<Gate, std::function<Matrix(const Angles&)>> all{
        {gphase, [](const Angles& a) { return Matrix{{std::polar(1.0, a[0])}}; }},
        {id, fixed(I)},
        {x, fixed(X)},
        {y, fixed(Y)},
        {z, fixed(Z)},
        {h, fixed(hadamard)},
        {s, fixed(phase(pi / 2))},
        {sdg, fixed(phase(-pi / 2))},
        {t, fixed(phase(pi / 4))},
        {tdg, fixed(phase(-pi / 4))},
        {sx, fixed(root_of_x)},
        {sxdg, fixed(adjoint(root_of_x))},
        {rx, about(X)},
        {ry, about(Y)},
        {rz, about(Z)},
        {p, [](const Angles& a) { return phase(a[0]); }},
        {r, [](const Angles& a) { return turn_about(Amplitude(std::cos(a[1])) * X + Amplitude(std::sin(a[1])) * Y, a[0]); }},
        {u2, [](const Angles& a) { return euler(pi / 2, a[0], a[1]); }},
        {u, [](const Angles& a) { return euler(a[0], a[1], a[2]); }},
        {cx, fixed(X)},
        {cy, fixed(Y)},
        {cz, fixed(Z)},
        {ch, fixed(hadamard)},
        {cs, fixed(phase(pi / 2))},
        {csdg, fixed(phase(-pi / 2))},
        {csx, fixed(root_of_x)},
        {cp, [](const Angles& a) { return phase(a[0]); }},
        {crx, about(X)},
        {cry, about(Y)},
        {crz, about(Z)},
        {cu3, [](const Angles& a) { return euler(a[0], a[1], a[2]); }},
        {cu, [](const Angles& a) { return std::polar(1.0, a[3]) * euler(a[0], a[1], a[2]); }},
        {swap, fixed(exchange)},
        {iswap, fixed(exponential(i * Amplitude(pi / 4) * (xx + yy)))},
        {dcx, fixed(high_controls(X) * low_controls(X))},
        {ecr, fixed(Amplitude(1 / std::numbers::sqrt2) * (on_both(X, I) + Amplitude(-1) * on_both(Y, X)))},
        {rxx, about(xx)},
        {ryy, about(yy)},
        {rzz, about(zz)},
        {rzx, about(on_both(Z, X))},
        {xx_minus_yy,
         [](const Angles& a) {
             return on_both(I, turn_about(Z, a[1])) * turn_about(Amplitude(0.5) * (xx + Amplitude(-1) * yy), a[0]) *
                    on_both(I, turn_about(Z, -a[1]));
         }},
        {xx_plus_yy,
         [](const Angles& a) {
             return on_both(turn_about(Z, -a[1]), I) * turn_about(Amplitude(0.5) * (xx + yy), a[0]) * on_both(turn_about(Z, a[1]), I);
         }},
        {fsim, [](const Angles& a) { return low_controls(phase(-a[1])) * turn_about(xx + yy, a[0]); }},
        {ccx, fixed(X)},
        {ccz, fixed(Z)},
        {cswap, fixed(exchange)},
        {c3x, fixed(X)},
        {c3sx, fixed(root_of_x)},
        {c4x, fixed(X)},
    };
    return all;
}

Matrix of_table(Gate gate, const Angles& angles) {
    GateMatrix flat{};
    info(gate).matrix(angles, flat);
    const std::size_t side = std::size_t{1} << info(gate).targets;
    Matrix m(side, std::vector<Amplitude>(side));
    for (std::size_t k = 0; k < side * side; ++k) m[k / side][k % side] = flat[k];
    return m;
}

Angles random_angles(const GateInfo& row, std::mt19937_64& rng) {
    Angles angles(row.parameters);
    for (double& a : angles) a = std::uniform_real_distribution<double>(-9, 9)(rng);
    return angles;
}

TEST(Gates, EveryMatrixIsUnitaryAndEqualsItsDefinition) {
    std::mt19937_64 rng(1);
    for (const GateInfo& row : gates())
        for (int k = 0; k < 10; ++k) {
            SCOPED_TRACE(row.name);
            const Angles angles = random_angles(row, rng);
            const Matrix m = of_table(row.gate, angles);
            EXPECT_LT(distance(adjoint(m) * m, identity(m.size())), 1e-14);
            ASSERT_TRUE(definitions().contains(row.gate)) << "a gate without an independent definition";
            EXPECT_LT(distance(m, definitions().at(row.gate)(angles)), 1e-12);
        }
}

TEST(Gates, TheDiagonalOnesAreThoseThatTheTableSays) {
    std::mt19937_64 rng(2);
    for (const GateInfo& row : gates()) {
        const Matrix m = of_table(row.gate, random_angles(row, rng));
        double off = 0;
        for (std::size_t r = 0; r < m.size(); ++r)
            for (std::size_t c = 0; c < m.size(); ++c)
                if (r != c) off = std::max(off, std::abs(m[r][c]));
        EXPECT_EQ(off < 1e-12, row.is_diagonal) << row.name;
    }
}

TEST(Gates, AnInverseUndoesItsGateWithItsPhase) {
    std::mt19937_64 rng(3);
    std::set<Gate> without;
    for (const GateInfo& row : gates())
        for (int k = 0; k < 5; ++k) {
            const Angles angles = random_angles(row, rng);
            const auto undo = inverse(row.gate, angles);
            if (!undo) {
                without.insert(row.gate);
                continue;
            }
            const GateInfo& other = info(undo->gate);
            EXPECT_EQ(other.controls, row.controls) << row.name;
            const Matrix m = of_table(undo->gate, Angles(undo->angles.begin(), undo->angles.begin() + other.parameters));
            EXPECT_LT(distance(m * of_table(row.gate, angles), identity(m.size())), 1e-13) << row.name;
        }
    EXPECT_EQ(without, (std::set{Gate::iswap, Gate::dcx, Gate::csx, Gate::c3sx}));
}

TEST(Gates, NamesAndAliasesAreUniqueAndFound) {
    std::set<std::string_view> seen;
    for (const GateInfo& row : gates()) {
        EXPECT_EQ(&info(row.gate), &row);
        EXPECT_FALSE(row.help.empty()) << row.name;
        EXPECT_TRUE(seen.insert(row.name).second) << row.name;
        EXPECT_EQ(gate_named(row.name), row.gate);
        bool ended = false;
        for (const std::string_view alias : row.aliases) {
            ended |= alias.empty();
            if (alias.empty()) continue;
            EXPECT_FALSE(ended) << "aliases come first: " << row.name;
            EXPECT_TRUE(seen.insert(alias).second) << alias;
            EXPECT_EQ(gate_named(alias), row.gate);
        }
    }
    EXPECT_FALSE(gate_named(""));
    EXPECT_FALSE(gate_named("Hadamard"));
    EXPECT_FALSE(gate_named("H"));
}

}  // namespace
}  // namespace meridian::quantum
