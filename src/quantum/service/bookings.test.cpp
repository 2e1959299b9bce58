// What bookings cost, in virtual time.
#include <gmock/gmock.h>

#include "metering/budget/service.h"
#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using test::error_of;
using test::House;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using metering::Kind;
using metering::Outcome;

// Twenty minutes at 3.60 an hour, from a minute on.
const Money whole = *Money::parse("1.2");

SessionId book(House& house) {
    SessionWish wish;
    wish.platform = house.quantum().platforms().back().id;
    const auto begin = house.world.clock().now() + 1min;
    wish.booking = BookingWish{begin, begin + 20min, "calibration", "UTC"};
    return house.open(wish);
}

Booking booking_of(House& house, const SessionId& session) {
    return house.world.run(house.quantum().booking(house.caller(), house.session(session).booking.value()));
}

std::vector<metering::Receipt> receipts_of(House& house, Kind kind) {
    auto all = house.receipts();
    std::erase_if(all, [kind](const metering::Receipt& receipt) { return receipt.start.kind != kind; });
    return all;
}

TEST(BookingCosts, AreQuotedBeforeAndReceiptedOnceAfterAndTheirJobsCostNothing) {
    House house;
    house.start();
    const auto session = book(house);
    auto booking = booking_of(house, session);
    EXPECT_EQ(booking.cost_max(), whole);
    EXPECT_EQ(booking.cost, std::nullopt);
    EXPECT_THAT(booking.progress_message, HasSubstr("1.2 EUR for its time at 3.6 EUR an hour"));
    const auto job = house.submit(session, "run 3000"), free = house.submit(house.open(), "run 100");
    house.world.run_for(30s);
    EXPECT_EQ(house.quantum().board().find(job)->quote->cost_max, Money());
    house.world.run_for(5min);
    EXPECT_EQ(house.job(job).state, JobState::completed);
    EXPECT_THAT(house.job(job).progress_message.value(), HasSubstr("Charged 0 EUR"));
    EXPECT_TRUE(receipts_of(house, Kind::quantum_booking).empty()) << "it is not over";
    house.world.run_for(16min);
    const auto receipts = receipts_of(house, Kind::quantum_booking);
    ASSERT_EQ(receipts.size(), 1u);
    EXPECT_EQ(receipts[0].cost, whole);
    EXPECT_EQ(receipts[0].usage.milliseconds, 1'200'000);
    EXPECT_EQ(receipts[0].start.model, "QPU-TEST");
    EXPECT_EQ(receipts[0].start.node, "node-1");
    EXPECT_EQ(receipts[0].outcome, Outcome::finished);
    booking = booking_of(house, session);
    EXPECT_EQ(receipts[0].id.str(), booking.id.str());
    EXPECT_EQ(booking.cost, whole);
    EXPECT_EQ(booking.progress_message, "Charged 1.2 EUR for 1200 s.");
    for (const auto& receipt : receipts_of(house, Kind::quantum_job))
        EXPECT_EQ(receipt.cost, receipt.id.str() == job.str() ? Money() : *Money::parse("0.0001")) << "others pay for what they compute";
    EXPECT_EQ(house.job(free).state, JobState::completed);
}

TEST(BookingCosts, AreNothingWhenItIsCancelledBeforeItBegins) {
    House house;
    house.start();
    const auto session = book(house);
    house.world.run_for(50s);
    house.world.run(house.quantum().terminate(house.caller(), session));
    house.world.run_for(30min);
    EXPECT_TRUE(house.receipts().empty());
    EXPECT_EQ(booking_of(house, session).cost, std::nullopt);
}

TEST(BookingCosts, AreOfTheTimeThatWasHad) {
    House house;
    house.start();
    const auto session = book(house);
    house.world.run_for(1min + 5min);
    house.world.run(house.quantum().terminate(house.caller(), session));
    house.world.run_for(1s);
    EXPECT_EQ(booking_of(house, session).cost, *Money::parse("0.3")) << "the rest is free again";
    // Of another, that begins late because we are not there.
    const auto second = book(house);
    house.end();
    house.world.run_for(1min + 15min);
    house.begin();
    house.start();
    house.world.run_for(10min);
    EXPECT_EQ(booking_of(house, second).cost, *Money::parse("0.3"));
    EXPECT_EQ(receipts_of(house, Kind::quantum_booking).size(), 2u);
}

