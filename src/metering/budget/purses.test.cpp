#include "metering/budget/purses.h"

#include <gtest/gtest.h>

#include <map>

#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

Money eur(std::string_view text) { return Money::parse(text).value(); }
Timestamp at(std::string_view text) { return parse_rfc3339(text).value(); }

// Budgets over books that are a list.
struct Desk {
    Budget add(Money limit, Period period = Period::month, ScopeKind scope = ScopeKind::project, std::string time_zone = "Etc/UTC") {
        Budget made;
        made.id = BudgetId(Uuid{{static_cast<std::uint8_t>(budgets.size() + 1)}});
        made.organization = testing::organization;
        made.name = "budget " + std::to_string(budgets.size());
        made.scope = scope;
        made.scope_id = scope == ScopeKind::project ? testing::project.str() : testing::organization.str();
        made.limit = limit;
        made.period = period;
        made.time_zone = std::move(time_zone);
        budgets.push_back(made);
        purses.know(budgets);
        return made;
    }
    void lend(const Budget& budget, Money granted, Money unaccounted = {}) {
        const auto from = window_of(budget.period, TimeZone::find(budget.time_zone).value(), now).from;
        purses.lend({budget.id, from, granted, unaccounted, now + 10min});
    }
    void settle(Purses::Reservation& reservation, Money cost, Timestamp started) {
        purses.release(reservation);
        receipts.emplace_back(started, cost);
        purses.spent(run, started, cost);
    }
    Purses::Reservation take(Money amount) {
        auto answer = purses.reserve(run, amount, now);
        EXPECT_TRUE(std::holds_alternative<Purses::Reservation>(answer));
        return std::get<Purses::Reservation>(std::move(answer));
    }

    std::vector<Budget> budgets;
    std::vector<std::pair<Timestamp, Money>> receipts;
    Timestamp now = at("2026-11-25T12:00:00Z");
    RunStart run = testing::chat();
    Purses purses{[this](const Scope&, const Span& window) {
        Money sum;
        for (const auto& [time, cost] : receipts)
            if (window.contains(time)) sum += cost;
        return sum;
    }};
};

TEST(Purses, LetInWhatFitsTheLease) {
    Desk desk;
    const auto budget = desk.add(eur("10"));
    const auto first = desk.purses.reserve(desk.run, eur("1"), desk.now);
    ASSERT_TRUE(std::holds_alternative<Purses::Wanting>(first));
    EXPECT_EQ(std::get<Purses::Wanting>(first).more, eur("1"));
    desk.lend(budget, eur("3"));
    auto reservation = desk.take(eur("2"));
    EXPECT_TRUE(reservation.is_bounded());
    const auto second = desk.purses.reserve(desk.run, eur("1.5"), desk.now);
    ASSERT_TRUE(std::holds_alternative<Purses::Wanting>(second));
    EXPECT_EQ(std::get<Purses::Wanting>(second).more, eur("0.5"));
    desk.settle(reservation, eur("0.3"), desk.now);
    const auto state = desk.purses.state(budget.id, desk.now).value();
    EXPECT_EQ(state.spent, eur("0.3"));
    EXPECT_EQ(state.reserved, Money());
}

TEST(Purses, RefuseTheLastNano) {
    Desk desk;
    const auto budget = desk.add(eur("1"));
    desk.lend(budget, eur("1"));
    auto all = desk.take(eur("1"));
    auto answer = desk.purses.reserve(desk.run, Money::nanos(1), desk.now);
    ASSERT_TRUE(std::holds_alternative<Purses::Refusal>(answer));
    EXPECT_EQ(std::get<Purses::Refusal>(answer).used, eur("1"));
    EXPECT_EQ(std::get<Purses::Refusal>(answer).until, at("2026-12-01T00:00:00Z"));
    EXPECT_TRUE(std::holds_alternative<Purses::Reservation>(desk.purses.reserve(desk.run, Money(), desk.now)));
    desk.settle(all, eur("0.999999999"), desk.now);
    desk.take(Money::nanos(1));
}

TEST(Purses, CountWhatAPowerCutMayHaveLost) {
    Desk desk;
    const auto budget = desk.add(eur("1"));
    desk.lend(budget, eur("0.5"), eur("0.4"));
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.reserve(desk.run, eur("0.7"), desk.now)));
    desk.take(eur("0.5"));
}

TEST(Purses, BeginAnewWithTheWindow) {
    Desk desk;
    const auto budget = desk.add(eur("1"), Period::day, ScopeKind::project, "Europe/Paris");
    desk.lend(budget, eur("1"));
    auto late = desk.take(eur("1"));
    const auto started = desk.now;
    desk.now = at("2026-11-25T23:00:00Z");  // midnight in Paris
    desk.lend(budget, eur("1"));
    auto fresh = desk.take(eur("1"));
    desk.settle(late, eur("1"), started);  // counts in the day in which it began
    EXPECT_EQ(desk.purses.state(budget.id, desk.now)->spent, Money());
    desk.settle(fresh, eur("0.25"), desk.now);
    EXPECT_EQ(desk.purses.state(budget.id, desk.now)->spent, eur("0.25"));
    // A clock that was set back is in a window that is used up.
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.reserve(desk.run, Money::nanos(1), started)));
}

