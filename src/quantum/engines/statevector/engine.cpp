#include "quantum/engines/engine.h"

#include <algorithm>
#include <cmath>
#include <new>

#include <fmt/format.h>

#include "quantum/engines/philox.h"
#include "quantum/engines/statevector/batch.h"
#include "quantum/engines/statevector/execute.h"
#include "quantum/engines/statevector/plan_book.h"
#include "quantum/engines/statevector/prepare.h"
#include "quantum/engines/statevector/readout.h"

namespace meridian::quantum {
namespace {

template <class Real>
expected<std::vector<Amplitude>> amplitudes(const Circuit& circuit, Team& team) {
    State<Real> state(circuit.qubits, team);
    apply(compile<Real>(circuit, 0, circuit.ops.size(), {.from = From::zero}), state, team);
    const Amplitude phase = std::polar(1.0, circuit.global_phase);
    std::vector<Amplitude> all(state.size());
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = phase * Amplitude(state.amplitude(k));
    return all;
}

std::optional<Diagnostic> refusal(const Circuit& circuit, const RunOptions& options) {
    if (options.shots == 0 || options.shots > limits::shots)
        return Diagnostic{fmt::format("A run takes 1 to {} shots, not {}", limits::shots, options.shots)};
    if (options.shots * ((std::uint64_t{circuit.bits} + 63) / 64) > limits::outcome_words)
        return Diagnostic{
            fmt::format("{} shots of {} classical bits are more than one run can hold: ask for fewer shots or declare fewer bits",
                        options.shots, circuit.bits)};
    return std::nullopt;
}

// One circuit of a group, from the table of its probabilities.
expected<Samples> sample_table(const Prepared& program, const Table& table, const RunOptions& options, std::uint64_t seed) {
    if (!(table.total() > 0) || !std::isfinite(table.total()))
        return complaint("The state lost its norm: a matrix of the circuit is not unitary");
    const ClassicalMemory memory(program.circuit);
    Bits bits(program.at_end, memory);
    Samples samples;
    samples.bits = program.circuit.bits;
    samples.shots = options.shots;
    if (options.memory) samples.memory.resize(options.shots * samples.words());
    Tally tally(samples.words());
    std::vector<std::uint64_t> shots, indices;
    for (std::uint64_t begin = 0; begin < options.shots; begin += limits::shots_at_once) {
        shots.resize(std::min(limits::shots_at_once, options.shots - begin));
        indices.resize(shots.size());
        for (std::size_t k = 0; k < shots.size(); ++k) {
            shots[k] = begin + k;
            indices[k] = bits.are_known() ? 0 : table.at(uniform(seed, shots[k], 0));
        }
        note(bits, shots, indices, tally, samples.memory);
    }
    tally.finish(samples);
    return samples;
}

template <class Real>
void sample_in_lanes(const Prepared& program, const LanePlan& plan, std::span<const Circuit> circuits, std::span<const std::size_t> numbers,
                     const RunOptions& options, Team& team, std::span<expected<Samples>> all) {
    const auto between = [&](double done) {
        if (options.progress) options.progress(done);
        return !options.cancelled || !options.cancelled();
    };
    const auto use = [&](const LaneStates<Real>& states, std::span<const std::size_t> here) {
        for (std::size_t lane = 0; lane < here.size(); ++lane)
            all[here[lane]] = sample_table(program, states.table(lane), options, seed_of(options.seed, here[lane]));
    };
    const bool ended = run_in_lanes<Real>(plan, circuits, numbers, team, between, use);
    if (!ended)
        for (const std::size_t number : numbers) all[number] = complaint(std::string(cancelled));
    else if (options.progress)
        options.progress(1);
}

}  // namespace

expected<Samples> sample(const Circuit& circuit, const RunOptions& options, Team& team, PlanCache* plans) {
    if (auto refused = refusal(circuit, options)) return unexpected(std::move(*refused));
    const auto program = prepare(circuit);
    if (!program) return unexpected(program.error());
    try {
        return options.precision == Precision::double_ ? execute<double>(*program, options, team, plans)
                                                       : execute<float>(*program, options, team, plans);
    } catch (const std::bad_alloc&) {
        return complaint(fmt::format("There is no memory for {} qubits at the moment", program->circuit.qubits));
    }
}

std::uint64_t seed_of(std::uint64_t seed, std::size_t circuit) {
    return circuit == 0 ? seed : random_bits(seed, ~std::uint64_t{0}, circuit);
}

std::vector<expected<Samples>> sample_all(std::span<const Circuit> circuits, const RunOptions& options, Team& team, PlanCache* plans) {
    std::vector<expected<Samples>> all(circuits.size());
    PlanCache own;
    std::size_t done = 0;
    for (const auto& numbers : by_structure(circuits)) {
        RunOptions each = options;
        const auto part = [&](double share) { return (double(done) + share) / double(circuits.size()); };
        const auto program = prepare(circuits[numbers[0]]);
        const auto plan = program ? lane_plan(*program, numbers.size(), options.precision) : std::nullopt;
        if (plan && !refusal(circuits[numbers[0]], options)) {
            if (options.progress) each.progress = [&](double share) { options.progress(part(share * double(numbers.size()))); };
            if (options.precision == Precision::double_)
                sample_in_lanes<double>(*program, *plan, circuits, numbers, each, team, all);
            else
                sample_in_lanes<float>(*program, *plan, circuits, numbers, each, team, all);
            done += numbers.size();
            continue;
        }
        for (const std::size_t number : numbers) {
            each.seed = seed_of(options.seed, number);
            if (options.progress) each.progress = [&](double share) { options.progress(part(share)); };
            all[number] = sample(circuits[number], each, team, plans != nullptr ? plans : &own);
            ++done;
        }
    }
    if (options.progress) options.progress(1);
    return all;
}

expected<std::vector<Amplitude>> statevector(const Circuit& circuit, Precision precision, Team& team) {
    if (circuit.qubits > limits::amplitudes_qubits)
        return complaint(fmt::format("All amplitudes are given for {} qubits at most, not {}", limits::amplitudes_qubits, circuit.qubits));
    const auto other = std::ranges::find_if(circuit.ops, [](const Op& op) {
        return op.kind != Op::Kind::gate && op.kind != Op::Kind::unitary && op.kind != Op::Kind::barrier && op.kind != Op::Kind::delay;
    });
    if (other != circuit.ops.end())
        return complaint("A state vector is that of a circuit without measurements, resets and jumps", other->at);
    return precision == Precision::double_ ? amplitudes<double>(circuit, team) : amplitudes<float>(circuit, team);
}

}  // namespace meridian::quantum
