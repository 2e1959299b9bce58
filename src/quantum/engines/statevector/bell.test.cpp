#include "quantum/engines/statevector/bell.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "quantum/engines/statevector/plain.h"

namespace meridian::quantum {
namespace {

GateMatrix middle_of(const BellSplit& split) {
    GateMatrix m{};
    for (std::size_t plane = 0; plane < 2; ++plane) {
        const std::size_t p = plane, q = 3 - plane;
        m[5 * p] = m[5 * q] = std::polar(1.0, split.phase[plane]) * std::cos(split.angle[plane]);
        m[4 * p + q] = m[4 * q + p] = std::polar(1.0, split.phase[plane]) * Amplitude(0, std::sin(split.angle[plane]));
    }
    return m;
}

void expect_split(const GateMatrix& gate) {
    const auto split = bell_split(gate);
    ASSERT_TRUE(split);
    const GateMatrix again =
        product(tensor(split->after[0], split->after[1]), product(middle_of(*split), tensor(split->before[0], split->before[1])));
    for (std::size_t k = 0; k < 16; ++k) EXPECT_LT(std::abs(again[k] - gate[k]), 1e-11) << k;
}

TEST(Bell, RandomGatesAreWhatTheyAreSplitInto) {
    std::mt19937_64 rng(7);
    for (int k = 0; k < 200; ++k) {
        GateMatrix gate{};
        std::ranges::copy(plain::random_unitary(2, rng), gate.begin());
        expect_split(gate);
    }
}

TEST(Bell, SoAreGatesWithManyEqualAngles) {
    const Amplitude i(0, 1);
    expect_split({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1});
    expect_split({1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0});
    expect_split({1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1});
    expect_split({1, 0, 0, 0, 0, 0, i, 0, 0, i, 0, 0, 0, 0, 0, 1});
    expect_split({i, 0, 0, 0, 0, -1, 0, 0, 0, 0, -i, 0, 0, 0, 0, 1});
    const double h = std::sqrt(0.5);
    expect_split(tensor({h, h, h, -h}, {1, 0, 0, i}));
    expect_split(product(tensor({h, h, h, -h}, {h, -i * h, -i * h, h}), GateMatrix{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1}));
}

TEST(Bell, WhatIsNotUnitaryIsNotSplit) {
    EXPECT_FALSE(bell_split({1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
    EXPECT_FALSE(bell_split({}));
    EXPECT_FALSE(bell_split({1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace meridian::quantum
