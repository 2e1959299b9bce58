#include "quantum/engines/statevector/plan.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "quantum/engines/statevector/plain.h"

namespace meridian::quantum {
namespace {

template <class Real>
constexpr double tolerance = sizeof(Real) == 8 ? 1e-10 : 1e-5;

template <class Real>
class Plans : public testing::Test {
protected:
    Team team_{2};

    void expect_as_plain(const Circuit& circuit, std::mt19937_64& rng, const PlanOptions& options = {}) {
        ASSERT_EQ(flaw(circuit), "");
        const auto before = plain::random_state(circuit.qubits, rng);
        State<Real> state(circuit.qubits, team_);
        if (!options.positions.empty()) state.position = options.positions;
        plain::load(before, state);
        const auto plan = compile<Real>(circuit, 0, circuit.ops.size(), options);
        apply(plan, state, team_);
        EXPECT_EQ(state.position, plan.positions_after());
        EXPECT_LT(plain::distance(plain::applied(circuit, before), state), tolerance<Real>);
    }
};
using Precisions = testing::Types<double, float>;
TYPED_TEST_SUITE(Plans, Precisions);

TYPED_TEST(Plans, EveryGateOfTheTableOnEveryQubitActsAsItsMatrix) {
    std::mt19937_64 rng(1);
    for (const GateInfo& row : gates())
        for (std::uint32_t first = 0; first < 7; ++first) {
            Circuit circuit;
            circuit.qubits = 7;
            std::vector<std::uint32_t> operands(row.operands());
            for (std::size_t k = 0; k < operands.size(); ++k) operands[k] = std::uint32_t((first + 3 * k) % 7);
            circuit.add(row.gate, operands, std::vector<double>(row.parameters, 0.3 + first));
            SCOPED_TRACE(std::string(row.name) + " on " + std::to_string(first));
            this->expect_as_plain(circuit, rng);
        }
}

TYPED_TEST(Plans, RandomCircuitsAgreeWithThePlainApplication) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937_64 rng(seed);
        const unsigned qubits = 1 + seed % 12;
        SCOPED_TRACE("seed " + std::to_string(seed));
        this->expect_as_plain(plain::random_circuit(qubits, 60, rng), rng);
    }
}

TYPED_TEST(Plans, AReboundPlanIsThePlanOfTheOtherCircuit) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit first = plain::random_circuit(9, 60, rng);
        Circuit second = first;
        for (double& angle : second.angles) angle = 0.7 * angle + 0.1;
        ASSERT_TRUE(same_structure(first, second));
        const auto plan = rebind(compile<TypeParam>(first, 0, first.ops.size()), second);
        const auto before = plain::random_state(9, rng);
        State<TypeParam> state(9, this->team_);
        plain::load(before, state);
        apply(plan, state, this->team_);
        EXPECT_LT(plain::distance(plain::applied(second, before), state), tolerance<TypeParam>);
    }
}

TYPED_TEST(Plans, APlanServesAStateWithOtherPositions) {
    std::mt19937_64 rng(5);
    const Circuit circuit = plain::random_circuit(8, 40, rng);
    const auto plan = compile<TypeParam>(circuit, 0, circuit.ops.size());
    const auto before = plain::random_state(8, rng);
    State<TypeParam> state(8, this->team_);
    state.position = {3, 1, 0, 2, 7, 6, 4, 5};
    plain::load(before, state);
    apply(plan, state, this->team_);
    EXPECT_LT(plain::distance(plain::applied(circuit, before), state), tolerance<TypeParam>);
}

}  // namespace
}  // namespace meridian::quantum
