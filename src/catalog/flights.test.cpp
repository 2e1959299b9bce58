#include "catalog/flights.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/sim/world.h"

namespace meridian::catalog {
namespace {

Sha256 digest_of(std::string_view text) { return sha256(text); }

// Joins under a name and writes down how it ended.
Task<> join(Flights& flights, std::string name, Flights::Work work, std::vector<std::string>& ends, std::vector<Progress>* told = nullptr) {
    const Sha256 digest = digest_of(name);
    Flights::Tell tell;
    if (told != nullptr) tell = [told](Progress p) { told->push_back(p); };
    try {
        co_await flights.join(digest, std::move(work), std::move(tell));
        ends.push_back("done");
    } catch (const Error& e) {
        ends.push_back(e.said);
    }
}

struct FlightsTest : testing::Test {
    sim::World world{11};
    TaskGroup tasks{world.executor()};
    Flights flights{world.pool(), world.clock()};
    std::vector<std::string> ends;
    int runs = 0;

    Flights::Work counting() {
        return [this](const Flights::Tell& tell, const std::atomic<bool>&) {
            ++runs;
            tell({Phase::fetching, 1, 2});
            tell({Phase::fetching, 2, 2});
        };
    }
};

TEST_F(FlightsTest, OneFetchServesAllWhoWaitForTheSameDigest) {
    std::vector<Progress> told;
    for (int i = 0; i < 5; ++i) tasks.spawn("join", join(flights, "a", counting(), ends, &told));
    world.run(tasks.join());
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(ends, std::vector<std::string>(5, "done"));
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().done, 2u);
}

TEST_F(FlightsTest, DifferentDigestsDoNotWaitForEachOther) {
    tasks.spawn("a", join(flights, "a", counting(), ends));
    tasks.spawn("b", join(flights, "b", counting(), ends));
    world.run(tasks.join());
    EXPECT_EQ(runs, 2);
}

TEST_F(FlightsTest, AFailureReachesAllAndTheNextTriesAgain) {
    const Flights::Work failing = [this](const Flights::Tell&, const std::atomic<bool>&) {
        ++runs;
        throw Error(Fault::unavailable, "no network");
    };
    for (int i = 0; i < 3; ++i) tasks.spawn("join", join(flights, "a", failing, ends));
    world.run(tasks.join());
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(ends, std::vector<std::string>(3, "no network"));
    world.run(join(flights, "a", counting(), ends));
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(ends.back(), "done");
}

TEST_F(FlightsTest, ABugInTheWorkIsNotTheCallersFault) {
    const Flights::Work broken = [](const Flights::Tell&, const std::atomic<bool>&) { throw std::runtime_error("inner words"); };
    world.run(join(flights, "a", broken, ends));
    EXPECT_EQ(ends, std::vector<std::string>{"Fetching the model failed."});
}

TEST_F(FlightsTest, AfterStopNothingNewBegins) {
    flights.stop();
    world.run(join(flights, "a", counting(), ends));
    EXPECT_EQ(runs, 0);
    ASSERT_EQ(ends.size(), 1u);
    EXPECT_NE(ends.front().find("stopping"), std::string::npos);
}

}  // namespace
}  // namespace meridian::catalog
