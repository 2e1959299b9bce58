#include "quantum/engines/statevector/lanes.h"

#include <cmath>
#include <numbers>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/batch.h"
#include "quantum/engines/statevector/plain.h"
#include "quantum/engines/statevector/twin.h"
#include "quantum/engines/statevector/workloads.h"

namespace meridian::quantum {
namespace {

// A circuit and others of its structure.
std::vector<Circuit> family(unsigned qubits, std::size_t count, std::mt19937_64& rng) {
    plain::Mix mix;
    mix.unitary_targets = 2;
    const Circuit first = plain::random_circuit(qubits, 40, rng, mix);
    std::vector<Circuit> all(count, first);
    for (Circuit& circuit : all)
        for (double& angle : circuit.angles) angle += std::uniform_real_distribution<double>(-1, 1)(rng);
    return all;
}

template <class Real>
void expect_as_twin(unsigned qubits, std::size_t count, std::mt19937_64& rng, double tolerance) {
    const auto circuits = family(qubits, count, rng);
    const auto program = prepare(circuits[0]);
    ASSERT_TRUE(program);
    const auto plan = LanePlan::of(*program);
    ASSERT_TRUE(plan);
    LaneStates<Real> states(*plan);
    std::vector<const Circuit*> bound;
    for (const Circuit& circuit : circuits) bound.push_back(&circuit);
    states.run(bound);
    for (std::size_t lane = 0; lane < count; ++lane) {
        const auto right = twin::run(circuits[lane]);
        const Table table = states.table(lane);
        EXPECT_NEAR(table.total(), 1, tolerance);
        std::vector<double> probabilities(std::size_t{1} << plan->qubits);
        for (std::size_t k = 0; k < right.size(); ++k) {
            std::size_t index = 0;
            for (unsigned q = 0; q < qubits; ++q)
                if (program->qubit_of[q]) index |= (k >> q & 1) << *program->qubit_of[q];
            probabilities[index] += std::norm(right[k]);
        }
        // The middle of each probability's part of the unit interval falls on it.
        double sum = 0;
        for (std::size_t k = 0; k < probabilities.size(); ++k) {
            if (probabilities[k] > 2 * tolerance * double(probabilities.size())) {
                EXPECT_EQ(table.at(sum + probabilities[k] / 2), k);
            }
            sum += probabilities[k];
        }
    }
}

TEST(Lanes, EverySetIsItsTwin) {
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        expect_as_twin<double>(1 + seed % 10, 1 + seed % LaneStates<double>::lanes(), rng, 1e-12);
        expect_as_twin<float>(1 + seed % 10, 1 + seed % LaneStates<float>::lanes(), rng, 1e-6);
    }
}

TEST(Lanes, ExpectationsOfAFamilyAreThoseOfItsCircuits) {
    Team team(2);
    for (unsigned seed = 0; seed < 12; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const unsigned qubits = 2 + seed % 9;
        const auto circuits = family(qubits, 21, rng);
        PauliSum sum;
        for (int k = 0; k < 7; ++k) sum.push_back({0.3 * k - 1, rng() % (1u << qubits), rng() % (1u << qubits)});
        const auto exact = expectation_all(circuits, sum, Precision::double_, team);
        const auto single = expectation_all(circuits, sum, Precision::single, team);
        for (std::size_t k = 0; k < circuits.size(); ++k) {
            const double right = twin::expectation(twin::run(circuits[k]), sum);
            EXPECT_NEAR(exact[k].value(), right, 1e-11);
            EXPECT_NEAR(single[k].value(), right, 1e-4);
        }
    }
}

// Layers of `gate` on every qubit between chains of cx and cz, which rotations, tables and names of places share.
Circuit layered(Gate gate, unsigned qubits, std::mt19937_64& rng, bool by_half_turns) {
    Circuit circuit = workloads::empty(qubits);
    const auto angle = [&] {
        return by_half_turns ? std::numbers::pi * double(rng() % 4) : std::uniform_real_distribution<double>(-7, 7)(rng);
    };
    circuit.add(Gate::x, {0});
    for (unsigned layer = 0; layer < 4; ++layer) {
        for (std::uint32_t q = 0; q < qubits; ++q) {
            std::vector<double> angles(info(gate).parameters);
            for (double& a : angles) a = angle();
            circuit.add(gate, std::vector{q}, angles);
            if (layer % 2 == 1) circuit.add(Gate::rz, {q}, {angle()});
        }
        for (std::uint32_t q = 0; q + 1 < qubits; ++q) circuit.add(layer % 2 == 0 ? Gate::cx : Gate::cz, {q, q + 1});
        circuit.add(Gate::swap, {0, qubits - 1});
        circuit.add(Gate::ccz, {0, 1, 2});
    }
    return circuit;
}

TEST(Lanes, LayersAreTheirTwinsHoweverTheirAnglesLie) {
    Team team(1);
    for (const Gate gate : {Gate::ry, Gate::rx, Gate::u, Gate::h, Gate::sx})
        for (const bool by_half_turns : {false, true})
            for (const unsigned qubits : {3u, 4u, 5u, 7u, 8u, 11u, 12u}) {
                SCOPED_TRACE(fmt::format("{} on {} qubits{}", name(gate), qubits, by_half_turns ? ", by half turns" : ""));
                std::mt19937_64 rng(qubits);
                std::vector<Circuit> circuits;
                for (int k = 0; k < 5; ++k) circuits.push_back(layered(gate, qubits, rng, by_half_turns));
                PauliSum sum;
                for (int k = 0; k < 5; ++k) sum.push_back({0.3 * k - 1, rng() % (1u << qubits), rng() % (1u << qubits)});
                sum.push_back({1, 0, 5});
                const auto exact = expectation_all(circuits, sum, Precision::double_, team);
                const auto single = expectation_all(circuits, sum, Precision::single, team);
                for (std::size_t k = 0; k < circuits.size(); ++k) {
                    const double right = twin::expectation(twin::run(circuits[k]), sum);
                    EXPECT_NEAR(exact[k].value(), right, 1e-11);
                    EXPECT_NEAR(single[k].value(), right, 1e-4);
                }
            }
}

TEST(Lanes, AJobGivesWhatItsCircuitsGiveAlone) {
    std::mt19937_64 rng(7);
    auto circuits = family(6, 19, rng);
    for (Circuit& circuit : circuits) {
        circuit.bits = 8;
        for (const std::uint32_t q : {4u, 0u, 5u, 2u}) circuit.add_measure(q, 7 - q);
    }
    // One of another structure in between, and one that is refused.
    circuits[5] = plain::random_circuit(3, 20, rng);
    circuits[9].qubits = 60;
    for (std::uint32_t q = 0; q < 60; ++q) circuits[9].add(Gate::h, {q});
    RunOptions options;
    options.shots = 400;
    options.seed = 11;
    options.memory = true;
    std::vector<double> told;
    options.progress = [&](double done) { told.push_back(done); };
    Team team(2), alone(1);
    const auto together = sample_all(circuits, options, team);
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_DOUBLE_EQ(told.back(), 1);
    options.progress = {};
    EXPECT_EQ(together, sample_all(circuits, options, alone));
    for (std::size_t k = 0; k < circuits.size(); ++k) {
        RunOptions own = options;
        own.seed = seed_of(11, k);
        EXPECT_EQ(together[k], sample(circuits[k], own, alone)) << "circuit " << k;
    }
    options.cancelled = [] { return true; };
    for (const auto& result : sample_all(circuits, options, team)) EXPECT_FALSE(result);
}

TEST(Lanes, ServeSmallCircuitsOfTwoQubitGates) {
    Circuit circuit;
    circuit.qubits = 13;
    for (std::uint32_t q = 0; q < 13; ++q) circuit.add(Gate::h, {q});
    EXPECT_FALSE(LanePlan::of(*prepare(circuit))) << "too many qubits";
    Circuit large;
    large.qubits = 12;
    for (std::uint32_t k = 0; k < 40'000; ++k) large.add(Gate::crx, {k % 12, (k + 1 + k / 12 % 11) % 12}, {0.1});
    EXPECT_FALSE(LanePlan::of(*prepare(large))) << "more places than a plan may hold";
    Circuit wide;
    wide.qubits = 3;
    std::vector<Amplitude> matrix(64);
    for (std::size_t k = 0; k < 8; ++k) matrix[k * 9] = 1;
    wide.add_unitary(std::vector{0u, 1u, 2u}, 0, matrix);
    EXPECT_FALSE(LanePlan::of(*prepare(wide))) << "a matrix on three qubits";
}

TEST(Batch, GroupsKeepTheOrderOfTheirCircuits) {
    Circuit a, b;
    a.qubits = b.qubits = 2;
    a.add(Gate::h, {0});
    b.add(Gate::h, {1});
    const std::vector<Circuit> circuits{a, b, a, a, b};
    EXPECT_EQ(by_structure(circuits), (std::vector<std::vector<std::size_t>>{{0, 2, 3}, {1, 4}}));
    EXPECT_TRUE(by_structure({}).empty());
}

}  // namespace
}  // namespace meridian::quantum
