// Aer's noise model, decoded: which errors follow which gates, as the names stand in the program.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

// One possible outcome of an error: with `probability`, `circuit` acts on the gate's operands (its qubits count from 0).
struct ErrorBranch {
    double probability = 0;
    Circuit circuit;
};

struct GateError {
    std::string id;
    std::vector<std::string> operations;                  // gate names as in the program; also "measure" and "reset"
    std::vector<std::vector<std::uint32_t>> gate_qubits;  // the operands it holds for; none: for all
    std::vector<ErrorBranch> branches;
};

struct ReadoutError {
    std::vector<std::vector<std::uint32_t>> gate_qubits;  // none: for all
    std::vector<std::vector<double>> probabilities;       // [true value][read value]
};

struct NoiseModel {
    std::vector<GateError> gate_errors;
    std::vector<ReadoutError> readout_errors;
};

// The text inside of the envelope.
expected<NoiseModel> read_noise_model(std::string_view json);

namespace limits {
inline constexpr std::size_t noise_bytes = std::size_t{16} << 20;
inline constexpr std::size_t noise_errors = 1u << 16, noise_branches = 1u << 12;  // of a model; of an error
inline constexpr std::uint32_t noise_qubits = 6;                                  // that one error acts on
}  // namespace limits

}  // namespace meridian::quantum
