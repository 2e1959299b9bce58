// Writes gates under controls, inverses and powers into a circuit, within its limits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quantum/ir/circuit.h"
#include "quantum/programs/matrices.h"

namespace meridian::quantum {

// Thrown where a circuit outgrows a limit; decoders add the place.
struct TooLarge {
    std::string said;
};

// Control qubits with the value on which each acts.
struct Controls {
    std::vector<std::uint32_t> qubits;
    std::vector<std::uint8_t> values;

    void add(std::uint32_t qubit, bool value) {
        qubits.push_back(qubit);
        values.push_back(value);
    }
    [[nodiscard]] bool empty() const { return qubits.empty(); }
};

class GateWriter {
public:
    GateWriter(Circuit& circuit, std::size_t operations_max) : circuit_(circuit), operations_max_(operations_max) {}

    [[nodiscard]] Circuit& circuit() { return circuit_; }
    [[nodiscard]] std::size_t room() const { return operations_max_ - circuit_.ops.size(); }
    // `exponent` 1 is the gate, -1 its inverse; others as `power` says.
    void gate(Gate gate, std::span<const std::uint32_t> operands, std::span<const double> angles, const Controls& controls = {},
              double exponent = 1);
    void unitary(const Matrix& matrix, std::span<const std::uint32_t> targets, const Controls& controls = {});
    // e^(i angle), where the controls agree.
    void phase(double angle, const Controls& controls = {});
    // Any other operation. Its operands are not added to.
    Op& add(Op op);
    Op& add(Op op, std::span<const std::uint32_t> operands);
    // The offset written into operations from now on.
    void at(std::size_t offset) { at_ = static_cast<std::uint32_t>(offset); }
    [[nodiscard]] std::uint32_t at() const { return at_; }

private:
    void hold_room(std::size_t operands);
    Op& finished(Op& op, const Controls& controls);

    Circuit& circuit_;
    std::size_t operations_max_;
    std::uint32_t at_ = 0;
    std::vector<std::uint32_t> together_;
};

// Whether any angle of the gate may be multiplied by an exponent, and what comes out is the power: `whole` exponents only where the
// angle may be past the principal ones.
bool scales(Gate gate, std::span<const double> angles, double exponent);

namespace limits {
inline constexpr std::size_t matrix_pool = std::size_t{1} << 24;  // elements of all matrices of a circuit
}  // namespace limits

}  // namespace meridian::quantum
