// Jobs from their row to their receipt, in virtual time.
#include "quantum/service/reconcile.h"

#include <gmock/gmock.h>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using test::error_of;
using test::House;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace std::string_literals;
using metering::Outcome;

TEST(Jobs, RunAreChargedOnceAndKeepTheirResult) {
    House house;
    house.start();
    const auto session = house.open();
    const auto id = house.submit(session, "run 250");
    const auto done = house.ended(id);
    EXPECT_EQ(done.state, JobState::completed);
    EXPECT_THAT(done.progress_message.value(), HasSubstr("Charged 0.00025 EUR"));
    EXPECT_EQ(house.world.run(house.quantum().result(house.caller(), id)), "result of run 250");
    const auto receipts = house.receipts();
    ASSERT_EQ(receipts.size(), 1u);
    EXPECT_EQ(receipts[0].id.str(), id.str()) << "the receipt is found by the job's id";
    EXPECT_EQ(receipts[0].start.kind, metering::Kind::quantum_job);
    EXPECT_EQ(receipts[0].start.model, "EMU-AER-2C-24M");
    EXPECT_EQ(receipts[0].start.node, "node-1");
    EXPECT_EQ(receipts[0].usage.milliseconds, 250);
    EXPECT_EQ(receipts[0].usage.shots, 10);
    EXPECT_EQ(receipts[0].usage.circuits, 1);
    EXPECT_EQ(house.session(session).finished_jobs, 1u);
}

TEST(Jobs, HaveReceiptsThatCommitToWhatWentInAndCameOut) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "run 10");
    EXPECT_EQ(error_of(house.world, house.quantum().commitment_key(house.caller(), id)).value().fault, Fault::not_found);
    house.ended(id);
    const auto key = house.world.run(house.quantum().commitment_key(house.caller(), id));
    const auto receipt = house.receipts().at(0);
    EXPECT_EQ(receipt.commitments.input, hmac_sha256(key, "meridian/input/v1\0run 10\0"s));
    EXPECT_EQ(receipt.commitments.output, hmac_sha256(key, "meridian/output/v1\0result of run 10"s));
    house.world.run(house.quantum().remove_job(house.caller(), id));
    const store::ContentHandle of(house.caller().project, "fr-par-1");
    EXPECT_THROW(house.life->content.get(of, key_content(id)), Error) << "with the key goes what a receipt betrays";
}

TEST(Jobs, ThatFailHaveReceiptsThatCommitToWhatWentIn) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "fail it");
    house.ended(id);
    const auto key = house.world.run(house.quantum().commitment_key(house.caller(), id));
    EXPECT_EQ(house.receipts().at(0).commitments.input, hmac_sha256(key, "meridian/input/v1\0fail it\0"s));
    EXPECT_FALSE(house.receipts().at(0).commitments.output);
}

TEST(Jobs, ThatDoNotFitEndInErrorWithTheSentenceAndCostNothing) {
    House house;
    house.start();
    const auto session = house.open();
    const auto refused = house.ended(house.submit(session, "refuse 31 qubits do not fit this node."));
    EXPECT_EQ(refused.state, JobState::error);
    EXPECT_EQ(refused.progress_message, "31 qubits do not fit this node.");
    EXPECT_TRUE(house.receipts().empty());
    const auto failed = house.ended(house.submit(session, "fail endless loop"));
    EXPECT_EQ(failed.progress_message, "endless loop");
    const auto broken = house.ended(house.submit(session, "break"));
    EXPECT_EQ(broken.state, JobState::error);
    EXPECT_THAT(broken.progress_message.value(), HasSubstr("a mistake of ours"));
    for (const auto& receipt : house.receipts()) {
        EXPECT_EQ(receipt.outcome, Outcome::failed);
        EXPECT_EQ(receipt.cost, Money());
    }
    EXPECT_EQ(house.ended(house.submit(session, "run 10")).state, JobState::completed) << "the next job runs";
}

TEST(Jobs, AreCancelledWhileTheyWaitAndWhileTheyRun) {
    House house;
    house.start();
    const auto session = house.open();
    const auto running = house.submit(session, "run 60000");
    const auto waiting = house.submit(session, "run 60000");
    house.world.run_for(1s);
    EXPECT_TRUE(house.quantum().board().find(running)->started_at);
    EXPECT_FALSE(house.quantum().board().find(waiting)->started_at);
    EXPECT_TRUE(house.quantum().board().find(waiting)->expected_start);
    EXPECT_EQ(house.world.run(house.quantum().cancel(house.caller(), waiting)).state, JobState::cancelling);
    EXPECT_EQ(house.ended(waiting).state, JobState::cancelled);
    EXPECT_FALSE(house.quantum().board().find(waiting));
    house.world.run(house.quantum().cancel(house.caller(), running));
    EXPECT_EQ(house.ended(running).state, JobState::cancelled);
    EXPECT_EQ(house.world.run(house.quantum().cancel(house.caller(), running)).state, JobState::cancelled) << "again is no error";
    const auto receipts = house.receipts();
    ASSERT_EQ(receipts.size(), 1u);
    EXPECT_EQ(receipts[0].outcome, Outcome::cancelled);
    EXPECT_EQ(receipts[0].cost, Money());
}

