#include "quantum/engines/statevector/prepare.h"

#include <algorithm>

#include <fmt/format.h>

namespace meridian::quantum {
namespace {

using Kind = Op::Kind;

bool is_quantum_operation(Kind kind) { return kind == Kind::gate || kind == Kind::unitary; }

std::vector<bool> bits_read(const Circuit& circuit) {
    std::vector<bool> read(circuit.bits);
    for (const Expression& e : circuit.expressions) {
        if (e.kind == Expression::Kind::bit) read[e.lhs] = true;
        if (e.kind == Expression::Kind::bits) std::fill_n(read.begin() + e.lhs, e.rhs, true);
    }
    return read;
}

bool has_jumps(const Circuit& circuit) {
    return std::ranges::any_of(circuit.ops, [](const Op& op) { return op.kind >= Kind::set_bit; });
}

// Which measurements nothing on their paths depends on: their qubit is not changed, and their bit neither read nor written, afterwards.
// One walk from the end. What may run after operation k is [low, end), where jumps behind k lead `low` back to before k.
std::vector<bool> waiting(const Circuit& circuit) {
    const auto& ops = circuit.ops;
    const bool jumps = has_jumps(circuit);
    const std::vector<bool> read = bits_read(circuit);
    std::vector<std::size_t> back(ops.size() + 1, ops.size());  // the least target of all jumps from here on
    for (std::size_t k = ops.size(); k-- > 0;) {
        const bool leads = ops[k].kind == Kind::jump || ops[k].kind == Kind::branch;
        back[k] = std::min(back[k + 1], leads ? ops[k].target : ops.size());
    }
    std::vector<bool> waits(ops.size()), changed(circuit.qubits), written(circuit.bits);
    const auto see = [&](const Op& op, bool op_waits) {
        if (is_quantum_operation(op.kind) || op.kind == Kind::reset || (op.kind == Kind::measure && !op_waits))
            for (const std::uint32_t qubit : circuit.operands_of(op)) changed[qubit] = true;
        if (op.kind == Kind::set_bit || (op.kind == Kind::measure && (jumps || !op_waits))) written[op.target] = true;
    };
    std::size_t low = ops.size(), seen = ops.size();
    for (std::size_t k = ops.size(); k-- > 0;) {
        low = std::min(low, k + 1);
        while (back[low] < low) low = back[low];
        // Inside a loop `low` lies before operation k, which then is seen itself, and not as one that waits.
        for (; seen > low; --seen) see(ops[seen - 1], waits[seen - 1]);
        if (ops[k].kind == Kind::measure)
            waits[k] = !changed[circuit.operands_of(ops[k])[0]] && !written[ops[k].target] && !read[ops[k].target];
    }
    return waits;
}

}  // namespace

expected<Prepared> prepare(const Circuit& circuit) {
    Prepared made;
    made.qubit_of.resize(circuit.qubits);
    std::vector<bool> used(circuit.qubits);
    for (const Op& op : circuit.ops) {
        if (op.kind == Kind::channel)
            return complaint("This engine computes pure states and no noise: run the circuit without channels", op.at);
        if (is_quantum_operation(op.kind))
            for (const std::uint32_t qubit : circuit.operands_of(op)) used[qubit] = true;
    }
    std::uint32_t count = 0;
    for (std::uint32_t q = 0; q < circuit.qubits; ++q)
        if (used[q]) made.qubit_of[q] = count++;
    if (count > limits::statevector_qubits)
        return complaint(fmt::format("A state vector of {} qubits does not fit any node: this engine takes {} at most", count,
                                     limits::statevector_qubits));

    Circuit& out = made.circuit;
    out.qubits = std::max(count, 1u);
    out.bits = circuit.bits;
    out.variables = circuit.variables;
    out.bit_registers = circuit.bit_registers;
    out.global_phase = circuit.global_phase;
    out.angles = circuit.angles;
    out.matrices = circuit.matrices;
    out.expressions = circuit.expressions;
    const std::vector<bool> waits = waiting(circuit);
    const bool jumps = has_jumps(circuit);
    std::optional<std::uint32_t> zero;  // an expression
    std::vector<std::uint32_t> place(circuit.ops.size() + 1);
    for (std::size_t k = 0; k < circuit.ops.size(); ++k) {
        place[k] = std::uint32_t(out.ops.size());
        Op op = circuit.ops[k];
        if (op.kind == Kind::barrier || op.kind == Kind::delay) continue;
        const auto operands = op.kind <= Kind::delay ? circuit.operands_of(op) : std::span<const std::uint32_t>{};
        if (waits[k] && !jumps) {
            made.at_end.push_back({made.qubit_of[operands[0]], op.target});
            continue;
        }
        if (!operands.empty() && !used[operands[0]]) {  // a measurement or reset of a qubit that stays |0>
            if (op.kind == Kind::reset) continue;
            if (!zero) zero = out.add_expression({});
            out.ops.push_back(Op{.kind = Kind::set_bit, .first = *zero, .target = op.target, .at = op.at});
            made.is_unitary = false;
            continue;
        }
        op.first_operand = std::uint32_t(out.operands.size());
        for (const std::uint32_t qubit : operands) out.operands.push_back(*made.qubit_of[qubit]);
        made.is_unitary &= is_quantum_operation(op.kind);
        made.branchings += (op.kind == Kind::measure && !waits[k]) || op.kind == Kind::reset;
        out.ops.push_back(op);
    }
    place.back() = std::uint32_t(out.ops.size());
    for (Op& op : out.ops)
        if (op.kind == Kind::jump || op.kind == Kind::branch) op.target = place[op.target];
    made.waits.resize(out.ops.size());
    for (std::size_t k = 0; k < circuit.ops.size(); ++k)
        if (waits[k] && jumps && place[k + 1] != place[k] && out.ops[place[k]].kind == Kind::measure) made.waits[place[k]] = true;
    return made;
}

}  // namespace meridian::quantum
