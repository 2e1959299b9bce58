// Small dense matrices, row-major: powers and adjoints of gates.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quantum/ir/circuit.h"

namespace meridian::quantum {

using Matrix = std::vector<Amplitude>;  // dimension^2 elements

Matrix identity(std::size_t dimension);
Matrix product(const Matrix& a, const Matrix& b, std::size_t dimension);
Matrix adjoint(const Matrix& matrix, std::size_t dimension);
// The Kronecker product with `low` on the less significant bits of an index.
Matrix kronecker(const Matrix& high, std::size_t high_dimension, const Matrix& low, std::size_t low_dimension);
// The greatest element of |M M* - 1|.
double distance_from_unitary(const Matrix& matrix, std::size_t dimension);

// The principal power of a unitary: eigenvalues e^(i a) with -pi < a <= pi become e^(i a exponent). Whole exponents are multiplied out.
Matrix power(const Matrix& unitary, std::size_t dimension, double exponent);

namespace limits {
inline constexpr double unitary_tolerance = 1e-6;
}  // namespace limits

}  // namespace meridian::quantum
