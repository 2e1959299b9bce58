// How long ended sessions are kept, and that nothing of them stays, in virtual time.
#include "quantum/service/keeper.h"

#include <gmock/gmock.h>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using test::error_of;
using test::House;
using namespace std::chrono_literals;

constexpr auto retention = 2h;

Process process_in(House& house) {
    ProcessWish wish;
    wish.platform = house.quantum().platforms().front().id;
    wish.application = house.quantum().applications().front().id;
    wish.input = "run 20";
    return house.world.run(house.quantum().create_process(house.caller(), std::move(wish)));
}

SessionWish long_lived() {
    SessionWish wish;
    wish.max_duration = wish.max_idle_duration = 24h;
    return wish;
}

std::optional<Fault> fault_of(const std::optional<Error>& error) { return error ? std::optional(error->fault) : std::nullopt; }

TEST(Retention, SweepsWhatEndedLongAgoWithAllItHasAndKeepsReceipts) {
    House house(5, {.retention = retention});
    house.start();
    auto& all = house.quantum();
    const auto open = house.open(long_lived()), ended = house.open(long_lived());
    const auto kept_job = house.submit(open, "run 30"), old_job = house.submit(ended, "run 40");
    const auto unused = house.program("run 50");
    const auto process = process_in(house);
    EXPECT_EQ(house.ended(kept_job).state, JobState::completed);
    const auto old_program = house.ended(old_job).program.value();
    EXPECT_EQ(house.ended(process.job_id).state, JobState::completed);
    house.world.run(all.terminate(house.caller(), ended));
    const auto receipts = house.receipts().size();
    EXPECT_EQ(receipts, 3u);

    house.world.run_for(retention - 1min);
    EXPECT_EQ(house.session(ended).state, SessionState::stopped);
    EXPECT_EQ(house.world.run(all.result(house.caller(), old_job)), "result of run 40");
    EXPECT_FALSE(error_of(house.world, all.program(house.caller(), unused)));
    house.world.run_for(limits::sweep_every + 2min);
    EXPECT_EQ(fault_of(error_of(house.world, all.session(house.caller(), ended))), Fault::not_found);
    EXPECT_EQ(fault_of(error_of(house.world, all.job(house.caller(), old_job))), Fault::not_found);
    EXPECT_EQ(fault_of(error_of(house.world, all.program(house.caller(), old_program))), Fault::not_found);
    EXPECT_EQ(fault_of(error_of(house.world, all.program(house.caller(), unused))), Fault::not_found);
    EXPECT_EQ(fault_of(error_of(house.world, all.process(house.caller(), process.id))), Fault::not_found);

    EXPECT_EQ(house.session(open).state, SessionState::running);
    EXPECT_EQ(house.world.run(all.result(house.caller(), kept_job)), "result of run 30");
    EXPECT_EQ(house.names("quantum/programs").size(), 1u) << "old as it is, it is used";
    EXPECT_EQ(house.names("quantum/results").size(), 1u);
    EXPECT_TRUE(house.names("quantum/circuits").empty());
    EXPECT_EQ(house.kept(), std::string_view("run 30").size() + std::string_view("result of run 30").size());
    EXPECT_EQ(house.receipts().size(), receipts);
}

TEST(Retention, SweepsMoreThanOneLookTakes) {
    House house(5, {.retention = retention});
    house.start();
    for (std::size_t k = 0; k < limits::swept_at_once + 20; ++k) {
        house.world.run(house.quantum().terminate(house.caller(), house.open()));
        house.program("run 1");
    }
    house.world.run_for(retention + limits::sweep_every + 1min);
    EXPECT_TRUE(house.world.run(house.quantum().sessions(house.caller(), house.caller().project)).empty());
    EXPECT_TRUE(house.names("quantum/programs").empty());
    EXPECT_EQ(house.kept(), 0u);
}

class RetentionCrashes : public ::testing::TestWithParam<sim::SimDisk::Unsynced> {};

TEST_P(RetentionCrashes, LeaveNothingOfWhatWasBeingSwept) {
    bool is_whole = false;
    for (std::size_t moment = 1; !is_whole; ++moment) {
        SCOPED_TRACE(moment);
        ASSERT_LT(moment, 200u);
        House house(moment, {.retention = 0s});
        const auto session = house.open(long_lived());
        const auto job = house.submit(session, "run 40");
        house.start();
        EXPECT_EQ(house.ended(job).state, JobState::completed);
        house.world.run(house.quantum().terminate(house.caller(), session));
        house.program("run 50");
        house.life->meter->close();
        house.end();
        house.begin();
        house.pool.jobs = 0;
        house.pool.how = GetParam();
        house.pool.fail_at = moment;
        house.start();
        house.world.run_for(2s);
        is_whole = house.pool.jobs < moment;
        house.pool.fail_at.reset();
        house.crash(GetParam());
        house.world.run_for(10s);
        for (const auto* folder : {"quantum/programs", "quantum/circuits", "quantum/results"})
            EXPECT_TRUE(house.names(folder).empty()) << folder;
        EXPECT_TRUE(house.world.run(house.quantum().sessions(house.caller(), house.caller().project)).empty());
        EXPECT_TRUE(house.world.run(house.quantum().programs(house.caller(), house.caller().project)).empty());
        EXPECT_EQ(fault_of(error_of(house.world, house.quantum().job(house.caller(), job))), Fault::not_found);
        EXPECT_EQ(house.kept(), 0u);
        EXPECT_EQ(house.receipts().size(), 1u);
    }
}

INSTANTIATE_TEST_SUITE_P(Quantum, RetentionCrashes, ::testing::Values(sim::SimDisk::Unsynced::kept, sim::SimDisk::Unsynced::lost));

}  // namespace
}  // namespace meridian::quantum::service
