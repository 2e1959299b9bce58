// Nine of ten runs fall within what was promised, whatever the runs do. Time is the numbers themselves.
#include "metering/quote/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/rng.h"

namespace meridian::metering {
namespace {

constexpr int runs = 2000;

// Uniform in (0, 1).
double unit(Rng& rng) { return (static_cast<double>(rng.next() >> 11) + 0.5) / 9007199254740992.0; }
double normal(Rng& rng) { return std::sqrt(-2 * std::log(unit(rng))) * std::cos(6.283185307179586 * unit(rng)); }

// The share of runs within their interval, when each is judged `late` runs after its promise.
double coverage(const std::function<double(Rng&, int)>& seconds, std::uint64_t seed, std::size_t late = 0) {
    SeededRng rng(seed);
    Interval interval;
    int within = 0;
    std::deque<std::pair<Seconds, double>> under_way;
    for (int i = 0; i < runs; ++i) {
        const auto promised = interval.predict({.certain = 1}, 0.1);
        const double took = seconds(rng, i);
        within += took >= promised.low && took <= promised.high ? 1 : 0;
        under_way.emplace_back(promised, took);
        while (under_way.size() > late) {
            interval.judge(under_way.front().first, under_way.front().second);
            interval.add({.certain = 1}, under_way.front().second, true);
            under_way.pop_front();
        }
    }
    return static_cast<double>(within) / runs;
}

TEST(Intervals, HoldNineOfTenRunsOfAnyDistribution) {
    struct Row {
        std::string_view says;
        std::function<double(Rng&, int)> seconds;
    };
    const Row rows[] = {
        {"narrow", [](Rng& rng, int) { return 0.5 * std::exp(0.05 * normal(rng)); }},
        {"heavy-tailed", [](Rng& rng, int) { return 0.05 / std::pow(unit(rng), 1 / 1.1); }},
        {"bimodal", [](Rng& rng, int) { return (unit(rng) < 0.5 ? 0.02 : 2.0) * std::exp(0.1 * normal(rng)); }},
        {"rarely slow", [](Rng& rng, int) { return (unit(rng) < 0.04 ? 5.0 : 0.1) * std::exp(0.1 * normal(rng)); }},
        {"ever slower", [](Rng& rng, int i) { return 0.05 * std::exp(0.003 * i + 0.2 * normal(rng)); }},
        {"ever quicker", [](Rng& rng, int i) { return 50 * std::exp(-0.003 * i + 0.2 * normal(rng)); }},
        {"slower at once, twice", [](Rng& rng, int i) { return std::pow(4, i / 700) * 0.1 * std::exp(0.2 * normal(rng)); }},
        {"like tides", [](Rng& rng, int i) { return std::exp(std::sin(i / 60.0) + 0.2 * normal(rng)); }},
    };
    for (const auto& row : rows) {
        for (const std::uint64_t seed : {1, 2, 3}) {
            const double share = coverage(row.seconds, seed);
            EXPECT_GE(share, 0.85) << row.says << ", seed " << seed;
            EXPECT_LE(share, 0.95) << row.says << ", seed " << seed;
            RecordProperty(std::string(row.says) + std::to_string(seed), std::to_string(share));
        }
    }
}

TEST(Intervals, HoldWhenRunsAreJudgedLate) {
    const auto seconds = [](Rng& rng, int i) { return std::exp(0.001 * i + 0.3 * normal(rng)); };
    const double share = coverage(seconds, 4, 20);
    EXPECT_GE(share, 0.85);
    EXPECT_LE(share, 0.95);
}

// Answers end where the model likes, or at the bound; the work decides, not the bound.
TEST(Intervals, KnowAnswersThatEndEarlyFromThoseThatWereCutOff) {
    Interval interval;
    for (int i = 0; i < 100; ++i) interval.add({.certain = 10, .open = 30}, 0.4, false);
    EXPECT_NEAR(interval.predict({.certain = 10, .open = 1000}, 1).expected, 0.4, 0.01);
    EXPECT_NEAR(interval.predict({.certain = 10, .open = 10}, 1).expected, 0.2, 0.01);
    Interval cut_off;
    for (int i = 0; i < 100; ++i) cut_off.add({.certain = 10, .open = 30}, 0.4, true);
    EXPECT_NEAR(cut_off.predict({.certain = 10, .open = 990}, 1).expected, 10, 0.1);
}

TEST(Intervals, BeginWithAGuessThatSaysSo) {
    const auto first = Interval().predict({.certain = 2, .open = 8}, 0.05);
    EXPECT_EQ(first.runs, 0u);
    EXPECT_DOUBLE_EQ(first.expected, 0.5);
    EXPECT_LT(first.low, first.expected);
    EXPECT_GT(first.high, first.expected);
}

TEST(Intervals, RememberSoManyKeysAndRuns) {
    Intervals all;
    for (std::size_t i = 0; i < limits::interval_keys + 50; ++i) {
        all.add("first", {.certain = 1}, 3, true);
        all.add(std::to_string(i), {.certain = 1}, 1, true);
    }
    EXPECT_EQ(all.size(), limits::interval_keys);
    EXPECT_EQ(all.predict("first", {.certain = 1}, 1).runs, limits::interval_runs) << "what is used stays";
    EXPECT_EQ(all.predict("0", {.certain = 1}, 1).runs, 0u) << "what was used least lately went";
}

}  // namespace
}  // namespace meridian::metering
