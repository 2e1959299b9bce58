#include "quantum/ir/circuit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace meridian::quantum {
namespace {

using Kind = Op::Kind;

bool acts_on_qubits(Kind kind) { return kind <= Kind::delay; }

std::string flaw_of_operands(const Circuit& circuit, const Op& op, std::vector<std::uint32_t>& last_seen, std::uint32_t number) {
    if (op.first_operand + std::size_t{op.operand_count} > circuit.operands.size()) return "operands lie outside the pool";
    for (const std::uint32_t qubit : circuit.operands_of(op)) {
        if (qubit >= circuit.qubits) return fmt::format("qubit {} of {}", qubit, circuit.qubits);
        if (last_seen[qubit] == number) return fmt::format("qubit {} is named twice", qubit);
        last_seen[qubit] = number;
    }
    return {};
}

std::string flaw_of_body(const Circuit& circuit, const Op& op) {
    const auto outside = [](std::size_t first, std::size_t count, std::size_t size) { return first > size || count > size - first; };
    const std::size_t targets = op.operand_count - std::min<std::size_t>(op.controls, op.operand_count);
    switch (op.kind) {
        case Kind::gate:
            if (op.controls < info(op.gate).controls || op.operand_count != std::size_t{op.controls} + info(op.gate).targets)
                return fmt::format("{} takes {} operands", name(op.gate), info(op.gate).operands());
            return outside(op.first, info(op.gate).parameters, circuit.angles.size()) ? "angles lie outside the pool" : "";
        case Kind::unitary:
        case Kind::channel: {
            if (targets == 0 || targets > limits::matrix_qubits) return "a matrix on no qubit or on too many";
            const std::size_t count = (std::size_t{1} << (2 * targets)) * (op.kind == Kind::channel ? op.target : 1);
            return outside(op.first, count, circuit.matrices.size()) ? "a matrix lies outside the pool" : "";
        }
        case Kind::measure:
            if (op.operand_count != 1) return "one qubit is measured at a time";
            return op.target >= circuit.bits ? fmt::format("bit {} of {}", op.target, circuit.bits) : "";
        case Kind::reset:
            return op.operand_count == 1 ? "" : "one qubit is reset at a time";
        case Kind::barrier:
            return {};
        case Kind::delay:
            return outside(op.first, 1, circuit.angles.size()) ? "angles lie outside the pool" : "";
        case Kind::set_bit:
            if (op.target >= circuit.bits) return fmt::format("bit {} of {}", op.target, circuit.bits);
            return op.first >= circuit.expressions.size() ? "an expression outside the pool" : "";
        case Kind::set:
            if (op.target >= circuit.variables) return fmt::format("variable {} of {}", op.target, circuit.variables);
            return op.first >= circuit.expressions.size() ? "an expression outside the pool" : "";
        case Kind::jump:
            return op.target > circuit.ops.size() ? "a jump past the end" : "";
        case Kind::branch:
            if (op.target > circuit.ops.size()) return "a jump past the end";
            return op.first >= circuit.expressions.size() ? "an expression outside the pool" : "";
    }
    return {};
}

std::string flaw_of_expression(const Circuit& circuit, const Expression& e, std::size_t number) {
    using enum Expression::Kind;
    const auto earlier = [&](std::uint32_t other) { return other < number; };
    switch (e.kind) {
        case constant:
            return {};
        case bit:
            return e.lhs < circuit.bits ? "" : "a bit outside the memory";
        case bits:
            return e.rhs <= 64 && e.lhs <= circuit.bits && e.rhs <= circuit.bits - e.lhs ? "" : "bits outside the memory";
        case variable:
            return e.lhs < circuit.variables ? "" : "a variable outside the memory";
        case minus:
        case bit_not:
        case not_:
            return earlier(e.lhs) ? "" : "an expression that does not look back";
        default:
            return earlier(e.lhs) && earlier(e.rhs) ? "" : "an expression that does not look back";
    }
}

std::uint64_t low_bits(std::int64_t count) {
    return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << std::max<std::int64_t>(count, 0)) - 1;
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) return 0;
    std::uint64_t result = 1, square = std::uint64_t(base);
    for (; exponent != 0; exponent >>= 1, square *= square)
        if (exponent & 1) result *= square;
    return std::int64_t(result);
}

