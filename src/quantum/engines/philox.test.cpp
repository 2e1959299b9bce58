#include "quantum/engines/philox.h"

#include <set>

#include <gtest/gtest.h>

namespace meridian::quantum {
namespace {

using Counter = std::array<std::uint32_t, 4>;

TEST(Philox, GivesThePublishedKnownAnswers) {
    // From the authors' known-answer tests of philox4x32 with 10 rounds.
    EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    const std::uint32_t ones = 0xffffffff;
    EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}), (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryPartOfTheAddressCounts) {
    std::set<std::uint64_t> seen;
    for (const std::uint64_t seed : {0ull, 1ull, 1ull << 40})
        for (const std::uint64_t shot : {0ull, 1ull, 1ull << 40})
            for (const std::uint64_t draw : {0ull, 1ull, 1ull << 40}) seen.insert(random_bits(seed, shot, draw));
    EXPECT_EQ(seen.size(), 27u);
}

TEST(Philox, UniformNumbersFillTheUnitInterval) {
    double sum = 0, sum_of_squares = 0;
    const int count = 100'000;
    for (int k = 0; k < count; ++k) {
        const double u = uniform(5, std::uint64_t(k), 0);
        ASSERT_GE(u, 0);
        ASSERT_LT(u, 1);
        sum += u;
        sum_of_squares += u * u;
    }
    // Five standard deviations of the mean of uniform numbers and of their squares.
    EXPECT_NEAR(sum / count, 1.0 / 2, 5 * 0.2887 / 316.2);
    EXPECT_NEAR(sum_of_squares / count, 1.0 / 3, 5 * 0.2981 / 316.2);
}

}  // namespace
}  // namespace meridian::quantum
