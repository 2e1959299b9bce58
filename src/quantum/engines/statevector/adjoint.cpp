// Gradients by the adjoint method (Jones and Gacon, arXiv 2009.02823): the state goes forward once; then |psi> and |lambda> = H |psi> go
// back together, gate by gate, and at each gate 2 Re <lambda| dU U^+ |psi> is the derivative by its angle.
//
// That inner product needs no pass of its own: dU U^+ acts on the gate's targets alone, so it is the trace of a small matrix with
// R = sum over all other qubits of |psi><lambda|, which the step that undoes the gate sums while it has both states in registers. Gates on
// one qubit that follow each other share a step: R is carried from one to the next by 2x2 algebra. Steps whose targets lie within 2^13
// neighbouring amplitudes are taken together, part after part of the states, so that both stay in cache. Sums are taken part by part in a
// fixed order and do not depend on the team's size. Always in double precision: memory is two states.
#include "quantum/engines/statevector/adjoint.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <new>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include "base/error.h"
#include "quantum/engines/statevector/backward.h"
#include "quantum/engines/statevector/derivative.h"
#include "quantum/engines/statevector/observable.h"
#include "quantum/engines/statevector/observe.h"
#include "quantum/engines/statevector/plan.h"
#include "quantum/engines/statevector/prepare.h"

