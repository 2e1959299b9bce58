#include "quantum/engines/statevector/plan.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "quantum/engines/statevector/kernels.h"
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
        SCOPED_TRACE("seed " + std::to_string(seed));
        this->expect_as_plain(plain::random_circuit(1 + seed % 12, 60, rng), rng);
    }
}

TYPED_TEST(Plans, SoDoSegmentsOfBlocksThatAreGathered) {
    for (unsigned seed = 100; seed < 160; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit circuit = plain::random_circuit(10 + seed % 3, 60, rng, {.unitary_targets = 2});
        const PlanOptions options{.block_bits = 6 + seed % 3, .relabels = true, .from = From::anything, .positions = {}};
        ASSERT_GT(compile<TypeParam>(circuit, 0, circuit.ops.size(), options).sweeps(), 1u);
        this->expect_as_plain(circuit, rng, options);
    }
}

TYPED_TEST(Plans, BlocksOfTwoQubitsBetweenOthersRunAsInteractions) {
    for (unsigned seed = 200; seed < 230; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        Circuit circuit;
        circuit.qubits = 7 + seed % 4;
        for (unsigned layer = 0; layer < 6; ++layer)
            for (std::uint32_t q = layer % 2; q + 1 < circuit.qubits; q += 2) {
                const std::uint32_t operands[] = {q + layer / 2 % 2, q + 1 - layer / 2 % 2};
                // Now and then one of few angles, on which matrices have equal or no elements.
                if (rng() % 4 == 0) {
                    for (const Gate gate : {Gate::rxx, Gate::ryy, Gate::rzz}) {
                        const double angle[] = {std::numbers::pi / 4 * double(rng() % 8)};
                        circuit.add(gate, operands, angle);
                    }
                } else {
                    circuit.add_unitary(operands, 0, plain::random_unitary(2, rng));
                }
            }
        const PlanOptions options{.block_bits = seed % 2 == 0 ? 0 : 6u, .relabels = true, .from = From::anything, .positions = {}};
        EXPECT_GT(compile<TypeParam>(circuit, 0, circuit.ops.size(), options).work().interactions, 0);
        this->expect_as_plain(circuit, rng, options);
    }
}

// Cosines that rotations leave for later kernels come to 2^-2400 here: none must wait until they are no numbers any more.
TYPED_TEST(Plans, LongCircuitsKeepTheirNorm) {
    for (const bool has_phases : {false, true}) {
        std::mt19937_64 rng(5);
        Circuit circuit;
        circuit.qubits = 8;
        for (unsigned layer = 0; layer < 600; ++layer) {
            for (std::uint32_t q = 0; q < circuit.qubits; ++q) {
                if (layer % 2 == 0) circuit.add(Gate::h, {q});
                if (layer % 2 == 1) circuit.add(Gate::ry, {q}, {1.5 + 0.01 * q});
            }
            for (std::uint32_t q = layer % 2; q + 1 < circuit.qubits; q += 2) circuit.add(has_phases ? Gate::cz : Gate::cx, {q, q + 1});
        }
        this->expect_as_plain(circuit, rng);
    }
}

TYPED_TEST(Plans, FromZeroPassOverWhatIsStillZero) {
    Team team(2);
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const unsigned qubits = 8 + seed % 4;
        // Few gates leave wires that nothing moves until late.
        const Circuit circuit = plain::random_circuit(qubits, 5 + int(seed % 3) * 15, rng);
        PlanOptions options{.block_bits = 6 + seed % 2, .relabels = seed % 3 != 0, .from = From::zero, .positions = {}};
        const auto plan = compile<TypeParam>(circuit, 0, circuit.ops.size(), options);
        options.from = From::anything;
        EXPECT_LE(plan.bytes_moved(), compile<TypeParam>(circuit, 0, circuit.ops.size(), options).bytes_moved());
        State<TypeParam> state(qubits, team);
        apply(plan, state, team);
        plain::Vector zero(std::size_t{1} << qubits);
        zero[0] = 1;
        EXPECT_LT(plain::distance(plain::applied(circuit, zero), state), sizeof(TypeParam) == 8 ? 1e-12 : 1e-5);
    }
    Circuit walls;
    walls.qubits = 10;
    for (std::uint32_t q = 0; q < 10; ++q) walls.add(Gate::h, {q});
    const auto bytes = [&](From from) {
        return compile<TypeParam>(walls, 0, walls.ops.size(), {.block_bits = 6, .from = from, .positions = {}}).bytes_moved();
    };
    EXPECT_LT(bytes(From::zero), bytes(From::anything)) << "the first sweep has one block to work on";
}

TYPED_TEST(Plans, EveryInstructionSetThatIsCompiledInAgrees) {
    const auto sets = instruction_sets();
    ASSERT_FALSE(sets.empty());
    for (const char* set : sets) {
        use_instruction_set(set);
        EXPECT_STREQ(instruction_sets().front(), set);
        for (unsigned seed = 200; seed < 230; ++seed) {
            std::mt19937_64 rng(seed);
            SCOPED_TRACE(std::string(set) + ", seed " + std::to_string(seed));
            const unsigned qubits = 1 + seed % 11;
            this->expect_as_plain(plain::random_circuit(qubits, 60, rng), rng,
                                  {.block_bits = 7, .relabels = true, .from = From::anything, .positions = {}});
        }
    }
    use_instruction_set(nullptr);
    EXPECT_EQ(instruction_sets().size(), sets.size());
}

