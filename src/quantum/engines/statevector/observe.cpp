#include "quantum/engines/statevector/observe.h"

#include <array>
#include <new>

#include <fmt/format.h>

#include "quantum/engines/statevector/batch.h"
#include "quantum/engines/statevector/observable.h"
#include "quantum/engines/statevector/plan_book.h"

namespace meridian::quantum {
namespace {

template <class Real>
expected<double> observed(const Prepared& program, const PauliSum& sum, Team& team, PlanCache* plans) {
    const Circuit& circuit = program.circuit;
    State<Real> state(circuit.qubits, team);
    if (!circuit.ops.empty()) {
        PlanBook<Real> book(circuit, plans);
        apply(book.of(0, circuit.ops.size(), state.position, PlanBook<Real>::Relabels::yes, From::zero), state, team);
    }
    auto position = program.qubit_of;
    for (auto& p : position)
        if (p) p = state.position[*p];
    return expectation_of(Observable(sum, position), state, team);
}

template <class Real>
void observe_in_lanes(const Prepared& program, const LanePlan& plan, const PauliSum& sum, std::span<const Circuit> circuits,
                      std::span<const std::size_t> numbers, Team& team, std::span<expected<double>> all) {
    const LaneObservable observable(plan, Observable(sum, program.qubit_of));
    run_in_lanes<Real>(
        plan, circuits, numbers, team, [](double) { return true; },
        [&](const LaneStates<Real>& states, std::span<const std::size_t> here) {
            std::array<double, LaneStates<Real>::lanes_max> values;
            states.expectations(observable, std::span(values).first(here.size()));
            for (std::size_t lane = 0; lane < here.size(); ++lane) all[here[lane]] = values[lane];
        });
}

}  // namespace

std::optional<PauliTerm> pauli(double coefficient, std::string_view letters) {
    if (letters.size() > 64) return std::nullopt;
    PauliTerm term{coefficient};
    for (std::size_t q = 0; q < letters.size(); ++q) {
        if (std::string_view("IXYZ").find(letters[q]) == std::string_view::npos) return std::nullopt;
        term.x |= std::uint64_t{letters[q] == 'X' || letters[q] == 'Y'} << q;
        term.z |= std::uint64_t{letters[q] == 'Z' || letters[q] == 'Y'} << q;
    }
    return term;
}

expected<Prepared> unitary_part(const Circuit& circuit, const PauliSum& sum) {
    if (sum.size() > limits::pauli_terms)
        return complaint(fmt::format("A sum has {} Pauli terms at most, not {}", limits::pauli_terms, sum.size()));
    for (const PauliTerm& term : sum)
        if (circuit.qubits < 64 && ((term.x | term.z) >> circuit.qubits) != 0)
            return complaint(fmt::format("A Pauli term names a qubit that the circuit of {} qubits has not", circuit.qubits));
    auto program = prepare(circuit);
    if (program && !program->is_unitary)
        return complaint("Expectation values and gradients are those of circuits without resets, jumps and measurements in the middle");
    return program;
}

expected<double> expectation(const Circuit& circuit, const PauliSum& sum, Precision precision, Team& team, PlanCache* plans) {
    const auto program = unitary_part(circuit, sum);
    if (!program) return unexpected(program.error());
    try {
        return precision == Precision::double_ ? observed<double>(*program, sum, team, plans) : observed<float>(*program, sum, team, plans);
    } catch (const std::bad_alloc&) {
        return complaint(fmt::format("There is no memory for {} qubits at the moment", program->circuit.qubits));
    }
}

std::vector<expected<double>> expectation_all(std::span<const Circuit> circuits, const PauliSum& sum, Precision precision, Team& team,
                                              PlanCache* plans) {
    PlanCache own;
    std::vector<expected<double>> all(circuits.size());
    for (const auto& numbers : by_structure(circuits)) {
        const auto program = unitary_part(circuits[numbers[0]], sum);
        const auto plan = program ? lane_plan(*program, numbers.size(), precision) : std::nullopt;
        if (!plan) {
            for (const std::size_t number : numbers)
                all[number] = expectation(circuits[number], sum, precision, team, plans != nullptr ? plans : &own);
        } else if (precision == Precision::double_) {
            observe_in_lanes<double>(*program, *plan, sum, circuits, numbers, team, all);
        } else {
            observe_in_lanes<float>(*program, *plan, sum, circuits, numbers, team, all);
        }
    }
    return all;
}

}  // namespace meridian::quantum
