#include "quantum/engines/statevector/execute.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/plain.h"
#include "quantum/engines/statevector/twin.h"

namespace meridian::quantum {
namespace {

using Outcome = std::vector<std::uint64_t>;

Circuit of(std::uint32_t qubits, std::uint32_t bits) {
    Circuit circuit;
    circuit.qubits = qubits;
    circuit.bits = bits;
    circuit.bit_registers = {{"c", 0, bits}};
    return circuit;
}

std::uint32_t bit_is_set(Circuit& circuit, std::uint32_t bit) {
    return circuit.add_expression({.kind = Expression::Kind::bit, .lhs = bit});
}

void if_bit(Circuit& circuit, std::uint32_t bit, Gate gate, std::uint32_t qubit, std::vector<double> angles = {}) {
    const std::uint32_t condition = bit_is_set(circuit, bit);
    circuit.ops.push_back({.kind = Op::Kind::branch, .first = condition, .target = std::uint32_t(circuit.ops.size() + 2)});
    circuit.add(gate, std::vector{qubit}, angles);
}

// Chi-square of the counts against the twin's distribution. Outcomes with few expected shots are taken together. The bound is six standard
// deviations of the chi-square distribution; with fixed seeds a right engine passes always.
void expect_as_twin(const Circuit& circuit, const Samples& samples) {
    const auto distribution = twin::distribution(circuit);
    std::map<Outcome, double> counts;
    std::uint64_t total = 0;
    for (std::size_t k = 0; k < samples.counts.size(); ++k) {
        const auto words = samples.outcome(k);
        const Outcome outcome(words.begin(), words.end());
        ASSERT_TRUE(distribution.contains(outcome)) << "an outcome that cannot be";
        ASSERT_TRUE(counts.emplace(outcome, samples.counts[k]).second) << "an outcome comes once";
        total += samples.counts[k];
    }
    ASSERT_EQ(total, samples.shots);
    double chi = 0, rare_expected = 0, rare_counted = 0;
    int cells = 0;
    for (const auto& [outcome, probability] : distribution) {
        const double expected = probability * double(samples.shots), counted = counts.contains(outcome) ? counts[outcome] : 0;
        if (expected < 8) {
            rare_expected += expected;
            rare_counted += counted;
            continue;
        }
        chi += (counted - expected) * (counted - expected) / expected;
        ++cells;
    }
    if (rare_expected >= 8) {
        chi += (rare_counted - rare_expected) * (rare_counted - rare_expected) / rare_expected;
        ++cells;
    }
    EXPECT_LT(chi, cells + 6 * std::sqrt(2.0 * cells)) << cells << " cells";
}

Samples sampled(const Circuit& circuit, std::uint64_t shots, std::uint64_t seed, unsigned threads = 2, Precision precision = {}) {
    Team team(threads);
    EXPECT_EQ(flaw(circuit), "");
    const auto samples = sample(circuit, {.precision = precision, .shots = shots, .seed = seed, .memory = true}, team);
    EXPECT_TRUE(samples) << (samples ? "" : samples.error().said);
    return samples.value_or(Samples{});
}

Circuit measured(Circuit circuit, std::mt19937_64& rng) {
    circuit.bits = circuit.qubits + 2;
    std::vector<std::uint32_t> bits(circuit.bits);
    for (std::uint32_t k = 0; k < bits.size(); ++k) bits[k] = k;
    std::ranges::shuffle(bits, rng);
    for (std::uint32_t q = 0; q < circuit.qubits; ++q)
        if (rng() % 4 != 0) circuit.add_measure(q, bits[q]);
    return circuit;
}

TEST(Execute, TerminalMeasurementsOfRandomCircuitsFollowTheTwin) {
    for (unsigned seed = 0; seed < 24; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit circuit = measured(plain::random_circuit(1 + seed % 8, 40, rng), rng);
        for (const Precision precision : {Precision::double_, Precision::single})
            expect_as_twin(circuit, sampled(circuit, 20'000, seed, 2, precision));
    }
}

TEST(Execute, StatesOfManyBlocksFollowTheTwinToo) {
    std::mt19937_64 rng(3);
    Circuit circuit = of(15, 4);
    for (std::uint32_t q = 0; q < 15; ++q) circuit.add(Gate::ry, {q}, {0.3 + 0.17 * q});
    for (std::uint32_t q = 0; q + 1 < 15; ++q) circuit.add(Gate::cx, {q, (q * 7 + 3) % 15 == q ? (q + 1) % 15 : (q * 7 + 3) % 15});
    circuit.add_measure(14, 0);
    circuit.add_measure(2, 3);
    circuit.add_measure(7, 1);
    expect_as_twin(circuit, sampled(circuit, 30'000, 1));
    expect_as_twin(circuit, sampled(circuit, 30'000, 1, 3, Precision::single));
}

// Measurements, resets and conditions in between gates, at random.
Circuit dynamic(unsigned qubits, std::mt19937_64& rng) {
    Circuit circuit = of(qubits, qubits + 1);
    const auto some_qubit = [&] { return std::uint32_t(rng() % qubits); };
    for (int k = 0; k < 24; ++k) {
        const std::uint32_t q = some_qubit(), other = (q + 1) % qubits, bit = std::uint32_t(rng() % circuit.bits);
        switch (rng() % 7) {
            case 0:
                circuit.add_measure(q, bit);
                break;
            case 1:
                circuit.add_reset(q);
                break;
            case 2:
                if_bit(circuit, bit, Gate::ry, q, {1.1});
                break;
            case 3:
                if (qubits > 1) circuit.add(Gate::cx, {q, other});
                break;
            default:
                circuit.add(Gate::u, {q}, {0.1 + double(rng() % 30) / 10, 0.4, 1.3});
        }
    }
    for (std::uint32_t q = 0; q < qubits; ++q) circuit.add_measure(q, q);
    return circuit;
}

TEST(Execute, MeasurementsInTheMiddleFollowTheTwin) {
    for (unsigned seed = 0; seed < 40; ++seed) {
        std::mt19937_64 rng(100 + seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit circuit = dynamic(1 + seed % 5, rng);
        expect_as_twin(circuit, sampled(circuit, 10'000, seed, 1 + seed % 3, seed % 2 == 0 ? Precision::double_ : Precision::single));
    }
}

TEST(Execute, ResultsDoNotDependOnTheNumberOfThreads) {
    std::mt19937_64 rng(9);
    std::vector<Circuit> circuits{measured(plain::random_circuit(6, 40, rng), rng), measured(plain::random_circuit(14, 40, rng), rng),
                                  dynamic(4, rng), dynamic(5, rng)};
    for (const Circuit& circuit : circuits) {
        const Samples alone = sampled(circuit, 3000, 77, 1);
        EXPECT_EQ(alone, sampled(circuit, 3000, 77, 2));
        EXPECT_EQ(alone, sampled(circuit, 3000, 77, 5));
        EXPECT_EQ(alone, sampled(circuit, 3000, 77, 5));
        EXPECT_NE(alone.memory, sampled(circuit, 3000, 78, 2).memory);
    }
}

TEST(Execute, MemoryIsInShotOrderAndAddsUpToTheCounts) {
    std::mt19937_64 rng(4);
    for (const unsigned qubits : {3u, 14u}) {
        const Circuit circuit = measured(plain::random_circuit(qubits, 60, rng), rng);
        const Samples samples = sampled(circuit, 4000, 5);
        ASSERT_EQ(samples.memory.size(), 4000 * samples.words());
        std::map<std::uint64_t, std::uint64_t> counts;
        for (std::uint64_t shot = 0; shot < 4000; ++shot) ++counts[samples.shot(shot)[0]];
        ASSERT_EQ(counts.size(), samples.counts.size());
        for (std::size_t k = 0; k < samples.counts.size(); ++k) EXPECT_EQ(counts[samples.outcome(k)[0]], samples.counts[k]);
        EXPECT_TRUE(std::ranges::is_sorted(samples.outcomes));
        EXPECT_FALSE(std::ranges::is_sorted(samples.memory)) << "shots are no sorted list of outcomes";
    }
}

TEST(Execute, ShotsAreIndependent) {
    Circuit circuit = of(1, 1);
    circuit.add(Gate::h, {0});
    circuit.add_measure(0, 0);
    const Samples samples = sampled(circuit, 40'000, 21);
    std::array<double, 4> pairs{};
    for (std::uint64_t shot = 0; shot + 1 < samples.shots; shot += 2) ++pairs[samples.shot(shot)[0] * 2 + samples.shot(shot + 1)[0]];
    for (const double count : pairs) EXPECT_NEAR(count, 5000, 5 * std::sqrt(5000 * 0.75));
}

TEST(Execute, BitsAndQubitsKeepTheirPlacesInAnAsymmetricCircuit) {
    Circuit circuit = of(70, 100);
    circuit.add(Gate::x, {68});
    circuit.add(Gate::x, {3});
    circuit.add(Gate::swap, {3, 41});
    circuit.add_measure(68, 99);
    circuit.add_measure(41, 64);
    circuit.add_measure(3, 5);
    circuit.add_measure(50, 6);
    const Samples samples = sampled(circuit, 10, 0);
    EXPECT_EQ(samples.outcomes, (Outcome{0, 1 | std::uint64_t{1} << 35}));
    EXPECT_EQ(samples.counts, (Outcome{10}));
}

TEST(Execute, OnlyQubitsThatGatesTouchTakeMemory) {
    Circuit circuit = of(1000, 1000);
    for (const std::uint32_t q : {999u, 500u, 2u}) circuit.add(Gate::h, {q});
    for (std::uint32_t q = 0; q < 1000; ++q) circuit.add_measure(q, q);
    const Samples samples = sampled(circuit, 800, 3);
    EXPECT_EQ(samples.counts.size(), 8u);
}

TEST(Execute, ACircuitWithoutMeasurementsHasOneOutcome) {
    Circuit none = of(2, 0), silent = of(2, 3);
    none.add(Gate::h, {0});
    silent.add(Gate::h, {0});
    EXPECT_EQ(sampled(none, 7, 0).counts, (Outcome{7}));
    EXPECT_EQ(sampled(silent, 7, 0).outcomes, (Outcome{0}));
    EXPECT_EQ(sampled(of(0, 0), 7, 0).counts, (Outcome{7}));
}

TEST(Execute, TeleportsAState) {
    Circuit circuit = of(3, 3);
    circuit.add(Gate::u, {0}, {0.8, 0.3, 1.9});
    circuit.add(Gate::h, {1});
    circuit.add(Gate::cx, {1, 2});
    circuit.add(Gate::cx, {0, 1});
    circuit.add(Gate::h, {0});
    circuit.add_measure(0, 0);
    circuit.add_measure(1, 1);
    if_bit(circuit, 1, Gate::x, 2);
    if_bit(circuit, 0, Gate::z, 2);
    circuit.add(Gate::u, {2}, {-0.8, -1.9, -0.3});
    circuit.add_measure(2, 2);
    const Samples samples = sampled(circuit, 2000, 8);
    ASSERT_EQ(samples.counts.size(), 4u);
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(samples.outcome(k)[0], k) << "the third bit is always 0";
}

TEST(Execute, ALoopUntilSuccessEnds) {
    // do { h; measure } while the bit is 0, counting rounds.
    Circuit circuit = of(1, 9);
    circuit.variables = 1;
    const auto zero = circuit.add_expression({});
    circuit.ops.push_back({.kind = Op::Kind::set, .first = zero, .target = 0});
    circuit.add_reset(0);
    circuit.add(Gate::h, {0});
    circuit.add_measure(0, 0);
    const auto count = circuit.add_expression({.kind = Expression::Kind::variable, .lhs = 0});
    const auto one = circuit.add_expression({.value = 1});
    const auto next = circuit.add_expression({.kind = Expression::Kind::add, .lhs = count, .rhs = one});
    circuit.ops.push_back({.kind = Op::Kind::set, .first = next, .target = 0});
    circuit.ops.push_back({.kind = Op::Kind::branch, .first = bit_is_set(circuit, 0), .target = 1});
    const auto two = circuit.add_expression({.value = 2});
    const auto is_two = circuit.add_expression({.kind = Expression::Kind::equal, .lhs = count, .rhs = two});
    circuit.ops.push_back({.kind = Op::Kind::set_bit, .first = is_two, .target = 8});
    const Samples samples = sampled(circuit, 8000, 2);
    ASSERT_EQ(samples.outcomes, (Outcome{1, 257}));
    EXPECT_NEAR(double(samples.counts[1]), 2000, 5 * std::sqrt(2000 * 0.75)) << "a quarter needs two rounds";
}

TEST(Execute, AnEndlessLoopEndsInASentence) {
    Circuit circuit = of(1, 1);
    circuit.ops.push_back({.kind = Op::Kind::jump, .target = 0, .at = 17});
    Team team(2);
    const auto samples = sample(circuit, {.shots = 10, .steps = 100'000}, team);
    ASSERT_FALSE(samples);
    EXPECT_EQ(samples.error(), (Diagnostic{"A loop did not end within 100000 operations of one shot", 17}));
}

TEST(Execute, CancellingEndsARunBetweenSweepsAndInLoops) {
    Team team(2);
    Circuit loop = of(1, 1);
    loop.ops.push_back({.kind = Op::Kind::jump, .target = 0});
    Circuit deep = of(12, 12);
    for (int k = 0; k < 200; ++k)
        for (std::uint32_t q = 0; q < 12; ++q) deep.add(Gate::u, {q}, {0.2 * k, 0.3, 0.4}), deep.add(Gate::cx, {q, (q + 1) % 12});
    deep.add_measure(0, 0);
    for (const Circuit& circuit : {loop, deep}) {
        int questions = 0;
        const auto samples = sample(circuit, {.shots = 100, .cancelled = [&] { return ++questions > 1; }}, team);
        ASSERT_FALSE(samples);
        EXPECT_EQ(samples.error().said, cancelled);
        EXPECT_EQ(questions, 2);
    }
}

TEST(Execute, ProgressAscendsToTheEnd) {
    Team team(2);
    std::mt19937_64 rng(1);
    for (const Circuit& circuit : {measured(plain::random_circuit(8, 100, rng), rng), dynamic(3, rng)}) {
        std::vector<double> told;
        const auto samples = sample(circuit, {.shots = 500, .progress = [&](double done) { told.push_back(done); }}, team);
        ASSERT_TRUE(samples);
        ASSERT_FALSE(told.empty());
        EXPECT_TRUE(std::ranges::is_sorted(told));
        EXPECT_DOUBLE_EQ(told.back(), 1);
    }
}

TEST(Execute, RefusesWhatItCannotCompute) {
    Team team(1);
    Circuit noisy = of(1, 1);
    noisy.matrices = {1, 0, 0, 1};
    noisy.add(Gate::id, {0});
    Op channel = noisy.ops[0];
    channel.kind = Op::Kind::channel;
    channel.target = 1;
    noisy.ops.push_back(channel);
    ASSERT_EQ(flaw(noisy), "");
    EXPECT_EQ(sample(noisy, {}, team).error().said, "This engine computes pure states and no noise: run the circuit without channels");

    Circuit wide = of(60, 1);
    for (std::uint32_t q = 0; q < 60; ++q) wide.add(Gate::h, {q});
    EXPECT_EQ(sample(wide, {}, team).error().said, "A state vector of 60 qubits does not fit any node: this engine takes 40 at most");

    EXPECT_FALSE(sample(of(1, 1), {.shots = 0}, team));
    EXPECT_FALSE(sample(of(1, 1), {.shots = limits::shots + 1}, team));
    EXPECT_FALSE(sample(of(1, 1u << 20), {.shots = limits::shots}, team)) << "outcomes of a million bits, a hundred million times";

    Circuit lossy = of(1, 1);
    lossy.add_unitary(std::vector{0u}, 0, std::vector<Amplitude>{0, 0, 0, 0});
    lossy.add_measure(0, 0);
    EXPECT_EQ(sample(lossy, {}, team).error().said, "The state lost its norm: a matrix of the circuit is not unitary");
}

TEST(Execute, BranchesWithoutMemoryForCopiesStartAgainAndGiveTheSame) {
    for (unsigned seed = 0; seed < 10; ++seed) {
        std::mt19937_64 rng(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Circuit circuit = dynamic(4, rng);
        RunOptions options;
        options.shots = 500;
        options.seed = seed;
        options.memory = true;
        Team team(1);
        const auto copying = sample(circuit, options, team);
        for (const std::uint64_t states : {0u, 1u, 2u}) {
            options.branch_bytes = states * (16u << 4);
            EXPECT_EQ(copying, sample(circuit, options, team)) << states << " copies";
        }
    }
}

TEST(Execute, JobsOfSeveralCircuitsDrawFromSeedsOfTheirOwn) {
    Team team(2);
    Circuit circuit = of(1, 1);
    circuit.add(Gate::h, {0});
    circuit.add_measure(0, 0);
    const std::vector<Circuit> circuits(3, circuit);
    PlanCache plans;
    const auto all = sample_all(circuits, {.shots = 200, .seed = 4, .memory = true}, team, &plans);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(*all[0], sampled(circuit, 200, 4)) << "the first circuit draws as if it were alone";
    EXPECT_NE(all[0]->memory, all[1]->memory);
    EXPECT_NE(all[1]->memory, all[2]->memory);
    EXPECT_EQ(*all[2], sampled(circuit, 200, seed_of(4, 2)));
}

TEST(Execute, PlansAreKeptByStructure) {
    Team team(1);
    PlanCache plans(2);
    std::mt19937_64 rng(5);
    const Circuit first = measured(plain::random_circuit(5, 30, rng), rng), other = measured(plain::random_circuit(4, 30, rng), rng);
    Circuit turned = first;
    for (double& angle : turned.angles) angle += 0.5;
    for (const Circuit& circuit : {first, turned, first, other, turned}) {
        const auto with = sample(circuit, {.shots = 300, .seed = 1, .memory = true}, team, &plans);
        ASSERT_TRUE(with);
        EXPECT_EQ(*with, sampled(circuit, 300, 1));
    }
    EXPECT_EQ(plans.hits(), 3u);
    EXPECT_EQ(plans.size(), 2u);
}

}  // namespace
}  // namespace meridian::quantum
