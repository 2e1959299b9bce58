#include "quantum/programs/matrices.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace meridian::quantum {
namespace {

constexpr double whole_powers_max = 1u << 20;

// Diagonalizes the Hermitian `h` in place by Jacobi's rotations; the columns of the answer are its eigenvectors.
Matrix diagonalized(Matrix& h, std::size_t n) {
    constexpr int sweeps_max = 60;
    Matrix vectors = identity(n);
    for (int sweep = 0; sweep < sweeps_max; ++sweep) {
        double off = 0;
        for (std::size_t row = 0; row < n; ++row)
            for (std::size_t column = row + 1; column < n; ++column) off += std::norm(h[row * n + column]);
        if (off < 1e-32) break;
        for (std::size_t p = 0; p < n; ++p) {
            for (std::size_t q = p + 1; q < n; ++q) {
                const Amplitude between = h[p * n + q];
                const double size = std::abs(between);
                if (size < 1e-300) continue;
                const double theta = (h[q * n + q].real() - h[p * n + p].real()) / (2 * size);
                const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                const Amplitude turn = between / size;
                for (std::size_t k = 0; k < n; ++k) {  // columns p and q, of h and of the vectors
                    for (Matrix* m : {&h, &vectors}) {
                        const Amplitude a = (*m)[k * n + p], b = (*m)[k * n + q];
                        (*m)[k * n + p] = c * a - s * std::conj(turn) * b;
                        (*m)[k * n + q] = s * turn * a + c * b;
                    }
                }
                for (std::size_t k = 0; k < n; ++k) {  // rows p and q
                    const Amplitude a = h[p * n + k], b = h[q * n + k];
                    h[p * n + k] = c * a - s * turn * b;
                    h[q * n + k] = s * std::conj(turn) * a + c * b;
                }
            }
        }
    }
    return vectors;
}

Matrix whole_power(Matrix base, std::size_t n, std::uint64_t exponent) {
    Matrix result = identity(n);
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = product(result, base, n);
        if (exponent > 1) base = product(base, base, n);
    }
    return result;
}

}  // namespace

Matrix identity(std::size_t n) {
    Matrix matrix(n * n);
    for (std::size_t k = 0; k < n; ++k) matrix[k * n + k] = 1;
    return matrix;
}

Matrix product(const Matrix& a, const Matrix& b, std::size_t n) {
    Matrix result(n * n);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t k = 0; k < n; ++k) {
            const Amplitude factor = a[row * n + k];
            for (std::size_t column = 0; column < n; ++column) result[row * n + column] += factor * b[k * n + column];
        }
    return result;
}

Matrix adjoint(const Matrix& matrix, std::size_t n) {
    Matrix result(n * n);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t column = 0; column < n; ++column) result[column * n + row] = std::conj(matrix[row * n + column]);
    return result;
}

Matrix kronecker(const Matrix& high, std::size_t m, const Matrix& low, std::size_t n) {
    Matrix result(m * n * m * n);
    for (std::size_t row = 0; row < m * n; ++row)
        for (std::size_t column = 0; column < m * n; ++column)
            result[row * m * n + column] = high[row / n * m + column / n] * low[row % n * n + column % n];
    return result;
}

double distance_from_unitary(const Matrix& matrix, std::size_t n) {
    double distance = 0;
    const Matrix square = product(matrix, adjoint(matrix, n), n);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t column = 0; column < n; ++column) {
            const double off = std::abs(square[row * n + column] - (row == column ? 1.0 : 0.0));
            if (!(off <= distance)) distance = off;  // a NaN stays
        }
    return distance;
}

Matrix power(const Matrix& unitary, std::size_t n, double exponent) {
    if (exponent == std::floor(exponent) && std::abs(exponent) <= whole_powers_max)
        return whole_power(exponent < 0 ? adjoint(unitary, n) : unitary, n, static_cast<std::uint64_t>(std::abs(exponent)));
    // A unitary commutes with its Hermitian and its anti-Hermitian part; a mixture of both has its eigenvectors, unless the mixture makes
    // two different eigenvalues equal. Another mixture separates those.
    const Matrix other = adjoint(unitary, n);
    Matrix best;
    double best_rest = 1e300;
    for (const double mixture : {0.7320508, 1.6180340, -0.4142136}) {
        Matrix h(n * n);
        for (std::size_t k = 0; k < n * n; ++k) h[k] = (unitary[k] + other[k]) / 2.0 + mixture * (unitary[k] - other[k]) / Amplitude(0, 2);
        const Matrix vectors = diagonalized(h, n);
        const Matrix back = adjoint(vectors, n);
        Matrix values = product(product(back, unitary, n), vectors, n);
        double rest = 0;
        for (std::size_t row = 0; row < n; ++row)
            for (std::size_t column = 0; column < n; ++column)
                if (row != column) rest = std::max(rest, std::abs(std::exchange(values[row * n + column], 0)));
        for (std::size_t k = 0; k < n; ++k) {
            double angle = std::arg(values[k * n + k]);
            if (angle < -std::numbers::pi + 1e-9) angle = std::numbers::pi;  // -1 with a rounding error
            values[k * n + k] = std::polar(1.0, angle * exponent);
        }
        if (rest < best_rest) {
            best_rest = rest;
            best = product(product(vectors, values, n), back, n);
        }
        if (best_rest < 1e-12) break;
    }
    return best;
}

}  // namespace meridian::quantum
