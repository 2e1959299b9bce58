// What projects keep: its limit, its sum, and what crashes leave of it.
#include "quantum/service/content.h"

#include <gmock/gmock.h>

#include <set>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using test::error_of;
using test::House;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string text_of(std::size_t bytes) { return "run 10 " + std::string(bytes - 7, '.'); }

std::optional<Error> refusal_of(House& house, std::size_t bytes, ProjectId project = {}) {
    return error_of(house.world, house.quantum().create_program(house.caller(), project, text_of(bytes)));
}

JobId with_circuit(House& house, const SessionId& session, std::string circuit) {
    JobWish wish;
    wish.session = session;
    wish.circuit = std::move(circuit);
    return house.world.run(house.quantum().create_job(house.caller(), std::move(wish))).id;
}

TEST(Content, OfAProjectIsLimitedAndFreedWithWhatIsDeleted) {
    House house(5, {.project_bytes = 1000});
    house.start();
    const auto session = house.open();
    const auto job = house.submit(session, text_of(400));
    EXPECT_EQ(house.ended(job).state, JobState::completed);
    const auto result = house.job(job).result_bytes.value();
    EXPECT_EQ(house.kept(), 400 + result) << "the result counts";
    EXPECT_EQ(refusal_of(house, 700 - result)->fault, Fault::quota);
    const auto second = with_circuit(house, session, text_of(50));
    EXPECT_EQ(house.ended(second).state, JobState::completed);
    EXPECT_EQ(house.kept(), 450 + result + house.job(second).result_bytes.value()) << "so does what is posted with a job";
    house.world.run(house.quantum().remove_job(house.caller(), second));
    EXPECT_EQ(house.kept(), 400 + result);
    house.world.run(house.quantum().remove_session(house.caller(), session));
    house.world.run_for(5s);
    EXPECT_EQ(house.kept(), 0u);
    EXPECT_FALSE(refusal_of(house, 1000));
    EXPECT_THAT(refusal_of(house, 8)->said, HasSubstr("at most 1.0 kB of models, inputs and results here, and this one has 1.0 kB"));
}

TEST(Content, IsStillCountedAfterARestart) {
    House house(5, {.project_bytes = 1000});
    house.start();
    house.program(text_of(900));
    house.crash(sim::SimDisk::Unsynced::lost);
    EXPECT_EQ(house.kept(), 900u);
    EXPECT_EQ(refusal_of(house, 101)->fault, Fault::quota);
    EXPECT_FALSE(refusal_of(house, 100));
}

TEST(Content, OfAllProjectsIsLimitedToo) {
    House house(5, {.project_bytes = 1000, .zone_bytes = 1500});
    const auto other = house.world.run(
        identity::Identity(*house.life->store, house.world.clock(), house.world.rng()).create_project(house.caller(), "other", ""));
    EXPECT_FALSE(refusal_of(house, 900));
    EXPECT_THAT(refusal_of(house, 700, other.id)->said, HasSubstr("This zone keeps at most 1.5 kB"));
    EXPECT_FALSE(refusal_of(house, 600, other.id));
}

TEST(Content, ThatLeavesNoRoomForAResultEndsAJobBeforeItCosts) {
    House house(5, {.project_bytes = 1000});
    const auto session = house.open();
    const auto job = house.submit(session, text_of(500));
    house.program(text_of(500));
    JobWish another;
    another.session = session;
    another.program = house.job(job).program;
    EXPECT_EQ(error_of(house.world, house.quantum().create_job(house.caller(), another))->fault, Fault::quota);
    house.start();
    EXPECT_EQ(house.ended(job).state, JobState::error);
    EXPECT_THAT(house.job(job).progress_message.value(), HasSubstr("A project keeps at most 1.0 kB"));
    EXPECT_TRUE(house.receipts().empty());
}

TEST(Content, OfTwoThatComeAtOnceIsKeptWithinTheLimit) {
    House house(5, {.project_bytes = 1000});
    std::vector<std::string> said;
    const auto post = [](House& at, std::vector<std::string>& out) -> Task<> {
        try {
            co_await at.quantum().create_program(at.caller(), {}, text_of(600));
            out.emplace_back("kept");
        } catch (const Error& error) {
            out.emplace_back(error.fault == Fault::quota ? "refused" : error.said);
        }
    };
    house.life->tasks.spawn("first", post(house, said));
    house.life->tasks.spawn("second", post(house, said));
    house.world.run_for(1s);
    EXPECT_THAT(said, ::testing::UnorderedElementsAre("kept", "refused"));
    EXPECT_EQ(house.names("quantum/programs").size(), 1u) << "what was refused leaves nothing";
    EXPECT_EQ(house.kept(), 600u);
}

// What there should be by the rows.
struct Promised {
    std::set<std::string> programs, jobs;
    std::uint64_t bytes = 0;
};
Promised promised(House& house) {
    return house.world.run(house.life->store->read([project = house.caller().project](store::Tx& tx) {
        Promised made;
        for (const auto& each : rows::programs(tx, project)) {
            made.programs.insert(each.id.str());
            made.bytes += each.bytes;
        }
        for (const auto& each : rows::jobs_of_project(tx, project)) {
            made.jobs.insert(each.id.str());
            made.bytes += each.circuit_bytes + each.result_bytes.value_or(0);
        }
        return made;
    }));
}

void live(House& house) {
    const auto session = house.open(), other = house.open();
    const auto first = house.submit(session, text_of(100)), second = with_circuit(house, other, text_of(50));
    house.submit(other, text_of(70));
    ProcessWish wish;
    wish.platform = house.quantum().platforms().front().id;
    wish.application = house.quantum().applications().front().id;
    wish.input = text_of(30);
    house.world.run(house.quantum().create_process(house.caller(), wish));
    house.world.run_for(2s);
    if (is_final(house.job(first).state)) house.world.run(house.quantum().remove_job(house.caller(), first));
    if (is_final(house.job(second).state)) house.world.run(house.quantum().remove_session(house.caller(), other));
    house.world.run_for(2s);
}

class ContentCrashes : public ::testing::TestWithParam<sim::SimDisk::Unsynced> {};

TEST_P(ContentCrashes, LeaveNothingWithoutARowAndNoSumThatIsWrong) {
    bool is_whole = false;
    for (std::size_t moment = 1; !is_whole; ++moment) {
        SCOPED_TRACE(moment);
        ASSERT_LT(moment, 400u);
        House house(moment);
        house.start();
        house.world.run_for(1s);
        house.pool.jobs = 0;
        house.pool.how = GetParam();
        house.pool.fail_at = moment;
        try {
            live(house);
        } catch (const Error& e) {
            EXPECT_NE(e.fault, Fault::invalid) << e.said;
        }
        is_whole = house.pool.jobs < moment;
        house.pool.fail_at.reset();
        house.crash(GetParam());
        house.world.run_for(20s);
        const auto by_rows = promised(house);
        const auto programs = house.names("quantum/programs");
        EXPECT_EQ(std::set(programs.begin(), programs.end()), by_rows.programs);
        for (const auto* folder : {"quantum/circuits", "quantum/results"}) {
            for (const auto& name : house.names(folder)) EXPECT_TRUE(by_rows.jobs.contains(name)) << folder << " " << name;
        }
        EXPECT_EQ(house.kept(), by_rows.bytes);
    }
}

INSTANTIATE_TEST_SUITE_P(Quantum, ContentCrashes, ::testing::Values(sim::SimDisk::Unsynced::kept, sim::SimDisk::Unsynced::lost));

}  // namespace
}  // namespace meridian::quantum::service