std::int64_t combined(Expression::Kind kind, std::int64_t a, std::int64_t b) {
    using enum Expression::Kind;
    const auto ua = std::uint64_t(a), ub = std::uint64_t(b);
    switch (kind) {
        case add:
            return std::int64_t(ua + ub);
        case subtract:
            return std::int64_t(ua - ub);
        case multiply:
            return std::int64_t(ua * ub);
        case divide:
            return b == 0 ? 0 : b == -1 ? std::int64_t(-ua) : a / b;
        case modulo:
            return b == 0 || b == -1 ? 0 : a % b;
        case Expression::Kind::power:
            return quantum::power(a, b);
        case bit_and:
            return a & b;
        case bit_or:
            return a | b;
        case bit_xor:
            return a ^ b;
        case shift_left:
            return ub < 64 ? std::int64_t(ua << ub) : 0;
        case shift_right:
            return ub < 64 ? std::int64_t(ua >> ub) : 0;
        case equal:
            return a == b;
        case not_equal:
            return a != b;
        case less:
            return a < b;
        case less_equal:
            return a <= b;
        case greater:
            return a > b;
        case greater_equal:
            return a >= b;
        case and_:
            return a != 0 && b != 0;
        case or_:
            return a != 0 || b != 0;
        default:
            MERIDIAN_ASSERT(!"a kind with two sides");
            return 0;
    }
}

}  // namespace

std::span<const double> Circuit::angles_of(const Op& op) const {
    return std::span(angles).subspan(op.first, op.kind == Kind::delay ? 1 : info(op.gate).parameters);
}

Op& Circuit::add(Gate gate, std::span<const std::uint32_t> on, std::span<const double> by) {
    Op op{.gate = gate, .controls = info(gate).controls};
    op.first_operand = std::uint32_t(operands.size());
    op.operand_count = std::uint32_t(on.size());
    op.first = std::uint32_t(angles.size());
    op.control_values = (std::uint64_t{1} << op.controls) - 1;
    operands.insert(operands.end(), on.begin(), on.end());
    angles.insert(angles.end(), by.begin(), by.end());
    return ops.emplace_back(op);
}

Op& Circuit::add(Gate gate, std::initializer_list<std::uint32_t> on, std::initializer_list<double> by) {
    return add(gate, std::span(on.begin(), on.size()), std::span(by.begin(), by.size()));
}

Op& Circuit::add_unitary(std::span<const std::uint32_t> on, std::uint16_t controls, std::span<const Amplitude> matrix) {
    Op op{.kind = Kind::unitary, .controls = controls};
    op.first_operand = std::uint32_t(operands.size());
    op.operand_count = std::uint32_t(on.size());
    op.first = std::uint32_t(matrices.size());
    op.control_values = low_bits(controls);
    operands.insert(operands.end(), on.begin(), on.end());
    matrices.insert(matrices.end(), matrix.begin(), matrix.end());
    return ops.emplace_back(op);
}

Op& Circuit::add_measure(std::uint32_t qubit, std::uint32_t bit) {
    operands.push_back(qubit);
    return ops.emplace_back(
        Op{.kind = Kind::measure, .first_operand = std::uint32_t(operands.size() - 1), .operand_count = 1, .target = bit});
}

Op& Circuit::add_reset(std::uint32_t qubit) {
    operands.push_back(qubit);
    return ops.emplace_back(Op{.kind = Kind::reset, .first_operand = std::uint32_t(operands.size() - 1), .operand_count = 1});
}

std::uint32_t Circuit::add_expression(Expression expression) {
    expressions.push_back(expression);
    return std::uint32_t(expressions.size() - 1);
}

std::vector<Amplitude> matrix_of(const Circuit& circuit, const Op& op) {
    const std::size_t size = std::size_t{1} << (2 * circuit.targets_of(op).size());
    if (op.kind == Kind::unitary) return {circuit.matrices.begin() + op.first, circuit.matrices.begin() + std::ptrdiff_t(op.first + size)};
    MERIDIAN_ASSERT(op.kind == Kind::gate);
    GateMatrix matrix;
    info(op.gate).matrix(circuit.angles_of(op), matrix);
    return {matrix.begin(), matrix.begin() + std::ptrdiff_t(size)};
}

