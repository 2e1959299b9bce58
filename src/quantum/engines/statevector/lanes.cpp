#include "quantum/engines/statevector/lanes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <new>

#include "base/error.h"
#include "quantum/engines/statevector/lane_kernels.h"
#include "quantum/engines/statevector/vector.h"

namespace meridian::quantum {
namespace {

using Kind = LanePlan::Kind;

// The part of a diagonal's elements that depends on the bit: global phases are dropped.
Amplitude ratio(const Circuit& circuit, const Op& op) {
    GateMatrix m{};
    info(op.gate).matrix(circuit.angles_of(op), m);
    return m[3] * std::conj(m[0]);
}

void elements(const Circuit& circuit, const Op& op, std::size_t rows, GateMatrix& out) {
    if (op.kind == Op::Kind::gate)
        info(op.gate).matrix(circuit.angles_of(op), out);
    else
        std::copy_n(circuit.matrices.begin() + op.first, rows * rows, out.begin());
}

// The product of operations on the same targets, with the angles and matrices of one circuit.
GateMatrix product_of(const LanePlan& plan, std::span<const std::uint32_t> ops, std::size_t rows, const Circuit& circuit) {
    GateMatrix all{};
    elements(circuit, plan.ops[ops[0]], rows, all);
    for (const std::uint32_t number : ops.subspan(1)) {
        GateMatrix one{}, product{};
        elements(circuit, plan.ops[number], rows, one);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < rows; ++c)
                for (std::size_t k = 0; k < rows; ++k) product[r * rows + c] += one[r * rows + k] * all[k * rows + c];
        all = product;
    }
    return all;
}

// U = e^(ia) diag(1, after) [[c, -s], [s, c]] diag(1, before).
struct Turn {
    double c = 1, s = 0;
    Amplitude before = 1, after = 1;
};
Turn turn_of(const GateMatrix& u) {
    Turn t{.c = std::abs(u[0]), .s = std::abs(u[2])};
    const Amplitude phase = t.c > 0 ? u[0] / t.c : 1;
    if (t.s == 0) {
        t.after = u[3] / (t.c * phase);
    } else {
        t.after = u[2] / (t.s * phase);
        t.before = t.c >= t.s ? u[3] / (t.c * phase * t.after) : -u[1] / (t.s * phase);
    }
    return t;
}

template <class Real>
void put(Real* vectors, std::size_t width, std::size_t lane, Amplitude value) {
    vectors[lane] = Real(value.real());
    vectors[width + lane] = Real(value.imag());
}

std::size_t coefficients_of(const LanePlan::Step& step) {
    std::size_t entries = 0;
    for (const auto& table : step.tables) entries += std::size_t{1} << table.rows.size();
    return step.kind == Kind::diagonal ? entries : step.kind == Kind::one ? 4 : step.kind == Kind::two ? 16 : 0;
}

}  // namespace

LaneObservable::LaneObservable(const LanePlan& plan, const Observable& observable) : constant_(observable.constant()) {
    const std::size_t size = plan.place.size();
    for (const auto& group : observable.groups()) {
        Signs signs(group, plan.qubits);
        signs.move_to(0);
        const double* const f = signs.real();
        const double* const g = signs.imaginary();
        Group here;
        if (group.x == 0) {
            here.real.resize(size);
            for (std::size_t k = 0; k < size; ++k) here.real[plan.place[k]] = f[k];
        } else {
            here.mask = std::size_t(plan.place[0] ^ plan.place[group.x]);
            const std::size_t lowest = group.x & (~group.x + 1);
            for (std::size_t k = 0; k < size; ++k) {
                if ((k & lowest) != 0) continue;
                here.bases.push_back(plan.place[k]);
                here.real.push_back(f[k] + f[k ^ group.x]);
                if (g != nullptr) here.imaginary.push_back(g[k] - g[k ^ group.x]);
            }
        }
        groups_.push_back(std::move(here));
    }
}

template <class Real>
std::size_t LaneStates<Real>::lanes() {
    return vector_bytes() / sizeof(Real);
}

template <class Real>
void LaneStates<Real>::Release::operator()(Real* data) const {
    ::operator delete(data, std::align_val_t(64));
}

template <class Real>
LaneStates<Real>::Block LaneStates<Real>::room(std::size_t vectors) {
    return Block(static_cast<Real*>(::operator new(std::max<std::size_t>(1, vectors) * vector_bytes(), std::align_val_t(64))));
}

