#include "quantum/programs/openqasm/definition.h"

#include <initializer_list>

namespace meridian::quantum::openqasm {
namespace {

void call(Definition& to, Gate gate, std::initializer_list<std::uint32_t> operands) {
    BodyCall made{.gate = {.kind = GateName::Kind::table, .gate = gate}};
    made.first_operand = static_cast<std::uint32_t>(to.operands.size());
    made.operand_count = static_cast<std::uint32_t>(operands.size());
    to.operands.insert(to.operands.end(), operands);
    to.calls.push_back(made);
    ++to.cost;
}

}  // namespace

std::vector<double> values_of(const Definition& definition, std::span<const double> parameters) {
    std::vector<double> values;
    values.reserve(definition.formulas.size());
    for (const Formula& formula : definition.formulas) {
        if (formula.function == Function::constant)
            values.push_back(formula.constant);
        else if (formula.function == Function::parameter)
            values.push_back(parameters[formula.lhs]);
        else
            values.push_back(applied(formula.function, values[formula.lhs], values[formula.rhs]));
    }
    return values;
}

Definition relative_phase_ccx() {
    Definition made{.qubits = 3};
    call(made, Gate::h, {2});
    for (const std::uint32_t control : {1, 0}) {
        call(made, Gate::t, {2});
        call(made, Gate::cx, {1, 2});
        call(made, Gate::tdg, {2});
        if (control == 1) call(made, Gate::cx, {0, 2});
    }
    call(made, Gate::h, {2});
    return made;
}

Definition relative_phase_c3x() {
    Definition made{.qubits = 4};
    const auto half = [&] {
        call(made, Gate::h, {3});
        call(made, Gate::t, {3});
        call(made, Gate::cx, {2, 3});
        call(made, Gate::tdg, {3});
        call(made, Gate::h, {3});
    };
    half();
    for (int round = 0; round < 2; ++round) {
        call(made, Gate::cx, {0, 3});
        call(made, Gate::t, {3});
        call(made, Gate::cx, {1, 3});
        call(made, Gate::tdg, {3});
    }
    half();
    return made;
}

}  // namespace meridian::quantum::openqasm
