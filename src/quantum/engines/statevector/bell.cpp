#include "quantum/engines/statevector/bell.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "quantum/ir/turn.h"

namespace meridian::quantum {
namespace {

using Real4 = std::array<double, 16>;  // row-major
constexpr int sweeps_most = 24;
constexpr double flaw_most = 1e-11, rounding = 1e-30;

Amplitude times_i(Amplitude a) { return {-a.imag(), a.real()}; }

// The Bell basis: columns [1 0 0 1], i [1 0 0 -1], i [0 1 1 0], [0 1 -1 0] over root 2, with phases such that single-wire gates of
// determinant 1 are real in it. Its matrices are sums; a product of three would take ten times as long.
GateMatrix in_bell_basis(const GateMatrix& m) {
    GateMatrix right, out;
    for (std::size_t r = 0; r < 16; r += 4) {
        right[r] = m[r] + m[r + 3];
        right[r + 1] = times_i(m[r] - m[r + 3]);
        right[r + 2] = times_i(m[r + 1] + m[r + 2]);
        right[r + 3] = m[r + 1] - m[r + 2];
    }
    for (std::size_t c = 0; c < 4; ++c) {
        out[c] = 0.5 * (right[c] + right[12 + c]);
        out[4 + c] = -0.5 * times_i(right[c] - right[12 + c]);
        out[8 + c] = -0.5 * times_i(right[4 + c] + right[8 + c]);
        out[12 + c] = 0.5 * (right[4 + c] - right[8 + c]);
    }
    return out;
}

GateMatrix from_bell_basis(const Real4& m) {
    GateMatrix right, out;
    for (std::size_t r = 0; r < 16; r += 4) {
        right[r] = {m[r], -m[r + 1]};
        right[r + 1] = {m[r + 3], -m[r + 2]};
        right[r + 2] = {-m[r + 3], -m[r + 2]};
        right[r + 3] = {m[r], m[r + 1]};
    }
    for (std::size_t c = 0; c < 4; ++c) {
        out[c] = 0.5 * (right[c] + times_i(right[4 + c]));
        out[4 + c] = 0.5 * (times_i(right[8 + c]) + right[12 + c]);
        out[8 + c] = 0.5 * (times_i(right[8 + c]) - right[12 + c]);
        out[12 + c] = 0.5 * (right[c] - times_i(right[4 + c]));
    }
    return out;
}

// That of half the angle: of the two the one with a real part that is not negative. By the larger part first, where nothing cancels.
Amplitude half_turn(Amplitude unit) {
    const double larger = std::sqrt(0.5 + 0.5 * std::abs(unit.real())), smaller = 0.5 * unit.imag() / larger;
    return unit.real() >= 0 ? Amplitude(larger, smaller) : Amplitude(std::abs(smaller), std::copysign(larger, unit.imag()));
}

double determinant(const Real4& m) {
    const auto minor2 = [&](std::size_t r, std::size_t c0, std::size_t c1) {
        return m[r + c0] * m[r + 4 + c1] - m[r + c1] * m[r + 4 + c0];
    };
    return minor2(0, 0, 1) * minor2(8, 2, 3) - minor2(0, 0, 2) * minor2(8, 1, 3) + minor2(0, 0, 3) * minor2(8, 1, 2) +
           minor2(0, 1, 2) * minor2(8, 0, 3) - minor2(0, 1, 3) * minor2(8, 0, 2) + minor2(0, 2, 3) * minor2(8, 0, 1);
}

// A rotation whose rows are eigenvectors of both symmetric matrices, which commute; by Jacobi's method on the two at once.
Real4 common_eigenvectors(std::array<Real4, 2> m) {
    Real4 rows{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    bool turned = true;
    for (int sweep = 0; turned && sweep < sweeps_most; ++sweep) {
        turned = false;
        for (std::size_t p = 0; p < 4; ++p)
            for (std::size_t q = p + 1; q < 4; ++q) {
                double on = 0, off = 0;
                for (const Real4& a : m) {
                    const double difference = a[5 * p] - a[5 * q], both = 2 * a[4 * p + q];
                    on += difference * difference - both * both;
                    off += 2 * difference * both;
                }
                const double length = std::sqrt(on * on + off * off);
                if (length < rounding) continue;
                // The angle is a quarter of that of (on, off): halved twice, where nothing cancels.
                const double c2 = std::sqrt(0.5 + 0.5 * std::abs(on) / length), s2 = 0.5 * off / length / c2;
                const double half_c = on >= 0 ? c2 : std::abs(s2), half_s = on >= 0 ? s2 : std::copysign(c2, off);
                const double c = std::sqrt(0.5 + 0.5 * half_c), s = 0.5 * half_s / c;
                if (std::abs(s) < 1e-15) continue;
                turned = turned || std::abs(s) > 1e-12;
                const auto turn = [&](double& x, double& y) { x = std::exchange(y, c * y - s * x) * s + c * x; };
                for (Real4& a : m) {
                    for (std::size_t k = 0; k < 4; ++k) turn(a[4 * p + k], a[4 * q + k]);
                    for (std::size_t k = 0; k < 4; ++k) turn(a[4 * k + p], a[4 * k + q]);
                }
                for (std::size_t k = 0; k < 4; ++k) turn(rows[4 * p + k], rows[4 * q + k]);
            }
    }
    if (determinant(rows) < 0)
        for (std::size_t k = 0; k < 4; ++k) rows[k] = -rows[k];
    return rows;
}

// The two gates that a real rotation in the Bell basis is made of.
std::array<Matrix2, 2> single_gates(const Real4& rotation) {
    const GateMatrix m = from_bell_basis(rotation);
    const auto block = [&](std::size_t r, std::size_t c) {
        return Matrix2{m[8 * r + 2 * c], m[8 * r + 2 * c + 1], m[8 * r + 4 + 2 * c], m[8 * r + 4 + 2 * c + 1]};
    };
    const auto determinant2 = [](const Matrix2& x) { return x[0] * x[3] - x[1] * x[2]; };
    const std::size_t column = std::norm(determinant2(block(0, 0))) >= std::norm(determinant2(block(0, 1))) ? 0 : 1;
    Matrix2 low = block(0, column), high;
    const Amplitude root = std::sqrt(determinant2(low));
    for (Amplitude& element : low) element /= root;
    for (std::size_t k = 0; k < 4; ++k) {
        const Matrix2 b = block(k / 2, k % 2);
        Amplitude trace = 0;
        for (std::size_t e = 0; e < 4; ++e) trace += std::conj(low[e]) * b[e];
        high[k] = 0.5 * trace;
    }
    return {low, high};
}

}  // namespace

GateMatrix product(const GateMatrix& later, const GateMatrix& earlier) {
    GateMatrix m{};
    for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t k = 0; k < 4; ++k) {
            const double re = later[4 * r + k].real(), im = later[4 * r + k].imag();
            if (re == 0 && im == 0) continue;  // most of a gate on one wire
            // By parts, as a complex product looks for infinities.
            for (std::size_t c = 0; c < 4; ++c) {
                const Amplitude e = earlier[4 * k + c];
                m[4 * r + c] += Amplitude(re * e.real() - im * e.imag(), re * e.imag() + im * e.real());
            }
        }
    return m;
}

GateMatrix tensor(const Matrix2& low, const Matrix2& high) {
    GateMatrix m;
    for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t c = 0; c < 4; ++c) m[4 * r + c] = low[2 * (r % 2) + c % 2] * high[2 * (r / 2) + c / 2];
    return m;
}