namespace meridian::quantum {
namespace {

constexpr std::size_t blocks_of_a_part = std::size_t{1} << (limits::qubits_of_a_part - State<double>::lane_bits);
constexpr std::size_t steps_at_once = 64;
constexpr double products_of_an_exchange = 1;  // what moving an amplitude counts as

struct Step {
    Backward backward;
    std::vector<std::uint32_t> ops;  // last one first
    bool is_wide = false;            // a matrix on more qubits than a step takes: undone by a plan
};

GateMatrix small_matrix(const Circuit& circuit, const Op& op) {
    GateMatrix small{};
    std::ranges::copy(matrix_of(circuit, op), small.begin());
    return small;
}

GateMatrix adjoint_of(const GateMatrix& m, std::size_t side) {
    GateMatrix out{};
    for (std::size_t r = 0; r < side; ++r)
        for (std::size_t c = 0; c < side; ++c) out[r * side + c] = std::conj(m[c * side + r]);
    return out;
}

GateMatrix product(const GateMatrix& a, const GateMatrix& b, std::size_t side) {
    GateMatrix out{};
    for (std::size_t r = 0; r < side; ++r)
        for (std::size_t c = 0; c < side; ++c)
            for (std::size_t k = 0; k < side; ++k) out[r * side + c] += a[r * side + k] * b[k * side + c];
    return out;
}

bool has_angles(const Op& op) { return op.kind == Op::Kind::gate && info(op.gate).parameters > 0; }

Step step_of(const Circuit& circuit, std::vector<std::uint32_t> ops) {
    Step step;
    const Op& first = circuit.ops[ops.front()];
    const auto targets = circuit.targets_of(first), controls = circuit.controls_of(first);
    step.ops = std::move(ops);
    step.is_wide = targets.size() > gate_targets_max;
    if (step.is_wide) return step;
    Backward& back = step.backward;
    back.targets.assign(targets.begin(), targets.end());
    for (std::size_t k = 0; k < controls.size(); ++k) {
        back.control_mask |= std::uint64_t{1} << controls[k];
        back.control_value |= (first.control_values >> k & 1) << controls[k];
    }
    const std::size_t side = std::size_t{1} << targets.size();
    for (std::size_t k = 0; k < side; ++k) back.undo[k * side + k] = 1;
    for (const std::uint32_t number : step.ops) {
        const Op& op = circuit.ops[number];
        back.undo = product(adjoint_of(small_matrix(circuit, op), side), back.undo, side);
        back.wants_sums |= has_angles(op);
    }
    back.ready();
    return step;
}

// From the last gate to the first; nothing after the last step that a derivative needs.
std::vector<Step> steps_back(const Circuit& circuit) {
    std::vector<Step> steps;
    std::vector<std::vector<std::uint32_t>> pending(circuit.qubits);
    const auto flush = [&](std::uint32_t qubit) {
        if (!pending[qubit].empty()) steps.push_back(step_of(circuit, std::exchange(pending[qubit], {})));
    };
    for (std::uint32_t k = std::uint32_t(circuit.ops.size()); k-- > 0;) {
        const Op& op = circuit.ops[k];
        if (op.controls == 0 && op.operand_count == 1) {
            pending[circuit.operands_of(op)[0]].push_back(k);
            continue;
        }
        for (const std::uint32_t qubit : circuit.operands_of(op)) flush(qubit);
        steps.push_back(step_of(circuit, {k}));
    }
    for (std::uint32_t qubit = 0; qubit < circuit.qubits; ++qubit) flush(qubit);
    while (!steps.empty() && !steps.back().backward.wants_sums) steps.pop_back();
    return steps;
}

// Adds the derivatives of a step's gates; `sums` is R before the step.
void derive(const Circuit& circuit, const Step& step, const BackwardSums& sums, std::vector<double>& by_angle) {
    const std::size_t side = std::size_t{1} << step.backward.targets.size();
    GateMatrix r{};
    for (std::size_t row = 0; row < side; ++row)
        for (std::size_t column = 0; column < side; ++column) r[row * side + column] = sums[row * 4 + column];
    for (const std::uint32_t number : step.ops) {
        const Op& op = circuit.ops[number];
        const GateMatrix matrix = small_matrix(circuit, op), undo = adjoint_of(matrix, side);
        if (has_angles(op)) {
            const auto angles = circuit.angles_of(op);
            const GateMatrix carried = product(undo, r, side);
            for (std::size_t which = 0; which < angles.size(); ++which) {
                const GateMatrix d = product(derivative(op.gate, angles, which), carried, side);
                Amplitude trace = 0;
                for (std::size_t k = 0; k < side; ++k) trace += d[k * side + k];
                by_angle[op.first + which] += 2 * trace.real();
            }
        }
        r = product(product(undo, r, side), matrix, side);
    }
}

void undo_wide(const Circuit& circuit, const Op& op, State<double>& psi, State<double>& lambda, Team& team) {
    Circuit inverse;
    inverse.qubits = circuit.qubits;
    const auto matrix = matrix_of(circuit, op);
    const std::size_t side = std::size_t{1} << circuit.targets_of(op).size();
    std::vector<Amplitude> undo(matrix.size());
    for (std::size_t r = 0; r < side; ++r)
        for (std::size_t c = 0; c < side; ++c) undo[r * side + c] = std::conj(matrix[c * side + r]);
    inverse.add_unitary(circuit.operands_of(op), op.controls, undo).control_values = op.control_values;
    PlanOptions options;
    options.relabels = false;
    const auto plan = compile<double>(inverse, 0, 1, options);
    apply(plan, psi, team);
    apply(plan, lambda, team);
}

std::size_t blocks_of_part(std::size_t blocks) { return std::min(blocks, blocks_of_a_part); }

// Past the steps that are taken together with the one at `begin`.
std::size_t end_of_group(std::span<const Step> steps, std::size_t begin, std::size_t blocks) {
    const auto is_local = [&](const Step& step) {
        return !step.is_wide && std::ranges::all_of(step.backward.high_bits,
                                                    [&](std::size_t bit) { return bit < Backward::vectors(blocks_of_part(blocks)); });
    };
    std::size_t end = begin + 1;
    if (is_local(steps[begin]))
        while (end < steps.size() && end - begin < steps_at_once && is_local(steps[end])) ++end;
    return end;
}

// Of one amplitude of the two states: products with elements of its row, and for the sums.
double products_of(const Circuit& circuit, const Step& step) {
    if (step.is_wide) {
        const Op& op = circuit.ops[step.ops[0]];
        return std::ldexp(2.0, int(circuit.targets_of(op).size()) - int(op.controls));
    }
    const Backward& back = step.backward;
    const double elements = back.is_exchange ? products_of_an_exchange : std::ldexp(back.wants_sums ? 3 : 2, int(back.high + back.flips));
    return std::ldexp(elements, -std::popcount(back.vector_mask));
}

}  // namespace

std::vector<PassBack> passes_back(const Circuit& circuit) {
    const std::vector<Step> steps = steps_back(circuit);
    const double amplitudes = std::ldexp(1.0, int(circuit.qubits));
    const std::size_t blocks = std::size_t{1} << (std::max(circuit.qubits, State<double>::lane_bits) - State<double>::lane_bits);
    std::vector<PassBack> passes;
    for (std::size_t begin = 0; begin < steps.size();) {
        const std::size_t end = end_of_group(steps, begin, blocks);
        // What controls leave alone is not read, unless another step of the group needs it.
        const double share = end - begin == 1 ? std::ldexp(1.0, -std::popcount(steps[begin].backward.vector_mask)) : 1;
        PassBack& pass = passes.emplace_back();
        pass.moved = 4 * State<double>::bytes_per_amplitude * amplitudes * share;
        for (; begin < end; ++begin) pass.products += amplitudes * products_of(circuit, steps[begin]);
    }
    return passes;
}

std::uint64_t bytes_of_sums(unsigned qubits) {
    return (std::uint64_t{1} << (std::max(qubits, limits::qubits_of_a_part) - limits::qubits_of_a_part)) * steps_at_once *
           sizeof(BackwardSums);
}

void go_back(const Circuit& circuit, State<double>& psi, State<double>& lambda, Team& team, std::vector<double>& by_angle) {
    const std::vector<Step> steps = steps_back(circuit);
    const std::size_t parts = psi.blocks() / blocks_of_part(psi.blocks());
    for (std::size_t begin = 0; begin < steps.size();) {
        if (steps[begin].is_wide) {
            undo_wide(circuit, circuit.ops[steps[begin].ops[0]], psi, lambda, team);
            ++begin;
            continue;
        }
        const std::size_t end = end_of_group(steps, begin, psi.blocks());
        std::vector<BackwardSums> sums(parts * (end - begin));
        const auto work = [&](std::size_t first, std::size_t last) {
            for (std::size_t part = first; part < last; ++part)
                for (std::size_t k = begin; k < end; ++k) {
                    const std::size_t groups = steps[k].backward.groups(psi.blocks()) / parts;
                    step_back(steps[k].backward, psi, lambda, part * groups, (part + 1) * groups, sums[part * (end - begin) + k - begin]);
                }
        };
        if (parts == 1) {
            work(0, 1);
        } else {
            team.run([&](unsigned member) {
                const auto [first, last] = team.share(parts, member);
                work(first, last);
            });
        }
        for (std::size_t k = begin; k < end; ++k) {
            if (!steps[k].backward.wants_sums) continue;
            BackwardSums total{};
            for (std::size_t part = 0; part < parts; ++part)
                for (std::size_t m = 0; m < total.size(); ++m) total[m] += sums[part * (end - begin) + k - begin][m];
            derive(circuit, steps[k], total, by_angle);
        }
        begin = end;
    }
}

expected<Gradient> gradient(const Circuit& circuit, const PauliSum& sum, Team& team) {
    const auto program = unitary_part(circuit, sum);
    if (!program) return unexpected(program.error());
    const Circuit& run = program->circuit;
    Gradient found;
    found.by_angle.resize(circuit.angles.size());
    try {
        State<double> psi(run.qubits, team), lambda(run.qubits, team);
        PlanOptions options;
        options.relabels = false;
        options.from = From::zero;
        if (!run.ops.empty()) apply(compile<double>(run, 0, run.ops.size(), options), psi, team);
        const Observable observable(sum, program->qubit_of);
        found.value = expectation_of(observable, psi, team);
        image_of(observable, psi, lambda, team);
        go_back(run, psi, lambda, team, found.by_angle);
    } catch (const std::bad_alloc&) {
        return complaint(fmt::format("There is no memory for two states of {} qubits at the moment", run.qubits));
    }
    return found;
}

}  // namespace meridian::quantum