TEST(Purses, AreSpentByEveryBudgetThatARunFallsUnder) {
    Desk desk;
    const auto wide = desk.add(eur("10"), Period::total, ScopeKind::organization), narrow = desk.add(eur("1"));
    desk.lend(wide, eur("10"));
    desk.lend(narrow, eur("1"));
    auto reservation = desk.take(eur("1"));
    EXPECT_EQ(desk.purses.state(wide.id, desk.now)->reserved, eur("1"));
    auto answer = desk.purses.reserve(desk.run, eur("0.5"), desk.now);
    ASSERT_TRUE(std::holds_alternative<Purses::Refusal>(answer));
    EXPECT_EQ(std::get<Purses::Refusal>(answer).budget.id, narrow.id);
    EXPECT_EQ(desk.purses.state(wide.id, desk.now)->reserved, eur("1"));  // what is refused holds nothing
    desk.settle(reservation, eur("0.75"), desk.now);
    EXPECT_EQ(desk.purses.state(wide.id, desk.now)->spent, eur("0.75"));
    EXPECT_EQ(desk.purses.state(narrow.id, desk.now)->spent, eur("0.75"));
    auto stranger = desk.run;
    stranger.organization = *OrganizationId::parse("99999999-1111-4111-8111-111111111111");
    EXPECT_FALSE(std::get<Purses::Reservation>(desk.purses.reserve(stranger, eur("100"), desk.now)).is_bounded());
}

TEST(Purses, OfSoftAndDisabledBudgetsRefuseNobodyButCount) {
    Desk desk;
    auto budget = desk.add(eur("1"));
    desk.budgets[0].is_hard = false;
    desk.purses.know(desk.budgets);
    auto reservation = desk.take(eur("5"));
    EXPECT_FALSE(reservation.is_bounded());
    desk.settle(reservation, eur("5"), desk.now);
    EXPECT_EQ(desk.purses.take_touched(), std::vector{budget.id});
    EXPECT_TRUE(desk.purses.take_touched().empty());
    desk.budgets[0].is_hard = true;
    desk.budgets[0].enabled = false;
    desk.purses.know(desk.budgets);
    auto other = desk.take(eur("1"));
    desk.settle(other, eur("1"), desk.now);
    desk.budgets[0].enabled = true;
    desk.purses.know(desk.budgets);
    EXPECT_EQ(desk.purses.state(budget.id, desk.now)->spent, eur("6"));
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.reserve(desk.run, Money::nanos(1), desk.now)));
}

TEST(Purses, LimitASingleRun) {
    Desk desk;
    desk.add(eur("0.5"), Period::run);
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.reserve(desk.run, eur("0.500000001"), desk.now)));
    auto reservation = desk.take(eur("0.3"));
    EXPECT_TRUE(std::holds_alternative<std::monostate>(desk.purses.extend(reservation, eur("0.2"), desk.now)));
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.extend(reservation, Money::nanos(1), desk.now)));
    EXPECT_EQ(reservation.amount(), eur("0.5"));
}

TEST(Purses, WantARenewalWhenALeaseHasExpired) {
    Desk desk;
    const auto budget = desk.add(eur("1"));
    desk.lend(budget, eur("1"));
    desk.now += 10min;
    const auto answer = desk.purses.reserve(desk.run, eur("0.1"), desk.now);
    ASSERT_TRUE(std::holds_alternative<Purses::Wanting>(answer));
    EXPECT_EQ(std::get<Purses::Wanting>(answer).more, Money());
}

TEST(Purses, GiveBackAllButWhatIsInUse) {
    Desk desk;
    const auto budget = desk.add(eur("10"));
    desk.lend(budget, eur("8"));
    auto first = desk.take(eur("2"));
    desk.settle(first, eur("1"), desk.now);
    auto second = desk.take(eur("3"));
    const auto from = at("2026-11-01T00:00:00Z");
    EXPECT_EQ(desk.purses.give_back(budget.id, from, eur("1"))->granted, eur("5"));
    EXPECT_EQ(desk.purses.give_back(budget.id, from, eur("9"))->granted, eur("5"));  // it lends nothing
    desk.purses.release(second);
    EXPECT_EQ(desk.purses.give_back(budget.id, from, Money())->granted, eur("1"));
    EXPECT_FALSE(desk.purses.give_back(budget.id, at("2025-11-01T00:00:00Z"), Money()));
}

TEST(Purses, HaveALimitThatWasLowered) {
    Desk desk;
    const auto budget = desk.add(eur("10"));
    desk.lend(budget, eur("10"));
    auto reservation = desk.take(eur("6"));
    desk.budgets[0].limit = eur("5");
    desk.purses.know(desk.budgets);
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.reserve(desk.run, Money::nanos(1), desk.now)));
    EXPECT_TRUE(std::holds_alternative<Purses::Refusal>(desk.purses.extend(reservation, Money::nanos(1), desk.now)));
    desk.settle(reservation, eur("6"), desk.now);
    EXPECT_EQ(desk.purses.state(budget.id, desk.now)->spent, eur("6"));
}

TEST(Purses, OutliveTheirBudget) {
    Desk desk;
    const auto budget = desk.add(eur("10"));
    desk.lend(budget, eur("10"));
    auto reservation = desk.take(eur("6"));
    desk.purses.know({});
    desk.settle(reservation, eur("6"), desk.now);
    EXPECT_FALSE(desk.purses.state(budget.id, desk.now));
    EXPECT_FALSE(desk.take(eur("100")).is_bounded());
}

}  // namespace
}  // namespace meridian::metering
