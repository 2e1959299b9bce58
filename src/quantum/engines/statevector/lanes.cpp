#include "quantum/engines/statevector/lanes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <new>
#include <utility>

#include "base/error.h"
#include "quantum/engines/statevector/lane_kernels.h"

namespace meridian::quantum {
namespace {

using Kind = LanePlan::Kind;
constexpr std::size_t amplitudes_at_once = 256;  // 32 KiB: steps on low qubits are taken together over so many

bool is_x(const Op& op) {
    using enum Gate;
    return op.kind == Op::Kind::gate && (op.gate == x || op.gate == cx || op.gate == ccx || op.gate == c3x || op.gate == c4x);
}

LanePlan::Step step_of(const Circuit& circuit, std::vector<std::uint32_t> ops) {
    LanePlan::Step step;
    const Op& first = circuit.ops[ops.front()];
    const auto targets = circuit.targets_of(first), controls = circuit.controls_of(first);
    step.target_count = std::uint8_t(targets.size());
    std::ranges::copy(targets, step.targets);
    for (std::size_t k = 0; k < controls.size(); ++k) {
        step.control_mask |= std::uint64_t{1} << controls[k];
        step.control_value |= (first.control_values >> k & 1) << controls[k];
    }
    const bool is_diagonal = std::ranges::all_of(
        ops, [&](std::uint32_t k) { return circuit.ops[k].kind == Op::Kind::gate && info(circuit.ops[k].gate).is_diagonal; });
    step.kind = is_diagonal                      ? Kind::diagonal
                : ops.size() == 1 && is_x(first) ? Kind::exchange
                : targets.size() == 1            ? Kind::one
                                                 : Kind::two;
    step.ops = std::move(ops);
    return step;
}

std::size_t coefficients_of(const LanePlan::Step& step) {
    const std::size_t rows = std::size_t{1} << step.target_count;
    return step.kind == Kind::exchange ? 0 : step.kind == Kind::diagonal ? rows : rows * rows;
}

// With the angles and matrices of one circuit.
GateMatrix matrix_of_step(const LanePlan& plan, const LanePlan::Step& step, const Circuit& circuit) {
    const std::size_t rows = std::size_t{1} << step.target_count;
    GateMatrix all{};
    for (std::size_t k = 0; k < rows; ++k) all[k * rows + k] = 1;
    for (const std::uint32_t number : step.ops) {
        const Op& op = plan.ops[number];
        GateMatrix one{}, product{};
        if (op.kind == Op::Kind::gate)
            info(op.gate).matrix(circuit.angles_of(op), one);
        else
            std::copy_n(circuit.matrices.begin() + op.first, rows * rows, one.begin());
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < rows; ++c)
                for (std::size_t k = 0; k < rows; ++k) product[r * rows + c] += one[r * rows + k] * all[k * rows + c];
        all = product;
    }
    return all;
}

}  // namespace

std::optional<LanePlan> LanePlan::of(const Prepared& program) {
    const Circuit& circuit = program.circuit;
    if (!program.is_unitary || circuit.qubits > limits::lane_qubits) return std::nullopt;
    LanePlan plan;
    plan.qubits = circuit.qubits;
    plan.ops = circuit.ops;
    std::vector<std::vector<std::uint32_t>> pending(circuit.qubits);
    const auto flush = [&](std::uint32_t qubit) {
        if (!pending[qubit].empty()) plan.steps.push_back(step_of(circuit, std::exchange(pending[qubit], {})));
    };
    for (std::uint32_t k = 0; k < circuit.ops.size(); ++k) {
        const Op& op = circuit.ops[k];
        if (op.operand_count - op.controls > gate_targets_max) return std::nullopt;
        if (op.controls == 0 && op.operand_count == 1) {
            pending[circuit.operands_of(op)[0]].push_back(k);
            continue;
        }
        for (const std::uint32_t qubit : circuit.operands_of(op)) flush(qubit);
        plan.steps.push_back(step_of(circuit, {k}));
    }
    for (std::uint32_t qubit = 0; qubit < circuit.qubits; ++qubit) flush(qubit);
    return plan;
}

double LanePlan::passes() const {
    double sum = 0;
    for (const Step& step : steps) {
        const double weight = step.kind == Kind::exchange ? 0.6 : step.kind == Kind::diagonal ? 0.7 : step.kind == Kind::one ? 1 : 2;
        sum += std::ldexp(weight, int(qubits) - std::popcount(step.control_mask));
    }
    return sum;
}

