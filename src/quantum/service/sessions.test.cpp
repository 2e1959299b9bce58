// Sessions, their ends, and bookings, in virtual time.
#include <gmock/gmock.h>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using test::error_of;
using test::House;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(Sessions, WithOneDeduplicationIdAreOneUntilTheyEnd) {
    House house;
    house.start();
    SessionWish wish;
    wish.deduplication_id = "brave-owl";
    const auto first = house.open(wish);
    EXPECT_EQ(house.open(wish), first);
    house.world.run(house.quantum().terminate(house.caller(), first));
    EXPECT_NE(house.open(wish), first);
    EXPECT_NE(house.open(), house.open()) << "without one, every call opens another";
}

TEST(Sessions, CancelTheirJobsWhenTheyAreTerminatedAndKeepResults) {
    House house;
    house.start();
    const auto session = house.open();
    const auto done = house.submit(session, "run 10");
    house.ended(done);
    const auto running = house.submit(session, "run 60000"), waiting = house.submit(session, "run 60000");
    house.world.run_for(1s);
    EXPECT_EQ(house.world.run(house.quantum().terminate(house.caller(), session)).state, SessionState::stopping);
    EXPECT_EQ(house.ended(running).state, JobState::cancelled);
    EXPECT_EQ(house.ended(waiting).state, JobState::cancelled);
    const auto stopped = house.session(session);
    EXPECT_EQ(stopped.state, SessionState::stopped);
    EXPECT_TRUE(stopped.terminated_at);
    EXPECT_EQ(house.world.run(house.quantum().result(house.caller(), done)), "result of run 10");
    JobWish late;
    late.session = session;
    late.program = house.program("run 1");
    const auto refused = error_of(house.world, house.quantum().create_job(house.caller(), late));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->fault, Fault::conflict);
    EXPECT_THAT(refused->said, HasSubstr("has ended"));
}

TEST(Sessions, EndWhenTheirTimeIsOver) {
    House house;
    house.start();
    SessionWish wish;
    wish.max_duration = 60s;
    const auto session = house.open(wish);
    const auto job = house.submit(session, "run 3600000");
    house.world.run_for(59s);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    house.world.run_for(2s);
    EXPECT_EQ(house.session(session).state, SessionState::stopped);
    EXPECT_EQ(house.session(session).progress_message, "its max_duration is over");
    EXPECT_EQ(house.job(job).state, JobState::cancelled);
}

TEST(Sessions, EndWhenTheyAreIdleAndNotWhileAJobRuns) {
    House house;
    house.start();
    SessionWish wish;
    wish.max_idle_duration = 30s;
    const auto session = house.open(wish);
    const auto job = house.submit(session, "run 50000");
    house.world.run_for(45s);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    EXPECT_EQ(house.ended(job).state, JobState::completed);
    house.world.run_for(25s);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    house.world.run_for(15s);
    EXPECT_EQ(house.session(session).state, SessionState::stopped);
    EXPECT_THAT(house.session(session).progress_message.value(), HasSubstr("idle"));
}

TEST(Sessions, AreGoneWithAllTheyHadWhenTheyAreDeleted) {
    House house;
    house.start();
    const auto session = house.open();
    const auto job = house.submit(session, "run 10");
    const auto program = house.ended(job).program.value();
    house.submit(session, "run 60000");
    house.world.run_for(1s);
    house.world.run(house.quantum().remove_session(house.caller(), session));
    EXPECT_EQ(error_of(house.world, house.quantum().session(house.caller(), session)).value().fault, Fault::not_found);
    house.world.run_for(10s);
    EXPECT_EQ(error_of(house.world, house.quantum().job(house.caller(), job)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, house.quantum().program(house.caller(), program)).value().fault, Fault::not_found);
    const auto key = store::ContentHandle(house.caller().project, "fr-par-1");
    EXPECT_THROW(house.life->content.get(key, program_content(program)), Error);
    EXPECT_THROW(house.life->content.get(key, result_content(job)), Error);
}

TEST(Sessions, OfOthersAreNotFound) {
    House house;
    const auto session = house.open();
    auto stranger = house.caller();
    stranger.only_project = ProjectId::random(house.world.rng());
    EXPECT_EQ(error_of(house.world, house.quantum().session(stranger, session)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, house.quantum().terminate(stranger, session)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, house.quantum().sessions(stranger, house.caller().project)).value().fault, Fault::not_found);
}

SessionWish booked(House& house, Duration in, Duration length) {
    SessionWish wish;
    wish.platform = house.quantum().platforms().back().id;
    const auto begin = house.world.clock().now() + std::chrono::duration_cast<Timestamp::duration>(in);
    wish.booking = BookingWish{begin, begin + std::chrono::duration_cast<Timestamp::duration>(length), "calibration", "UTC"};
    return wish;
}

TEST(Bookings, HoldASessionUntilTheirTimeAndEndItAfterwards) {
    House house;
    house.start();
    const auto session = house.open(booked(house, 1h, 20min));
    EXPECT_EQ(house.session(session).state, SessionState::starting);
    const auto id = house.session(session).booking.value();
    EXPECT_EQ(house.world.run(house.quantum().booking(house.caller(), id)).description, "calibration");
    house.world.run_for(1h + 1s);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    house.world.run_for(20min);
    EXPECT_EQ(house.session(session).state, SessionState::stopped);
}

TEST(Bookings, NeverOverlapAndKeepToThePlatformsRule) {
    House house;
    house.open(booked(house, 1h, 20min));
    const auto refusal = [&](SessionWish wish) {
        const auto error = error_of(house.world, house.quantum().create_session(house.caller(), std::move(wish)));
        return error ? error->said : "nothing";
    };
    EXPECT_THAT(refusal(booked(house, 1h + 10min, 20min)), HasSubstr("is booked from"));
    EXPECT_THAT(refusal(booked(house, 3h, 5min)), HasSubstr("takes 10 to 120 minutes"));
    EXPECT_THAT(refusal(booked(house, -1h, 20min)), HasSubstr("begins in the future"));
    EXPECT_EQ(refusal(booked(house, 3h, 20min)), "nothing");
    EXPECT_THAT(refusal(booked(house, 5h, 20min)), HasSubstr("2 bookings of a project in a day"));
    auto elsewhere = booked(house, 9h, 20min);
    elsewhere.platform = house.quantum().platforms().front().id;
    EXPECT_THAT(refusal(elsewhere), HasSubstr("is not booked ahead"));
}

TEST(Bookings, AreOverWithTheirSession) {
    House house;
    house.start();
    const auto session = house.open(booked(house, 1h, 20min));
    const auto id = house.session(session).booking.value();
    house.world.run(house.quantum().terminate(house.caller(), session));
    EXPECT_EQ(house.world.run(house.quantum().booking(house.caller(), id)).state, BookingState::cancelled);
    EXPECT_EQ(house.session(house.open(booked(house, 1h, 20min))).state, SessionState::starting) << "the time is free again";
}

}  // namespace
}  // namespace meridian::quantum::service
