// Measures what this node does per second, with the kernels that will run.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/adjoint.h"
#include "quantum/engines/statevector/lanes.h"
#include "quantum/engines/statevector/observable.h"
#include "quantum/engines/statevector/plan.h"
#include "quantum/engines/statevector/prepare.h"
#include "quantum/engines/statevector/sample.h"

namespace meridian::quantum {
namespace {

constexpr unsigned one_block_qubits = 14, cached_qubits = 18, swept_qubits = 22, lane_qubits = 11;
constexpr int repetitions_least = 3, repetitions_most = 40;
constexpr double seconds_repeated = 0.015;  // short work is repeated until a disturbance cannot have met all of it

enum class Layer { rotations, controlled, dense, phases, ladders };

Circuit layers(unsigned qubits, unsigned count, Layer sort) {
    Circuit circuit;
    circuit.qubits = qubits;
    for (unsigned layer = 0; layer < count; ++layer) {
        if (sort == Layer::dense) {
            for (std::uint32_t q = layer % 2; q + 1 < qubits; q += 2) {
                for (const std::uint32_t own : {q, q + 1}) circuit.add(Gate::u, {own}, {0.3 + 0.1 * own, 0.7 + layer, 1.1});
                for (const double turn : {0.4, 0.9}) {
                    circuit.add(Gate::rxx, {q, q + 1}, {turn});
                    for (const std::uint32_t own : {q, q + 1}) circuit.add(Gate::u, {own}, {0.5 + turn * own, 0.2 + layer, 1.7});
                }
            }
            continue;
        }
        if (sort == Layer::controlled) {
            for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::cry, {(q + 1) % qubits, q}, {0.3 + 0.1 * q + layer});
            continue;
        }
        for (std::uint32_t q = 0; q < qubits; ++q) {
            circuit.add(Gate::ry, {q}, {0.3 + 0.1 * q + layer});
            for (std::uint32_t other = q + 1; sort == Layer::ladders && other < qubits; ++other)
                circuit.add(Gate::cp, {other, q}, {0.2 + 0.1 * other});
        }
        if (sort == Layer::phases)
            for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::rzz, {q, (q + 1) % qubits}, {0.2 + 0.1 * q + layer});
    }
    return circuit;
}

template <class Work>
double best_of(const std::function<double()>& seconds, const Work& work) {
    double best = 1e9;
    const double first = seconds();
    for (int k = 0; k < repetitions_least || (k < repetitions_most && seconds() - first < seconds_repeated); ++k) {
        const double begin = seconds();
        work();
        best = std::min(best, seconds() - begin);
    }
    return std::max(best, 1e-9);  // a clock may be coarse
}

template <class Real>
double seconds_for(Team& team, const std::function<double()>& seconds, State<Real>& state, const Plan<Real>& plan) {
    return best_of(seconds, [&] { apply(plan, state, team); });
}

template <class Real>
Calibration::Kernels kernels_of(Team& team, const std::function<double()>& seconds) {
    State<Real> state(one_block_qubits, team);
    const auto measured = [&](Layer sort, unsigned count, const auto& part) {
        const Circuit circuit = layers(one_block_qubits, count, sort);
        const auto plan = compile<Real>(circuit, 0, circuit.ops.size());
        return part(plan.work(), seconds_for(team, seconds, state, plan));
    };
    // Where a plan came out without kernels of the sort, the others stand in.
    const auto rate = [](double time, double amplitudes) { return std::max(0.0, time) / std::max(1.0, amplitudes); };
    Calibration::Kernels found;
    const auto turning = [&](const PlanWork& work) {
        return work.rotations * found.rotation + work.tangents * found.tangent + work.lone * found.lone;
    };
    found.rotation = measured(Layer::controlled, 6, [&](const PlanWork& work, double time) { return rate(time, work.rotations); });
    found.tangent = measured(Layer::rotations, 6, [&](const PlanWork& work, double time) {
        return rate(time - work.rotations * found.rotation, work.tangents);
    });
    // Blocks without others on both sides stay matrices; of six layers, those of the four in the middle are interactions.
    found.dense = measured(Layer::dense, 1,
                           [&](const PlanWork& work, double time) { return rate(time - turning(work), work.dense + work.others / 30); });
    found.interaction = measured(Layer::dense, 6, [&](const PlanWork& work, double time) {
        return rate(time - turning(work) - work.dense * found.dense, work.interactions);
    });
    found.phases = measured(Layer::phases, 6, [&](const PlanWork& work, double time) { return rate(time - turning(work), work.phases); });
    // Between ladders of phases, as in a Fourier transform, each rotation is alone.
    found.lone = measured(Layer::ladders, 1, [&](const PlanWork& work, double time) {
        return rate(time - turning(work) - work.phases * found.phases, work.lone);
    });
    return found;
}

