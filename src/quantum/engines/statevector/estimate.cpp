// What a run costs, from the plan that will run and what the node was measured to do.
//
// The model is a sum: bytes that the plan moves over the bandwidth, its floating-point operations over the rate of the kernels, a fixed
// time for each kernel and run, the first touch of the memory, one reading of the state for the samples, and a time per shot. Where
// measurements part the shots, each stretch between two of them counts once per history that can be there: at most 2^k after k
// measurements, and never more than there are shots.
#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/adjoint.h"
#include "quantum/engines/statevector/batch.h"
#include "quantum/engines/statevector/execute.h"
#include "quantum/engines/statevector/observable.h"
#include "quantum/engines/statevector/observe.h"
#include "quantum/engines/statevector/plan_book.h"
#include "quantum/engines/statevector/prepare.h"
#include "quantum/engines/statevector/sample.h"

namespace meridian::quantum {
namespace {

constexpr double error_share = 0.3;                  // of the model; `bench/quantum` prints predicted over true
constexpr double error_share_of_gradient = 0.5;      // from 2 to 23 qubits and 1 to 300 terms, `quantum_engines_bench` saw 0.7 to 1.4
constexpr double seconds_per_entry = 5e-9;           // of a table of probabilities
constexpr double seconds_per_comparison = 6e-9;      // of a shot that is drawn from a table and sorted
constexpr double seconds_per_outcome = 5e-8;         // of those that came out, which are counted
constexpr double seconds_per_term = 7e-8;            // of a Pauli sum, which is put in order
constexpr double bytes_per_amplitude_of_group = 80;  // two amplitudes read for the value; two, and one written, for the image
constexpr double block_bytes = double(512 << 10);    // what a plan works on at once: a state of this size is one thread's
constexpr double cached_bytes = double(16 << 20);
constexpr std::uint64_t bytes_per_entry_of_plan = 512;
constexpr std::uint64_t bytes_per_shot_at_once = 48;  // numbers, indices and their order

struct Work {
    PlanWork passes;
    double flops = 0, moved = 0, kernels = 0, sweeps = 0;
    void add(const Work& other, double times) {
        passes.rotations += times * other.passes.rotations;
        passes.tangents += times * other.passes.tangents;
        passes.lone += times * other.passes.lone;
        passes.dense += times * other.passes.dense;
        passes.interactions += times * other.passes.interactions;
        passes.phases += times * other.passes.phases;
        passes.others += times * other.passes.others;
        flops += times * other.flops;
        moved += times * other.moved;
        kernels += times * other.kernels;
        sweeps += times * other.sweeps;
    }
};

std::uint64_t bytes_of_state(unsigned qubits, Precision precision) {
    const std::uint64_t each = precision == Precision::double_ ? 16 : 8;
    return std::max<std::uint64_t>(128, each << qubits);
}

std::uint64_t saturated_power_of_two(std::uint64_t exponent) { return std::uint64_t{1} << std::min<std::uint64_t>(exponent, 62); }

std::uint64_t peak_bytes(const Prepared& program, Precision precision, std::uint64_t shots) {
    const Circuit& circuit = program.circuit;
    const std::uint64_t words = (std::uint64_t{circuit.bits} + 63) / 64, state = bytes_of_state(circuit.qubits, precision);
    const std::uint64_t distinct = std::min(shots, saturated_power_of_two(std::min<std::uint64_t>(circuit.bits, circuit.qubits)));
    std::uint64_t bytes = state + (state >> (Drawer<double>::block_bits + 1));
    bytes += std::min(shots, limits::shots_at_once) * bytes_per_shot_at_once + 2 * distinct * (words + 1) * 8;
    bytes += circuit.ops.size() * bytes_per_entry_of_plan;
    if (program.branchings > 0) {
        const auto nested =
            std::min<std::uint64_t>({limits::branch_bytes / state, std::uint64_t(std::bit_width(shots)), program.branchings});
        bytes += nested * state;
    }
    return bytes;
}

template <class Real>
Work work_of(const Plan<Real>& plan) {
    return {plan.work(), double(plan.flops()), double(plan.bytes_moved()), double(plan.fused_gates()), double(plan.sweeps())};
}

struct Expected {
    Work likely, least;
    double histories = 1;  // at the end
};

template <class Real>
Expected expected_work(const Prepared& program, std::uint64_t shots, PlanCache* plans) {
    const Circuit& circuit = program.circuit;
    PlanBook<Real> book(circuit, plans);
    std::vector<std::uint8_t> positions(circuit.qubits);
    for (std::size_t q = 0; q < positions.size(); ++q) positions[q] = std::uint8_t(q);
    using Relabels = typename PlanBook<Real>::Relabels;
    Expected found;
    const double amplitudes = double(std::uint64_t{1} << circuit.qubits), bytes = amplitudes * State<Real>::bytes_per_amplitude;
    for (std::size_t k = 0; k < circuit.ops.size();) {
        const auto kind = circuit.ops[k].kind;
        if (kind > Op::Kind::unitary) {
            if (kind == Op::Kind::reset || (kind == Op::Kind::measure && !program.waits[k])) {
                const Work look{{}, 2 * 4 * amplitudes, 2.5 * bytes, 2, 2};  // the chance, then the collapse
                found.likely.add(look, found.histories);
                found.least.add(look, 1);
                found.histories = std::min(double(shots), 2 * found.histories);
            }
            ++k;
            continue;
        }
        std::size_t end = k;
        while (end < circuit.ops.size() && circuit.ops[end].kind <= Op::Kind::unitary) ++end;
        const Work stretch =
            work_of(book.of(k, end, positions, program.is_unitary ? Relabels::yes : Relabels::no, k == 0 ? From::zero : From::anything));
        found.likely.add(stretch, found.histories);
        found.least.add(stretch, 1);
        k = end;
    }
    return found;
}

double bytes_per_second(const Calibration& node, double state_bytes) {
    return state_bytes <= cached_bytes ? node.cached_bytes_per_second : node.memory_bytes_per_second;
}

double seconds_of(const Work& work, const Calibration& node, Precision precision, double state_bytes) {
    const auto& each = precision == Precision::double_ ? node.kernels_double : node.kernels_single;
    // Other kernels are rated as dense ones are: 30 operations an amplitude.
    const double turning = work.passes.rotations * each.rotation + work.passes.tangents * each.tangent + work.passes.lone * each.lone;
    const double computing = turning + (work.passes.dense + work.passes.others / 30) * each.dense +
                             work.passes.interactions * each.interaction + work.passes.phases * each.phases;
    // A state of one block is in the cache of one thread, and stays there.
    const bool is_one_block = state_bytes <= block_bytes;
    return computing / (is_one_block ? 1 : node.threads_worth) + (is_one_block ? 0 : work.moved / bytes_per_second(node, state_bytes)) +
           work.kernels * node.seconds_per_kernel;
}

// The first touch of a state's memory, and what it takes beside that where the machine has to find memory first. Small states get memory
// that others gave back, and only write it.
struct Touch {
    double usual, extra;
};
Touch touching(double state_bytes, const Calibration& node) {
    if (state_bytes < double(State<double>::bytes_mapped_least)) return {state_bytes / node.cached_bytes_per_second, 0};
    const double usual = state_bytes / node.touch_bytes_per_second;
    return {usual, std::max(0.0, state_bytes / node.first_touch_bytes_per_second - usual)};
}

std::string gibibytes(std::uint64_t bytes) {
    if (bytes < std::uint64_t{1} << 30) return fmt::format("{:.1f} MiB", double(bytes) / 0x1p20);
    return fmt::format("{:.1f} GiB", double(bytes) / 0x1p30);
}

std::optional<Diagnostic> refusal(const Prepared& program, Precision precision, std::uint64_t bytes, const Allowance& allowance) {
    if (bytes <= allowance.bytes_free) return std::nullopt;
    const bool is_double = precision == Precision::double_;
    return Diagnostic{fmt::format("needs {} for {} qubits in {} precision, this node has {} free; use {}fewer qubits", gibibytes(bytes),
                                  program.circuit.qubits, is_double ? "double" : "single", gibibytes(allowance.bytes_free),
                                  is_double ? "single precision or " : "")};
}

// Signs that the terms of one group take: worked out anew at each chunk that one of them changes at, but at once for each member.
double signs_of(const Observable::Group& group, unsigned qubits, const Calibration& node) {
    std::uint64_t above = 0;
    for (const Observable::Term& term : group.terms) above |= term.z >> Observable::chunk_bits;
    const double amplitudes = std::ldexp(1.0, int(qubits)), chunk = std::ldexp(1.0, int(Observable::chunk_bits));
    if (amplitudes <= chunk) return amplitudes;
    return above == 0 ? chunk * node.threads_worth : std::ldexp(amplitudes, -std::countr_zero(above));
}

// The model of a gradient: its plan forward, the value and the image of each group of terms, and the way back, pass by pass. What waits for
// memory computes meanwhile on the way back, in place; the passes of terms look at two places and do not.
Cost cost_of_gradient(const Prepared& program, const PauliSum& sum, const Calibration& node) {
    const Circuit& circuit = program.circuit;
    const double amplitudes = std::ldexp(1.0, int(circuit.qubits));
    const double states = 2 * double(bytes_of_state(circuit.qubits, Precision::double_));
    const auto waiting = [&](double bytes) { return states <= cached_bytes ? 0 : bytes / node.gradients.bytes_per_second; };
    const auto members = [&](unsigned alone) { return circuit.qubits <= alone ? 1 : node.threads_worth; };
    const auto plan = compile<double>(circuit, 0, circuit.ops.size(), {.relabels = false, .from = From::zero});
    Cost cost;
    cost.operations = plan.flops();
    cost.sweeps = plan.sweeps();
    cost.seconds = touching(states / 2, node).usual * 2 + seconds_of(work_of(plan), node, Precision::double_, states / 2) +
                   double(circuit.ops.size()) * node.gradients.gate + double(sum.size()) * seconds_per_term + node.gradients.whole;
    for (const PassBack& pass : passes_back(circuit)) {
        cost.operations += std::uint64_t(8 * pass.products);
        ++cost.sweeps;
        cost.seconds += std::max(pass.products * node.gradients.product / members(limits::qubits_of_a_part), waiting(pass.moved));
    }
    for (const Observable::Group& group : Observable(sum, program.qubit_of).groups()) {
        cost.sweeps += 2;
        cost.seconds += (amplitudes * node.gradients.amplitude + 2 * signs_of(group, circuit.qubits, node) * node.gradients.sign) /
                            members(Observable::chunk_bits) +
                        waiting(bytes_per_amplitude_of_group * amplitudes);
    }
    cost.bytes = std::uint64_t(states) + bytes_of_sums(circuit.qubits) + sum.size() * sizeof(Observable::Term) +
                 circuit.ops.size() * bytes_per_entry_of_plan;
    cost.seconds_low = (1 - error_share_of_gradient) * cost.seconds;
    cost.seconds_high = (1 + error_share_of_gradient) * cost.seconds;  // of many gradients; what the first touch takes is lost in them
    return cost;
}

expected<Prepared> checked(const Circuit& circuit, Precision precision, std::uint64_t shots, const Allowance& allowance) {
    auto program = prepare(circuit);
    if (!program) return program;
    if (shots == 0 || shots > limits::shots) return complaint(fmt::format("A run takes 1 to {} shots, not {}", limits::shots, shots));
    if (auto refused = refusal(*program, precision, peak_bytes(*program, precision, shots), allowance))
        return unexpected(std::move(*refused));
    return program;
}

Cost cost_of(const Prepared& program, Precision precision, std::uint64_t shots, const Calibration& node, PlanCache* plans) {
    Cost cost;
    cost.bytes = peak_bytes(program, precision, shots);
    const Expected work =
        precision == Precision::double_ ? expected_work<double>(program, shots, plans) : expected_work<float>(program, shots, plans);
    const double state = double(bytes_of_state(program.circuit.qubits, precision)), blocks = std::ceil(state / 65536);
    const bool is_small = program.circuit.qubits <= Drawer<double>::block_bits;
    const Touch touch = touching(state, node);
    const auto around = [&](double histories) {
        // First touch, then per history a reading of the state, and per shot a number, its place in the order and a look at its block.
        const double reading =
            is_small ? double(std::uint64_t{1} << program.circuit.qubits) * seconds_per_entry : state / node.read_bytes_per_second;
        const double looks = is_small ? 0 : std::min(double(shots), histories * blocks) * node.seconds_per_block;
        return touch.usual + histories * reading + double(shots) * node.seconds_per_shot + looks;
    };
    cost.operations = std::uint64_t(work.likely.flops);
    cost.sweeps = std::uint64_t(work.likely.sweeps);
    // Members take shares of the shots of small states that part.
    const bool is_shared = !program.is_unitary && program.circuit.qubits <= limits::qubits_per_member;
    const double members = is_shared ? node.threads_worth : 1;
    cost.seconds = (seconds_of(work.likely, node, precision, state) + around(work.histories)) / members;
    cost.seconds_low = (1 - error_share) * (seconds_of(work.least, node, precision, state) + around(1)) / members;
    cost.seconds_high = (1 + error_share) * cost.seconds + touch.extra;
    return cost;
}

Cost with_joules(Cost cost, const Calibration& node, const Allowance& allowance) {
    if (allowance.tdp_watts && allowance.cpus > 0) {
        cost.joules_basis = Cost::Basis::modelled;
        cost.joules = cost.seconds * *allowance.tdp_watts * std::min(1.0, double(node.threads) / allowance.cpus);
    }
    return cost;
}

// A group that runs in lanes: every member works on rounds of its own.
Cost cost_in_lanes(const Prepared& program, const LanePlan& plan, std::size_t circuits, Precision precision, std::uint64_t shots,
                   const Calibration& node) {
    const std::size_t lanes = precision == Precision::double_ ? LaneStates<double>::lanes() : LaneStates<float>::lanes();
    const std::size_t rounds = (circuits + lanes - 1) / lanes;
    const double amplitudes = double(std::uint64_t{1} << plan.qubits);
    const double spread = std::min(double(rounds), node.threads_worth);
    const double computing = double(rounds) * plan.passes(lanes) * node.seconds_per_lane_pass;
    const double sorting = double(shots) * std::log2(double(shots) + 2) * seconds_per_comparison;
    const double drawing =
        double(circuits) * (amplitudes * seconds_per_entry + sorting + std::min(double(shots), amplitudes) * seconds_per_outcome);
    Cost cost;
    cost.bytes = node.threads * LaneStates<double>::bytes(plan.qubits) + circuits * peak_bytes(program, precision, shots);
    cost.operations = std::uint64_t(16 * plan.passes(1) * double(circuits));
    cost.seconds = (computing + drawing) / spread;
    cost.seconds_low = (1 - error_share) * cost.seconds;
    cost.seconds_high = (1 + error_share) * cost.seconds;
    return cost;
}

}  // namespace

std::string_view Cost::joules_said() const { return joules_basis == Basis::modelled ? "declared watts x seconds" : "unknown"; }

expected<Cost> estimate(const Circuit& circuit, Precision precision, std::uint64_t shots, const Calibration& node,
                        const Allowance& allowance, PlanCache* plans) {
    const auto program = checked(circuit, precision, shots, allowance);
    if (!program) return unexpected(program.error());
    return with_joules(cost_of(*program, precision, shots, node, plans), node, allowance);
}

expected<Cost> estimate_all(std::span<const Circuit> circuits, Precision precision, std::uint64_t shots, const Calibration& node,
                            const Allowance& allowance, PlanCache* plans) {
    Cost sum;
    for (const auto& numbers : by_structure(circuits)) {
        const auto program = checked(circuits[numbers[0]], precision, shots, allowance);
        if (!program) return unexpected(program.error());
        const auto plan = lane_plan(*program, numbers.size(), precision);
        const Cost one = plan ? cost_in_lanes(*program, *plan, numbers.size(), precision, shots, node)
                              : cost_of(*program, precision, shots, node, plans);
        const double times = plan ? 1 : double(numbers.size());
        sum.bytes = std::max(sum.bytes, one.bytes);
        sum.operations += std::uint64_t(times) * one.operations;
        sum.sweeps += std::uint64_t(times) * one.sweeps;
        sum.seconds += times * one.seconds;
        sum.seconds_low += times * one.seconds_low;
        sum.seconds_high += times * one.seconds_high;
    }
    return with_joules(sum, node, allowance);
}

expected<Cost> estimate_gradient(const Circuit& circuit, const PauliSum& sum, const Calibration& node, const Allowance& allowance) {
    const auto program = unitary_part(circuit, sum);
    if (!program) return unexpected(program.error());
    const Cost cost = cost_of_gradient(*program, sum, node);
    if (cost.bytes > allowance.bytes_free)
        return complaint(fmt::format("needs {} for two states of {} qubits, this node has {} free; use fewer qubits", gibibytes(cost.bytes),
                                     program->circuit.qubits, gibibytes(allowance.bytes_free)));
    return with_joules(cost, node, allowance);
}

}  // namespace meridian::quantum
