// What estimates promise against what runs take: the counter `predicted` is predicted over true seconds. Expected within 0.7 to 1.3.
#include <chrono>
#include <limits>

#include <benchmark/benchmark.h>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/workloads.h"

namespace meridian::quantum {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Row {
    const char* name;
    Circuit circuit;
};

std::vector<Row> rows() {
    using namespace workloads;
    return {{"fourier18", fourier(18, 1)},
            {"fourier22", fourier(22, 1)},
            {"fourier24", fourier(24, 1)},
            {"volume16", quantum_volume(16, 16, 2)},
            {"volume20", quantum_volume(20, 20, 2)},
            {"volume22", quantum_volume(22, 22, 2)},
            {"ansatz18", hardware_efficient(18, 10, 3)},
            {"ansatz24", hardware_efficient(24, 10, 3)},
            {"optimization18", optimization(18, 6, 5)},
            {"optimization22", optimization(22, 6, 5)},
            {"cat20", cat(20)},
            {"cat24", cat(24)}};
}

void promise(benchmark::State& state, const Circuit& circuit, Precision precision) {
    Team team(0);
    static const Calibration node = calibrate(team, now);
    RunOptions options;
    options.precision = precision;
    options.shots = 10'000;
    const Allowance allowance{.bytes_free = std::numeric_limits<std::uint64_t>::max(), .tdp_watts = {}, .cpus = team.size()};
    PlanCache plans;
    const auto cost = estimate(circuit, precision, options.shots, node, allowance, &plans);
    double best = 1e9;
    for (auto _ : state) {
        const double begin = now();
        benchmark::DoNotOptimize(sample(circuit, options, team, &plans));
        best = std::min(best, now() - begin);
    }
    state.counters["predicted"] = cost->seconds / best;
    state.counters["sweeps"] = double(cost->sweeps);
    state.counters["flops"] = double(cost->operations);
}

// A job of 200 circuits of one structure, which run in lanes.
void promise_family(benchmark::State& state, const Circuit& circuit, Precision precision) {
    Team team(0);
    static const Calibration node = calibrate(team, now);
    RunOptions options;
    options.precision = precision;
    options.shots = 1000;
    const std::vector<Circuit> family(200, circuit);
    const Allowance allowance{.bytes_free = std::numeric_limits<std::uint64_t>::max(), .tdp_watts = {}, .cpus = team.size()};
    const auto cost = estimate_all(family, precision, options.shots, node, allowance);
    double best = 1e9;
    for (auto _ : state) {
        const double begin = now();
        benchmark::DoNotOptimize(sample_all(family, options, team));
        best = std::min(best, now() - begin);
    }
    state.counters["predicted"] = cost->seconds / best;
}

// The transverse-field Ising chain of some terms.
PauliSum chain(std::uint32_t qubits) {
    PauliSum sum;
    for (std::uint32_t q = 0; q + 1 < qubits; ++q) sum.push_back({-1, 0, std::uint64_t{3} << q});
    for (std::uint32_t q = 0; q < qubits; ++q) sum.push_back({-0.5, std::uint64_t{1} << q, 0});
    return sum;
}

void promise_gradient(benchmark::State& state) {
    Team team(0);
    static const Calibration node = calibrate(team, now);
    const Circuit circuit = workloads::hardware_efficient(std::uint32_t(state.range(0)), unsigned(state.range(1)), 3);
    const PauliSum sum = chain(circuit.qubits);
    const Allowance allowance{.bytes_free = std::numeric_limits<std::uint64_t>::max(), .tdp_watts = {}, .cpus = team.size()};
    const auto cost = estimate_gradient(circuit, sum, node, allowance);
    double best = 1e9;
    for (auto _ : state) {
        const double begin = now();
        benchmark::DoNotOptimize(gradient(circuit, sum, team));
        best = std::min(best, now() - begin);
    }
    state.counters["predicted"] = cost->seconds / best;
}
BENCHMARK(promise_gradient)
    ->ArgNames({"qubits", "layers"})
    ->ArgsProduct({{4, 8, 12, 16, 20, 22}, {1, 4, 10}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

const bool families_registered = [] {
    using namespace workloads;
    for (const Row& row : std::vector<Row>{{"ansatz5", hardware_efficient(5, 4, 3)},
                                           {"ansatz8", hardware_efficient(8, 4, 3)},
                                           {"ansatz12", hardware_efficient(12, 10, 3)},
                                           {"volume8", quantum_volume(8, 8, 2)},
                                           {"volume12", quantum_volume(12, 12, 2)},
                                           {"optimization10", optimization(10, 6, 5)},
                                           {"fourier12", fourier(12, 1)}})
        for (const Precision precision : {Precision::double_, Precision::single}) {
            Circuit circuit = row.circuit;
            measure_all(circuit);
            const std::string name = std::string("promise_family/") + row.name + (precision == Precision::double_ ? "/double" : "/single");
            benchmark::RegisterBenchmark(name.c_str(),
                                         [circuit, precision](benchmark::State& state) { promise_family(state, circuit, precision); })
                ->UseRealTime()
                ->Unit(benchmark::kMillisecond);
        }
    return true;
}();

const bool registered = [] {
    for (const Row& row : rows())
        for (const Precision precision : {Precision::double_, Precision::single}) {
            Circuit circuit = row.circuit;
            workloads::measure_all(circuit);
            const std::string name = std::string("promise/") + row.name + (precision == Precision::double_ ? "/double" : "/single");
            benchmark::RegisterBenchmark(name.c_str(),
                                         [circuit, precision](benchmark::State& state) { promise(state, circuit, precision); })
                ->UseRealTime()
                ->Unit(benchmark::kMillisecond);
        }
    return true;
}();

}  // namespace
}  // namespace meridian::quantum