Calibration::Kernels lesser(const Calibration::Kernels& a, const Calibration::Kernels& b) {
    return {.rotation = std::min(a.rotation, b.rotation),
            .tangent = std::min(a.tangent, b.tangent),
            .lone = std::min(a.lone, b.lone),
            .dense = std::min(a.dense, b.dense),
            .interaction = std::min(a.interaction, b.interaction),
            .phases = std::min(a.phases, b.phases)};
}

// The fixed part of a kernel: on so few amplitudes nothing else counts.
double kernel_seconds(Team& team, const std::function<double()>& seconds) {
    State<double> state(3, team);
    const Circuit circuit = layers(3, 40, Layer::phases);
    const auto plan = compile<double>(circuit, 0, circuit.ops.size());
    const double took = best_of(seconds, [&] {
        for (int k = 0; k < 20; ++k) apply(plan, state, team);
    });
    return took / 20 / double(std::max<std::uint64_t>(1, plan.fused_gates()));
}

// How much faster the team is than one of it, on a state that every member has a part of.
double worth_of(Team& team, const std::function<double()>& seconds) {
    if (team.size() == 1) return 1;
    Team alone(1);
    State<double> state(cached_qubits, team);
    const Circuit circuit = layers(cached_qubits, 2, Layer::dense);
    const auto plan = compile<double>(circuit, 0, circuit.ops.size());
    // In turns, as a machine that slows down would else be taken for a bad team; and a new thread has its own CPU after some rounds only.
    double together = 1e9, one = 1e9;
    for (int k = 0; k < 3; ++k) {
        together = std::min(together, seconds_for(team, seconds, state, plan));
        one = std::min(one, seconds_for(alone, seconds, state, plan));
    }
    return std::clamp(one / together, 1.0, double(team.size()));
}

double lane_pass_seconds(const std::function<double()>& seconds) {
    const Circuit circuit = layers(lane_qubits, 4, Layer::rotations);
    const auto plan = LanePlan::of(prepare(circuit).value());
    MERIDIAN_ASSERT(plan);
    LaneStates<double> states(*plan);
    const Circuit* const bound[] = {&circuit};
    return best_of(seconds, [&] { states.run(bound); }) / plan->passes(LaneStates<double>::lanes());
}

// Rotations and a chain of cx, as variational circuits have them.
Circuit ansatz(unsigned qubits, unsigned count) {
    Circuit circuit;
    circuit.qubits = qubits;
    for (unsigned layer = 0; layer < count; ++layer) {
        for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::ry, {q}, {0.3 + 0.1 * q + layer});
        for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::rz, {q}, {0.2 + 0.1 * q + layer});
        for (std::uint32_t q = 0; q + 1 < qubits; ++q) circuit.add(Gate::cx, {q, q + 1});
    }
    return circuit;
}

// The fixed parts, on one thread: on so few amplitudes nothing else counts.
void fixed_parts(Team& alone, const std::function<double()>& seconds, Calibration::Gradients& found) {
    const auto took = [&](unsigned count) {
        const Circuit circuit = ansatz(3, count);
        return best_of(seconds, [&] { static_cast<void>(gradient(circuit, {{1, 0, 7}}, alone)); });
    };
    constexpr unsigned more = 20;
    const double gates = double(ansatz(3, 1).ops.size()), few = took(1), many = took(1 + more);
    found.gate = std::max(0.0, many - few) / (more * gates);
    found.whole = std::max(0.0, few - gates * found.gate);
}

double products_of(const std::vector<PassBack>& passes) {
    return std::accumulate(passes.begin(), passes.end(), 0.0, [](double sum, const PassBack& pass) { return sum + pass.products; });
}