TEST(Jobs, AreEndedAfterTheirMaximumDuration) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "run 60000", test::at_most(2s));
    const auto ended = house.ended(id);
    EXPECT_EQ(ended.state, JobState::error);
    EXPECT_THAT(ended.progress_message.value(), HasSubstr("longer than its max_duration of 2 s"));
    EXPECT_LT(*ended.ended_at - *ended.started_at, 3s);
}

TEST(Jobs, ThatRunFarLongerThanTheirQuoteAreEnded) {
    House house;
    house.start();
    const auto ended = house.ended(house.submit(house.open(), "lie 600000"));
    EXPECT_EQ(ended.state, JobState::error);
    EXPECT_THAT(ended.progress_message.value(), HasSubstr("ran for 10 s, far longer than its quote"));
    EXPECT_EQ(house.ended(house.submit(house.open(), "lie 5000")).state, JobState::completed);
}

TEST(Jobs, AreNeverChargedMoreThanTheirQuote) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "run 1000");
    EXPECT_EQ(house.ended(id).state, JobState::completed);
    Quote quote;
    quote.circuits = 1;
    quote.shots = 5;
    quote.seconds = 1;
    quote.seconds_max = 2;
    const auto usage = usage_of(quote, {.result = "", .took = 10s});
    EXPECT_EQ(usage.milliseconds, 2000);
    EXPECT_EQ(usage_of(quote, {.result = "", .took = 1500ms}).milliseconds, 1500);
}

TEST(Jobs, OfTwoProjectsTakeTurnsAndPrioritiesOrderOneProject) {
    House house;
    const auto session = house.open();
    const auto other_project = house.world.run(
        identity::Identity(*house.life->store, house.world.clock(), house.world.rng()).create_project(house.caller(), "other", ""));
    SessionWish wish;
    wish.project = other_project.id;
    const auto other = house.open(wish);
    const auto blocking = house.submit(session, "run 1000");
    house.start();
    house.world.run_for(500ms);
    const auto a = house.submit(session, "run 1000");
    const auto b = house.submit(session, "run 1000", test::tagged("priority=high"));
    const auto c = house.submit(other, "run 1000");
    const auto d = house.submit(session, "run 20");
    house.world.run_for(20s);
    EXPECT_EQ(house.order, (std::vector{blocking, d, c, b, a})) << "small ones pass beside";
}

TEST(Jobs, OfAProjectWithLargeProgramsDelayTheirReadingAndNobodyElses) {
    House house;
    const auto other_project = house.world.run(
        identity::Identity(*house.life->store, house.world.clock(), house.world.rng()).create_project(house.caller(), "other", ""));
    SessionWish wish;
    wish.project = other_project.id;
    const auto mine = house.open(), other = house.open(wish);
    house.start();
    std::vector<JobId> large;
    for (int k = 0; k < 5; ++k) large.push_back(house.submit(mine, "read 2000"));
    const auto small = house.submit(other, "run 10");
    house.world.run_for(200ms);
    EXPECT_EQ(house.job(small).state, JobState::completed);
    EXPECT_FALSE(house.quantum().board().find(large.front())) << "it is still being read";
    // One that waits to be read is cancelled at once.
    house.world.run(house.quantum().cancel(house.caller(), large.back()));
    house.world.run_for(200ms);
    EXPECT_EQ(house.job(large.back()).state, JobState::cancelled);
    large.pop_back();
    for (const auto& id : large) EXPECT_EQ(house.ended(id).state, JobState::completed);
    EXPECT_EQ(std::vector(house.order.begin() + 1, house.order.end()), large) << "in their order";
}

TEST(Jobs, ThatWaitAreOrderedAnewWhenTheirPriorityChanges) {
    House house;
    house.start();
    const auto session = house.open();
    const auto blocking = house.submit(session, "run 1000"), a = house.submit(session, "run 1000"), b = house.submit(session, "run 1000");
    house.world.run_for(100ms);
    house.world.run(house.quantum().change_job(house.caller(), b, {.name = {}, .tags = std::vector<std::string>{"priority=high"}}));
    EXPECT_EQ(error_of(house.world, house.quantum().change_job(house.caller(), b, {.name = {}, .tags = {{"priority=urgent"}}}))->fault,
              Fault::invalid);
    house.world.run_for(10s);
    EXPECT_EQ(house.order, (std::vector{blocking, b, a}));
    EXPECT_EQ(house.job(b).priority, Priority::high);
}

