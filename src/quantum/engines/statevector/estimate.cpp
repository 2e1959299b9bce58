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
#include "quantum/engines/statevector/execute.h"
#include "quantum/engines/statevector/plan_book.h"
#include "quantum/engines/statevector/prepare.h"
#include "quantum/engines/statevector/sample.h"

namespace meridian::quantum {
namespace {

constexpr double error_share = 0.3;  // of the model; `bench/quantum` prints predicted over true
constexpr std::uint64_t bytes_per_entry_of_plan = 512;
constexpr std::uint64_t bytes_per_shot_at_once = 48;  // numbers, indices and their order

struct Work {
    double flops = 0, moved = 0, kernels = 0, sweeps = 0;
    void add(const Work& other, double times) {
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
    return {double(plan.flops()), double(plan.bytes_moved()), double(plan.fused_gates()), double(plan.sweeps())};
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
                const Work look{2 * 4 * amplitudes, 2.5 * bytes, 2, 2};  // the chance, then the collapse
                found.likely.add(look, found.histories);
                found.least.add(look, 1);
                found.histories = std::min(double(shots), 2 * found.histories);
            }
            ++k;
            continue;
        }
        std::size_t end = k;
        while (end < circuit.ops.size() && circuit.ops[end].kind <= Op::Kind::unitary) ++end;
        const Work stretch = work_of(book.of(k, end, positions, program.is_unitary ? Relabels::yes : Relabels::no));
        found.likely.add(stretch, found.histories);
        found.least.add(stretch, 1);
        k = end;
    }
    return found;
}

double seconds_of(const Work& work, const Calibration& node, Precision precision, double state_bytes) {
    const double rate = precision == Precision::double_ ? node.flops_double : node.flops_single;
    // What fits the caches is moved there, not to memory.
    const double moved = state_bytes <= node.cache_bytes ? 0 : work.moved / node.memory_bytes_per_second;
    return moved + work.flops / rate + work.kernels * node.seconds_per_kernel;
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

}  // namespace

std::string_view Cost::joules_said() const { return joules_basis == Basis::modelled ? "modelled from TDP x share" : "unknown"; }

expected<Cost> estimate(const Circuit& circuit, Precision precision, std::uint64_t shots, const Calibration& node,
                        const Allowance& allowance, PlanCache* plans) {
    const auto program = prepare(circuit);
    if (!program) return unexpected(program.error());
    if (shots == 0 || shots > limits::shots) return complaint(fmt::format("A run takes 1 to {} shots, not {}", limits::shots, shots));
    Cost cost;
    cost.bytes = peak_bytes(*program, precision, shots);
    if (auto refused = refusal(*program, precision, cost.bytes, allowance)) return unexpected(std::move(*refused));

    const Expected work =
        precision == Precision::double_ ? expected_work<double>(*program, shots, plans) : expected_work<float>(*program, shots, plans);
    const double state = double(bytes_of_state(program->circuit.qubits, precision));
    const double blocks = std::ceil(state / 65536);
    const auto around = [&](double histories) {
        // First touch, then per history a reading of the state, and per shot a number, its place in the order and a look at its block.
        return state / node.touch_bytes_per_second + histories * state / node.memory_bytes_per_second +
               double(shots) * node.seconds_per_shot + std::min(double(shots), blocks) * node.seconds_per_block;
    };
    cost.operations = std::uint64_t(work.likely.flops);
    cost.sweeps = std::uint64_t(work.likely.sweeps);
    const double likely = seconds_of(work.likely, node, precision, state) + around(work.histories);
    const double least = seconds_of(work.least, node, precision, state) + around(1);
    cost.seconds = likely;
    cost.seconds_low = (1 - error_share) * least;
    cost.seconds_high = (1 + error_share) * likely;
    if (allowance.tdp_watts && allowance.cpus > 0) {
        cost.joules_basis = Cost::Basis::modelled;
        cost.joules = cost.seconds * *allowance.tdp_watts * std::min(1.0, double(node.threads) / allowance.cpus);
    }
    return cost;
}

expected<Cost> estimate_all(std::span<const Circuit> circuits, Precision precision, std::uint64_t shots, const Calibration& node,
                            const Allowance& allowance, PlanCache* plans) {
    Cost sum;
    const Circuit* last = nullptr;
    Cost of_last;
    for (const Circuit& circuit : circuits) {
        if (last == nullptr || !same_structure(*last, circuit)) {
            const auto one = estimate(circuit, precision, shots, node, allowance, plans);
            if (!one) return one;
            of_last = *one;
            last = &circuit;
        }
        sum.bytes = std::max(sum.bytes, of_last.bytes);
        sum.operations += of_last.operations;
        sum.sweeps += of_last.sweeps;
        sum.seconds += of_last.seconds;
        sum.seconds_low += of_last.seconds_low;
        sum.seconds_high += of_last.seconds_high;
        sum.joules_basis = of_last.joules_basis;
        if (of_last.joules) sum.joules = sum.joules.value_or(0) + *of_last.joules;
    }
    return sum;
}

}  // namespace meridian::quantum
