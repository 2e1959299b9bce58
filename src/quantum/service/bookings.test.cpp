// What bookings cost, in virtual time.
#include <gmock/gmock.h>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

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

// The process may die after the run was opened and before it was settled.
TEST(BookingCosts, AreChargedUnderAnotherRunWhereTheFirstWasInterrupted) {
    House house;
    house.start();
    const auto session = book(house);
    const auto booking = booking_of(house, session);
    house.world.run_for(10min);
    auto hold = house.life->meter->hold({.kind = Kind::quantum_booking,
                                         .id = *booking.run,
                                         .organization = booking.organization,
                                         .project = booking.project,
                                         .principal = booking.principal,
                                         .model = "QPU-TEST",
                                         .model_digest = {},
                                         .deployment = {},
                                         .node = "node-1",
                                         .price = {.per_hour = booking.per_hour}});
    house.life->meter->settle(std::move(hold), {}, Outcome::interrupted);
    house.world.run_for(12min);
    const auto receipts = receipts_of(house, Kind::quantum_booking);
    ASSERT_EQ(receipts.size(), 2u);
    EXPECT_EQ(receipts[0].cost, whole);
    EXPECT_EQ(receipts[1].cost, Money());
    EXPECT_EQ(receipts[0].id, booking_of(house, session).run);
}

}  // namespace
}  // namespace meridian::quantum::service