TEST(BookingCosts, AreNothingWhereWeWereAwayForAllOfIt) {
    House house;
    house.start();
    const auto session = book(house);
    house.end();
    house.world.run_for(1h);
    house.begin();
    house.start();
    house.world.run_for(5s);
    EXPECT_EQ(booking_of(house, session).cost, Money());
    EXPECT_EQ(receipts_of(house, Kind::quantum_booking).size(), 1u);
}

TEST(BookingCosts, AreReceiptedAlsoWhereTheSessionIsDeleted) {
    House house;
    house.start();
    const auto session = book(house);
    house.world.run_for(1min + 10min);
    house.world.run(house.quantum().remove_session(house.caller(), session));
    house.world.run_for(5s);
    const auto receipts = receipts_of(house, Kind::quantum_booking);
    ASSERT_EQ(receipts.size(), 1u);
    EXPECT_EQ(receipts[0].cost, *Money::parse("0.6"));
    EXPECT_TRUE(house.world.run(house.quantum().bookings(house.caller(), house.caller().project)).empty());
}

TEST(BookingCosts, AreChargedOnceWhateverTheMomentOfACrash) {
    bool is_whole = false;
    for (std::size_t moment = 1; !is_whole; ++moment) {
        SCOPED_TRACE(moment);
        ASSERT_LT(moment, 500u);
        House house(moment);
        house.start();
        const auto session = book(house);
        const auto job = house.submit(session, "run 1000");
        house.world.run_for(10min);
        house.crash(sim::SimDisk::Unsynced::kept);  // in the middle of it
        house.world.run_for(11min - 2s);
        house.pool.jobs = 0;
        house.pool.how = sim::SimDisk::Unsynced::kept;
        house.pool.fail_at = moment;
        house.world.run_for(4s);
        is_whole = house.pool.jobs < moment;
        house.pool.fail_at.reset();
        house.crash(sim::SimDisk::Unsynced::kept);
        house.world.run_for(10s);
        Money paid;
        int finished = 0;
        for (const auto& receipt : receipts_of(house, Kind::quantum_booking)) {
            paid += receipt.cost;
            finished += receipt.outcome == Outcome::finished;
        }
        EXPECT_EQ(finished, 1);
        EXPECT_EQ(paid, whole);
        EXPECT_EQ(booking_of(house, session).cost, whole);
        EXPECT_EQ(house.job(job).state, JobState::completed);
    }
}

TEST(BookingCosts, AreChargedUnderAnotherRunWhereTheFirstWasInterrupted) {
    House house;
    house.start();
    const auto session = book(house);
    house.world.run_for(10min);
    house.crash(sim::SimDisk::Unsynced::kept);
    house.world.run_for(12min);
    const auto receipts = receipts_of(house, Kind::quantum_booking);
    ASSERT_EQ(receipts.size(), 2u);
    EXPECT_EQ(receipts[0].cost, whole);
    EXPECT_EQ(receipts[1].cost, Money());
    EXPECT_EQ(receipts[1].outcome, Outcome::interrupted);
    EXPECT_EQ(receipts[0].id, booking_of(house, session).run);
}

// A budget of the organization over the house's meter.
struct Limited {
    Limited(House& h, std::string_view limit)
        : house(h),
          identity(*h.life->store, h.world.clock(), h.world.rng()),
          budgets(*h.life->store, identity, *h.life->meter, h.world.clock(), h.world.rng(), h.life->sealing,
                  {.zone = "fr-par-1", .boot = "boot"}) {
        budgets.begin();
        tasks.spawn("budgets", budgets.run());
        metering::BudgetWish wish;
        wish.limit = *Money::parse(limit);
        budget = h.world.run(budgets.create(h.caller(), wish));
    }
    ~Limited() {
        tasks.cancel();
        house.world.run(tasks.join());
    }
    Money spent() { return budgets.state(budget.id)->spent; }
    House& house;
    identity::Identity identity;
    metering::Budgets budgets;
    TaskGroup tasks{house.world.executor()};
    metering::Budget budget;
};