Calibration::Gradients gradients_of(Team& team, const std::function<double()>& seconds) {
    Team alone(1);
    Calibration::Gradients found;
    fixed_parts(alone, seconds, found);
    {
        State<double> psi(one_block_qubits, alone), lambda(one_block_qubits, alone);
        std::vector<std::optional<std::uint32_t>> position(one_block_qubits);
        for (std::uint32_t q = 0; q < one_block_qubits; ++q) position[q] = q;
        // Signs of the second one change from each chunk to the next, those of the first one never do.
        const auto took = [&](std::uint64_t z) {
            const Observable observable({{1, 3, z}}, position);
            return best_of(seconds, [&] {
                static_cast<void>(expectation_of(observable, psi, alone));
                image_of(observable, psi, lambda, alone);
            });
        };
        const double once = took(0), always = took(std::uint64_t{1} << Observable::chunk_bits);
        const double amplitudes = double(psi.size()), chunk = std::ldexp(1.0, Observable::chunk_bits);
        found.sign = std::max(0.0, always - once) / (2 * (amplitudes - chunk));
        found.amplitude = std::max(0.0, once - 2 * chunk * found.sign) / amplitudes;
        const Circuit circuit = layers(one_block_qubits, 2, Layer::rotations);
        std::vector<double> by_angle(circuit.angles.size());
        found.product = best_of(seconds, [&] { go_back(circuit, psi, lambda, alone, by_angle); }) / products_of(passes_back(circuit));
    }
    // Exchanges between distant halves, which take no time but that of memory.
    State<double> psi(swept_qubits - 1, team), lambda(swept_qubits - 1, team);
    Circuit circuit;
    circuit.qubits = psi.qubits();
    circuit.add(Gate::ry, {0}, {0.3});
    for (std::uint32_t q = circuit.qubits - 4; q < circuit.qubits; ++q) circuit.add(Gate::cx, {q - 1, q});
    double moved = 0;
    for (const PassBack& pass : passes_back(circuit)) moved += pass.moved;
    std::vector<double> by_angle(1);
    found.bytes_per_second = moved / best_of(seconds, [&] { go_back(circuit, psi, lambda, team, by_angle); });
    return found;
}

// Gathering blocks and scattering them back, which is a sweep without its kernels.
double sweep_rate(Team& team, const std::function<double()>& seconds, State<double>& state, const Calibration& node) {
    Circuit circuit;
    circuit.qubits = state.qubits();
    // Wires far above a run of neighbours, as those of most segments are.
    for (std::uint32_t q = circuit.qubits - 3; q < circuit.qubits; ++q) circuit.add(Gate::ry, {q}, {0.3});
    const auto plan = compile<double>(circuit, 0, circuit.ops.size());
    const double turning = plan.work().tangents * node.kernels_double.tangent + plan.work().rotations * node.kernels_double.rotation;
    const double took = seconds_for(team, seconds, state, plan);
    return double(plan.bytes_moved()) / std::max(took - turning / node.threads_worth, took / 10);
}

}  // namespace

Calibration calibrate(Team& team, const std::function<double()>& seconds) {
    Calibration found;
    found.threads = team.size();
    // A processor that was idle is slow at first, so what is measured first is measured once more.
    found.kernels_double = kernels_of<double>(team, seconds);
    found.kernels_single = kernels_of<float>(team, seconds);
    found.kernels_double = lesser(found.kernels_double, kernels_of<double>(team, seconds));
    found.seconds_per_kernel = kernel_seconds(team, seconds);
    found.seconds_per_lane_pass = lane_pass_seconds(seconds);
    found.gradients = gradients_of(team, seconds);
    found.threads_worth = worth_of(team, seconds);
    {
        State<double> cached(cached_qubits, team);
        found.cached_bytes_per_second = sweep_rate(team, seconds, cached, found);
    }

    // Memory that a virtual machine's host had taken back comes slowly, once.
    const double bytes = std::ldexp(double(State<double>::bytes_per_amplitude), int(swept_qubits)), begin = seconds();
    static_cast<void>(State<double>(swept_qubits, team));
    found.first_touch_bytes_per_second = bytes / std::max(seconds() - begin, 1e-9);
    found.touch_bytes_per_second = bytes / best_of(seconds, [&] { static_cast<void>(State<double>(swept_qubits, team)); });
    State<double> state(swept_qubits, team);
    found.memory_bytes_per_second = sweep_rate(team, seconds, state, found);

    const std::size_t shots = 4096;
    std::vector<double> ascending(shots);
    for (std::size_t k = 0; k < shots; ++k) ascending[k] = (double(k) + 0.5) / double(shots);
    std::vector<std::uint64_t> indices(shots);
    state.reset(team);
    // An even state: every block is hit, each by the same number of shots.
    team.run([&](unsigned member) {
        const auto [first, last] = team.share(state.blocks(), member);
        std::fill(state.block(first), state.block(last), 1.0);
    });
    found.read_bytes_per_second = bytes / best_of(seconds, [&] { const Drawer<double> read(state, team); });
    const Drawer<double> drawer(state, team);
    const double blocks = bytes / 65536;
    found.seconds_per_block = best_of(seconds, [&] { drawer.draw(ascending, indices, team); }) / blocks;
    return found;
}

}  // namespace meridian::quantum
