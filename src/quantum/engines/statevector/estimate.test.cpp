#include <gtest/gtest.h>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/adjoint.h"

namespace meridian::quantum {
namespace {

Circuit layers(std::uint32_t qubits, int count) {
    Circuit circuit;
    circuit.qubits = circuit.bits = qubits;
    for (int k = 0; k < count; ++k) {
        for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::ry, {q}, {0.1 + k});
        for (std::uint32_t q = 0; q + 1 < qubits; ++q) circuit.add(Gate::cx, {q, q + 1});
    }
    for (std::uint32_t q = 0; q < qubits; ++q) circuit.add_measure(q, q);
    return circuit;
}

Calibration some_node() {
    Calibration node;
    node.threads = 2;
    node.memory_bytes_per_second = 4e10;
    node.touch_bytes_per_second = 4e9;
    node.first_touch_bytes_per_second = 1e9;
    node.read_bytes_per_second = 4e10;
    node.cached_bytes_per_second = 1e11;
    node.threads_worth = 2;
    node.kernels_double = {.rotation = 2e-10, .tangent = 1.5e-10, .lone = 3e-10, .dense = 1e-9, .interaction = 7e-10, .phases = 5e-10};
    node.kernels_single = {
        .rotation = 1e-10, .tangent = 7.5e-11, .lone = 1.5e-10, .dense = 5e-10, .interaction = 3.5e-10, .phases = 2.5e-10};
    node.seconds_per_kernel = 1e-6;
    node.seconds_per_lane_pass = 2e-9;
    node.seconds_per_block = 1e-6;
    node.gradients = {.product = 2e-10, .amplitude = 2.5e-9, .sign = 2.5e-9, .gate = 1e-6, .whole = 5e-6, .bytes_per_second = 5e10};
    return node;
}

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;

TEST(Estimate, MemoryIsTheAmplitudesAndLittleMore) {
    const Allowance room{.bytes_free = 100 * gibibyte, .tdp_watts = {}, .cpus = 2};
    for (const std::uint32_t qubits : {24u, 28u, 30u}) {
        const double amplitudes = double(std::uint64_t{16} << qubits);
        const auto full = estimate(layers(qubits, 2), Precision::double_, 10'000, some_node(), room);
        ASSERT_TRUE(full) << full.error().said;
        EXPECT_GE(double(full->bytes), amplitudes);
        EXPECT_LE(double(full->bytes), 1.05 * amplitudes);
        EXPECT_NEAR(double(estimate(layers(qubits, 2), Precision::single, 10'000, some_node(), room)->bytes), amplitudes / 2,
                    0.05 * amplitudes);
    }
}

TEST(Estimate, WhatDoesNotFitIsRefusedWithAWayOut) {
    const Allowance room{.bytes_free = 20 * gibibyte, .tdp_watts = {}, .cpus = 2};
    const auto refused = estimate(layers(31, 1), Precision::double_, 100, some_node(), room);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().said,
              "needs 32.0 GiB for 31 qubits in double precision, this node has 20.0 GiB free; use single precision or fewer qubits");
    EXPECT_TRUE(estimate(layers(31, 1), Precision::single, 100, some_node(), room));
    EXPECT_EQ(estimate(layers(33, 1), Precision::single, 100, some_node(), room).error().said,
              "needs 64.0 GiB for 33 qubits in single precision, this node has 20.0 GiB free; use fewer qubits");
    EXPECT_FALSE(estimate(layers(2, 1), Precision::single, 0, some_node(), room));
}

TEST(Estimate, JoulesSayWhatTheyRestOn) {
    Allowance room{.bytes_free = gibibyte, .tdp_watts = {}, .cpus = 8};
    const auto unknown = estimate(layers(20, 2), Precision::double_, 100, some_node(), room);
    EXPECT_FALSE(unknown->joules) << "not known is not zero";
    EXPECT_EQ(unknown->joules_said(), "unknown");
    room.tdp_watts = 200;
    const auto modelled = estimate(layers(20, 2), Precision::double_, 100, some_node(), room);
    EXPECT_DOUBLE_EQ(modelled->joules.value(), modelled->seconds * 200 * 2 / 8);
    EXPECT_EQ(modelled->joules_said(), "declared watts x seconds");
}

TEST(Estimate, MoreWorkTakesLonger) {
    const Allowance room{.bytes_free = 100 * gibibyte, .tdp_watts = {}, .cpus = 2};
    const auto seconds = [&](const Circuit& circuit, std::uint64_t shots, Precision precision = Precision::double_) {
        const auto cost = estimate(circuit, precision, shots, some_node(), room);
        EXPECT_LT(cost->seconds_low, cost->seconds);
        EXPECT_GT(cost->seconds_high, cost->seconds);
        return cost->seconds;
    };
    EXPECT_GT(seconds(layers(24, 8), 100), 1.5 * seconds(layers(24, 4), 100));
    EXPECT_GT(seconds(layers(26, 4), 100), 3 * seconds(layers(24, 4), 100));
    EXPECT_GT(seconds(layers(24, 4), 100), 1.5 * seconds(layers(24, 4), 100, Precision::single));
    EXPECT_GT(seconds(layers(5, 4), 10'000'000), 100 * seconds(layers(5, 4), 10'000));

    Circuit parting;
    parting.qubits = parting.bits = 20;
    for (std::uint32_t q = 0; q < 6; ++q) {
        parting.add(Gate::h, {q});
        parting.add_measure(q, q);
    }
    for (int k = 0; k < 4; ++k)
        for (std::uint32_t q = 0; q < 20; ++q) {
            parting.add(Gate::ry, {q}, {0.1 + k});
            parting.add(Gate::cx, {q, (q + 1) % 20});
        }
    for (std::uint32_t q = 0; q < 20; ++q) parting.add_measure(q, q);
    const auto many = estimate(parting, Precision::double_, 1000, some_node(), room);
    EXPECT_GT(many->seconds, 20 * seconds(layers(20, 4), 1000)) << "1000 shots part at six measurements";
    EXPECT_LT(many->seconds_low, many->seconds / 20) << "but they need not";
}

TEST(Estimate, OfAJobIsTheSumInTimeAndTheLargestInMemory) {
    const Allowance room{.bytes_free = gibibyte, .tdp_watts = 100, .cpus = 2};
    const auto small = estimate(layers(13, 2), Precision::double_, 100, some_node(), room);
    const auto large = estimate(layers(20, 2), Precision::double_, 100, some_node(), room);
    const std::vector<Circuit> job{layers(13, 2), layers(13, 2), layers(20, 2)};
    const auto all = estimate_all(job, Precision::double_, 100, some_node(), room);
    EXPECT_DOUBLE_EQ(all->seconds, 2 * small->seconds + large->seconds);
    EXPECT_EQ(all->bytes, large->bytes);
    EXPECT_DOUBLE_EQ(all->joules.value(), 2 * small->joules.value() + large->joules.value());
}

TEST(Estimate, ParameterSetsInLanesCostLessThanOneAfterTheOther) {
    const Allowance room{.bytes_free = gibibyte, .tdp_watts = 100, .cpus = 2};
    const auto one = estimate(layers(10, 4), Precision::double_, 10, some_node(), room);
    const auto all = estimate_all(std::vector<Circuit>(64, layers(10, 4)), Precision::double_, 10, some_node(), room);
    EXPECT_LT(all->seconds, 64 * one->seconds / 2);
    EXPECT_GT(all->seconds, one->seconds);
    EXPECT_GT(all->bytes, one->bytes);
}

TEST(Estimate, TheMostHoldsMemoryThatTheMachineMustFindFirst) {
    const Allowance room{.bytes_free = 100 * gibibyte, .tdp_watts = {}, .cpus = 2};
    const auto apart = [&](std::uint32_t qubits) {
        const auto cost = estimate(layers(qubits, 2), Precision::double_, 100, some_node(), room);
        return cost->seconds_high - 1.3 * cost->seconds;
    };
    EXPECT_NEAR(apart(26), double(gibibyte) * (1 / 1e9 - 1 / 4e9), 1e-9);
    EXPECT_NEAR(apart(18), 0, 1e-9) << "the allocator has as much";
}

TEST(Estimate, OfAGradientGrowsWithEverythingThatItPassesOver) {
    const Allowance room{.bytes_free = 100 * gibibyte, .tdp_watts = 100, .cpus = 2};
    const auto seconds = [&](std::uint32_t qubits, int layers_of_gates, std::uint64_t terms) {
        PauliSum sum;
        for (std::uint64_t k = 0; k < terms; ++k) sum.push_back({1, k, 1});
        const auto cost = estimate_gradient(layers(qubits, layers_of_gates), sum, some_node(), room);
        EXPECT_LT(cost->seconds_low, cost->seconds);
        EXPECT_GT(cost->seconds_high, cost->seconds);
        EXPECT_DOUBLE_EQ(cost->joules.value(), cost->seconds * 100);
        return cost->seconds;
    };
    EXPECT_GT(seconds(20, 8, 1), 1.7 * seconds(20, 4, 1));
    EXPECT_GT(seconds(22, 4, 1), 3 * seconds(20, 4, 1));
    EXPECT_GT(seconds(20, 4, 400), 10 * seconds(20, 4, 1));
    EXPECT_LT(seconds(22, 8, 1) - 2 * seconds(22, 4, 1), 0) << "a second gradient has its own states and terms, more layers have not";
    EXPECT_GT(seconds(3, 100, 1), 500 * 1e-6) << "gates cost something where amplitudes do not";
    Calibration alone = some_node();
    alone.threads_worth = 1;
    const PauliSum sum{{1, 0, 1}};
    const auto one_thread = [&](std::uint32_t qubits) { return estimate_gradient(layers(qubits, 4), sum, alone, room)->seconds; };
    EXPECT_GT(one_thread(18), 1.7 * seconds(18, 4, 1));
    EXPECT_DOUBLE_EQ(one_thread(10), seconds(10, 4, 1)) << "a small state is one thread's";
}

TEST(Estimate, OfAGradientIsTwoStatesOfMemory) {
    Allowance room{.bytes_free = 100 * gibibyte, .tdp_watts = {}, .cpus = 2};
    const PauliSum sum{{1, 0, 1}};
    const double states = double(std::uint64_t{32} << 24);
    const auto bytes = double(estimate_gradient(layers(24, 2), sum, some_node(), room)->bytes);
    EXPECT_GE(bytes, states);
    EXPECT_LE(bytes, 1.1 * states);
    room.bytes_free = gibibyte / 2;
    EXPECT_EQ(estimate_gradient(layers(24, 2), sum, some_node(), room).error().said,
              "needs 544.0 MiB for two states of 24 qubits, this node has 512.0 MiB free; use fewer qubits");
    EXPECT_FALSE(estimate_gradient(layers(4, 2), {{1, 0, 32}}, some_node(), room)) << "the sum names a qubit that is not there";
}

// The model is of the passes that are made: over fewer qubits than a part has, all of them at once.
TEST(Estimate, KnowsThePassesOfTheWayBack) {
    Circuit narrow = layers(12, 3);
    std::erase_if(narrow.ops, [](const Op& op) { return op.kind == Op::Kind::measure; });
    const auto small = passes_back(narrow);
    ASSERT_EQ(small.size(), 2u) << "69 steps, 64 at once";
    EXPECT_EQ(small[0].moved, 64.0 * 4096);
    Circuit wide;
    wide.qubits = 15;
    wide.add(Gate::ry, {0}, {0.1});
    wide.add(Gate::cx, {13, 14});
    const auto passes = passes_back(wide);
    ASSERT_EQ(passes.size(), 2u);
    EXPECT_EQ(passes[0].moved, 32.0 * 32768) << "half of both states is left alone";
    EXPECT_EQ(passes[1].moved, 64.0 * 32768);
    EXPECT_EQ(passes[1].products, 6.0 * 32768) << "two of each state, and two for the sums";
}

TEST(Calibrate, MeasuresEveryRate) {
    Team team(2);
    double now = 0;
    // A clock of its own: what is measured does not matter here, that every rate is one does.
    const Calibration node = calibrate(team, [&] { return now += 1e-3; });
    EXPECT_EQ(node.threads, 2u);
    for (const double rate : {node.memory_bytes_per_second, node.cached_bytes_per_second, node.read_bytes_per_second,
                              node.touch_bytes_per_second, node.first_touch_bytes_per_second})
        EXPECT_GT(rate, 1e6);
    EXPECT_GE(node.threads_worth, 1);
    for (const auto& kernels : {node.kernels_double, node.kernels_single}) {
        EXPECT_GT(kernels.rotation, 0);
        for (const double rate : {kernels.tangent, kernels.lone, kernels.dense, kernels.interaction}) EXPECT_GE(rate, 0);
        EXPECT_GE(kernels.phases, 0);
    }
    EXPECT_GT(node.seconds_per_kernel, 0);
    EXPECT_GT(node.seconds_per_lane_pass, 0);
    EXPECT_GT(node.seconds_per_block, 0);
    EXPECT_GT(node.gradients.product, 0);
    EXPECT_GT(node.gradients.bytes_per_second, 1e6);
    for (const double rate : {node.gradients.amplitude, node.gradients.sign, node.gradients.gate, node.gradients.whole}) EXPECT_GE(rate, 0);
}

}  // namespace
}  // namespace meridian::quantum
