// What lasts pays for its time slice by slice, in virtual time.
#include "metering/slices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metering/budget/house.test.h"

namespace meridian::metering {
namespace {

using testing::Bench;
using ::testing::HasSubstr;
using testing::House;
using namespace std::chrono_literals;

const auto hourly = *Money::parse("3.6");  // a tenth of a cent a second

struct Lasting {
    Lasting() : house(bench, "boot"), slices(house.meter(), bench.world.clock()), id(Uuid::random(bench.world.rng())) {}
    RunStart start() {
        auto made = house.start({});
        made.kind = Kind::deployment_hour;
        made.ceiling.reset();
        made.price = {.per_hour = hourly};
        return made;
    }
    std::optional<Error> open() { return bench.world.run(slices.open(id, {start()})); }
    Slices::Look look() {
        return bench.world.run(slices.look(id, [this](Duration) { return std::optional(Slices::Slice{start()}); }));
    }
    // Looks as often as it is told to, for so long; the last look.
    Slices::Look last(Duration time) {
        auto seen = look();
        const auto end = bench.world.clock().steady() + time;
        while (!seen.is_over && bench.world.clock().steady() < end) {
            bench.world.run_for(std::min(seen.due, Duration(end - bench.world.clock().steady())));
            seen = look();
        }
        return seen;
    }
    std::vector<Receipt> receipts() { return testing::receipts_of(house.meter(), house.first.organization); }
    Money paid() { return testing::cost_of(receipts()); }