std::string flaw(const Circuit& circuit) {
    if (circuit.qubits > limits::qubits || circuit.bits > limits::bits || circuit.variables > limits::variables)
        return "more qubits, bits or variables than the limit";
    if (circuit.ops.size() > limits::operations) return "more operations than the limit";
    std::vector<std::uint32_t> last_seen(circuit.qubits, ~std::uint32_t{0});
    for (std::uint32_t number = 0; number < circuit.ops.size(); ++number) {
        const Op& op = circuit.ops[number];
        std::string found = op.controls > limits::controls || op.controls > op.operand_count ? "too many controls" : "";
        if (found.empty() && acts_on_qubits(op.kind)) found = flaw_of_operands(circuit, op, last_seen, number);
        if (found.empty()) found = flaw_of_body(circuit, op);
        if (!found.empty()) return fmt::format("operation {}: {}", number, found);
    }
    for (std::size_t number = 0; number < circuit.expressions.size(); ++number)
        if (std::string found = flaw_of_expression(circuit, circuit.expressions[number], number); !found.empty())
            return fmt::format("expression {}: {}", number, found);
    if (!std::ranges::all_of(circuit.angles, [](double angle) { return std::isfinite(angle); })) return "an angle that is no finite number";
    return {};
}

bool same_structure(const Circuit& a, const Circuit& b) {
    const auto alike = [](const Op& one, Op other) {
        other.at = one.at;
        return one == other;
    };
    return a.qubits == b.qubits && a.bits == b.bits && a.variables == b.variables && a.bit_registers == b.bit_registers &&
           a.operands == b.operands && a.angles.size() == b.angles.size() && a.matrices.size() == b.matrices.size() &&
           a.expressions == b.expressions && std::ranges::equal(a.ops, b.ops, alike);
}

Traits traits(const Circuit& circuit) {
    Traits found;
    std::vector<bool> used(circuit.qubits), measured(circuit.qubits), written(circuit.bits);
    for (const Op& op : circuit.ops) {
        if (!acts_on_qubits(op.kind)) {
            found.has_jumps = true;
            continue;
        }
        if (op.kind == Kind::barrier || op.kind == Kind::delay) continue;
        for (const std::uint32_t qubit : circuit.operands_of(op)) {
            if (measured[qubit]) found.measures_at_end = false;
            if (op.kind == Kind::reset && used[qubit]) found.has_resets = true;
            used[qubit] = true;
        }
        found.has_channels |= op.kind == Kind::channel;
        found.gates += op.kind == Kind::gate || op.kind == Kind::unitary;
        if (op.kind != Kind::measure) continue;
        measured[circuit.operands_of(op)[0]] = true;
        if (written[op.target]) found.measures_at_end = false;
        found.measured_bits += !written[op.target];
        written[op.target] = true;
    }
    return found;
}

ClassicalMemory::ClassicalMemory(const Circuit& circuit) : words((circuit.bits + 63) / 64), variables(circuit.variables) {}

void ClassicalMemory::set_bit(std::uint32_t k, bool value) {
    const std::uint64_t mask = std::uint64_t{1} << (k % 64);
    words[k / 64] = value ? words[k / 64] | mask : words[k / 64] & ~mask;
}

// Depth is bounded by `limits::expression_depth`, which decoders hold.
std::int64_t evaluate(const Circuit& circuit, std::uint32_t expression, const ClassicalMemory& memory) {
    using enum Expression::Kind;
    const Expression& e = circuit.expressions[expression];
    switch (e.kind) {
        case constant:
            return e.value;
        case bit:
            return memory.bit(e.lhs);
        case bits: {
            std::uint64_t value = 0;
            for (std::uint32_t k = 0; k < e.rhs; ++k) value |= std::uint64_t{memory.bit(e.lhs + k)} << k;
            return std::int64_t(value);
        }
        case variable:
            return memory.variables[e.lhs];
        case minus:
            return std::int64_t(-std::uint64_t(evaluate(circuit, e.lhs, memory)));
        case bit_not:
            return std::int64_t(~std::uint64_t(evaluate(circuit, e.lhs, memory)) & low_bits(e.value));
        case not_:
            return evaluate(circuit, e.lhs, memory) == 0;
        default:
            return combined(e.kind, evaluate(circuit, e.lhs, memory), evaluate(circuit, e.rhs, memory));
    }
}

}  // namespace meridian::quantum
