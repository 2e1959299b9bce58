#include "fleet/sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "fleet/process/programs.test.h"
#include "http/client.h"

namespace meridian::fleet {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::vector<int> own_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof set, &set);
    std::vector<int> out;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) out.push_back(cpu);
    return out;
}

class SandboxTest : public ProcessDriverTest {
protected:
    // What the sandbox lets the fake runtime do, by its own account.
    static std::string report(Host& host, const Replica& replica) { return host.wait(ask(host, replica)); }

private:
    // On the loop, to which the client belongs from its first moment to its last.
    static Task<std::string> ask(Host& host, Replica replica) {
        http::Client client(host.network, host.clock, host.loops.executor(0), {});
        const http::Target target{.tls = false, .host = "replica", .port = 80, .local = replica.address};
        http::Outgoing request{.method = "GET",
                               .path = "/sandbox",
                               .headers = {{"Authorization", "Bearer " + replica.secret}},
                               .body = {},
                               .fresh_connection = true};
        const auto answer = co_await client.fetch(target, std::move(request), 65536, nullptr);
        co_return answer ? answer->body : answer.error().said;
    }
};

TEST_F(SandboxTest, AReplicaIsConfinedByWhatThisHostHas) {
    Host host(options_for(directory));
    auto launch = launch_of(id, "ok", directory);
    launch.memory_bytes = 512ull << 20;
    launch.cpu_ids = {own_cpus().back()};
    host.wait(host.driver->start(launch));
    const auto replica = host.until(id, ReplicaState::ready);
    const auto said = report(host, replica);
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
        for (const auto* what : {"shadow", "passwd", "parent", "other-process"})
            EXPECT_THAT(said, Not(HasSubstr(fmt::format("{}=yes", what))));
    }
    if (has("mount-ns")) EXPECT_THAT(said, HasSubstr("control=No such file"));
    if (possible.landlock >= 4) EXPECT_THAT(said, HasSubstr("tcp=Permission denied"));
    if (has("net-ns")) EXPECT_THAT(said, HasSubstr("udp-out=Network is unreachable"));
    if (has("seccomp")) EXPECT_THAT(said, HasSubstr("Seccomp=2\nunshare=Operation not permitted"));
    EXPECT_THAT(replica.layers, Contains("cpu-affinity"));
    EXPECT_THAT(said, HasSubstr(fmt::format("cpus={}\n", own_cpus().back())));
    if (has("landlock") || has("mount-ns")) EXPECT_THAT(said, Not(HasSubstr("full=yes"))) << "a device that was not given";
    host.shutdown(Driver::Leave::stop);
}

// /dev/full stands in for a GPU's device node: it is there on every host and nobody is shown it otherwise.
TEST_F(SandboxTest, AReplicaIsShownTheDevicesOfItsGpus) {
    Host host(options_for(directory));
    auto launch = launch_of(id, "ok", directory);
    launch.gpu_devices = {"/dev/full"};
    host.wait(host.driver->start(launch));
    EXPECT_THAT(report(host, host.until(id, ReplicaState::ready)), HasSubstr("full=yes"));
    host.shutdown(Driver::Leave::stop);
}

TEST_F(SandboxTest, AReplicaThatGrowsWithoutEndIsEndedAndThatIsSaid) {
    const auto possible = sandbox::probe_cgroups();
    Host host(options_for(directory));
    auto launch = launch_of(id, "hungry", directory);
    launch.memory_bytes = 1 << 20;
    const auto started = host.wait(host.driver->start(launch));
    if (std::ranges::find(possible, "memory-limit") == possible.end()) {  // then nobody may claim the layer
        EXPECT_THAT(started.layers, Not(Contains("memory-limit")));
        host.shutdown(Driver::Leave::stop);
        return;
    }
    EXPECT_THAT(host.until(id, ReplicaState::backing_off).detail, HasSubstr("it went over its memory limit of 257 MiB"));
    host.wait(host.driver->stop(id, 1s));
    host.shutdown(Driver::Leave::stop);
}

}  // namespace
}  // namespace meridian::fleet
