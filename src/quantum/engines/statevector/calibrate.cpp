// Measures what this node does per second, with the kernels that will run.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/plan.h"
#include "quantum/engines/statevector/sample.h"

namespace meridian::quantum {
namespace {

constexpr unsigned cached_qubits = 14, swept_qubits = 22;
constexpr int repetitions = 3;

// Layers of dense gates on pairs, after each other: what kernels are made for.
Circuit dense(unsigned qubits, unsigned layers) {
    Circuit circuit;
    circuit.qubits = qubits;
    for (unsigned layer = 0; layer < layers; ++layer)
        for (std::uint32_t q = layer % 2; q + 1 < qubits; q += 2) {
            for (const std::uint32_t own : {q, q + 1}) circuit.add(Gate::u, {own}, {0.3 + 0.1 * own, 0.7 + layer, 1.1});
            circuit.add(Gate::cx, {q, q + 1});
            for (const std::uint32_t own : {q, q + 1}) circuit.add(Gate::u, {own}, {0.5 + 0.1 * own, 0.2 + layer, 1.7});
        }
    return circuit;
}

template <class Work>
double best_of(const std::function<double()>& seconds, const Work& work) {
    double best = 1e9;
    for (int k = 0; k < repetitions; ++k) {
        const double begin = seconds();
        work();
        best = std::min(best, seconds() - begin);
    }
    return std::max(best, 1e-9);  // a clock may be coarse
}

template <class Real>
double kernel_rate(Team& team, const std::function<double()>& seconds) {
    State<Real> state(cached_qubits, team);
    const Circuit circuit = dense(cached_qubits, 12);
    const auto plan = compile<Real>(circuit, 0, circuit.ops.size());
    const double took = best_of(seconds, [&] { apply(plan, state, team); });
    return double(plan.flops()) / took;
}

// The fixed part of a kernel: on so few amplitudes nothing else counts.
double kernel_seconds(Team& team, const std::function<double()>& seconds) {
    State<double> state(2, team);
    const Circuit circuit = dense(2, 60);
    const auto plan = compile<double>(circuit, 0, circuit.ops.size());
    const double took = best_of(seconds, [&] {
        for (int k = 0; k < 20; ++k) apply(plan, state, team);
    });
    return took / 20 / double(std::max<std::uint64_t>(1, plan.fused_gates()));
}

}  // namespace

Calibration calibrate(Team& team, const std::function<double()>& seconds) {
    Calibration found;
    found.threads = team.size();
    found.flops_double = kernel_rate<double>(team, seconds);
    found.flops_single = kernel_rate<float>(team, seconds);
    found.seconds_per_kernel = kernel_seconds(team, seconds);

    const double begin = seconds();
    State<double> state(swept_qubits, team);
    const double bytes = double(state.size()) * State<double>::bytes_per_amplitude;
    found.touch_bytes_per_second = bytes / std::max(seconds() - begin, 1e-9);
    const auto sweep = [&] {
        team.run([&](unsigned member) {
            const auto [first, last] = team.share(state.blocks(), member);
            for (double* x = state.block(first); x != state.block(last); ++x) *x *= 0.5;
        });
    };
    found.memory_bytes_per_second = 2 * bytes / best_of(seconds, sweep);

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
    const Drawer<double> drawer(state, team);
    const double blocks = bytes / 65536;
    found.seconds_per_block = best_of(seconds, [&] { drawer.draw(ascending, indices, team); }) / blocks;
    return found;
}

}  // namespace meridian::quantum
