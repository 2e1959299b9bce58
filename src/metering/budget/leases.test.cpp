// Budgets over a real ledger and a real database: what is lent, what comes back, and what restarts make of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metering/budget/house.test.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;
using testing::Bench;
using ::testing::HasSubstr;
using testing::House;
using namespace std::chrono_literals;

Money eur(std::string_view text) { return Money::parse(text).value(); }

struct BudgetsTest : ::testing::Test {
    void start(const std::string& boot = "one") { house.emplace(bench, boot); }
    // What a kill leaves, or a power cut.
    void crash(SimDisk::Unsynced what) {
        bench.world.disk().crash(what);
        house.reset();
    }
    std::optional<Error> refusal(RunStart run) {
        try {
            house->begin(std::move(run));
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    }
    void SetUp() override { start(); }

    Bench bench{5};
    std::optional<House> house;
};

TEST_F(BudgetsTest, LendAsItIsNeededAndRefuseTheRest) {
    const auto budget = house->budget({.name = "team", .scope = ScopeKind::project, .limit = eur("1")});
    EXPECT_EQ(house->state(budget).granted, Money());
    auto hold = house->begin(house->start(eur("0.5")));
    EXPECT_EQ(house->state(budget).granted, eur("0.5"));
    house->settle(std::move(hold), 400'000'000);
    EXPECT_EQ(house->state(budget).spent, eur("0.4"));
    const auto no = refusal(house->start(eur("0.600000001")));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->fault, Fault::quota);
    EXPECT_EQ(no->code, "insufficient_quota");
    EXPECT_THAT(no->said, HasSubstr("monthly budget 'team' of 1 EUR there are 0.6 EUR left"));
    house->settle(house->begin(house->start(eur("0.6"))), 600'000'000);
    EXPECT_EQ(house->state(budget).spent, eur("1"));
    EXPECT_FALSE(refusal(house->start(Money())));
    EXPECT_TRUE(refusal(house->start(Money::nanos(1))));
}

TEST_F(BudgetsTest, ChargeNoMoreThanWasReserved) {
    house->budget({.scope = ScopeKind::project, .limit = eur("1")});
    auto run = house->start(Money());
    run.ceiling.reset();
    run.first_slice = eur("0.3");
    auto hold = house->begin(run);
    EXPECT_TRUE(hold.is_bounded());
    EXPECT_FALSE(bench.world.run(house->meter().extend(hold, eur("0.2"))));
    EXPECT_TRUE(bench.world.run(house->meter().extend(hold, eur("0.500000001"))));
    const auto receipt = house->settle(std::move(hold), 700'000'000);
    EXPECT_EQ(receipt.cost, eur("0.5"));
    EXPECT_THAT(receipt.leaf, HasSubstr(R"("unit":"over_ceiling","quantity":1,"amount":"-0.2")"));
}

TEST_F(BudgetsTest, KeepTheirLeasesOverAKill) {
    const auto budget = house->budget({.limit = eur("1")});
    house->settle(house->begin(house->start(eur("0.5"))), 100'000'000);
    auto open = std::make_unique<Hold>(house->begin(house->start(eur("0.3"))));
    bench.world.disk().crash(SimDisk::Unsynced::kept);
    open.reset();
    house.reset();
    start();
    EXPECT_EQ(house->state(budget).spent, eur("0.1"));  // the open one is interrupted and cost nothing
    EXPECT_EQ(house->state(budget).unaccounted, Money());
    EXPECT_EQ(house->state(budget).reserved, Money());
    EXPECT_FALSE(refusal(house->start(eur("0.9"))));
}

TEST_F(BudgetsTest, CountWhatAPowerCutLostAsSpentAndOnNoBill) {
    const auto budget = house->budget({.limit = eur("1")});
    house->settle(house->begin(house->start(eur("0.5"))), 100'000'000);
    house->running->durable();
    house->settle(house->begin(house->start(eur("0.4"))), 400'000'000);  // nobody waited for this one
    crash(SimDisk::Unsynced::lost);
    start("two");
    const auto state = house->state(budget);
    EXPECT_EQ(state.spent, eur("0.1"));
    EXPECT_EQ(state.unaccounted, eur("0.4"));  // of the 0.5 that were lent
    EXPECT_EQ(house->meter().sums(house->first.project).cost, eur("0.1"));
    EXPECT_TRUE(refusal(house->start(eur("0.500000001"))));
    EXPECT_FALSE(refusal(house->start(eur("0.5"))));
}

TEST_F(BudgetsTest, LoseNothingWhenTheyWereStopped) {
    const auto budget = house->budget({.limit = eur("1")});
    house->settle(house->begin(house->start(eur("0.5"))), 100'000'000);
    house->stop();
    crash(SimDisk::Unsynced::lost);
    start("two");
    EXPECT_EQ(house->state(budget).spent, eur("0.1"));
    EXPECT_EQ(house->state(budget).unaccounted, Money());
}

