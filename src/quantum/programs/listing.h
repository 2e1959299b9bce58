// Circuits as short text for tests, and arbitrary circuits with their OpenQASM.
#pragma once
#include <fmt/format.h>
#include <rapidcheck.h>

#include <string>

#include "quantum/ir/circuit.h"

namespace meridian::quantum {

inline std::string listing_of(const Circuit& circuit, std::uint32_t number) {
    static constexpr std::string_view signs[] = {"",  "",  "",  "",   "-",  "~",  "!",  "+", "-",  "*", "/",  "%",  "**",
                                                 "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "&&", "||"};
    const Expression& e = circuit.expressions[number];
    switch (e.kind) {
        case Expression::Kind::constant:
            return fmt::format("{}", e.value);
        case Expression::Kind::bit:
            return fmt::format("(bit {})", e.lhs);
        case Expression::Kind::bits:
            return fmt::format("(bits {} {})", e.lhs, e.rhs);
        case Expression::Kind::variable:
            return fmt::format("v{}", e.lhs);
        case Expression::Kind::minus:
        case Expression::Kind::bit_not:
        case Expression::Kind::not_:
            return fmt::format("{}{}", signs[std::size_t(e.kind)], listing_of(circuit, e.lhs));
        default:
            return fmt::format("({} {} {})", listing_of(circuit, e.lhs), signs[std::size_t(e.kind)], listing_of(circuit, e.rhs));
    }
}

inline std::string listing_of(Amplitude value) {
    const auto plain = [](double x) { return fmt::format("{:.6g}", std::abs(x) < 1e-12 ? 0.0 : x); };
    if (std::abs(value.imag()) < 1e-12) return plain(value.real());
    return fmt::format("{}{:+.6g}i", std::abs(value.real()) < 1e-12 ? "" : plain(value.real()), value.imag());
}

inline std::string listing(const Circuit& circuit) {
    std::string all;
    for (const Op& op : circuit.ops) {
        std::string line;
        const std::string operands = fmt::format("{}", fmt::join(circuit.operands_of(op), " "));
        std::string matrix;
        if (op.kind == Op::Kind::unitary)
            for (const Amplitude element : matrix_of(circuit, op)) matrix += (matrix.empty() ? "" : " ") + listing_of(element);
        switch (op.kind) {
            case Op::Kind::gate: {
                line = std::string(name(op.gate));
                const auto angles = circuit.angles_of(op);
                if (!angles.empty()) line += fmt::format("({:.6g})", fmt::join(angles, ","));
                line += " " + operands;
                break;
            }
            case Op::Kind::unitary:
                line = fmt::format("unitary {} [{}]", operands, matrix);
                break;
            case Op::Kind::channel:
                line = fmt::format("channel {} of {}", operands, op.target);
                break;
            case Op::Kind::measure:
                line = fmt::format("measure {} > {}", operands, op.target);
                break;
            case Op::Kind::reset:
                line = "reset " + operands;
                break;
            case Op::Kind::barrier:
                line = "barrier " + operands;
                break;
            case Op::Kind::delay:
                line = fmt::format("delay({:.6g}) {}", circuit.angles_of(op)[0], operands);
                break;
            case Op::Kind::set_bit:
                line = fmt::format("set {} {}", op.target, listing_of(circuit, op.first));
                break;
            case Op::Kind::set:
                line = fmt::format("set v{} {}", op.target, listing_of(circuit, op.first));
                break;
            case Op::Kind::jump:
                line = fmt::format("jump > {}", op.target);
                break;
            case Op::Kind::branch:
                line = fmt::format("branch {} > {}", listing_of(circuit, op.first), op.target);
                break;
        }
        const bool is_usual = op.kind == Op::Kind::gate && op.controls == info(op.gate).controls;
        if (op.controls > 0 && (!is_usual || op.control_values != (std::uint64_t{1} << op.controls) - 1)) {
            line += " controls ";
            for (unsigned k = 0; k < op.controls; ++k) line += op.control_values >> k & 1 ? '1' : '0';
        }
        all += (all.empty() ? "" : "; ") + line;
    }
    return all;
}

enum class Measured : bool { no, yes };

// Gates of the table that take part in a circuit by name; a global phase is no operation.
inline Circuit arbitrary_circuit(std::uint32_t qubits = 5, std::size_t length = 30, Measured measured = Measured::yes) {
    Circuit circuit;
    circuit.qubits = qubits;
    circuit.bits = measured == Measured::yes ? qubits : 0;
    circuit.qubit_registers = {{"q", 0, qubits}};
    if (measured == Measured::yes) circuit.bit_registers = {{"c", 0, qubits}};
    const auto count = *rc::gen::inRange<std::size_t>(1, length);
    for (std::size_t k = 0; k < count; ++k) {
        const auto choice = *rc::gen::inRange<std::size_t>(0, gate_count + 3);
        std::vector<std::uint32_t> order(qubits);
        for (std::uint32_t q = 0; q < qubits; ++q) order[q] = q;
        for (std::uint32_t q = qubits; q > 1; --q) std::swap(order[q - 1], order[*rc::gen::inRange<std::uint32_t>(0, q)]);
        if (choice >= gate_count) {
            if (measured == Measured::no) continue;
            if (choice == gate_count)
                circuit.add_measure(order[0], order[1]);
            else
                circuit.add_reset(order[0]);
            continue;
        }
        const GateInfo& row = gates()[choice];
        if (row.gate == Gate::gphase || row.operands() > qubits) continue;
        if (row.gate == Gate::u2 && measured == Measured::no) continue;  // OpenQASM 3 gives it another phase
        std::vector<double> angles;
        for (unsigned a = 0; a < row.parameters; ++a) angles.push_back(*rc::gen::inRange(-1000, 1000) / 313.0);
        circuit.add(row.gate, std::span(order).first(row.operands()), angles);
    }
    return circuit;
}

inline std::string printed_calls(const Circuit& circuit) {
    std::string text;
    for (const Op& op : circuit.ops) {
        std::string operands;
        for (const std::uint32_t qubit : circuit.operands_of(op)) operands += fmt::format("{}q[{}]", operands.empty() ? "" : ",", qubit);
        if (op.kind == Op::Kind::measure) {
            text += fmt::format("measure {} -> c[{}];\n", operands, op.target);
        } else if (op.kind == Op::Kind::reset) {
            text += fmt::format("reset {};\n", operands);
        } else {
            text += name(op.gate);
            if (const auto angles = circuit.angles_of(op); !angles.empty()) text += fmt::format("({:.17g})", fmt::join(angles, ","));
            text += fmt::format(" {};\n", operands);
        }
    }
    return text;
}

inline std::string printed(const Circuit& circuit, bool is_version_2) {
    std::string text = is_version_2 ? "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n" : "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";
    text += is_version_2 ? fmt::format("qreg q[{0}];\ncreg c[{0}];\n", circuit.qubits)
                         : fmt::format("qubit[{0}] q;\nbit[{0}] c;\n", circuit.qubits);
    return text + printed_calls(circuit);
}

}  // namespace meridian::quantum