// A job that is asked to end while a restart gives it its second run is not given it.
TEST(Jobs, ThatAreCancelledBeforeTheirSecondRunEnd) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "run 5000");
    house.world.run_for(1s);
    house.world.disk().crash(sim::SimDisk::Unsynced::kept);
    house.end();
    house.begin();
    house.world.run(house.quantum().cancel(house.caller(), id));
    house.start();
    EXPECT_EQ(house.ended(id).state, JobState::cancelled);
}

TEST(Jobs, ThatHaveNotEndedHoldAQuestionUntilTheyHave) {
    House house;
    house.start();
    const auto session = house.open();
    const auto quick = house.submit(session, "run 100"), slow = house.submit(session, "run 60000");
    auto before = house.world.clock().steady();
    EXPECT_EQ(house.world.run(house.quantum().job_at_rest(house.caller(), quick)).state, JobState::completed);
    EXPECT_LT(house.world.clock().steady() - before, 200ms);
    before = house.world.clock().steady();
    EXPECT_EQ(house.world.run(house.quantum().job_at_rest(house.caller(), slow)).state, JobState::waiting);
    EXPECT_EQ(house.world.clock().steady() - before, limits::hold);
    before = house.world.clock().steady();
    EXPECT_EQ(house.world.run(house.quantum().job_at_rest(house.caller(), quick)).state, JobState::completed);
    EXPECT_EQ(house.world.clock().steady() - before, 0s) << "one that has ended is answered at once";
    EXPECT_EQ(house.quantum().board().waiting(), 0u);
}

TEST(Jobs, GoOnAfterACleanStop) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "run 2000");
    house.world.run_for(1s);
    house.end();
    house.begin();
    house.start();
    EXPECT_EQ(house.ended(id).state, JobState::completed);
    const auto receipts = house.receipts();
    ASSERT_EQ(receipts.size(), 2u);
    EXPECT_EQ(receipts[1].outcome, Outcome::interrupted);
    EXPECT_EQ(receipts[1].cost, Money());
    EXPECT_EQ(receipts[0].outcome, Outcome::finished);
    EXPECT_EQ(receipts[0].id, house.job(id).run);
}

TEST(Jobs, ThatTakeTheInstallationDownTwiceAreGivenUp) {
    House house;
    house.start();
    const auto id = house.submit(house.open(), "run 5000");
    house.world.run_for(1s);
    house.crash(sim::SimDisk::Unsynced::kept);
    house.world.run_for(1s);
    EXPECT_EQ(house.job(id).attempts, 2u);
    house.crash(sim::SimDisk::Unsynced::kept);
    const auto ended = house.ended(id);
    EXPECT_EQ(ended.state, JobState::error);
    EXPECT_THAT(ended.progress_message.value(), HasSubstr("went down twice"));
}

// Whatever the moment: after the crash every acknowledged job ends, and each is charged once.
class Crashes : public ::testing::TestWithParam<sim::SimDisk::Unsynced> {};

TEST_P(Crashes, LoseNoJobAndChargeNoneTwice) {
    for (std::size_t moment = GetParam() == sim::SimDisk::Unsynced::kept ? 1 : 2; moment < 90; moment += 3) {
        SCOPED_TRACE(moment);
        House house(moment);
        house.start();
        const auto session = house.open();
        house.pool.jobs = 0;
        house.pool.how = GetParam();
        house.pool.fail_at = moment;
        std::vector<JobId> acknowledged;
        try {
            for (const char* text : {"run 30", "run 300", "run 20", "run 200", "refuse it", "run 10"})
                acknowledged.push_back(house.submit(session, text));
            house.world.run_for(2s);
        } catch (const Error& e) {
            EXPECT_NE(e.fault, Fault::invalid) << e.said;
        }
        house.pool.fail_at.reset();
        house.crash(GetParam());
        house.world.run_for(5s);
        std::map<RunId, int> finished;
        for (const auto& receipt : house.receipts()) finished[receipt.id] += receipt.outcome == Outcome::finished;
        for (const auto& id : acknowledged) {
            const auto job = house.job(id);
            ASSERT_TRUE(is_final(job.state)) << word(job.state);
            if (job.state == JobState::completed) {
                EXPECT_EQ(house.world.run(house.quantum().result(house.caller(), id)).value().substr(0, 13), "result of run");
            } else {
                EXPECT_EQ(job.progress_message, "it");
            }
            EXPECT_LE(finished[job.run], 1);
            EXPECT_TRUE(job.run.str() == id.str() || finished[RunId(id.uuid())] == 0) << "charged twice";
        }
        // A cut of power may take a receipt that was not synced yet with it; a kill may not.
        if (GetParam() == sim::SimDisk::Unsynced::kept) {
            for (const auto& id : acknowledged) {
                if (const auto job = house.job(id); job.state == JobState::completed) {
                    EXPECT_EQ(finished[job.run], 1);
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Quantum, Crashes, ::testing::Values(sim::SimDisk::Unsynced::kept, sim::SimDisk::Unsynced::lost));

}  // namespace
}  // namespace meridian::quantum::service
