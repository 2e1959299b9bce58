#include "quantum/service/energy.h"

#include <gtest/gtest.h>

#include "quantum/service/computer.h"

namespace meridian::quantum::service {
namespace {

using namespace std::chrono_literals;

struct Watch {
    Steady now{};
    std::optional<std::uint64_t> microjoules = 0;
    EnergyMeter meter{[this] { return microjoules; }};
};

TEST(Energy, OfARunIsWhatTheCounterWentOn) {
    Watch w;
    *w.microjoules = 5'000;
    auto run = w.meter.begin(2, w.now);
    *w.microjoules = 12'000;
    EXPECT_EQ(w.meter.end(std::move(run), w.now), Millijoules(7));
}

TEST(Energy, IsSharedByThreadsWhileSeveralRun) {
    Watch w;
    auto large = w.meter.begin(3, w.now);
    *w.microjoules += 1'000;  // alone
    auto small = w.meter.begin(1, w.now);
    *w.microjoules += 8'000;
    w.meter.look(w.now + 1h);
    *w.microjoules += 4'000;
    EXPECT_EQ(w.meter.end(std::move(small), w.now), Millijoules(3));
    *w.microjoules += 2'000;  // alone again
    EXPECT_EQ(w.meter.end(std::move(large), w.now), Millijoules(1 + 9 + 2));
}

TEST(Energy, OfARunThatFailedIsNobodyElses) {
    Watch w;
    {
        const auto failed = w.meter.begin(1, w.now);
        *w.microjoules += 9'000;
    }
    auto run = w.meter.begin(1, w.now);
    *w.microjoules += 2'000;
    EXPECT_EQ(w.meter.end(std::move(run), w.now), Millijoules(2));
}

TEST(Energy, IsUnknownWithoutACounterAndWhenItFails) {
    EnergyMeter none({});
    EXPECT_EQ(none.end(none.begin(1, {}), {}), std::nullopt);
    Watch w;
    auto run = w.meter.begin(1, w.now);
    w.microjoules.reset();
    w.meter.look(w.now + 1h);
    w.microjoules = 50'000;
    EXPECT_EQ(w.meter.end(std::move(run), w.now), std::nullopt);
    auto next = w.meter.begin(1, w.now);
    w.microjoules = 53'000;
    EXPECT_EQ(w.meter.end(std::move(next), w.now), Millijoules(3));
}

TEST(Energy, OnAReceiptIsMeasuredWhereItWasAndElseDeclaredWattsBySeconds) {
    Quote quote;
    quote.seconds = 2;
    quote.seconds_max = 3;
    EXPECT_FALSE(usage_of(quote, {.result = "", .took = 1s}).energy);
    quote.energy = Millijoules(200'000);
    const auto declared = usage_of(quote, {.result = "", .took = 1s});
    EXPECT_EQ(declared.energy, Millijoules(100'000));
    EXPECT_EQ(declared.energy_basis, metering::EnergyBasis::declared_watts);
    const auto counted = usage_of(quote, {.result = "", .took = 1s, .energy = Millijoules(7)});
    EXPECT_EQ(counted.energy, Millijoules(7));
    EXPECT_EQ(counted.energy_basis, metering::EnergyBasis::counter);
}

}  // namespace
}  // namespace meridian::quantum::service
