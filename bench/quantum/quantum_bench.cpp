// quantum-bench DIR NAMES THREADS: runs the circuits of DIR (index.json and OpenQASM files, as workloads.py writes them) on the
// state-vector engine and prints a line `RESULT {json}` for each circuit and precision, in the form of peers.py.
//
// `core` is planning, |0...0> and application; `plan` the first of these alone. Figures are the least of up to nine runs.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "quantum/engines/statevector/kernels.h"
#include "quantum/engines/statevector/plan.h"

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

// Exactly the dialect that workloads.py writes: one register, numbers as angles.
quantum::Circuit circuit_of(std::string_view text) {
    quantum::Circuit circuit;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(';', at), text.size());
        std::string_view statement = text.substr(at, end - at);
        at = end + 1;
        statement.remove_prefix(std::min(statement.find_first_not_of(" \n"), statement.size()));
        const std::string_view word = statement.substr(0, statement.find_first_of(" ("));
        std::vector<double> angles;
        std::vector<std::uint32_t> operands;
        const std::size_t open = statement.find('('), close = statement.find(')');
        if (open != std::string_view::npos)
            for (const char *p = statement.data() + open + 1, *last = statement.data() + close; p < last; ++p)
                p = std::from_chars(p, last, angles.emplace_back()).ptr;
        for (std::size_t k = statement.find('[', close == std::string_view::npos ? 0 : close); k != std::string_view::npos;
             k = statement.find('[', k + 1))
            std::from_chars(statement.data() + k + 1, statement.data() + statement.size(), operands.emplace_back());
        if (word == "qreg") circuit.qubits = operands.at(0);
        if (word == "OPENQASM" || word == "include" || word == "qreg" || word == "creg" || word == "measure" || word.empty()) continue;
        circuit.add(quantum::gate_named(word).value(), operands, angles);
    }
    return circuit;
}

double now(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

struct Best {
    double wall = 1e300, cpu = 1e300;
    int runs = 0;
};
template <class Work>
Best best(Work work) {
    Best b;
    for (double spent = 0; b.runs < 9 && spent < 1.5; ++b.runs) {
        const double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        work();
        const double used = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        b.wall = std::min(b.wall, now(CLOCK_MONOTONIC) - wall);
        b.cpu = std::min(b.cpu, used);
        spent += used;
    }
    return b;
}

template <class Real>
void measure(const std::string& name, const quantum::Circuit& circuit, quantum::Team& team) {
    quantum::State<Real> state(circuit.qubits, team);
    const Best plan = best([&] { quantum::compile<Real>(circuit, 0, circuit.ops.size()); });
    const Best core = best([&] {
        state.reset(team);
        quantum::apply(quantum::compile<Real>(circuit, 0, circuit.ops.size()), state, team);
    });
    const auto made = quantum::compile<Real>(circuit, 0, circuit.ops.size());
    double norm = 0;
    for (std::size_t k = 0; k < state.size(); ++k) norm += std::norm(std::complex<double>(state.at(k)));
    std::printf("RESULT {\"workload\": \"%s\", \"variant\": \"%s\", \"core\": %.6g, \"cpu\": %.6g, \"runs\": %d, \"plan\": %.6g, "
                "\"sweeps\": %llu, \"kernels\": %llu, \"gflops\": %.4g, \"norm\": %.9g, \"version\": \"%s\"}\n",
                name.c_str(), sizeof(Real) == 8 ? "double" : "single", core.wall, core.cpu, core.runs, plan.cpu,
                static_cast<unsigned long long>(made.sweeps()), static_cast<unsigned long long>(made.fused_gates()),
                double(made.flops()) / core.wall * 1e-9, norm, quantum::instruction_sets().front());
    std::fflush(stdout);
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
        if (entry == nullptr || entry->at("kind").as_string() != "sv") continue;
        const quantum::Circuit circuit = circuit_of(text_of(folder + "/" + name + ".qasm"));
        measure<double>(name, circuit, team);
        measure<float>(name, circuit, team);
    }
}
