#include "identity/failures.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace meridian::identity {
namespace {

using std::chrono::seconds;

TEST(Failures, AnAddressThatFailsTooOftenWaitsUntilTheMinuteIsOver) {
    Failures failures;
    Timestamp now{seconds(1'000'000)};
    for (std::uint32_t i = 0; i < failures_max; ++i) EXPECT_EQ(failures.count("192.0.2.7:1000", now), Duration());
    EXPECT_EQ(failures.count("192.0.2.7:2000", now + seconds(20)), seconds(40)) << "another port, the same address";
    EXPECT_EQ(failures.count("192.0.2.8:1000", now), Duration());
    EXPECT_EQ(failures.count("192.0.2.7:1000", now + seconds(60)), Duration());
    EXPECT_THROW(
        {
            for (std::uint32_t i = 0; i <= failures_max; ++i) count_failure(failures, "192.0.2.9:1", now);
        },
        Error);
}

TEST(Failures, WhoHasANetworkOfIPv6HasOneCount) {
    Failures failures;
    const Timestamp now{seconds(1'000'000)};
    for (std::uint32_t i = 0; i < failures_max; ++i) failures.count("[2001:db8:1:2::1]:1", now);
    EXPECT_GT(failures.count("[2001:db8:1:2:ffff::9]:1", now), Duration());
    EXPECT_EQ(failures.count("[2001:db8:1:3::1]:1", now), Duration());
}

TEST(Failures, AClockThatIsPutBackLocksNobodyOut) {
    Failures failures;
    const Timestamp now{seconds(1'000'000)};
    for (std::uint32_t i = 0; i <= failures_max; ++i) failures.count("192.0.2.7:1", now);
    EXPECT_EQ(failures.count("192.0.2.7:1", now - seconds(300)), Duration());
}

TEST(Failures, OnlySoManyAddressesAreRemembered) {
    Failures failures;
    const Timestamp now{seconds(1'000'000)};
    for (std::uint32_t i = 0; i <= failures_max; ++i) failures.count("192.0.2.7:1", now);
    for (std::size_t i = 0; i < failing_addresses_max; ++i)
        failures.count("10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256) + ":1", now);
    EXPECT_EQ(failures.count("192.0.2.7:1", now), Duration());
}

}  // namespace
}  // namespace meridian::identity
