// quantum-bench DIR NAMES THREADS: runs the circuits of DIR (index.json and OpenQASM files, as workloads.py writes them) on the
// state-vector engine and prints a line `RESULT {json}` for each circuit and precision, in the form of peers.py.
//
// `core` is planning, |0...0> and application; `plan` the first of these alone; `e2e` the text in, counts out; `run` the circuit in, counts
// out. Figures are the least of two to nine runs. Beside `run` and the most memory that it held (`rss`) stands what the estimate said
// before, `predicted` and `bytes`, on a calibration that took `calibration` seconds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/kernels.h"
#include "quantum/engines/statevector/plan.h"
#include "quantum/programs/openqasm.h"

namespace {

namespace quantum = meridian::quantum;

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        std::fprintf(stderr, "quantum-bench: cannot read %s\n", path.c_str());
        std::exit(2);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

quantum::Circuit circuit_of(const std::string& text) {
    auto read = quantum::read_openqasm(text);
    if (read) return *std::move(read);
    std::fprintf(stderr, "quantum-bench: %s\n", quantum::said_with_place(read.error(), text).c_str());
    std::exit(2);
}

double now(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// The first touches memory that a virtual machine's host may have taken back, and takes up to a second for a gigabyte.
constexpr int runs_least = 2;

struct Best {
    double wall = 1e300, cpu = 1e300;
    int runs = 0;
};
template <class Work>
Best best(Work work) {
    Best b;
    for (double spent = 0; b.runs < runs_least || (b.runs < 9 && spent < 1.5); ++b.runs) {
        const double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        work();
        const double used = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        b.wall = std::min(b.wall, now(CLOCK_MONOTONIC) - wall);
        b.cpu = std::min(b.cpu, used);
        spent += used;
    }
    return b;
}

// A line of /proc/self/status, in bytes.
double status(const char* line) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;)
        if (double kilobytes = 0; word == line && file >> kilobytes) return 1024 * kilobytes;
    return 0;
}

struct Promised {
    double calibration = 0, seconds = 0, bytes = 0, run = 0, rss = 0;
};
Promised promised(const quantum::Circuit& circuit, const quantum::RunOptions& options, quantum::Team& team) {
    Promised p;
    const double begin = now(CLOCK_MONOTONIC);
    const auto node = quantum::calibrate(team, [] { return now(CLOCK_MONOTONIC); });
    p.calibration = now(CLOCK_MONOTONIC) - begin;
    const quantum::Allowance allowance{.bytes_free = ~std::uint64_t{0}, .tdp_watts = {}, .cpus = team.size()};
    const auto cost = quantum::estimate(circuit, options.precision, options.shots, node, allowance);
    if (!cost) std::exit(2);
    p.seconds = cost->seconds;
    p.bytes = double(cost->bytes);
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins again
    const double before = status("VmRSS:");
    p.run = best([&] {
                if (!quantum::sample(circuit, options, team)) std::exit(2);
            }).wall;
    p.rss = status("VmHWM:") - before;
    return p;
}

