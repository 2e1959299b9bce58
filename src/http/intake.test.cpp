#include "http/intake.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/sim/world.h"

namespace meridian::http {
namespace {

using namespace std::chrono_literals;

class IntakeTest : public ::testing::Test {
protected:
    sim::World world{1};
    std::shared_ptr<Intake> intake;
    std::vector<int> begun, late, left;
    std::vector<std::unique_ptr<Intake::Place>> places;
    TaskGroup group{world.executor()};

    void limit(IntakeLimits limits) { intake = std::make_shared<Intake>(world.executor(), world.clock(), limits); }
    // `work`: how long the loop is held up by it once it has begun.
    Task<> arrive(int number, Duration work) {
        auto turn = Intake::Turn::come;
        if (!intake->begin(intake)) {
            places.push_back(std::make_unique<Intake::Place>());
            turn = co_await intake->wait(*places.back());
        }
        if (turn == Intake::Turn::come) world.work_for(work);
        (turn == Intake::Turn::come ? begun : turn == Intake::Turn::left ? left : late).push_back(number);
    }
    Task<> leaves(std::size_t place) {
        intake->leave(*places.at(place));
        co_return;
    }
    void arrive_all(int count, Duration work) {
        for (int i = 0; i < count; ++i) group.spawn("arrival", arrive(i, work));
        world.run(group.join());
    }
};

TEST_F(IntakeTest, InOrderWhileNobodyWaitsLong) {
    limit({.starts = 2, .fresh = 100ms, .patience = 1s});
    arrive_all(6, 1ms);
    EXPECT_EQ(begun, (std::vector{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(intake->waiting(), 0u);
}

TEST_F(IntakeTest, TheNewestFirstWhenTheLineIsLongAndTheOldestRefused) {
    limit({.starts = 1, .fresh = 100ms, .patience = 200ms});
    arrive_all(6, 60ms);
    // 0 has held the loop up for 60 ms when the others get in line. Their order counts for 100 ms; at 300 ms it is too late.
    EXPECT_EQ(begun, (std::vector{0, 1, 2, 5, 4}));
    EXPECT_EQ(late, (std::vector{3}));
}

TEST_F(IntakeTest, WhoLeavesIsToldSoAndTakesNobodysTurn) {
    limit({.starts = 1});
    for (int i = 0; i < 3; ++i) group.spawn("arrival", arrive(i, 1ms));
    group.spawn("client", leaves(0));
    world.run(group.join());
    EXPECT_EQ(left, (std::vector{1}));
    EXPECT_EQ(begun, (std::vector{0, 2}));
}

}  // namespace
}  // namespace meridian::http
