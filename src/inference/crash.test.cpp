// Power cuts and kills at any moment: what was acknowledged is ready afterwards, with exactly as many replicas as were wished.
#include <gtest/gtest.h>

#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using sim::SimDisk;
using test::House;
using namespace std::chrono_literals;
using enum DeploymentState;

void expect_settled(House& house, const DeploymentId& id, std::uint32_t size) {
    house.world.run_for(1s);
    const auto d = house.get(id);
    EXPECT_EQ(d.state, ready);
    EXPECT_EQ(d.size, size);
    EXPECT_EQ(house.replicas().size(), size);
    EXPECT_EQ(house.driver.running.size(), size);
    EXPECT_EQ(house.backends("talk").size(), size);
    for (const auto& row : house.replicas()) EXPECT_TRUE(house.driver.running.contains(row.id));
}

// A life in which everything happens; the power may fail before any job.
void live(House& house, std::optional<DeploymentId>& acknowledged, std::uint32_t& size) {
    try {
        acknowledged = house.create("d", 2).id;
        size = 2;
        house.world.run_for(1s);
        house.change(*acknowledged, {.name = {}, .tags = {}, .min_size = 3, .max_size = 3, .model = {}});
        size = 3;
        house.world.run_for(1s);
        house.change(*acknowledged, {.name = {}, .tags = {}, .min_size = 1, .max_size = 1, .model = {}});
        size = 1;
        house.world.run_for(1s);
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::unavailable) << e.said << e.logged;
    }
}

// The wish that was being written when the power failed may be there or not.
void expect_converges(House& house, const std::optional<DeploymentId>& acknowledged, std::uint32_t size) {
    house.reconcile();
    house.world.run_for(20s);
    const auto all = house.list();
    if (!acknowledged) {
        ASSERT_LE(all.size(), 1u);
        if (all.empty()) return;
    } else {
        ASSERT_EQ(all.size(), 1u);
        ASSERT_EQ(all.front().id, *acknowledged);
    }
    const auto wished = all.front().min_size;
    const std::uint32_t next = size == 0 ? 2 : size == 2 ? 3 : 1;
    EXPECT_TRUE(wished == size || wished == next) << wished << " after " << size;
    expect_settled(house, all.front().id, wished);
}

class PowerCuts : public ::testing::TestWithParam<SimDisk::Unsynced> {};

TEST_P(PowerCuts, AtAnyMomentAreRecoveredFrom) {
    bool came_to_its_end = false;
    for (std::size_t moment = 1; !came_to_its_end; ++moment) {
        ASSERT_LT(moment, 200u) << "a life of about forty jobs does not end";
        SCOPED_TRACE(moment);
        House house;
        house.reconcile();
        house.world.run_for(1s);
        house.pool.jobs = 0;
        house.pool.how = GetParam();
        house.pool.fail_at = moment;
        std::optional<DeploymentId> acknowledged;
        std::uint32_t size = 0;
        live(house, acknowledged, size);
        came_to_its_end = house.pool.jobs < moment;
        house.pool.fail_at.reset();
        house.lose_power(GetParam());
        ASSERT_NO_FATAL_FAILURE(expect_converges(house, acknowledged, size));
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, PowerCuts,
                         ::testing::Values(SimDisk::Unsynced::lost, SimDisk::Unsynced::kept, SimDisk::Unsynced::torn));

TEST(Kills, LeaveReplicasThatTheNextLifeClaims) {
    House house;
    house.reconcile();
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, ready));
    const auto before = house.driver.running;
    house.kill();
    house.reconcile();
    house.world.run_for(10ms);
    EXPECT_EQ(house.backends("talk").size(), 2u) << "served at once";
    expect_settled(house, made.id, 2);
    EXPECT_EQ(house.driver.launches.size(), 2u) << "nothing was started again";
    for (const auto& [id, _] : before) EXPECT_TRUE(house.driver.running.contains(id));
}

TEST(Kills, InTheMiddleOfAStartOrAnEndAreRecoveredFrom) {
    for (const auto after : {0ms, 50ms, 150ms, 250ms, 1000ms}) {
        SCOPED_TRACE(after.count());
        House house;
        house.driver.start_time = 60ms;
        house.driver.stop_time = 60ms;
        house.reconcile();
        const auto made = house.create("d", 2);
        house.world.run_for(after);
        house.kill();
        house.reconcile();
        ASSERT_TRUE(house.becomes(made.id, ready));
        expect_settled(house, made.id, 2);
        house.remove(made.id);
        house.world.run_for(after);
        house.kill();
        house.reconcile();
        house.world.run_for(10s);
        EXPECT_TRUE(house.list().empty());
        EXPECT_TRUE(house.replicas().empty());
        EXPECT_TRUE(house.driver.running.empty());
    }
}

}  // namespace
}  // namespace meridian::inference
