// What the hours of deployments cost, through the real reconciler, meter and budgets, in virtual time.
#include "inference/hours.h"

#include <gmock/gmock.h>

#include "inference/house.test.h"
#include "metering/budget/service.h"
#include "metering/testing.h"

namespace meridian::inference {
namespace {

using metering::Kind;
using metering::Outcome;
using metering::Receipt;
using test::House;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

Money eur(std::string_view text) { return Money::parse(text).value(); }

// A deployment's second costs a tenth of a cent: a slice is 0.9.
class DeploymentHours : public ::testing::Test {
protected:
    void SetUp() override { begin(); }
    void TearDown() override { finish(); }

    // What a Meridian adds to the house to charge for its hours.
    struct Charging {
        Charging(House& house, const keys::SigningKey& signing)
            : identity(*house.life->store, house.world.clock(), house.world.rng()),
              meter(opened(house, signing)),
              budgets(*house.life->store, identity, *meter, house.world.clock(), house.world.rng(), house.life->sealing,
                      {.zone = "fr-par-1", .boot = "boot"}),
              prices(*house.life->store, house.world.clock(), house.world.rng(), house.node.zone,
                     {{.sku = "*", .unit = metering::Unit::node_second, .rate = eur("3.6"), .per = 3600}}),
              hours(*meter, prices, house.world.clock()) {}
        static std::unique_ptr<metering::Meter> opened(House& house, const keys::SigningKey& signing) {
            auto meter = metering::Meter::open(house.world.disk(), house.world.clock(), house.world.rng(), house.world.pool(), signing,
                                               {house.node.zone, {}}, {.directory = "/data/ledger"});
            if (!meter) throw std::runtime_error(meter.error().said);
            return std::move(*meter);
        }
        identity::Identity identity;
        std::unique_ptr<metering::Meter> meter;
        metering::Budgets budgets;
        metering::Prices prices;
        Hours hours;
    };

    void begin() {
        charging.emplace(house, signing);
        charging->prices.load();
        charging->budgets.begin();
        house.life->reconciler->charge_by(charging->hours);
        tasks.emplace(house.world.executor());
        tasks->spawn("budgets", charging->budgets.run());
        house.reconcile();
    }
    void finish() {
        if (house.life) house.end();
        tasks->cancel();
        house.world.run(tasks->join());
        charging.reset();
    }
    metering::Budget budget(std::string_view limit) {
        metering::BudgetWish wish;
        wish.limit = eur(limit);
        return house.world.run(charging->budgets.create(house.life->caller, wish));
    }
    std::vector<Receipt> receipts() { return metering::testing::receipts_of(*charging->meter, house.life->caller.organization); }
    Money paid() { return metering::testing::cost_of(receipts()); }
    bool is_by_the_hour() { return house.life->serving.current()->by_model.at("talk").front()->is_by_the_hour; }

    House house;
    keys::SigningKey signing = keys::SigningKey::generate(house.world.rng());
    std::optional<Charging> charging;
    std::optional<TaskGroup> tasks;
};

TEST_F(DeploymentHours, AreChargedWhileReplicasAreReadyAndPayForTheTokens) {
    house.driver.boot_time = 270s;
    const auto made = house.create("ours", 2);
    house.world.run_for(4min);
    EXPECT_TRUE(receipts().empty());
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready)) << "in the fifth minute";
    EXPECT_TRUE(is_by_the_hour());
    house.world.run_for(1h);
    house.remove(made.id);
    house.world.run_for(1min);
    const auto all = receipts();
    ASSERT_FALSE(all.empty());
    std::int64_t time = 0;
    for (const auto& each : all) {
        EXPECT_EQ(each.start.kind, Kind::deployment_hour);
        EXPECT_EQ(each.start.deployment, made.id);
        EXPECT_EQ(each.start.model, "talk");
        EXPECT_EQ(each.start.node, "debian");
        EXPECT_EQ(each.start.price.per_hour, eur("3.6"));
        time += each.usage.milliseconds;
    }
    // It is seen within a look that they are ready, and that they shall end.
    EXPECT_NEAR(static_cast<double>(time), 2 * 3'600'000.0, 2 * 10'000.0);
    EXPECT_EQ(paid(), prorated(eur("3.6"), time, 3'600'000));
}

TEST_F(DeploymentHours, AreRefusedBeforeAReplicaIsBegunWhereNoBudgetHoldsThem) {
    const auto limit = budget("0.5");
    const auto made = house.create("ours");
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::locked));
    EXPECT_THAT(house.get(made.id).error_message.value(), HasSubstr("budget"));
    EXPECT_TRUE(house.driver.launches.empty());
    house.world.run(charging->budgets.change(house.life->caller, limit.id, {.limit = eur("5")}));
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready)) << "it goes on by itself";
    EXPECT_EQ(house.get(made.id).error_message, std::nullopt);
}

TEST_F(DeploymentHours, AreAsManyReplicasAsTheBudgetHolds) {
    budget("1");
    const auto made = house.create("ours", 3);
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready));
    EXPECT_EQ(house.replicas().size(), 1u);
    EXPECT_THAT(house.get(made.id).error_message.value(), HasSubstr("1 of 3 replicas run."));
}

TEST_F(DeploymentHours, EndWithNoticeWhereTheMoneyEnds) {
    const auto limit = budget("2");
    const auto made = house.create("ours");
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready));
    house.world.run_for(28min);
    EXPECT_EQ(house.get(made.id).error_message, std::nullopt);
    house.world.run_for(90s);
    EXPECT_EQ(house.get(made.id).state, DeploymentState::ready);
    EXPECT_THAT(house.get(made.id).error_message.value(), HasSubstr("A replica ends at"));
    EXPECT_EQ(house.backends("talk").size(), 1u) << "it answers until then";
    house.world.run_for(2min);
    EXPECT_EQ(house.get(made.id).state, DeploymentState::locked);
    EXPECT_TRUE(house.driver.running.empty());
    EXPECT_LE(paid(), eur("1.8"));
    EXPECT_GT(paid(), eur("1.75"));
    EXPECT_LE(charging->budgets.state(limit.id)->spent, eur("2"));
}

TEST_F(DeploymentHours, GoOnAfterACrashWhichCostsNothing) {
    const auto made = house.create("ours");
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready));
    house.world.run_for(20min);
    const auto before = paid();
    EXPECT_GT(before, eur("0.85"));
    // Killed: whoever is dead settles nothing.
    house.world.disk().crash(sim::SimDisk::Unsynced::kept);
    Hours nobodys(*charging->meter, charging->prices, house.world.clock());
    house.life->reconciler->charge_by(nobodys);
    tasks->cancel();
    house.world.run(tasks->join());
    house.end();
    charging.reset();
    house.begin();
    begin();
    house.world.run_for(10s);
    EXPECT_EQ(house.get(made.id).state, DeploymentState::ready);
    EXPECT_EQ(paid(), before);
    EXPECT_TRUE(is_by_the_hour());
    house.world.run_for(15min);
    EXPECT_EQ(paid(), before + eur("0.9"));
}

}  // namespace
}  // namespace meridian::inference