std::optional<BellSplit> bell_split(const GateMatrix& m) {
    // In the Bell basis: real x diagonal x real. The square of the diagonal is in the transpose times the matrix.
    const GateMatrix bell = in_bell_basis(m);
    std::array<Real4, 2> square{};
    for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t c = r; c < 4; ++c) {
            Amplitude sum = 0;
            for (std::size_t k = 0; k < 4; ++k) sum += bell[4 * k + r] * bell[4 * k + c];
            square[0][4 * r + c] = square[0][4 * c + r] = sum.real();
            square[1][4 * r + c] = square[1][4 * c + r] = sum.imag();
        }
    const Real4 right = common_eigenvectors(square);
    Real4 left{};
    std::array<double, 4> phase{};
    std::array<Amplitude, 4> unit{};  // e^(i phase)
    for (std::size_t k = 0; k < 4; ++k) {
        std::array<Amplitude, 4> column{};  // of bell x transpose(right): a real vector times the phase
        Amplitude sum = 0;
        for (std::size_t r = 0; r < 4; ++r) {
            for (std::size_t c = 0; c < 4; ++c) column[r] += bell[4 * r + c] * right[4 * k + c];
            sum += column[r] * column[r];
        }
        const double length = std::sqrt(std::norm(sum));
        if (!(length > 0)) return std::nullopt;
        unit[k] = half_turn(sum / length);
        phase[k] = std::atan2(unit[k].imag(), unit[k].real());
        for (std::size_t r = 0; r < 4; ++r) left[4 * r + k] = (column[r] * std::conj(unit[k])).real();
    }
    if (determinant(left) < 0) {
        phase[0] += std::numbers::pi;
        unit[0] = -unit[0];
        for (std::size_t r = 0; r < 4; ++r) left[4 * r] = -left[4 * r];
    }
    BellSplit split{.before = single_gates(right), .after = single_gates(left), .phase = {}, .angle = {}};
    split.phase = {0.5 * (phase[0] + phase[1]), 0.5 * (phase[2] + phase[3])};
    split.angle = {0.5 * (phase[0] - phase[1]), 0.5 * (phase[2] - phase[3])};
    GateMatrix middle{};
    for (std::size_t plane = 0; plane < 2; ++plane) {
        const std::size_t p = plane, q = 3 - plane;
        middle[5 * p] = middle[5 * q] = 0.5 * (unit[2 * plane] + unit[2 * plane + 1]);
        middle[4 * p + q] = middle[4 * q + p] = 0.5 * (unit[2 * plane] - unit[2 * plane + 1]);
    }
    const GateMatrix again = product(tensor(split.after[0], split.after[1]), product(middle, tensor(split.before[0], split.before[1])));
    for (std::size_t k = 0; k < 16; ++k)
        if (!(std::norm(again[k] - m[k]) < flaw_most * flaw_most)) return std::nullopt;
    return split;
}

}  // namespace meridian::quantum
