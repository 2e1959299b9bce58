// A circuit as engines see it: a flat list of operations over qubits and classical bits, with jumps for control flow.
//
// Decoders expand gate definitions and loops with constant bounds; what depends on measured bits stays, as branches and jumps over
// the list, so that running a circuit is walking a program counter. Everything of variable size lies in pools of the circuit
// (operands, angles, matrices, expressions), which keeps an operation small and makes "the same circuit with other angles" a
// comparison of the rest.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quantum/ir/gates.h"

namespace meridian::quantum {

struct Op {
    enum class Kind : std::uint8_t {
        gate,     // `gate` on operands; the first `controls` are controls (the gate's own and those of modifiers); angles at `first`
        unitary,  // a matrix of the pool at `first` on the targets (2^t x 2^t, row-major, target 0 least significant), with controls
        channel,  // `target` Kraus operators at `first`, each of 2^t x 2^t elements
        measure,  // one qubit into classical bit `target`
        reset,    // one qubit to |0>
        barrier,  // nothing may be moved over it
        delay,    // one angle of the pool: seconds, or 0 where the program gave device ticks; no effect without noise
        set_bit,  // classical bit `target` = expression `first`, not 0
        set,      // variable `target` = expression `first`
        jump,     // go on at operation `target`
        branch,   // go on at operation `target` when expression `first` is 0
    };
    Kind kind = Kind::gate;
    Gate gate = Gate::id;
    std::uint16_t controls = 0;
    std::uint32_t first_operand = 0, operand_count = 0;
    std::uint32_t first = 0;
    std::uint32_t target = 0;
    std::uint32_t at = 0;              // byte offset into the user's text
    std::uint64_t control_values = 0;  // bit k: the value on which control k acts
    bool operator==(const Op&) const = default;
};

// Integers of 64 bits; a register reads as an unsigned number, its first bit least significant.
struct Expression {
    enum class Kind : std::uint8_t {
        constant,
        bit,
        bits,
        variable,  // value | bit `lhs` | `rhs` bits from bit `lhs` on | variable `lhs`
        minus,
        bit_not,
        not_,  // of lhs; bit_not keeps `value` low bits
        add,
        subtract,
        multiply,
        divide,
        modulo,
        power,
        bit_and,
        bit_or,
        bit_xor,
        shift_left,
        shift_right,
        equal,
        not_equal,
        less,
        less_equal,
        greater,
        greater_equal,
        and_,
        or_,  // 0 or 1
    };
    Kind kind = Kind::constant;
    std::uint32_t lhs = 0, rhs = 0;  // expressions of the pool, before this one; or what the kind says
    std::int64_t value = 0;
    bool operator==(const Expression&) const = default;
};

struct Register {
    std::string name;
    std::uint32_t first = 0, size = 0;
    bool operator==(const Register&) const = default;
};

struct Circuit {
    std::string name;
    std::uint32_t qubits = 0, bits = 0, variables = 0;
    std::vector<Register> qubit_registers, bit_registers;  // in the order of their declaration
    double global_phase = 0;                               // radians
    std::vector<Op> ops;
    std::vector<std::uint32_t> operands;
    std::vector<double> angles;
    std::vector<Amplitude> matrices;
    std::vector<Expression> expressions;

    [[nodiscard]] std::span<const std::uint32_t> operands_of(const Op& op) const {
        return std::span(operands).subspan(op.first_operand, op.operand_count);
    }
    [[nodiscard]] std::span<const std::uint32_t> controls_of(const Op& op) const { return operands_of(op).first(op.controls); }
    [[nodiscard]] std::span<const std::uint32_t> targets_of(const Op& op) const { return operands_of(op).subspan(op.controls); }
    // Kind gate (its number of angles) and delay (one).
    [[nodiscard]] std::span<const double> angles_of(const Op& op) const;

    // Writers for decoders, tests and generators. Operands are not checked here; `flaw` does.
    Op& add(Gate gate, std::span<const std::uint32_t> operands, std::span<const double> angles = {});
    Op& add(Gate gate, std::initializer_list<std::uint32_t> operands, std::initializer_list<double> angles = {});
    Op& add_unitary(std::span<const std::uint32_t> operands, std::uint16_t controls, std::span<const Amplitude> matrix);
    Op& add_measure(std::uint32_t qubit, std::uint32_t bit);
    Op& add_reset(std::uint32_t qubit);
    std::uint32_t add_expression(Expression expression);
};

// The matrix of a gate or unitary on its targets, 2^t x 2^t, row-major.
std::vector<Amplitude> matrix_of(const Circuit& circuit, const Op& op);

// Why this is no circuit (an operand out of range or named twice, a jump past the end, ...), for decoders to be held to; empty if it is.
std::string flaw(const Circuit& circuit);

// Equal but for angles and matrix elements: one plan serves both.
bool same_structure(const Circuit& a, const Circuit& b);

struct Traits {
    bool has_jumps = false;       // feed-forward: branches, jumps, assignments
    bool has_channels = false;    // Kraus operators
    bool has_resets = false;      // reset of a qubit that was used before
    bool measures_at_end = true;  // no measured qubit is used again, no bit is written twice
    std::uint64_t gates = 0;      // gates and unitaries in the list
    std::uint32_t measured_bits = 0;
};
Traits traits(const Circuit& circuit);

// Classical memory while a circuit runs. Bits lie in words, bit 0 first.
struct ClassicalMemory {
    std::vector<std::uint64_t> words;
    std::vector<std::int64_t> variables;
    explicit ClassicalMemory(const Circuit& circuit);
    [[nodiscard]] bool bit(std::uint32_t k) const { return words[k / 64] >> (k % 64) & 1; }
    void set_bit(std::uint32_t k, bool value);
};
// Division by zero and shifts past the width give 0; overflow wraps.
std::int64_t evaluate(const Circuit& circuit, std::uint32_t expression, const ClassicalMemory& memory);

namespace limits {
inline constexpr std::uint32_t qubits = 1u << 16, bits = 1u << 20, variables = 1u << 16;
inline constexpr std::size_t operations = 1u << 24;  // of one circuit, after expansion
inline constexpr std::size_t expressions = 1u << 20, expression_depth = 256;
inline constexpr std::uint32_t controls = 64, matrix_qubits = 10;
inline constexpr std::uint64_t steps = std::uint64_t{1} << 28;  // operations one shot may execute before a loop counts as endless
}  // namespace limits

}  // namespace meridian::quantum
