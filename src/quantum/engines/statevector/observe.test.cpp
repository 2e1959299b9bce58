#include "quantum/engines/statevector/observe.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "quantum/engines/statevector/derivative.h"
#include "quantum/engines/statevector/plain.h"
#include "quantum/engines/statevector/twin.h"

namespace meridian::quantum {
namespace {

PauliSum random_sum(unsigned qubits, std::size_t terms, std::mt19937_64& rng) {
    const std::uint64_t mask = (std::uint64_t{1} << qubits) - 1;
    PauliSum sum;
    for (std::size_t k = 0; k < terms; ++k) sum.push_back({std::uniform_real_distribution<double>(-2, 2)(rng), rng() & mask, rng() & mask});
    // Several terms of one flip, and one without letters.
    for (std::size_t k = 0; k < terms; k += 2) sum.push_back({0.3, sum[k].x, rng() & mask});
    sum.push_back({0.7, 0, 0});
    return sum;
}

TEST(Pauli, ReadsLettersFromQubitZero) {
    EXPECT_EQ(pauli(2, "XIZY"), (PauliTerm{2, 0b1001, 0b1100}));
    EXPECT_EQ(pauli(1, ""), (PauliTerm{1, 0, 0}));
    EXPECT_FALSE(pauli(1, "XA"));
    EXPECT_FALSE(pauli(1, std::string(65, 'I')));
}

TEST(Expectation, OfRandomCircuitsAndSumsIsTheTwins) {
    Team team(2);
    for (unsigned seed = 0; seed < 40; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const unsigned qubits = 1 + seed % 10;
        const Circuit circuit = plain::random_circuit(qubits, 30, rng);
        const PauliSum sum = random_sum(qubits, 9, rng);
        const double right = twin::expectation(twin::run(circuit), sum);
        EXPECT_NEAR(expectation(circuit, sum, Precision::double_, team).value(), right, 1e-10);
        EXPECT_NEAR(expectation(circuit, sum, Precision::single, team).value(), right, 1e-4);
    }
}

TEST(Expectation, OfManyChunksIsTheTwins) {
    Team team(3);
    std::mt19937_64 rng(2);
    Circuit circuit;
    circuit.qubits = 14;
    for (std::uint32_t q = 0; q < 14; ++q) circuit.add(Gate::u, {q}, {0.3 + q, 0.4 * q, 1});
    for (std::uint32_t q = 0; q < 14; ++q) circuit.add(Gate::cx, {q, (q + 5) % 14});
    const PauliSum sum = random_sum(14, 6, rng);
    const double right = twin::expectation(twin::run(circuit), sum);
    EXPECT_NEAR(expectation(circuit, sum, Precision::double_, team).value(), right, 1e-11);
    Team alone(1);
    EXPECT_EQ(expectation(circuit, sum, Precision::double_, team).value(), expectation(circuit, sum, Precision::double_, alone).value());
}

TEST(Expectation, QubitsThatNoGateTouchesAreZero) {
    Team team(1);
    Circuit circuit;
    circuit.qubits = 50;
    circuit.add(Gate::ry, {40}, {0.7});
    const auto bit = [](unsigned q) { return std::uint64_t{1} << q; };
    EXPECT_NEAR(expectation(circuit, {{2, 0, bit(40) | bit(3)}}, Precision::double_, team).value(), 2 * std::cos(0.7), 1e-14);
    EXPECT_EQ(expectation(circuit, {{2, bit(3), 0}}, Precision::double_, team).value(), 0);
}

TEST(Expectation, RefusesWhatHasNoState) {
    Team team(1);
    Circuit circuit;
    circuit.qubits = 2;
    circuit.bits = 1;
    circuit.add(Gate::h, {0});
    circuit.add_measure(0, 0);
    EXPECT_NEAR(expectation(circuit, {{1, 1, 0}}, Precision::double_, team).value(), 1, 1e-15) << "a final measurement is no obstacle";
    EXPECT_EQ(expectation(circuit, {{1, 4, 0}}, Precision::double_, team).error().said,
              "A Pauli term names a qubit that the circuit of 2 qubits has not");
    circuit.add(Gate::h, {0});
    EXPECT_FALSE(expectation(circuit, {{1, 1, 0}}, Precision::double_, team));
    EXPECT_FALSE(gradient(circuit, {{1, 1, 0}}, team));
}

TEST(Derivative, OfEveryGateByEveryAngleIsTheDifferenceQuotient) {
    std::mt19937_64 rng(1);
    std::uniform_real_distribution<double> angle(-7, 7);
    const double h = 1e-5;
    for (const GateInfo& row : gates())
        for (std::size_t which = 0; which < row.parameters; ++which) {
            std::vector<double> at(row.parameters);
            for (double& a : at) a = angle(rng);
            const GateMatrix exact = derivative(row.gate, at, which);
            GateMatrix ahead{}, behind{};
            at[which] += h;
            row.matrix(at, ahead);
            at[which] -= 2 * h;
            row.matrix(at, behind);
            for (std::size_t k = 0; k < std::size_t{1} << (2 * row.targets); ++k)
                EXPECT_LT(std::abs(exact[k] - (ahead[k] - behind[k]) / (2 * h)), 1e-9) << row.name << " angle " << which;
        }
}

TEST(Gradient, OfRandomCircuitsIsTheDifferenceQuotientOfTheTwin) {
    Team team(2);
    for (unsigned seed = 0; seed < 24; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const unsigned qubits = 1 + seed % 7;
        Circuit circuit = plain::random_circuit(qubits, 25, rng);
        const PauliSum sum = random_sum(qubits, 4, rng);
        const auto found = gradient(circuit, sum, team);
        ASSERT_TRUE(found);
        EXPECT_NEAR(found->value, twin::expectation(twin::run(circuit), sum), 1e-10);
        ASSERT_EQ(found->by_angle.size(), circuit.angles.size());
        const double h = 1e-4;
        for (std::size_t k = 0; k < circuit.angles.size(); ++k) {
            const double here = circuit.angles[k];
            const auto value = [&](double shift) {
                circuit.angles[k] = here + shift;
                return twin::expectation(twin::run(circuit), sum);
            };
            const double quotient = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h);
            circuit.angles[k] = here;
            EXPECT_NEAR(found->by_angle[k], quotient, 1e-8) << "angle " << k;
        }
    }
}

TEST(Gradient, OfManyPartsDoesNotDependOnTheTeam) {
    std::mt19937_64 rng(3);
    Circuit circuit = plain::random_circuit(15, 60, rng);
    const PauliSum sum = random_sum(15, 5, rng);
    Team one(1), three(3);
    const auto alone = gradient(circuit, sum, one), together = gradient(circuit, sum, three);
    ASSERT_TRUE(alone && together);
    EXPECT_EQ(alone->value, together->value);
    EXPECT_EQ(alone->by_angle, together->by_angle);
    const double h = 1e-5;
    for (std::size_t k = 0; k < circuit.angles.size(); k += 7) {
        const double here = circuit.angles[k];
        circuit.angles[k] = here + h;
        const double ahead = expectation(circuit, sum, Precision::double_, one).value();
        circuit.angles[k] = here - h;
        const double behind = expectation(circuit, sum, Precision::double_, one).value();
        circuit.angles[k] = here;
        EXPECT_NEAR(alone->by_angle[k], (ahead - behind) / (2 * h), 1e-6) << "angle " << k;
    }
}

}  // namespace
}  // namespace meridian::quantum
