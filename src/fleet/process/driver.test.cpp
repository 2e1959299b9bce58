#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <csignal>

#include "fleet/process/programs.test.h"

namespace meridian::fleet {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

TEST_F(ProcessDriverTest, AReplicaBecomesReadyAndStops) {
    Host host(options_for(directory));
    EXPECT_EQ(start(host, "loading").state, ReplicaState::starting);
    const auto replica = host.until(id, ReplicaState::ready);
    EXPECT_GT(replica.pid, 0);
    EXPECT_EQ(replica.restarts, 0);
    EXPECT_THAT(host.seen, Contains(testing::Field(&Replica::state, ReplicaState::loading)));
    EXPECT_EQ(host.wait(host.driver->start(launch_of(id, "loading", directory))).pid, replica.pid) << "a second start is the first";
    const Handle process(replica.pid);
    host.wait(host.driver->stop(id, 5s));
    EXPECT_TRUE(process.ends_within(0ms));
    EXPECT_FALSE(host.driver->find(id));
    EXPECT_FALSE(std::filesystem::exists(replica_directory()));
    EXPECT_THAT(small_file(directory + "/logs/" + id.str()), HasSubstr("the fake runtime runs as loading"));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, ACrashIsRestartedAfterABackOff) {
    Host host(options_for(directory));
    start(host, "crash once");
    const auto replica = host.until(id, ReplicaState::ready);
    EXPECT_EQ(replica.restarts, 1);
    const auto off = std::ranges::find(host.seen, ReplicaState::backing_off, &Replica::state);
    ASSERT_NE(off, host.seen.end());
    EXPECT_THAT(off->detail, HasSubstr("killed by signal 6 (Aborted): the fake runtime runs as crash once; restarting in 0.0 s"));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AKilledReplicaComesBack) {
    Host host(options_for(directory));
    start(host, "ok");
    const auto first = host.until(id, ReplicaState::ready);
    const Handle process(first.pid);
    ASSERT_EQ(::kill(first.pid, SIGKILL), 0);
    host.until(id, ReplicaState::backing_off);
    const auto second = host.until(id, ReplicaState::ready);
    EXPECT_NE(second.pid, first.pid);
    EXPECT_EQ(second.restarts, 1);
    EXPECT_EQ(second.secret, first.secret);
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, TooManyCrashesAreAFailureThatSaysWhy) {
    Host host(options_for(directory));
    start(host, "crash");
    const auto replica = host.until(id, ReplicaState::failed);
    EXPECT_EQ(replica.detail, "gave up after 4 crashes; the last: exit status 3: the model is broken");
    host.wait(host.driver->stop(id, 1s));
    EXPECT_FALSE(host.driver->find(id));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AProgramThatIsNotThereIsAFailureThatSaysSo) {
    Host host(options_for(directory));
    auto launch = launch_of(id, "ok", directory);
    launch.program = directory + "/nothing";
    host.wait(host.driver->start(launch));
    EXPECT_THAT(host.until(id, ReplicaState::failed).detail, HasSubstr("cannot run " + directory + "/nothing: No such file"));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, ASickReplicaIsRestarted) {
    Host host(options_for(directory));
    start(host, "sick");
    const auto first = host.until(id, ReplicaState::ready);
    EXPECT_THAT(host.until(id, ReplicaState::backing_off).detail, HasSubstr("stopped answering its health probe"));
    EXPECT_NE(host.until(id, ReplicaState::ready).pid, first.pid);
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AStopEndsGrandchildrenThatWillNotGo) {
    Host host(options_for(directory));
    start(host, "forks");
    host.until(id, ReplicaState::ready);
    const Fd held(::open((replica_directory() + "/run/held").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(held.is_open());
    ASSERT_NE(::flock(held.get(), LOCK_EX | LOCK_NB), 0) << "the grandchild lives";
    host.wait(host.driver->stop(id, 5s));
    EXPECT_EQ(::flock(held.get(), LOCK_EX | LOCK_NB), 0);
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AStubbornReplicaIsKilledAfterItsGrace) {
    Host host(options_for(directory));
    start(host, "stubborn");
    const Handle process(host.until(id, ReplicaState::ready).pid);
    host.wait(host.driver->stop(id, 50ms));
    EXPECT_TRUE(process.ends_within(0ms));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AStopDuringTheStartWins) {
    Host host(options_for(directory));
    start(host, "ok");
    host.wait(host.driver->stop(id, 1s));
    EXPECT_FALSE(host.driver->find(id));
    EXPECT_FALSE(std::filesystem::exists(replica_directory()));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, ShutdownMayLeaveReplicasToTheNext) {
    Replica before;
    {
        Host host(options_for(directory));
        start(host, "ok");
        before = host.until(id, ReplicaState::ready);
        host.shutdown(Driver::Leave::running);
    }
    Host host(options_for(directory));
    const auto adopted = host.wait(host.driver->adopt({id}));
    ASSERT_EQ(adopted.size(), 1u);
    EXPECT_EQ(adopted[0].id, id);
    EXPECT_EQ(adopted[0].state, ReplicaState::ready);
    EXPECT_EQ(adopted[0].pid, before.pid);
    EXPECT_EQ(adopted[0].secret, before.secret);
    EXPECT_EQ(adopted[0].address, before.address);
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AKilledMeridianIsSucceeded) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    Fd from(ends[0]), to(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, to.get(), 1);
    const auto program = this_program();
    const char* arguments[] = {program.c_str(), "doomed", directory.c_str(), nullptr};
    pid_t meridian = 0;
    ASSERT_EQ(::posix_spawn(&meridian, program.c_str(), &actions, nullptr, const_cast<char**>(arguments), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    to.reset();
    char said[128] = {};
    ASSERT_GT(::read(from.get(), said, sizeof said - 1), 0);
    ::kill(meridian, SIGKILL);
    ::waitpid(meridian, nullptr, 0);
    const auto found = ReplicaId::parse(std::string_view(said).substr(0, 36));
    ASSERT_TRUE(found) << said;
    const int pid = std::atoi(said + 37);

    Host host(options_for(directory));
    const auto adopted = host.wait(host.driver->adopt({*found}));
    ASSERT_EQ(adopted.size(), 1u);
    EXPECT_EQ(adopted[0].state, ReplicaState::ready);
    EXPECT_EQ(adopted[0].pid, pid);
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AnUnwantedSurvivorIsStoppedAndDeadDirectoriesAreCleaned) {
    int pid = 0;
    {
        Host host(options_for(directory));
        start(host, "ok");
        pid = host.until(id, ReplicaState::ready).pid;
        host.shutdown(Driver::Leave::running);
    }
    const Handle process(pid);
    std::filesystem::create_directories(directory + "/replicas/0123456789ab/run");
    std::filesystem::create_directories(directory + "/replicas/not ours");
    Host host(options_for(directory));
    EXPECT_TRUE(host.wait(host.driver->adopt({})).empty());
    EXPECT_TRUE(process.ends_within(bound));
    EXPECT_FALSE(std::filesystem::exists(directory + "/replicas/0123456789ab"));
    EXPECT_TRUE(std::filesystem::exists(directory + "/replicas/not ours"));
    host.shutdown(Driver::Leave::stop);
    EXPECT_FALSE(std::filesystem::exists(replica_directory()));
}

TEST_F(ProcessDriverTest, UnclaimedItEnds) {
    auto options = options_for(directory);
    options.unclaimed_limit = 500ms;
    Host host(options);
    start(host, "ok");
    const Handle process(host.until(id, ReplicaState::ready).pid);
    EXPECT_FALSE(process.ends_within(700ms)) << "claimed it stays";
    host.shutdown(Driver::Leave::running);
    EXPECT_TRUE(process.ends_within(bound));
    Host next(options);
    EXPECT_TRUE(next.wait(next.driver->adopt({id})).empty());
    next.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, ANewerHolderDisplacesTheOlder) {
    Host older(options_for(directory));
    start(older, "ok");
    const auto before = older.until(id, ReplicaState::ready);
    Host newer(options_for(directory));
    ASSERT_EQ(newer.wait(newer.driver->adopt({id})).at(0).pid, before.pid);
    EXPECT_EQ(older.until(id, ReplicaState::stopped).detail, "taken over by another Meridian");
    older.shutdown(Driver::Leave::running);
    EXPECT_EQ(newer.until(id, ReplicaState::ready).pid, before.pid);
    newer.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, AKilledShimTakesItsChildAlongAndIsRestarted) {
    Host host(options_for(directory));
    start(host, "ok");
    const auto first = host.until(id, ReplicaState::ready);
    const Handle process(first.pid);
    const int shim = parent_of(parent_of(first.pid));
    ASSERT_GT(shim, 1);
    ASSERT_THAT(small_file(fmt::format("/proc/{}/comm", shim)), HasSubstr("meridian-shim"));
    ASSERT_EQ(::kill(shim, SIGKILL), 0);
    EXPECT_TRUE(process.ends_within(bound));
    host.until(id, ReplicaState::backing_off);
    EXPECT_NE(host.until(id, ReplicaState::ready).pid, first.pid);
    host.shutdown(Driver::Leave::stop);
}

TEST_F(ProcessDriverTest, APathThatIsTooLongForASocketIsSaid) {
    Host host(options_for(directory + "/" + std::string(90, 'x')));
    start(host, "ok");
    EXPECT_THAT(host.until(id, ReplicaState::failed).detail, HasSubstr("use a data directory with a shorter path"));
    host.shutdown(Driver::Leave::stop);
}

}  // namespace

int doomed_meridian(const std::string& directory) {
    Host host(options_for(directory));
    const auto id = ReplicaId::random(host.rng);
    host.wait(host.driver->start(launch_of(id, "ok", directory)));
    const auto line = fmt::format("{} {}\n", id.str(), host.until(id, ReplicaState::ready).pid);
    [[maybe_unused]] const auto said = ::write(1, line.data(), line.size());
    while (true) ::pause();
}

}  // namespace meridian::fleet
