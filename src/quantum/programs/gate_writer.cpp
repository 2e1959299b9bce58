#include "quantum/programs/gate_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "quantum/programs/openqasm.h"

namespace meridian::quantum {
namespace {

// How fast the eigenvalues of the gate turn with its angles; 0 for gates whose angles do not scale.
double turning(Gate gate) {
    switch (gate) {
        case Gate::gphase:
        case Gate::p:
        case Gate::cp:
        case Gate::fsim:
            return 1;
        case Gate::rx:
        case Gate::ry:
        case Gate::rz:
        case Gate::r:
        case Gate::crx:
        case Gate::cry:
        case Gate::crz:
        case Gate::rxx:
        case Gate::ryy:
        case Gate::rzz:
        case Gate::rzx:
        case Gate::xx_minus_yy:
        case Gate::xx_plus_yy:
            return .5;
        default:
            return 0;
    }
}

// Of a gate with two angles, the second may be an axis.
std::size_t scaled_angles(Gate gate) { return gate == Gate::fsim ? 2 : 1; }

}  // namespace

bool scales(Gate gate, std::span<const double> angles, double exponent) {
    const double speed = turning(gate);
    if (speed == 0) return false;
    if (exponent == std::floor(exponent)) return true;
    const auto turned = angles.first(scaled_angles(gate));
    return std::ranges::all_of(turned, [&](double angle) { return std::abs(angle) * speed < std::numbers::pi; });
}

void GateWriter::hold_room(std::size_t operands) {
    if (circuit_.ops.size() >= operations_max_)
        throw TooLarge{fmt::format("this program expands to more than {} operations; make it shorter", operations_max_)};
    if (operands > limits::operand_pool - std::min(circuit_.operands.size(), limits::operand_pool))
        throw TooLarge{
            fmt::format("the operations of this program name more than {} qubits altogether; make it shorter", limits::operand_pool)};
}

Op& GateWriter::add(Op op) {
    hold_room(0);
    op.at = at_;
    return circuit_.ops.emplace_back(op);
}

Op& GateWriter::add(Op op, std::span<const std::uint32_t> operands) {
    hold_room(operands.size());
    op.at = at_;
    op.first_operand = static_cast<std::uint32_t>(circuit_.operands.size());
    op.operand_count = static_cast<std::uint32_t>(operands.size());
    circuit_.operands.insert(circuit_.operands.end(), operands.begin(), operands.end());
    return circuit_.ops.emplace_back(op);
}

// The controls of the modifiers stand before those of the gate.
Op& GateWriter::finished(Op& op, const Controls& controls) {
    op.at = at_;
    if (controls.empty()) return op;
    const auto more = static_cast<std::uint16_t>(controls.qubits.size());
    op.controls = static_cast<std::uint16_t>(op.controls + more);
    std::uint64_t values = 0;
    for (std::size_t k = 0; k < more; ++k) values |= std::uint64_t{controls.values[k]} << k;
    op.control_values = (more < 64 ? op.control_values << more : 0) | values;
    return op;
}

void GateWriter::gate(Gate gate, std::span<const std::uint32_t> operands, std::span<const double> angles, const Controls& controls,
                      double exponent) {
    if (controls.qubits.size() + info(gate).controls > limits::controls)
        throw TooLarge{fmt::format("a gate has at most {} controls; use fewer", limits::controls)};
    GateCall call{gate};
    std::ranges::copy(angles, call.angles.begin());
    if (exponent == -1) {
        const auto inverted = inverse(gate, angles);
        if (inverted) call = *inverted;
        exponent = inverted ? 1 : exponent;
    } else if (exponent != 1 && scales(gate, angles, exponent)) {
        for (std::size_t k = 0; k < scaled_angles(gate); ++k) call.angles[k] *= exponent;
        exponent = 1;
    }
    if (exponent != 1) {
        GateMatrix elements;
        info(gate).matrix(angles, elements);
        const std::size_t n = std::size_t{1} << info(gate).targets;
        const Matrix matrix = power({elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(n * n)}, n, exponent);
        Controls all = controls;
        for (const std::uint32_t own : operands.first(info(gate).controls)) all.add(own, true);
        return unitary(matrix, operands.subspan(info(gate).controls), all);
    }
    if (call.gate == Gate::gphase) return phase(call.angles[0], controls);
    hold_room(operands.size() + controls.qubits.size());
    const std::span by(call.angles.data(), info(call.gate).parameters);
    if (controls.empty()) {
        circuit_.add(call.gate, operands, by).at = at_;
        return;
    }
    together_.assign(controls.qubits.begin(), controls.qubits.end());
    together_.insert(together_.end(), operands.begin(), operands.end());
    finished(circuit_.add(call.gate, together_, by), controls);
}

void GateWriter::unitary(const Matrix& matrix, std::span<const std::uint32_t> targets, const Controls& controls) {
    if (controls.qubits.size() > limits::controls)
        throw TooLarge{fmt::format("a gate has at most {} controls; use fewer", limits::controls)};
    hold_room(targets.size() + controls.qubits.size());
    if (circuit_.matrices.size() + matrix.size() > limits::matrix_pool)
        throw TooLarge{fmt::format("the matrices of this program have more than {} elements; use fewer of them", limits::matrix_pool)};
    together_.assign(controls.qubits.begin(), controls.qubits.end());
    together_.insert(together_.end(), targets.begin(), targets.end());
    finished(circuit_.add_unitary(together_, 0, matrix), controls);
}

void GateWriter::phase(double angle, const Controls& controls) {
    if (controls.empty()) {
        circuit_.global_phase = std::remainder(circuit_.global_phase + angle, 2 * std::numbers::pi);
        return;
    }
    // One of the controls becomes the target.
    Controls rest;
    std::size_t chosen = controls.qubits.size() - 1;
    for (std::size_t k = 0; k < controls.values.size(); ++k)
        if (controls.values[k] != 0) chosen = k;
    for (std::size_t k = 0; k < controls.qubits.size(); ++k)
        if (k != chosen) rest.add(controls.qubits[k], controls.values[k] != 0);
    const std::uint32_t target = controls.qubits[chosen];
    if (controls.values[chosen] != 0)
        gate(Gate::p, std::span(&target, 1), std::span(&angle, 1), rest);
    else
        unitary({std::polar(1.0, angle), 0, 0, 1}, std::span(&target, 1), rest);
}

}  // namespace meridian::quantum