TEST(BookingCosts, AreReservedWhenItBeginsAndChargedWithinTheBudget) {
    House house;
    house.start();
    Limited limited(house, "1.5");
    const auto session = book(house);
    house.world.run_for(21min + 5s);
    EXPECT_EQ(booking_of(house, session).cost, whole);
    EXPECT_EQ(limited.spent(), whole);
    const auto second = book(house);
    house.world.run_for(1min + 5s);
    EXPECT_EQ(house.session(second).state, SessionState::stopped) << "0.3 are left";
    EXPECT_THAT(house.session(second).progress_message.value(), HasSubstr("budget"));
    house.world.run_for(30min);
    EXPECT_EQ(limited.spent(), whole);
}

// An hour of a session costs 3.6: a slice is 0.9.
void charge_sessions(House& house) {
    house.end();
    house.price_list = {{.sku = "*", .unit = metering::Unit::session_hour, .rate = *Money::parse("3.6")}};
    house.begin();
    house.start();
}
SessionWish long_session() {
    SessionWish wish;
    wish.max_duration = wish.max_idle_duration = 10h;
    return wish;
}

TEST(SessionHoursCost, TheTimeUntilTheSessionEndsAndTheirJobsNothing) {
    House house;
    charge_sessions(house);
    const auto session = house.open(long_session());
    EXPECT_EQ(house.session(session).per_hour, *Money::parse("3.6"));
    const auto job = house.submit(session, "run 3000");
    EXPECT_EQ(house.ended(job).state, JobState::completed);
    EXPECT_THAT(house.job(job).progress_message.value(), HasSubstr("Charged 0 EUR"));
    house.world.run_for(1h - 5s);
    EXPECT_GE(receipts_of(house, Kind::quantum_session).size(), 3u);
    house.world.run(house.quantum().terminate(house.caller(), session));
    house.world.run_for(5s);
    Money paid;
    std::int64_t time = 0;
    for (const auto& receipt : receipts_of(house, Kind::quantum_session)) {
        paid += receipt.cost;
        time += receipt.usage.milliseconds;
        EXPECT_EQ(receipt.start.node, "node-1");
    }
    EXPECT_NEAR(static_cast<double>(time), 3'600'000, 5'000);
    EXPECT_EQ(paid, prorated(*Money::parse("3.6"), time, 3'600'000));
    const auto before = house.receipts().size();
    house.world.run_for(1h);
    EXPECT_EQ(house.receipts().size(), before);
}

TEST(SessionHoursCost, AreRefusedBeforeTheSessionIsOpenedAndEndItWithNotice) {
    House house;
    charge_sessions(house);
    Limited limited(house, "1");
    const auto session = house.open(long_session());
    const auto refused = error_of(house.world, [&] {
        auto wish = long_session();
        wish.platform = house.quantum().platforms().front().id;
        return house.quantum().create_session(house.caller(), std::move(wish));
    }());
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->fault, Fault::quota);
    house.world.run_for(14min + 30s);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    EXPECT_THAT(house.session(session).progress_message.value(), HasSubstr("Ends at"));
    house.world.run_for(40s);
    EXPECT_EQ(house.session(session).state, SessionState::stopped);
    EXPECT_THAT(house.session(session).progress_message.value(), HasSubstr("budget"));
    EXPECT_EQ(limited.spent(), *Money::parse("0.9"));
}

TEST(SessionHoursCost, GoOnAfterACrash) {
    House house;
    charge_sessions(house);
    const auto session = house.open(long_session());
    house.world.run_for(5min);
    house.crash(sim::SimDisk::Unsynced::kept);
    house.world.run_for(15min + 2s);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    const auto all = receipts_of(house, Kind::quantum_session);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].outcome, Outcome::interrupted);
    EXPECT_EQ(all[1].cost, Money());
    EXPECT_EQ(all[0].cost, *Money::parse("0.9"));
}

}  // namespace
}  // namespace meridian::quantum::service
