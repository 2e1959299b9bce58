#include "base/money.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <limits>

#include "base/error.h"

namespace meridian {
namespace {

using namespace std::chrono_literals;
constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();

TEST(Money, RateTimesDurationRoundsOnceAndHalfToEven) {
    struct Row {
        const char* says;
        std::int64_t nanos_per_hour;
        std::chrono::seconds used;
        std::int64_t nanos;
    };
    const Row rows[] = {
        {"a half nano goes to the even side", 1'800, 1s, 0},
        {"and so does the next one", 5'400, 1s, 2},
        {"a little more than a half goes up", 1'801, 1s, 1},
        {"a little less goes down", 1'799, 1s, 0},
        {"ninety minutes of a 2.73 card", 2'730'000'000, 90min, 4'095'000'000},
        {"a credit rounds like a debit", -1'800, 1s, 0},
        {"also on the next half", -5'400, 1s, -2},
        {"and beyond the half", -1'801, 1s, -1},
        {"a century of the dearest machine fits", 9'000'000'000, 876'000h, 7'884'000'000'000'000},
        {"nothing costs nothing", 2'730'000'000, 0s, 0},
    };
    for (const auto& row : rows)
        EXPECT_EQ(prorated(Money::nanos(row.nanos_per_hour), row.used.count(), 3600), Money::nanos(row.nanos)) << row.says;
}

TEST(Money, ProrationIsTheNearestInteger) {
    rc::check("no integer is nearer, and of two that are as near it is the even one", [] {
        const auto rate = *rc::gen::arbitrary<std::int32_t>();
        const auto quantity = *rc::gen::arbitrary<std::int32_t>();
        const auto per = *rc::gen::inRange<std::int64_t>(1, 10'000);
        const auto result = prorated(Money::nanos(rate), quantity, per).count();
        const auto off = static_cast<__int128>(rate) * quantity - static_cast<__int128>(result) * per;
        const auto twice = off < 0 ? -2 * off : 2 * off;
        RC_ASSERT(twice <= per);
        if (twice == per) RC_ASSERT(result % 2 == 0);
    });
}

TEST(Money, WhatDoesNotFitIsOurMistakeAndNotAWrongAmount) {
    EXPECT_THROW(Money::nanos(highest) + Money::nanos(1), Error);
    EXPECT_THROW(Money::nanos(lowest) - Money::nanos(1), Error);
    EXPECT_THROW(prorated(Money::nanos(highest), 2, 1), Error);
    EXPECT_EQ(prorated(Money::nanos(highest), highest, highest), Money::nanos(highest));
    EXPECT_EQ(prorated(Money::nanos(lowest), highest, highest), Money::nanos(lowest));
}

TEST(Money, ReadsDecimals) {
    struct Row {
        const char* text;
        std::optional<std::int64_t> nanos;
    };
    const Row rows[] = {
        {"0.25", 250'000'000},
        {"-3", -3'000'000'000},
        {"0", 0},
        {"-0.000000001", -1},
        {"9223372036.854775807", highest},
        {"-9223372036.854775808", lowest},
        {"9223372036.854775808", std::nullopt},
        {"0.1234567891", std::nullopt},
        {"", std::nullopt},
        {"-", std::nullopt},
        {".5", std::nullopt},
        {"5.", std::nullopt},
        {"+1", std::nullopt},
        {"1e3", std::nullopt},
        {" 1", std::nullopt},
        {"1,5", std::nullopt},
        {"007", std::nullopt},
        {"--1", std::nullopt},
        {"1.-5", std::nullopt},
        {"nan", std::nullopt},
    };
    for (const auto& row : rows) {
        const auto read = Money::parse(row.text);
        EXPECT_EQ(read ? std::optional(read->count()) : std::nullopt, row.nanos) << row.text;
    }
}

TEST(Money, WritesWhatItReads) {
    EXPECT_EQ(Money::nanos(250'000'000).str(), "0.25");
    EXPECT_EQ(Money::nanos(lowest).str(), "-9223372036.854775808");
    EXPECT_EQ(Money::nanos(3'000'000'000).str(), "3");
    rc::check("parse after str is identity",
              [](std::int64_t nanos) { RC_ASSERT(Money::parse(Money::nanos(nanos).str()) == Money::nanos(nanos)); });
}

}  // namespace
}  // namespace meridian
