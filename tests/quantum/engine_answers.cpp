// Runs circuits written line by line on the state-vector engine, for tests that compare it with other simulators without any parser of ours
// between. Reads standard input:
//   qubits N BITS            begins a circuit
//   phase RADIANS            its global phase
//   gate NAME CONTROLS VALUES qubit... / angle...
//   unitary CONTROLS VALUES qubit... / re im re im ...
//   measure QUBIT BIT | reset QUBIT | barrier
//   if BIT                   the next operation is left out when the bit is 0
//   amplitudes double|single prints 2^N lines "re im"
//   sample double|single SHOTS SEED   prints "outcome count" per line, the outcome a number
//   expect double|single COUNT, then COUNT lines "coefficient x z" with masks; prints the value, then the gradient by each angle
// Each answer ends with a line "end". A complaint is a line "no: SENTENCE" before it.
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "quantum/engines/engine.h"

namespace {

using namespace meridian::quantum;

Precision precision_of(std::istream& line) {
    std::string word;
    line >> word;
    return word == "single" ? Precision::single : Precision::double_;
}

// The operands up to "/", and the numbers after it.
std::vector<std::uint32_t> operands_of(std::istream& line) {
    std::vector<std::uint32_t> operands;
    for (std::string word; line >> word && word != "/";) operands.push_back(std::uint32_t(std::stoul(word)));
    return operands;
}

std::vector<double> numbers_of(std::istream& line) {
    std::vector<double> numbers;
    for (std::string word; line >> word;) numbers.push_back(std::stod(word));
    return numbers;
}

bool add(Circuit& circuit, const std::string& verb, std::istream& line) {
    if (verb == "phase") {
        line >> circuit.global_phase;
    } else if (verb == "gate" || verb == "unitary") {
        std::string name;
        std::uint16_t controls = 0;
        std::uint64_t values = 0;
        if (verb == "gate") line >> name;
        line >> controls >> values;
        const auto operands = operands_of(line);
        const auto numbers = numbers_of(line);
        if (verb == "gate") {
            Op& op = circuit.add(gate_named(name).value(), operands, numbers);
            op.controls = controls;
            op.control_values = values;
        } else {
            std::vector<Amplitude> matrix;
            for (std::size_t k = 0; k + 1 < numbers.size(); k += 2) matrix.emplace_back(numbers[k], numbers[k + 1]);
            circuit.add_unitary(operands, controls, matrix).control_values = values;
        }
    } else if (verb == "measure" || verb == "reset") {
        std::uint32_t qubit = 0, bit = 0;
        line >> qubit >> bit;
        if (verb == "measure")
            circuit.add_measure(qubit, bit);
        else
            circuit.add_reset(qubit);
    } else if (verb == "if") {
        std::uint32_t bit = 0;
        line >> bit;
        const auto condition = circuit.add_expression({.kind = Expression::Kind::bit, .lhs = bit});
        circuit.ops.push_back({.kind = Op::Kind::branch, .first = condition, .target = std::uint32_t(circuit.ops.size() + 2)});
    } else if (verb == "barrier") {
        circuit.ops.push_back({.kind = Op::Kind::barrier});
    } else {
        return false;
    }
    return true;
}

void answer(const Circuit& circuit, const std::string& verb, std::istream& line, Team& team) {
    const Precision precision = precision_of(line);
    const auto refuse = [](const meridian::Diagnostic& said) { std::printf("no: %s\n", said.said.c_str()); };
    if (const std::string wrong = flaw(circuit); !wrong.empty()) return refuse({wrong});
    if (verb == "amplitudes") {
        const auto all = statevector(circuit, precision, team);
        if (!all) return refuse(all.error());
        for (const Amplitude& a : *all) std::printf("%.17g %.17g\n", a.real(), a.imag());
    } else if (verb == "sample") {
        RunOptions options;
        options.precision = precision;
        line >> options.shots >> options.seed;
        const auto samples = sample(circuit, options, team);
        if (!samples) return refuse(samples.error());
        for (std::size_t k = 0; k < samples->counts.size(); ++k)
            std::printf("%llu %llu\n", (unsigned long long)samples->outcome(k)[0], (unsigned long long)samples->counts[k]);
    } else {
        std::size_t count = 0;
        line >> count;
        PauliSum sum(count);
        for (PauliTerm& term : sum) std::cin >> term.coefficient >> term.x >> term.z;
        const auto value = expectation(circuit, sum, precision, team);
        const auto slope = gradient(circuit, sum, team);
        if (!value || !slope) return refuse(value ? slope.error() : value.error());
        std::printf("%.17g\n", *value);
        for (const double each : slope->by_angle) std::printf("%.17g\n", each);
    }
}

}  // namespace

int main() {
    Team team(2);
    Circuit circuit;
    for (std::string text; std::getline(std::cin, text);) {
        std::istringstream line(text);
        std::string verb;
        if (!(line >> verb)) continue;
        if (verb == "qubits") {
            circuit = {};
            line >> circuit.qubits >> circuit.bits;
        } else if (!add(circuit, verb, line)) {
            answer(circuit, verb, line, team);
            std::printf("end\n");
            std::fflush(stdout);
        }
    }
    return 0;
}
