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
    for (const auto& name : contents_of(job)) EXPECT_THROW(house.life->content.get(key, name), Error) << name;
}

TEST(Sessions, OfOthersAreNotFound) {
    House house;
    const auto session = house.open();
    auto stranger = house.caller();
    stranger.reach = stranger.sight = identity::Reach::of({ProjectId::random(house.world.rng())});
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
    EXPECT_THAT(refusal(booked(house, 5h, 20min)), HasSubstr("2 bookings of an organization in a day"));
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

TEST(Bookings, ThatEndEarlyFreeTheRestOfTheirTime) {
    House house;
    house.start();
    const auto session = house.open(booked(house, 10min, 60min));
    house.world.run_for(11min);
    EXPECT_EQ(house.session(session).state, SessionState::running);
    house.world.run(house.quantum().terminate(house.caller(), session));
    const auto booking = house.world.run(house.quantum().booking(house.caller(), house.session(session).booking.value()));
    EXPECT_EQ(booking.state, BookingState::validated);
    EXPECT_LE(booking.finished_at, house.world.clock().now());
    EXPECT_EQ(house.session(house.open(booked(house, 5min, 20min))).state, SessionState::starting);
}

TEST(Bookings, AreHonouredByTheQueue) {
    House house;
    house.start();
    const auto free = house.open(), session = house.open(booked(house, 1min, 20min));
    const auto booked_job = house.submit(session, "run 3000"), second = house.submit(session, "run 3000");
    const auto before = house.submit(free, "run 20000");  // ends before the booking begins, at worst after 40 s
    house.world.run_for(30s);
    EXPECT_EQ(house.job(before).state, JobState::completed);
    EXPECT_EQ(house.job(booked_job).state, JobState::waiting) << "it waits for its time";
    EXPECT_EQ(house.quantum().board().find(booked_job)->expected_start,
              house.world.run(house.quantum().booking(house.caller(), house.session(session).booking.value())).started_at);
    const auto too_long = house.submit(free, "run 20000"), brief = house.submit(free, "run 400");
    house.world.run_for(10s);
    EXPECT_EQ(house.job(brief).state, JobState::completed);
    EXPECT_FALSE(house.quantum().board().find(too_long)->started_at) << "it might not have ended in time";
    house.world.run_for(30s);
    EXPECT_EQ(house.job(booked_job).state, JobState::completed);
    EXPECT_EQ(house.job(second).state, JobState::completed);
    EXPECT_FALSE(house.quantum().board().find(too_long)->started_at);
    const auto within = house.submit(free, "run 300");
    house.world.run_for(2s);
    EXPECT_EQ(house.job(within).state, JobState::completed) << "what is short runs within the booking";
    house.world.run(house.quantum().terminate(house.caller(), session));
    EXPECT_EQ(house.ended(too_long).state, JobState::completed) << "and all else after it";
    EXPECT_EQ(house.order, (std::vector{before, brief, booked_job, second, within, too_long}));
}

TEST(Bookings, AreReckonedWithWhenAJobsStartIsForetold) {
    House house;
    house.start();
    const auto free = house.open(), session = house.open(booked(house, 1min, 20min));
    const auto booking = house.world.run(house.quantum().booking(house.caller(), house.session(session).booking.value()));
    const auto first = house.submit(session, "run 300000"), second = house.submit(session, "run 60000");
    const auto too_long = house.submit(free, "run 40000"), after_it = house.submit(free, "run 50000");
    house.world.run_for(3s);
    const auto expected = [&](const JobId& id) { return house.quantum().board().find(id)->expected_start; };
    EXPECT_EQ(expected(first), booking.started_at);
    EXPECT_EQ(expected(second), booking.started_at + 300s);
    EXPECT_EQ(expected(too_long), booking.finished_at) << "it might not have ended in time";
    EXPECT_EQ(expected(after_it), booking.finished_at + 40s);
    const auto long_one = house.submit(session, "run 1200000"), brief = house.submit(session, "run 10");
    house.world.run_for(3s);
    EXPECT_EQ(expected(long_one), booking.started_at + 360s);
    EXPECT_EQ(house.job(brief).state, JobState::waiting);
    const auto last = house.submit(session, "run 60000");
    house.world.run_for(3s);
    EXPECT_EQ(expected(last), std::nullopt) << "the booking is over before its turn comes";
    house.world.run(house.quantum().terminate(house.caller(), session));
    house.world.run_for(5s);
    EXPECT_TRUE(house.quantum().board().find(too_long)->started_at) << "the time is free";
}

TEST(Bookings, ThatAreCancelledCancelTheJobsThatWaitForThem) {
    House house;
    house.start();
    const auto session = house.open(booked(house, 10min, 60min));
    const auto job = house.submit(session, "run 10");
    house.world.run_for(1s);
    house.world.run(house.quantum().terminate(house.caller(), session));
    EXPECT_EQ(house.ended(job).state, JobState::cancelled);
    EXPECT_EQ(house.session(session).state, SessionState::stopped);
    EXPECT_TRUE(house.receipts().empty());
}

TEST(Bookings, AreHonouredAfterARestart) {
    House house;
    house.start();
    const auto session = house.open(booked(house, 10min, 60min));
    const auto job = house.submit(session, "run 10");
    house.world.run_for(1s);
    house.crash(sim::SimDisk::Unsynced::kept);
    house.world.run_for(9min);
    EXPECT_EQ(house.job(job).state, JobState::waiting);
    house.world.run_for(2min);
    EXPECT_EQ(house.job(job).state, JobState::completed);
}

Process start(House& house, const std::string& input) {
    ProcessWish wish;
    wish.platform = house.quantum().platforms().front().id;
    wish.application = house.quantum().applications().front().id;
    wish.input = input;
    return house.world.run(house.quantum().create_process(house.caller(), std::move(wish)));
}

TEST(Processes, AreASessionWithOneJobThatEndTogetherAndAreReceipted) {
    House house;
    house.start();
    const auto process = start(house, "run 250");
    EXPECT_EQ(house.ended(process.job_id).state, JobState::completed);
    EXPECT_EQ(house.session(process.session).state, SessionState::stopped);
    ASSERT_EQ(house.receipts().size(), 1u);
    EXPECT_EQ(house.receipts()[0].id.str(), process.job_id.str());
    const auto refused = start(house, "refuse this input");
    EXPECT_EQ(house.ended(refused.job_id).progress_message, "this input");
    EXPECT_EQ(house.session(refused.session).state, SessionState::stopped);
}

TEST(Processes, TakeNoOtherJobsAndKeepTheirOwn) {
    House house;
    house.start();
    const auto process = start(house, "run 60000");
    JobWish wish;
    wish.session = process.session;
    wish.program = house.program("run 1");
    EXPECT_EQ(error_of(house.world, house.quantum().create_job(house.caller(), wish)).value().fault, Fault::conflict);
    house.world.run_for(1s);
    EXPECT_EQ(house.world.run(house.quantum().cancel_process(house.caller(), process.id)).job.state, JobState::cancelling);
    EXPECT_EQ(house.ended(process.job_id).state, JobState::cancelled);
    EXPECT_EQ(error_of(house.world, house.quantum().remove_job(house.caller(), process.job_id)).value().fault, Fault::conflict);
    EXPECT_EQ(house.world.run(house.quantum().processes(house.caller(), house.caller().project)).size(), 1u);
}

TEST(Processes, AreGoneWithAllTheyHadWhenTheyAreDeletedWhileTheyRun) {
    House house;
    house.start();
    const auto process = start(house, "run 60000");
    house.world.run_for(1s);
    house.world.run(house.quantum().remove_process(house.caller(), process.id));
    EXPECT_EQ(error_of(house.world, house.quantum().process(house.caller(), process.id)).value().fault, Fault::not_found);
    house.world.run_for(10s);
    EXPECT_EQ(error_of(house.world, house.quantum().job(house.caller(), process.job_id)).value().fault, Fault::not_found);
    const auto key = store::ContentHandle(house.caller().project, "fr-par-1");
    EXPECT_THROW(house.life->content.get(key, circuit_content(process.job_id)), Error);
}

TEST(Processes, OfOthersAreNotFound) {
    House house;
    const auto process = start(house, "run 10");
    auto stranger = house.caller();
    stranger.reach = stranger.sight = identity::Reach::of({ProjectId::random(house.world.rng())});
    auto& all = house.quantum();
    EXPECT_EQ(error_of(house.world, all.process(stranger, process.id)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, all.cancel_process(stranger, process.id)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, all.remove_process(stranger, process.id)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, all.change_process(stranger, process.id, {})).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, all.processes(stranger, house.caller().project)).value().fault, Fault::not_found);
    EXPECT_EQ(error_of(house.world, all.result(stranger, process.job_id)).value().fault, Fault::not_found);
}

TEST(Processes, GoOnAfterACrash) {
    House house;
    house.start();
    const auto process = start(house, "run 3000");
    house.world.run_for(1s);
    house.crash(sim::SimDisk::Unsynced::kept);
    EXPECT_EQ(house.ended(process.job_id).state, JobState::completed);
    EXPECT_EQ(house.session(process.session).state, SessionState::stopped);
    EXPECT_EQ(house.world.run(house.quantum().process(house.caller(), process.id)).job.state, JobState::completed);
}

}  // namespace
}  // namespace meridian::quantum::service