    Bench bench;
    House house;
    Slices slices;
    Uuid id;
};

BudgetWish hard_limit(const char* limit) {
    BudgetWish wish;
    wish.limit = *Money::parse(limit);
    return wish;
}

TEST(SlicesOfTime, CostTogetherWhatTheHoursCost) {
    Lasting lasting;
    ASSERT_FALSE(lasting.open());
    lasting.slices.count(lasting.id);
    EXPECT_FALSE(lasting.last(2h).is_over);
    EXPECT_EQ(lasting.receipts().size(), 8u);
    EXPECT_EQ(lasting.paid(), hourly + hourly);
    lasting.bench.world.run_for(100s + 900ms);
    lasting.slices.close(lasting.id);
    EXPECT_FALSE(lasting.slices.is_open(lasting.id));
    const auto all = lasting.receipts();
    ASSERT_EQ(all.size(), 9u) << "what was not held yet leaves nothing";
    EXPECT_EQ(all.back().usage.milliseconds, 100'000) << "whole seconds";
    EXPECT_EQ(all.back().cost, *Money::parse("0.1"));
    EXPECT_EQ(all.back().outcome, Outcome::finished);
}

TEST(SlicesOfTime, CostNothingBeforeTheyAreCounted) {
    Lasting lasting;
    ASSERT_FALSE(lasting.open());
    lasting.last(10min);
    lasting.slices.count(lasting.id);
    lasting.last(5min);
    EXPECT_EQ(lasting.paid(), *Money::parse("0.3"));
    lasting.slices.close_all();
    EXPECT_EQ(lasting.receipts().size(), 2u);
}

TEST(SlicesOfTime, TellBeforeTheMoneyEndsAndEndWithTheSliceThatWasPaid) {
    Lasting lasting;
    const auto budget = lasting.house.budget(hard_limit("1.0"));  // one slice is 0.9
    ASSERT_FALSE(lasting.open());
    lasting.slices.count(lasting.id);
    const auto soon = lasting.last(14min + 30s);
    EXPECT_FALSE(soon.is_over);
    ASSERT_TRUE(soon.why);
    EXPECT_THAT(*soon.why, HasSubstr("budget"));
    EXPECT_EQ(soon.left, 30s);
    const auto end = lasting.last(1min);
    EXPECT_TRUE(end.is_over);
    EXPECT_TRUE(end.why);
    EXPECT_EQ(lasting.paid(), *Money::parse("0.9"));
    EXPECT_EQ(lasting.house.state(budget).spent, *Money::parse("0.9"));
    EXPECT_TRUE(lasting.open()) << "nor does another one begin";
}

TEST(SlicesOfTime, GoOnWhereTheBudgetGrowsInTime) {
    Lasting lasting;
    const auto budget = lasting.house.budget(hard_limit("1.0"));
    ASSERT_FALSE(lasting.open());
    lasting.slices.count(lasting.id);
    EXPECT_TRUE(lasting.last(14min + 30s).why);
    lasting.bench.world.run(lasting.house.budgets->change(lasting.house.owner(), budget.id, {.limit = *Money::parse("2")}));
    const auto seen = lasting.last(1min);
    EXPECT_FALSE(seen.is_over);
    EXPECT_FALSE(seen.why);
}

TEST(SlicesOfTime, ChargeNoTimeThatNobodyHeldTheMoneyFor) {
    Lasting lasting;
    ASSERT_FALSE(lasting.open());
    lasting.slices.count(lasting.id);
    lasting.bench.world.run_for(3h);  // nobody looked
    EXPECT_FALSE(lasting.look().is_over);
    EXPECT_EQ(lasting.paid(), *Money::parse("0.9"));
    lasting.bench.world.run_for(10s);
    lasting.slices.close(lasting.id);
    EXPECT_EQ(lasting.paid(), *Money::parse("0.91"));
}

// A thousand things of random prices that last as long as they were quoted for, or end before. Nothing commits: months pass.
TEST(SlicesOfTime, CostNoMoreThanTheHoursThatWereQuoted) {
    Bench bench;
    const auto meter = Meter::open(bench.world.disk(), bench.world.clock(), bench.world.rng(), bench.world.pool(), bench.key,
                                   {*geography::Zone::parse("fr-par-1"), {}}, {.directory = testing::directory});
    ASSERT_TRUE(meter) << meter.error().said;
    Slices slices(**meter, bench.world.clock());
    auto& rng = bench.world.rng();
    const auto paid = [&] { return (*meter)->sums(testing::project).cost; };
    for (int i = 0; i < 1000; ++i) {
        SCOPED_TRACE(i);
        const bool is_whole = i % 2 == 0;
        const auto hours = std::chrono::hours(1 + rng.next() % 3);
        auto start = testing::chat();
        start.kind = Kind::deployment_hour;
        start.price = {.per_hour = Money::nanos(4000 + static_cast<std::int64_t>(rng.next() % 40'000'000'000) * (is_whole ? 4 : 1))};
        const auto quote = prorated(start.price.per_hour, hours.count(), 1);
        const auto before = paid();
        const auto id = Uuid::random(rng);
        ASSERT_FALSE(bench.world.run(slices.open(id, {start})));
        slices.count(id);
        auto left = is_whole ? Duration(hours) : Duration(std::chrono::milliseconds(rng.next() % 3'600'000)) + hours - 1h;
        while (left > Duration::zero()) {
            const auto step = std::min(left, Duration(30s));
            bench.world.run_for(step);
            left -= step;
            bench.world.run(slices.look(id, [&](Duration) { return std::optional(Slices::Slice{start}); }));
        }
        slices.close(id);
        if (is_whole)
            EXPECT_EQ(paid() - before, quote);
        else
            EXPECT_LE(paid() - before, quote);
    }
}

TEST(SlicesOfTime, CloseThoseThatNobodyKeeps) {
    Lasting lasting;
    ASSERT_FALSE(lasting.open());
    lasting.slices.keep({});
    EXPECT_TRUE(lasting.slices.is_open(lasting.id)) << "its row may be on its way";
    lasting.slices.count(lasting.id);
    lasting.slices.keep({lasting.id});
    EXPECT_TRUE(lasting.slices.is_open(lasting.id));
    lasting.slices.keep({});
    EXPECT_FALSE(lasting.slices.is_open(lasting.id));
}

}  // namespace
}  // namespace meridian::metering
