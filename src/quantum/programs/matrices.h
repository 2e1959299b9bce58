// Small dense matrices, row-major: powers and adjoints of gates, and the matrix of a whole small circuit.
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

// The matrix of a circuit of gates and unitaries on its qubits, qubit 0 least significant, global phase included. For small circuits:
// each operation costs 4^qubits. Other operations than barriers and delays must not occur.
Matrix unitary_of(const Circuit& circuit);

// `op` of a circuit on the amplitudes of `states` states that lie one after the other, of `qubits` qubits each.
void apply_to(const Circuit& circuit, const Op& op, std::span<Amplitude> amplitudes);

namespace limits {
inline constexpr double unitary_tolerance = 1e-6;
}  // namespace limits

}  // namespace meridian::quantum