template <class Real>
LaneStates<Real>::LaneStates(const LanePlan& plan)
    : plan_(plan),
      width_(lanes()),
      state_(room(2 * plan.place.size())),
      turns_(room(2 * plan.runs.size())),
      ends_(room(4 * plan.runs.size())),
      scale_(lanes()) {
    std::size_t most = 2 * plan.starting_runs;
    for (const auto& step : plan.steps) most = std::max(most, coefficients_of(step));
    coefficients_ = room(2 * most);
}

template <class Real>
void LaneStates<Real>::bind_runs() {
    for (std::size_t r = plan_.starting_runs; r < plan_.runs.size(); ++r) {
        const auto& run = plan_.runs[r];
        for (std::size_t lane = 0; lane < width_; ++lane) {
            const Circuit& circuit = circuit_in(lane);
            const GateMatrix u = product_of(plan_, run.turn, 2, circuit);
            Turn turn = run.is_real ? Turn{.c = u[0].real(), .s = u[2].real()} : turn_of(u);
            for (const std::uint32_t op : run.before) turn.before *= ratio(circuit, plan_.ops[op]);
            for (const std::uint32_t op : run.after) turn.after *= ratio(circuit, plan_.ops[op]);
            turns_[2 * r * width_ + lane] = Real(turn.c);
            turns_[(2 * r + 1) * width_ + lane] = Real(turn.s);
            put(ends_.get() + 4 * r * width_, width_, lane, turn.before);
            put(ends_.get() + (4 * r + 2) * width_, width_, lane, turn.after);
        }
    }
}

template <class Real>
void LaneStates<Real>::start() {
    std::fill_n(state_.get(), 2 * plan_.place.size() * width_, Real(0));
    std::fill_n(state_.get(), width_, Real(1));
    Real* columns = coefficients_.get();
    for (std::size_t r = 0; r < plan_.starting_runs; ++r)
        for (std::size_t lane = 0; lane < width_; ++lane) {
            const Circuit& circuit = circuit_in(lane);
            GateMatrix u = product_of(plan_, plan_.runs[r].turn, 2, circuit);
            for (const std::uint32_t op : plan_.runs[r].after) u[2] *= ratio(circuit, plan_.ops[op]), u[3] *= ratio(circuit, plan_.ops[op]);
            const std::size_t value = plan_.starting_values >> r & 1;
            put(columns + 4 * r * width_, width_, lane, u[3 * value]);
            put(columns + (4 * r + 2) * width_, width_, lane, u[2 - value]);
        }
    LaneLoops<Real>::start(state_.get(), plan_.starting_places, plan_.starting_runs, columns);
}

// Makes tangents of the step's sines, unless what is left to scale would leave the range of Real.
template <class Real>
bool LaneStates<Real>::bind_turns(const LanePlan::Step& step) {
    constexpr double least = std::is_same_v<Real, double> ? 1e-200 : 1e-25;
    Real* const first = turns_.get() + 2 * step.first_run * width_;
    std::array<double, lanes_max> product{};
    bool by_tangent = true;
    for (std::size_t lane = 0; lane < width_; ++lane) {
        product[lane] = scale_[lane];
        for (std::size_t r = 0; r < step.masks.size(); ++r) product[lane] *= double(first[2 * r * width_ + lane]);
        by_tangent &= std::abs(product[lane]) > least;
    }
    for (std::size_t lane = 0; lane < width_; ++lane) {
        if (by_tangent) {
            for (std::size_t r = 0; r < step.masks.size(); ++r) first[(2 * r + 1) * width_ + lane] /= first[2 * r * width_ + lane];
            scale_[lane] = product[lane];
        } else {
            first[lane] = Real(first[lane] * scale_[lane]);
            first[width_ + lane] = Real(first[width_ + lane] * scale_[lane]);
            scale_[lane] = 1;
        }
    }
    return by_tangent;
}

// The entries of a table times a diagonal's elements, each where its operands have the element's values.
template <class Real>
void LaneStates<Real>::multiply_by_op(const LanePlan::Phases& phases, Real* table, std::size_t entries) {
    const Op& op = plan_.ops[phases.number];
    const std::size_t targets = phases.bits.size() - phases.controls, rows = std::size_t{1} << targets;
    // A single target has its phase on 1 alone, but for a controlled gate the phase on 0 is no global one.
    const bool is_relative = targets == 1 && phases.controls == 0;
    std::array<std::array<Real, 2 * lanes_max>, 1 << gate_targets_max> factors alignas(64);
    for (std::size_t lane = 0; lane < width_; ++lane) {
        const Circuit& circuit = circuit_in(lane);
        GateMatrix m{};
        elements(circuit, op, rows, m);
        for (std::size_t row = 0; row < rows; ++row)
            put(factors[row].data(), width_, lane, is_relative ? m[row * rows + row] * std::conj(m[0]) : m[row * rows + row]);
    }
    std::size_t bits = 0, controls = 0;
    for (std::size_t k = 0; k < phases.bits.size(); ++k) {
        bits |= std::size_t{1} << phases.bits[k];
        if (k < phases.controls) controls |= ((phases.control_values ^ phases.flips) >> k & 1) << phases.bits[k];
    }
    for (std::size_t row = is_relative ? 1 : 0; row < rows; ++row) {
        std::size_t values = controls;
        for (std::size_t k = 0; k < targets; ++k)
            values |= ((row >> k ^ phases.flips >> (phases.controls + k)) & 1) << phases.bits[phases.controls + k];
        LaneLoops<Real>::scale_entries(table, entries, bits, values, factors[row].data());
    }
}

