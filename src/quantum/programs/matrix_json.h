// Matrices as the clients write them in JSON.
#pragma once
#include "base/expected.h"
#include "base/json.h"
#include "quantum/programs/matrices.h"

namespace meridian::quantum {

// Aer: {"__ndarray__": true, "data": [[..]]} or nested lists; elements {"__complex__": true, "real", "imag"}, [real, imag] or numbers.
expected<Matrix> read_aer_matrix(const Json& value, std::size_t dimension);
// Cirq: nested lists of {"cirq_type": "complex", "real", "imag"} or numbers.
expected<Matrix> read_cirq_matrix(const Json& value, std::size_t dimension);

}  // namespace meridian::quantum
