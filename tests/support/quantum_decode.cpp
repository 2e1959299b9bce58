// Reads a program from standard input and prints what it decodes to, as JSON: the unitary of a circuit of gates, or the exact
// distribution of its bits. For tests that compare with what the clients compute. Usage: quantum-decode qasm|cirq|job
#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "base/json.h"
#include "quantum/engines/statevector/twin.h"
#include "quantum/ir/definition.h"
#include "quantum/programs/cirq.h"
#include "quantum/programs/job.h"
#include "quantum/programs/openqasm.h"

namespace meridian::quantum {
namespace {

constexpr std::uint32_t qubits_max = 12;

// First register first, its first bit first.
std::string bits_of(const Circuit& circuit, const std::vector<std::uint64_t>& words) {
    std::string bits;
    for (const Register& each : circuit.bit_registers)
        for (std::uint32_t k = each.first; k < each.first + each.size; ++k) bits += (words[k / 64] >> (k % 64) & 1) ? '1' : '0';
    return bits;
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
    std::map<std::string, double> distribution;
    for (const auto& [words, chance] : twin::distribution(circuit)) distribution[bits_of(circuit, words)] += chance;
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