template <class Real>
void LaneStates<Real>::fill_tables(const LanePlan::Step& step, Real* out) {
    using Of = LanePlan::Phases::Of;
    for (std::size_t t = 0; t < step.tables.size(); ++t) {
        const auto& table = step.tables[t];
        const std::size_t entries = std::size_t{1} << table.rows.size();
        for (std::size_t e = 0; e < entries; ++e)
            for (std::size_t lane = 0; lane < width_; ++lane) put(out + 2 * e * width_, width_, lane, t == 0 ? scale_[lane] : 1);
        for (const auto& phases : table.phases) {
            if (phases.of == Of::op) {
                multiply_by_op(phases, out, entries);
                continue;
            }
            const Real* const end = ends_.get() + (4 * phases.number + (phases.of == Of::run_after ? 2 : 0)) * width_;
            const std::size_t bit = std::size_t{1} << phases.bits[0];
            LaneLoops<Real>::scale_entries(out, entries, bit, phases.flips != 0 ? 0 : bit, end);
        }
        out += 2 * entries * width_;
    }
    std::ranges::fill(scale_, 1);
}

template <class Real>
void LaneStates<Real>::bind_dense(const LanePlan::Step& step, Real* out) {
    const std::size_t rows = std::size_t{1} << step.masks.size();
    for (std::size_t lane = 0; lane < width_; ++lane) {
        const GateMatrix m = product_of(plan_, step.ops, rows, circuit_in(lane));
        for (std::size_t k = 0; k < rows * rows; ++k) put(out + 2 * k * width_, width_, lane, m[k]);
    }
}

template <class Real>
void LaneStates<Real>::run(std::span<const Circuit* const> circuits) {
    MERIDIAN_ASSERT(!circuits.empty() && circuits.size() <= width_);
    circuits_ = circuits;
    std::ranges::fill(scale_, 1);
    start();
    bind_runs();
    for (const auto& step : plan_.steps) {
        Real* const coefficients = coefficients_.get();
        switch (step.kind) {
            case Kind::turns: {
                const bool by_tangent = bind_turns(step);
                LaneLoops<Real>::turn(state_.get(), step, turns_.get() + 2 * step.first_run * width_, by_tangent);
                break;
            }
            case Kind::diagonal:
                fill_tables(step, coefficients);
                LaneLoops<Real>::diagonal(state_.get(), step, coefficients);
                break;
            case Kind::one:
            case Kind::two:
                bind_dense(step, coefficients);
                LaneLoops<Real>::dense(state_.get(), step, coefficients);
                break;
            case Kind::exchange:
                LaneLoops<Real>::exchange(state_.get(), step);
                break;
        }
    }
}

template <class Real>
Table LaneStates<Real>::table(std::size_t lane) const {
    std::vector<double> probabilities;
    probabilities.reserve(plan_.place.size());
    for (const std::size_t place : plan_.place) {
        const double re = scale_[lane] * state_[2 * place * width_ + lane], im = scale_[lane] * state_[(2 * place + 1) * width_ + lane];
        probabilities.push_back(re * re + im * im);
    }
    return Table(probabilities);
}

template <class Real>
void LaneStates<Real>::expectations(const LaneObservable& observable, std::span<double> out) const {
    std::array<double, lanes_max> sums{};
    for (const auto& group : observable.groups()) {
        if (group.mask == 0)
            LaneLoops<Real>::sum_squares(state_.get(), group.real, sums.data());
        else
            LaneLoops<Real>::sum_pairs(state_.get(), group.bases, group.mask, group.real.data(),
                                       group.imaginary.empty() ? nullptr : group.imaginary.data(), sums.data());
    }
    for (std::size_t lane = 0; lane < out.size(); ++lane) out[lane] = observable.constant() + scale_[lane] * scale_[lane] * sums[lane];
}

template class LaneStates<double>;
template class LaneStates<float>;

}  // namespace meridian::quantum