TEST_F(BudgetsTest, GiveBackWhatIsNotInUse) {
    const auto budget = house->budget({.limit = eur("64")});
    house->settle(house->begin(house->start(eur("30"))), 1'000'000'000);
    bench.world.run_for(2s);
    EXPECT_EQ(house->state(budget).granted, eur("2"));  // spent, and a piece of the limit
    bench.world.run_for(11min);
    EXPECT_EQ(house->state(budget).granted, eur("1"));
    house->settle(house->begin(house->start(eur("1"))), 0);
    EXPECT_EQ(house->state(budget).granted, eur("2"));
}

TEST_F(BudgetsTest, RenewLeasesThatAreInUse) {
    const auto budget = house->budget({.limit = eur("64")});
    auto hold = house->begin(house->start(eur("5")));
    bench.world.run_for(30min);
    EXPECT_GT(*house->state(budget).lease_expires_at, bench.world.clock().now());
    EXPECT_FALSE(bench.world.run(house->meter().extend(hold, eur("1"))));
}

TEST_F(BudgetsTest, SpendWhatTheyHoldWithoutALinkAndThenRefuse) {
    house->budget({.limit = eur("64")});
    house->settle(house->begin(house->start(eur("0.5"))), 0);  // one euro was lent
    house->meter().borrow_from(nullptr);
    EXPECT_FALSE(refusal(house->start(eur("1"))));
    const auto no = refusal(house->start(eur("1.5")));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->fault, Fault::unavailable);
    bench.world.work_for(11min);  // the lease ends
    EXPECT_TRUE(refusal(house->start(eur("0.1"))));
}

TEST_F(BudgetsTest, AlertOnceForEachShare) {
    const auto budget = house->budget({.limit = eur("1"), .hard = false, .alerts = {50, 100, 200}});
    const auto raised = [&] {
        bench.world.run_for(2s);
        std::vector<std::uint32_t> percents;
        for (const auto& alert : bench.world.run(house->budgets->alerts(house->owner(), budget.id))) percents.push_back(alert.percent);
        return percents;
    };
    house->settle(house->begin(house->start(eur("1"))), 499'999'999);
    EXPECT_THAT(raised(), ::testing::ElementsAre());
    house->settle(house->begin(house->start(eur("1"))), 1);
    EXPECT_THAT(raised(), ::testing::ElementsAre(50));
    house->settle(house->begin(house->start(eur("2"))), 2'000'000'000);
    EXPECT_THAT(raised(), ::testing::ElementsAre(200, 100, 50));
    house->settle(house->begin(house->start(eur("2"))), 2'000'000'000);
    EXPECT_THAT(raised(), ::testing::ElementsAre(200, 100, 50));
    bench.world.jump_wall_clock(24h * 31);
    house->settle(house->begin(house->start(eur("2"))), 500'000'000);
    EXPECT_THAT(raised(), ::testing::ElementsAre(50, 200, 100, 50));
}

TEST_F(BudgetsTest, AreChangedWhileRunsAreUnderWay) {
    const auto budget = house->budget({.limit = eur("1")});
    auto hold = house->begin(house->start(eur("0.8")));
    bench.world.run(house->budgets->change(house->owner(), budget.id, {.limit = eur("0.5")}));
    EXPECT_TRUE(refusal(house->start(Money::nanos(1))));
    EXPECT_TRUE(bench.world.run(house->meter().extend(hold, Money::nanos(1))));
    house->settle(std::move(hold), 800'000'000);
    bench.world.run(house->budgets->change(house->owner(), budget.id, {.limit = eur("2")}));
    EXPECT_FALSE(refusal(house->start(eur("1.2"))));
    EXPECT_TRUE(refusal(house->start(eur("1.200000001"))));
    bench.world.run(house->budgets->remove(house->owner(), budget.id));
    EXPECT_FALSE(refusal(house->start(eur("100"))));
}

TEST_F(BudgetsTest, OfOthersAreNotFound) {
    const auto budget = house->budget({.limit = eur("1")});
    auto stranger = house->owner();
    stranger.organization = OrganizationId::random(bench.world.rng());
    auto guest = house->owner();
    guest.reach = guest.sight = identity::Reach::of({guest.project});
    for (const auto& caller : {stranger, guest}) {
        try {
            bench.world.run(house->budgets->find(caller, budget.id));
            ADD_FAILURE() << "it was found";
        } catch (const Error& e) {
            EXPECT_EQ(e.fault, Fault::not_found);
        }
        EXPECT_TRUE(bench.world.run(house->budgets->list(caller)).empty());
    }
}

TEST_F(BudgetsTest, ThatMakeNoSenseAreRefused) {
    const std::pair<BudgetWish, std::string> rows[] = {
        {{.limit = eur("-1")}, "limit"},
        {{.limit = eur("1"), .time_zone = "Mars/Olympus"}, "time_zone"},
        {{.limit = eur("1"), .webhook_url = "gopher://x"}, "webhook_url"},
        {{.limit = eur("1"), .period = Period::run, .alerts = {50}}, "alerts"},
        {{.scope = ScopeKind::project, .scope_id = "11111111-1111-4111-8111-111111111111", .limit = eur("1")}, ""},
        {{.scope = ScopeKind::api_key, .scope_id = "SCWNOSUCHKEY", .limit = eur("1")}, ""},
        {{.scope = ScopeKind::user, .scope_id = "nobody", .limit = eur("1")}, ""},
        {{.scope = ScopeKind::organization, .scope_id = "11111111-1111-4111-8111-111111111111", .limit = eur("1")}, ""},
    };
    for (const auto& [wish, field] : rows) {
        try {
            house->budget(wish);
            ADD_FAILURE() << wish.scope_id << " was taken";
        } catch (const Error& e) {
            EXPECT_EQ(e.fault, field.empty() ? Fault::not_found : Fault::invalid) << e.said;
            if (!field.empty()) {
                EXPECT_EQ(e.fields.at(0).name, field);
            }
        }
    }
}

}  // namespace
}  // namespace meridian::metering
