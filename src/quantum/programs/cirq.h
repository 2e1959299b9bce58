// Reads Cirq's JSON into a circuit. Qubits are numbered in Cirq's own sorted order; each measurement of a key is one register of bits
// named by the key, so a key that is measured again has several registers of its name, in order.
#pragma once
#include <cstddef>
#include <string_view>

#include "base/expected.h"
#include "quantum/ir/circuit.h"
#include "quantum/programs/openqasm.h"

namespace meridian::quantum {

// Complaints name the moment and the operation.
expected<Circuit> read_cirq(std::string_view json, const ReadLimits& bounds = {});

namespace limits {
inline constexpr std::size_t cirq_bytes = std::size_t{64} << 20;
inline constexpr std::size_t cirq_depth = 200;   // of the JSON text
inline constexpr std::size_t cirq_nesting = 32;  // sub-circuits in sub-circuits
}  // namespace limits

}  // namespace meridian::quantum
