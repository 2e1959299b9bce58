// Real processes, so real time; every wait is for a state, with a bound.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>

#include "base/error.h"
#include "base/real/real.h"
#include "fleet/posix.h"
#include "fleet/process/programs.test.h"
#include "fleet/sandbox/sandbox.h"
#include "fleet/service.h"
#include "http/client.h"

namespace meridian::fleet {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr Duration bound = 20s;

std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

ProcessDriverOptions options_for(const std::string& directory) {
    return {.directory = directory + "/replicas",
            .shim_program = this_program(),
            .unclaimed_limit = 30s,
            .health_every = 20ms,
            .backoff_first = 20ms,
            .backoff_longest = 1s,
            .crashes_max = 4,
            .crash_window = 60s};
}

Launch launch_of(ReplicaId id, const std::string& mode, const std::string& directory) {
    return {.id = id,
            .program = this_program(),
            .arguments = {"runtime", mode, "{socket}", "{secret_file}"},
            .environment = {"NAME=value", "AT={socket}"},
            .readable_paths = {},
            .log_path = directory + "/logs/" + id.str(),
            .gpus = {}};
}

// The real effects and one driver on one loop.
struct Host {
    explicit Host(ProcessDriverOptions options)
        : driver(process_driver(disk, network, clock, rng, pool, loops.executor(0), std::move(options))), changed(loops.executor(0)) {
        loops.start();
        driver->on_change([this](const Replica& replica) {
            seen.push_back(replica);
            changed.notify();
        });
    }
    template <class T>
    T wait(Task<T> task) {
        std::optional<T> out;
        loops.wait(loops.executor(0), keep(std::move(task), out));
        return std::move(*out);
    }
    void wait(Task<> task) { loops.wait(loops.executor(0), std::move(task)); }
    // The replica as soon as it is in this state.
    Replica until(ReplicaId id, ReplicaState state) { return wait(reach(id, state)); }
    void shutdown(Driver::Leave leave) { wait(driver->shutdown(leave)); }

    real::WallClock clock;
    real::PosixDisk disk;
    real::SocketNetwork network;
    SystemRng rng;
    real::ThreadPool pool{2};
    real::Loops loops{1};
    std::unique_ptr<Driver> driver;
    Event changed;
    std::vector<Replica> seen;

private:
    template <class T>
    static Task<> keep(Task<T> task, std::optional<T>& out) { out.emplace(co_await std::move(task)); }
    Task<Replica> reach(ReplicaId id, ReplicaState state) {
        const auto end = clock.steady() + bound;
        while (clock.steady() < end) {
            if (const auto now = driver->find(id); now && now->state == state) co_return *now;
            co_await changed.wait(clock, 1s);
        }
        const auto now = driver->find(id);
        throw std::runtime_error(fmt::format("replica is {} ({}), not {}", now ? name(now->state) : "unknown", now ? now->detail : "", name(state)));
    }
};

struct Handle {  // of a process that is no child of ours
    explicit Handle(int pid) : fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    [[nodiscard]] bool ends_within(Duration limit) const {
        pollfd one{.fd = fd.get(), .events = POLLIN, .revents = 0};
        return ::poll(&one, 1, static_cast<int>(limit / 1ms)) == 1;
    }
    Fd fd;
};

int parent_of(int pid) {
    const auto status = small_file(fmt::format("/proc/{}/status", pid));
    const auto at = status.find("PPid:\t");
    return at == status.npos ? 0 : std::atoi(status.c_str() + at + 6);
}

class ProcessDriverTest : public testing::Test {
protected:
    void SetUp() override {
        char path[] = "/tmp/fleet-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        directory = path;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }
    Replica start(Host& host, const std::string& mode) { return host.wait(host.driver->start(launch_of(id, mode, directory))); }
    [[nodiscard]] std::string replica_directory() const {
        const auto text = id.str();
        return directory + "/replicas/" + text.substr(text.size() - 12);
    }
    std::string directory;
    SystemRng rng;
    ReplicaId id = ReplicaId::random(rng);
};

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
    options.unclaimed_limit = 50ms;
    Host host(options);
    start(host, "ok");
    const Handle process(host.until(id, ReplicaState::ready).pid);
    EXPECT_FALSE(process.ends_within(150ms)) << "claimed it stays";
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

TEST_F(ProcessDriverTest, AReplicaIsConfinedByWhatThisHostHas) {
    Host host(options_for(directory));
    auto launch = launch_of(id, "ok", directory);
    launch.memory_bytes = 512ull << 20;
    host.wait(host.driver->start(launch));
    const auto replica = host.until(id, ReplicaState::ready);
    http::Client client(host.network, host.clock, host.loops.executor(0), {});
    const http::Target target{.tls = false, .host = "replica", .port = 80, .local = replica.address};
    http::Outgoing ask{.method = "GET", .path = "/sandbox", .headers = {{"Authorization", "Bearer " + replica.secret}}, .body = {}, .fresh_connection = true};
    const auto answer = host.wait(client.fetch(target, ask, 65536, nullptr));
    ASSERT_TRUE(answer) << answer.error().said;
    const std::string& said = answer->body;
    SCOPED_TRACE(said);
    const auto has = [&replica](std::string_view layer) {
        return std::ranges::any_of(replica.layers, [&](const auto& l) { return l.starts_with(layer); });
    };
    // Whatever the probe finds has to be got.
    const auto possible = sandbox::probe();
    for (const auto& layer : sandbox::layers(possible)) EXPECT_THAT(replica.layers, Contains(layer));
    EXPECT_THAT(said, HasSubstr("CapEff=0000000000000000\nCapPrm=0000000000000000\nNoNewPrivs=1\n"));
    EXPECT_THAT(said, HasSubstr("own-file=yes\nnull=yes\n"));
    EXPECT_THAT(said, Not(HasSubstr("fd="))) << "no descriptor of ours is left open";
    EXPECT_THAT(said, HasSubstr("env=NAME=value\nenv=AT=" + replica.address.unix_path + "\n"));
    EXPECT_EQ(std::ranges::count(said, '\n') - 2, std::ranges::count(said.substr(0, said.find("env=")), '\n')) << "only what was given";
    if (has("landlock") || has("mount-ns")) {
        for (const auto* what : {"shadow", "passwd", "parent", "other-process"}) EXPECT_THAT(said, Not(HasSubstr(fmt::format("{}=yes", what))));
    }
    if (has("mount-ns")) EXPECT_THAT(said, HasSubstr("control=No such file"));
    if (possible.landlock >= 4) EXPECT_THAT(said, HasSubstr("tcp=Permission denied"));
    if (has("net-ns")) EXPECT_THAT(said, HasSubstr("udp-out=Network is unreachable"));
    if (has("seccomp")) EXPECT_THAT(said, HasSubstr("Seccomp=2\nunshare=Operation not permitted"));
    client.close();
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