template <class Real>
void LaneStates<Real>::Release::operator()(Real* data) const {
    ::operator delete(data, std::align_val_t(64));
}

template <class Real>
LaneStates<Real>::Block LaneStates<Real>::room(std::size_t vectors) {
    return Block(static_cast<Real*>(::operator new(std::max<std::size_t>(1, vectors) * 64, std::align_val_t(64))));
}

template <class Real>
LaneStates<Real>::LaneStates(const LanePlan& plan) : plan_(plan), state_(room(std::size_t{2} << plan.qubits)) {
    std::size_t vectors = 0;
    for (const auto& step : plan.steps) {
        first_.push_back(vectors);
        vectors += 2 * coefficients_of(step);
    }
    coefficients_ = room(vectors);
}

template <class Real>
void LaneStates<Real>::bind(std::span<const Circuit* const> circuits) {
    MERIDIAN_ASSERT(!circuits.empty() && circuits.size() <= lanes);
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
        const auto& step = plan_.steps[s];
        const std::size_t count = coefficients_of(step), rows = std::size_t{1} << step.target_count;
        if (count == 0) continue;
        Real* out = coefficients_.get() + first_[s] * lanes;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            // Lanes without a circuit repeat the last one.
            const GateMatrix m = matrix_of_step(plan_, step, *circuits[std::min(lane, circuits.size() - 1)]);
            for (std::size_t k = 0; k < count; ++k) {
                const Amplitude value = step.kind == Kind::diagonal ? m[k * rows + k] : m[k];
                out[2 * k * lanes + lane] = Real(value.real());
                out[(2 * k + 1) * lanes + lane] = Real(value.imag());
            }
        }
    }
}

template <class Real>
void LaneStates<Real>::run(std::span<const Circuit* const> circuits) {
    bind(circuits);
    const std::size_t size = std::size_t{1} << plan_.qubits, chunk = std::min(size, amplitudes_at_once);
    std::fill_n(state_.get(), 2 * size * lanes, Real(0));
    std::fill_n(state_.get(), lanes, Real(1));
    std::vector<LaneStep<Real>> steps;
    std::vector<bool> is_low;
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
        const auto& from = plan_.steps[s];
        LaneStep<Real> step{
            from.kind, from.target_count, {1, 1}, {}, from.control_mask, from.control_value, coefficients_.get() + first_[s] * lanes};
        std::size_t all = 0;
        for (std::size_t t = 0; t < from.target_count; ++t) all |= step.bits[t] = std::size_t{1} << from.targets[t];
        for (std::size_t r = 0; r < 4; ++r) step.offset[r] = (r & 1 ? step.bits[0] : 0) | (r & 2 ? step.bits[1] : 0);
        if (from.target_count == 2 && step.bits[0] > step.bits[1]) std::swap(step.bits[0], step.bits[1]);
        steps.push_back(step);
        is_low.push_back(all < chunk || from.kind == Kind::diagonal);
    }
    for (std::size_t begin = 0; begin < steps.size();) {
        std::size_t end = begin + 1;
        while (is_low[begin] && end < steps.size() && is_low[end]) ++end;
        const std::size_t length = is_low[begin] ? chunk : size;
        for (std::size_t k = 0; k < size; k += length)
            for (std::size_t s = begin; s < end; ++s) lane_step(steps[s], state_.get(), k, k + length);
        begin = end;
    }
}

template <class Real>
Table LaneStates<Real>::table(std::size_t lane) const {
    std::vector<double> probabilities(std::size_t{1} << plan_.qubits);
    for (std::size_t k = 0; k < probabilities.size(); ++k) {
        const double re = state_[2 * k * lanes + lane], im = state_[(2 * k + 1) * lanes + lane];
        probabilities[k] = re * re + im * im;
    }
    return Table(probabilities);
}

template <class Real>
void LaneStates<Real>::expectations(const Observable& observable, std::span<double> out) const {
    const std::size_t size = std::size_t{1} << plan_.qubits;
    std::array<double, lanes> sums;
    sums.fill(observable.constant());
    for (const auto& group : observable.groups()) {
        Signs signs(group, plan_.qubits);
        signs.move_to(0);
        lane_sum(state_.get(), size, group.x, signs.real(), signs.imaginary(), sums.data());
    }
    std::copy_n(sums.begin(), out.size(), out.begin());
}

template class LaneStates<double>;
template class LaneStates<float>;

}  // namespace meridian::quantum
