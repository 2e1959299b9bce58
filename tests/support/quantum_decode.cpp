// Reads a program from standard input and prints what it decodes to, as JSON: the unitary of a circuit of gates, or the exact
// distribution of its bits. For tests that compare with what the clients compute. Usage: quantum-decode qasm|cirq|job
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "base/json.h"
#include "quantum/programs/cirq.h"
#include "quantum/programs/job.h"
#include "quantum/programs/matrices.h"
#include "quantum/programs/openqasm.h"

namespace meridian::quantum {
namespace {

constexpr double negligible = 1e-10;
constexpr std::size_t steps_max = 20'000;
constexpr std::uint32_t qubits_max = 12;

using Distribution = std::map<std::string, double>;

struct Branch {
    std::vector<Amplitude> state;
    ClassicalMemory memory;
    std::size_t next = 0, steps = 0;
};

double norm(const std::vector<Amplitude>& state) {
    double sum = 0;
    for (const Amplitude a : state) sum += std::norm(a);
    return sum;
}

std::vector<Amplitude> projected(std::vector<Amplitude> state, std::uint32_t qubit, bool value) {
    for (std::size_t k = 0; k < state.size(); ++k)
        if ((k >> qubit & 1) != value) state[k] = 0;
    return state;
}

// Every outcome of every measurement is followed; the norm of a state is its probability.
void follow(const Circuit& circuit, Branch branch, Distribution& into) {
    while (branch.next < circuit.ops.size() && ++branch.steps < steps_max) {
        const Op& op = circuit.ops[branch.next++];
        switch (op.kind) {
            case Op::Kind::gate:
            case Op::Kind::unitary:
                apply_to(circuit, op, branch.state);
                break;
            case Op::Kind::measure:
            case Op::Kind::reset: {
                const std::uint32_t qubit = circuit.operands_of(op)[0];
                for (const bool value : {false, true}) {
                    Branch other = branch;
                    other.state = projected(branch.state, qubit, value);
                    if (norm(other.state) < negligible) continue;
                    if (op.kind == Op::Kind::measure)
                        other.memory.set_bit(op.target, value);
                    else if (value)
                        for (std::size_t k = 0; k < other.state.size(); ++k)
                            if (k >> qubit & 1) other.state[k ^ std::size_t{1} << qubit] = std::exchange(other.state[k], 0);
                    follow(circuit, std::move(other), into);
                }
                return;
            }
            case Op::Kind::channel:
                for (std::uint32_t k = 0; k < op.target; ++k) {
                    Branch other = branch;
                    Op kraus = op;
                    kraus.kind = Op::Kind::unitary;
                    kraus.first += k << (2 * op.operand_count);
                    apply_to(circuit, kraus, other.state);
                    if (norm(other.state) >= negligible) follow(circuit, std::move(other), into);
                }
                return;
            case Op::Kind::set_bit:
                branch.memory.set_bit(op.target, evaluate(circuit, op.first, branch.memory) != 0);
                break;
            case Op::Kind::set:
                branch.memory.variables[op.target] = evaluate(circuit, op.first, branch.memory);
                break;
            case Op::Kind::jump:
                branch.next = op.target;
                break;
            case Op::Kind::branch:
                if (evaluate(circuit, op.first, branch.memory) == 0) branch.next = op.target;
                break;
            case Op::Kind::barrier:
            case Op::Kind::delay:
                break;
        }
    }
    std::string bits;  // first register first, its first bit first
    for (const Register& each : circuit.bit_registers)
        for (std::uint32_t k = 0; k < each.size; ++k) bits += branch.memory.bit(each.first + k) ? '1' : '0';
    into[bits] += norm(branch.state);
}

Json described(const Circuit& circuit) {
    JsonObject out;
    out["qubits"] = circuit.qubits;
    JsonArray registers;
    for (const Register& each : circuit.bit_registers) registers.push_back(JsonArray{Json(each.name), Json(each.size)});
    out["registers"] = registers;
    out["operations"] = circuit.ops.size();
    bool is_unitary = true;
    for (const Op& op : circuit.ops)
        is_unitary &=
            op.kind == Op::Kind::gate || op.kind == Op::Kind::unitary || op.kind == Op::Kind::barrier || op.kind == Op::Kind::delay;
    if (circuit.qubits > qubits_max) return out;
    if (is_unitary) {
        JsonArray elements;
        for (const Amplitude a : unitary_of(circuit)) elements.push_back(JsonArray{Json(a.real()), Json(a.imag())});
        out["unitary"] = elements;
        return out;
    }
    Distribution distribution;
    Branch start{std::vector<Amplitude>(std::size_t{1} << circuit.qubits), ClassicalMemory(circuit), 0, 0};
    start.state[0] = 1;
    follow(circuit, std::move(start), distribution);
    JsonObject chances;
    for (const auto& [bits, chance] : distribution) chances[bits] = chance;
    out["distribution"] = chances;
    return out;
}

Json described(const Job& job) {
    JsonObject out;
    JsonArray circuits;
    for (const Circuit& circuit : job.circuits) circuits.push_back(described(circuit));
    out["circuits"] = circuits;
    out["form"] = job.client.form == AnswerForm::cirq ? "cirq" : "qiskit";
    if (job.backend.seed_simulator) out["seed"] = *job.backend.seed_simulator;
    if (!job.noise) return out;
    JsonObject errors;  // how many outcomes the errors of each gate have
    for (const GateError& error : job.noise->gate_errors)
        for (const std::string& operation : error.operations) errors[operation] = error.branches.size();
    out["errors"] = errors;
    out["readout_errors"] = job.noise->readout_errors.size();
    return out;
}

Json decoded(std::string_view kind, const std::string& text) {
    if (kind == "job") {
        const auto job = read_job(text);
        return job ? described(*job) : JsonObject{{"refused", job.error().said}};
    }
    const auto circuit = kind == "cirq" ? read_cirq(text) : read_openqasm(text);
    if (!circuit) return JsonObject{{"refused", kind == "cirq" ? circuit.error().said : said_with_place(circuit.error(), text)}};
    const std::string wrong = flaw(*circuit);
    return wrong.empty() ? described(*circuit) : JsonObject{{"flaw", wrong}};
}

}  // namespace
}  // namespace meridian::quantum

int main(int count, char** arguments) {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    std::cout << meridian::to_text(meridian::quantum::decoded(count > 1 ? arguments[1] : "", text)) << "\n";
}