TYPED_TEST(Plans, APlanMadeForOtherVectorsStillRuns) {
    std::mt19937_64 rng(6);
    const Circuit circuit = plain::random_circuit(8, 40, rng);
    const auto plan = compile<TypeParam>(circuit, 0, circuit.ops.size());
    for (const char* set : instruction_sets()) {
        use_instruction_set(set);
        const auto before = plain::random_state(8, rng);
        State<TypeParam> state(8, this->team_);
        plain::load(before, state);
        apply(plan, state, this->team_);
        EXPECT_LT(plain::distance(plain::applied(circuit, before), state), tolerance<TypeParam>) << set;
    }
    use_instruction_set(nullptr);
}

TYPED_TEST(Plans, ManyControlsOfEitherValueAct) {
    for (unsigned seed = 300; seed < 340; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit circuit = plain::random_circuit(12, 40, rng, {.extra_controls = 9, .unitary_targets = 2});
        this->expect_as_plain(circuit, rng,
                              {.block_bits = seed % 2 == 0 ? 0u : 7u, .relabels = true, .from = From::anything, .positions = {}});
    }
}

TYPED_TEST(Plans, DenseMatricesUpToTheLimitOfQubitsAct) {
    for (unsigned targets = 3; targets <= limits::matrix_qubits; ++targets) {
        std::mt19937_64 rng(targets);
        Circuit circuit;
        circuit.qubits = 12;
        std::vector<std::uint32_t> operands{4, 0, 11, 7, 2, 9, 1, 5, 10, 3};
        operands.resize(targets);
        circuit.add_unitary(operands, 0, plain::random_unitary(targets, rng));
        SCOPED_TRACE(std::to_string(targets) + " targets");
        this->expect_as_plain(circuit, rng);
    }
}

TYPED_TEST(Plans, ExchangesMoveNoData) {
    Circuit circuit;
    circuit.qubits = 9;
    circuit.add(Gate::swap, {0, 8});
    circuit.add(Gate::swap, {8, 3});
    const auto plan = compile<TypeParam>(circuit, 0, 2);
    EXPECT_EQ(plan.sweeps(), 0u);
    EXPECT_NE(plan.positions_after(), plan.positions_before());
    std::mt19937_64 rng(7);
    this->expect_as_plain(circuit, rng);

    circuit.add(Gate::iswap, {2, 5});
    circuit.add(Gate::fsim, {2, 6}, {std::numbers::pi / 2, 0.4});
    EXPECT_EQ((compile<TypeParam>(circuit, 0, 4).fused_gates()), 1u) << "only one polynomial of phases";
    this->expect_as_plain(circuit, rng);
}

TYPED_TEST(Plans, WithoutRelabellingEveryQubitEndsWhereItBegan) {
    for (unsigned seed = 400; seed < 420; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit circuit = plain::random_circuit(9, 60, rng);
        PlanOptions options{.block_bits = 6, .relabels = false, .from = From::anything, .positions = {8, 1, 0, 2, 7, 6, 4, 5, 3}};
        const auto plan = compile<TypeParam>(circuit, 0, circuit.ops.size(), options);
        EXPECT_EQ(plan.positions_after(), options.positions);
        this->expect_as_plain(circuit, rng, options);
    }
}

TYPED_TEST(Plans, ThreadsDoNotChangeResults) {
    std::mt19937_64 rng(8);
    const Circuit circuit = plain::random_circuit(11, 60, rng, {.unitary_targets = 2});
    const auto plan =
        compile<TypeParam>(circuit, 0, circuit.ops.size(), {.block_bits = 7, .relabels = true, .from = From::anything, .positions = {}});
    const auto before = plain::random_state(11, rng);
    Team alone(1), many(3);
    State<TypeParam> one(11, alone), other(11, many);
    plain::load(before, one);
    plain::load(before, other);
    apply(plan, one, alone);
    apply(plan, other, many);
    for (std::size_t k = 0; k < one.size(); ++k) ASSERT_EQ(one.at(k), other.at(k)) << k;
}

TYPED_TEST(Plans, AnApplicationCanBeEndedBetweenSweeps) {
    std::mt19937_64 rng(9);
    const Circuit circuit = plain::random_circuit(11, 80, rng, {.unitary_targets = 2});
    const auto plan =
        compile<TypeParam>(circuit, 0, circuit.ops.size(), {.block_bits = 6, .relabels = true, .from = From::anything, .positions = {}});
    State<TypeParam> state(11, this->team_);
    int calls = 0;
    EXPECT_FALSE(apply(plan, state, this->team_, [&](double done) { return ++calls < 3 && done < 1; }));
    EXPECT_EQ(calls, 3);
}

TYPED_TEST(Plans, SpecialAnglesMayChangeTheWorkOfAReboundPlan) {
    Circuit first;
    first.qubits = 8;
    for (std::uint32_t q = 0; q < 8; ++q) first.add(Gate::rx, {q}, {0.4 + q});
    first.add(Gate::fsim, {1, 6}, {0.3, 0.4});
    for (std::uint32_t q = 0; q < 8; ++q) first.add(Gate::ry, {q}, {0.9 + q});
    Circuit second = first;
    for (std::uint32_t q = 0; q < 4; ++q) second.angles[q] = 0;
    second.angles[8] = std::numbers::pi / 2;
    std::mt19937_64 rng(10);
    const auto before = plain::random_state(8, rng);
    State<TypeParam> state(8, this->team_);
    plain::load(before, state);
    apply(rebind(compile<TypeParam>(first, 0, first.ops.size()), second), state, this->team_);
    EXPECT_LT(plain::distance(plain::applied(second, before), state), tolerance<TypeParam>);
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
