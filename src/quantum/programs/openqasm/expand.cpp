// What a call of a gate becomes: definitions are expanded under controls, inverses and powers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "quantum/ir/definition.h"
#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {
namespace {

constexpr std::uint32_t power_qubits = 6;  // of a definition that is raised to a fraction
constexpr std::size_t power_operations = 1u << 14;

bool is_whole(double exponent) { return exponent == std::floor(exponent); }

}  // namespace

void Reader::apply_modified(const GateName& gate, std::span<const std::uint32_t> operands) {
    std::size_t used = 0;
    controls_.qubits.clear();
    controls_.values.clear();
    for (const Modifier& modifier : modifiers_)
        for (std::uint32_t k = 0; modifier.kind == Modifier::Kind::control && k < modifier.count; ++k)
            controls_.add(operands[used++], modifier.value);
    apply(gate, operands.subspan(used), numbers_, controls_, exponents_);
}

// Exponents stand innermost first. A whole one multiplies the one before it; a fraction after others needs the matrix in between.
void Reader::apply(const GateName& gate, std::span<const std::uint32_t> operands, std::span<const double> angles, const Controls& controls,
                   std::span<const double> exponents) {
    double whole = 1;
    std::vector<double> fractions;
    for (const double exponent : exponents) {
        if (!is_whole(exponent))
            fractions.push_back(exponent);
        else
            (fractions.empty() ? whole : fractions.back()) *= exponent;
    }
    if (!std::isfinite(whole)) complain(at(), "this exponent is too large");
    if (fractions.empty()) return apply_whole(gate, operands, angles, controls, whole);
    const bool is_plain = gate.kind == GateName::Kind::table && gate.phase == GateName::Phase::none;
    if (is_plain && whole == 1 && fractions.size() == 1) {
        if (gate.gate == Gate::gphase) return out_->phase(std::remainder(angles[0], 2 * std::numbers::pi) * fractions[0], controls);
        return out_->gate(gate.gate, operands, angles, controls, fractions[0]);
    }
    apply_fraction(gate, operands, angles, controls, whole, fractions);
}

void Reader::apply_whole(const GateName& gate, std::span<const std::uint32_t> operands, std::span<const double> angles,
                         const Controls& controls, double exponent) {
    switch (gate.kind) {
        case GateName::Kind::defined:
            return expand(definitions_[gate.index], operands, angles, controls, exponent);
        case GateName::Kind::idle:
            return;
        case GateName::Kind::delay: {
            const auto ticks = static_cast<std::uint32_t>(circuit_.angles.size());
            out_->circuit().angles.push_back(0);
            out_->add({.kind = Op::Kind::delay, .first = ticks}, operands);
            return;
        }
        default:
            break;
    }
    if (gate.phase == GateName::Phase::half_first) out_->phase(exponent * angles[0] / 2, controls);
    if (gate.phase == GateName::Phase::minus_half_last_two)
        out_->phase(-exponent * (angles[angles.size() - 2] + angles.back()) / 2, controls);
    if (gate.gate == Gate::gphase) return out_->phase(exponent * angles[0], controls);
    out_->gate(gate.gate, operands, angles, controls, exponent);
}

// Through the matrix of a small circuit.
void Reader::apply_fraction(const GateName& gate, std::span<const std::uint32_t> operands, std::span<const double> angles,
                            const Controls& controls, double whole, std::span<const double> fractions) {
    const auto count = static_cast<std::uint32_t>(operands.size());
    const std::uint64_t cost = gate.kind == GateName::Kind::defined ? definitions_[gate.index].cost : 1;
    if (count > power_qubits || cost > power_operations)
        complain(at(), fmt::format("only gates on at most {} qubits and of at most {} operations can be raised to a fraction", power_qubits,
                                   power_operations));
    lexer_.charge((cost + 64) << (2 * count));
    Circuit small;
    small.qubits = count;
    std::vector<std::uint32_t> own(count);
    for (std::uint32_t k = 0; k < count; ++k) own[k] = k;
    GateWriter writer(small, power_operations);
    GateWriter* const outside = std::exchange(out_, &writer);
    apply_whole(gate, own, angles, {}, whole);
    out_ = outside;
    const std::size_t dimension = std::size_t{1} << count;
    Matrix matrix = unitary_of(small);
    for (const double fraction : fractions) matrix = power(matrix, dimension, fraction);
    if (count == 0)
        out_->phase(std::arg(matrix[0]), controls);
    else
        out_->unitary(matrix, operands, controls);
}

void Reader::expand(const Definition& definition, std::span<const std::uint32_t> operands, std::span<const double> angles,
                    const Controls& controls, double exponent) {
    if (exponent == 0 || definition.calls.empty()) return;
    const double rounds = std::abs(exponent);
    if (rounds * static_cast<double>(definition.cost) > static_cast<double>(out_->room()))
        throw TooLarge{"this gate expands to too many operations; make its definition or its exponent smaller"};
    const std::vector<double> values = values_of(definition, angles);
    lexer_.charge(values.size());
    for (double round = 0; round < rounds; ++round) {
        lexer_.charge(definition.calls.size());
        for (std::size_t k = 0; k < definition.calls.size(); ++k)
            expand_call(definition, definition.calls[exponent > 0 ? k : definition.calls.size() - 1 - k], operands, values, controls,
                        exponent < 0);
    }
}

void Reader::expand_call(const Definition& definition, const BodyCall& call, std::span<const std::uint32_t> operands,
                         std::span<const double> values, const Controls& controls, bool is_inverse) {
    std::vector<std::uint32_t> given;
    given.reserve(call.operand_count);
    for (const std::uint32_t number : definition.operands_of(call)) given.push_back(operands[number]);
    if (call.is_barrier) {
        out_->add({.kind = Op::Kind::barrier}, given);
        return;
    }
    std::vector<double> angles;
    angles.reserve(call.angle_count);
    for (std::uint32_t k = 0; k < call.angle_count; ++k) {
        angles.push_back(values[definition.angles[call.first_angle + k]]);
        if (!std::isfinite(angles.back())) complain(call.at, "this angle comes out as no finite number; check what it divides by");
    }
    if (call.modifier_count == 0 && controls.empty()) {  // the common case
        const double exponent = is_inverse ? -1 : 1;
        return apply_whole(call.gate, given, angles, controls, exponent);
    }
    Controls all = controls;
    std::vector<double> exponents;
    std::size_t used = 0;
    for (const BodyModifier& modifier : definition.modifiers_of(call)) {
        for (std::uint32_t k = 0; modifier.is_control && k < modifier.count; ++k) all.add(given[used++], modifier.value);
        if (modifier.is_control) continue;
        exponents.push_back(values[modifier.exponent]);
        if (!std::isfinite(exponents.back())) complain(call.at, "this exponent comes out as no finite number");
    }
    std::ranges::reverse(exponents);
    if (is_inverse) exponents.push_back(-1);
    if (all.qubits.size() > limits::controls) complain(call.at, fmt::format("a gate has at most {} controls", limits::controls));
    apply(call.gate, std::span(given).subspan(used), angles, all, exponents);
}

}  // namespace meridian::quantum::openqasm
