// What stands behind the name of a gate in a program: a gate of the table or a definition of the text, compiled once.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "quantum/ir/gates.h"
#include "quantum/programs/openqasm/value.h"

namespace meridian::quantum::openqasm {

struct GateName {
    enum class Kind : std::uint8_t { none, table, defined, opaque, idle, delay };  // idle: u0(gamma), an identity with an angle
    // OpenQASM 3 defines U, u2 and u3 with other phases than the table, which shows as soon as they are controlled:
    // e^(i theta/2) for U(theta, phi, lambda), e^(-i (phi+lambda)/2) for u2 and u3.
    enum class Phase : std::uint8_t { none, half_first, minus_half_last_two };
    Kind kind = Kind::none;
    Gate gate = Gate::id;
    Phase phase = Phase::none;
    std::uint32_t index = 0;  // of the definition; of an opaque gate, where it was declared
    bool is_of_text = false;
};

struct BodyModifier {
    bool is_control = false, value = true;
    std::uint32_t count = 1;     // of controls
    std::uint32_t exponent = 0;  // a formula
};

struct BodyCall {
    bool is_barrier = false;
    GateName gate = {};
    std::uint32_t first_operand = 0, operand_count = 0;
    std::uint32_t first_angle = 0, angle_count = 0;
    std::uint32_t first_modifier = 0, modifier_count = 0;
    std::uint32_t at = 0;
};

struct Definition {
    std::uint32_t parameters = 0, qubits = 0;
    std::uint32_t depth = 1;  // of definitions in definitions
    std::uint64_t cost = 0;   // operations of one call, saturated
    std::vector<BodyCall> calls = {};
    std::vector<std::uint32_t> operands = {}, angles = {};  // numbers of the gate's qubits; formulas
    std::vector<BodyModifier> modifiers = {};
    std::vector<Formula> formulas = {};

    [[nodiscard]] std::span<const std::uint32_t> operands_of(const BodyCall& call) const {
        return std::span(operands).subspan(call.first_operand, call.operand_count);
    }
    [[nodiscard]] std::span<const BodyModifier> modifiers_of(const BodyCall& call) const {
        return std::span(modifiers).subspan(call.first_modifier, call.modifier_count);
    }
};

// The values of all formulas for these parameters.
std::vector<double> values_of(const Definition& definition, std::span<const double> parameters);

// Toffoli gates up to phases of some states, from the header of OpenQASM 2 that Qiskit ships.
Definition relative_phase_ccx();
Definition relative_phase_c3x();

}  // namespace meridian::quantum::openqasm