template <class Real>
void measure(const std::string& name, const std::string& text, std::uint64_t shots, quantum::Team& team) {
    quantum::Circuit circuit = circuit_of(text);
    quantum::RunOptions options;
    options.precision = sizeof(Real) == 8 ? quantum::Precision::double_ : quantum::Precision::single;
    options.shots = shots;
    const Promised promise = promised(circuit, options, team);
    std::erase_if(circuit.ops, [](const quantum::Op& op) { return op.kind == quantum::Op::Kind::measure; });
    const Best whole = best([&] {
        if (!quantum::sample(circuit_of(text), options, team)) std::exit(2);
    });
    quantum::State<Real> state(circuit.qubits, team);
    const Best plan = best([&] { quantum::compile<Real>(circuit, 0, circuit.ops.size(), {.from = quantum::From::zero}); });
    const Best core = best([&] {
        state.reset(team);
        quantum::apply(quantum::compile<Real>(circuit, 0, circuit.ops.size(), {.from = quantum::From::zero}), state, team);
    });
    const auto made = quantum::compile<Real>(circuit, 0, circuit.ops.size(), {.from = quantum::From::zero});
    double norm = 0;
    for (std::size_t k = 0; k < state.size(); ++k) norm += std::norm(std::complex<double>(state.at(k)));
    std::printf(
        "RESULT {\"workload\": \"%s\", \"variant\": \"%s\", \"core\": %.6g, \"cpu\": %.6g, \"runs\": %d, \"plan\": %.6g, "
        "\"sweeps\": %llu, \"kernels\": %llu, \"gflops\": %.4g, \"norm\": %.9g, \"e2e\": %.6g, \"e2e_cpu\": %.6g, "
        "\"predicted\": %.6g, \"run\": %.6g, \"bytes\": %.6g, \"rss\": %.6g, \"calibration\": %.4g, \"version\": \"%s\"}\n",
        name.c_str(), sizeof(Real) == 8 ? "double" : "single", core.wall, core.cpu, core.runs, plan.cpu,
        static_cast<unsigned long long>(made.sweeps()), static_cast<unsigned long long>(made.fused_gates()),
        double(made.flops()) / core.cpu * 1e-9, norm, whole.wall, whole.cpu, promise.seconds, promise.run, promise.bytes, promise.rss,
        promise.calibration, quantum::instruction_sets().front());
    std::fflush(stdout);
}

// The energies of many parameter sets, or one energy's gradient.
void measure_energies(const std::string& name, const quantum::Circuit& circuit, const boost::json::object& asked, quantum::Team& team) {
    quantum::PauliSum sum;
    for (const auto& term : asked.at("sum").as_array()) {
        quantum::PauliTerm one{term.at(0).to_number<double>()};
        auto& mask = term.at(1).as_string() == "X" ? one.x : one.z;
        for (const auto& qubit : term.at(2).as_array()) mask |= std::uint64_t{1} << qubit.to_number<unsigned>();
        sum.push_back(one);
    }
    std::vector<quantum::Circuit> sets;
    for (const auto& row : asked.at("sets").as_array()) {
        quantum::Circuit& next = sets.emplace_back(circuit);
        for (std::size_t k = 0; k < next.angles.size(); ++k) next.angles[k] = row.at(k).to_number<double>();
    }
    for (const auto precision : {quantum::Precision::double_, quantum::Precision::single}) {
        double value = 0;
        Best core;
        if (!sets.empty()) {
            core = best([&] { value = quantum::expectation_all(sets, sum, precision, team).front().value(); });
        } else if (precision == quantum::Precision::double_) {
            core = best([&] { value = quantum::gradient(circuit, sum, team).value().by_angle.front(); });
        } else {
            continue;  // gradients are in double precision alone
        }
        std::printf("RESULT {\"workload\": \"%s\", \"variant\": \"%s\", \"core\": %.6g, \"cpu\": %.6g, \"runs\": %d, \"value\": %.12g}\n",
                    name.c_str(), precision == quantum::Precision::double_ ? "double" : "single", core.wall, core.cpu, core.runs, value);
        std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: quantum-bench DIR NAMES THREADS\n");
        return 2;
    }
    const std::string folder = argv[1];
    const boost::json::value index = boost::json::parse(text_of(folder + "/index.json"));
    quantum::Team team(unsigned(std::atoi(argv[3])));
    std::istringstream names(argv[2]);
    for (std::string name; std::getline(names, name, ',');) {
        const auto* entry = index.as_object().if_contains(name);
        if (entry == nullptr) continue;
        if (entry->at("kind").as_string() != "sv") {
            const boost::json::value asked = boost::json::parse(text_of(folder + "/" + name + ".json"));
            measure_energies(name, circuit_of(text_of(folder + "/" + name + ".qasm")), asked.as_object(), team);
            continue;
        }
        const auto* asked = entry->as_object().if_contains("shots");
        const std::uint64_t shots = asked == nullptr ? 10'000 : asked->to_number<std::uint64_t>();
        const std::string text = text_of(folder + "/" + name + ".qasm");
        measure<double>(name, text, shots, team);
        measure<float>(name, text, shots, team);
    }
}
