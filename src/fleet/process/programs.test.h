// What tests with real processes share. The test program's second lives are in programs.test.cpp. Real processes, so real time: every
// wait is for a state, with a bound.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/real/real.h"
#include "fleet/posix.h"
#include "fleet/service.h"

namespace meridian::fleet {

// Starts a replica in `directory`, says its process id on standard output, and waits for its end by force.
int doomed_meridian(const std::string& directory);

inline constexpr Duration bound = std::chrono::seconds(20);

inline std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

inline ProcessDriverOptions options_for(const std::string& directory) {
    return {.directory = directory + "/replicas",
            .shim_program = this_program(),
            .unclaimed_limit = std::chrono::seconds(30),
            .health_every = std::chrono::milliseconds(20),
            .backoff_first = std::chrono::milliseconds(20),
            .backoff_longest = std::chrono::seconds(1),
            .crashes_max = 4,
            .crash_window = std::chrono::seconds(60)};
}

inline Launch launch_of(ReplicaId id, const std::string& mode, const std::string& directory) {
    return {.id = id,
            .program = this_program(),
            .arguments = {"runtime", mode, "{socket}", "{secret_file}"},
            .environment = {"NAME=value", "AT={socket}"},
            .readable_paths = {},
            .log_path = directory + "/logs/" + id.str()};
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
    ~Host() { loops.stop(); }  // the driver goes when nothing runs any more
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
    std::size_t looked_at = 0;

private:
    template <class T>
    static Task<> keep(Task<T> task, std::optional<T>& out) {
        out.emplace(co_await std::move(task));
    }
    Task<Replica> reach(ReplicaId id, ReplicaState state) {
        const auto end = clock.steady() + bound;
        while (clock.steady() < end) {
            if (const auto now = driver->find(id); now && now->state == state) {
                looked_at = seen.size();
                co_return *now;
            }
            // It may have passed through that state already, since the last one that was looked for.
            while (looked_at < seen.size()) {
                if (const auto& then = seen[looked_at++]; then.id == id && then.state == state) co_return then;
            }
            co_await changed.wait(clock, std::chrono::seconds(1));
        }
        const auto now = driver->find(id);
        throw std::runtime_error(
            fmt::format("replica is {} ({}), not {}", now ? name(now->state) : "unknown", now ? now->detail : "", name(state)));
    }
};

struct Handle {  // of a process that is no child of ours
    explicit Handle(int pid) : fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    [[nodiscard]] bool ends_within(Duration limit) const {
        pollfd one{.fd = fd.get(), .events = POLLIN, .revents = 0};
        return ::poll(&one, 1, static_cast<int>(limit / std::chrono::milliseconds(1))) == 1;
    }
    Fd fd;
};

inline int parent_of(int pid) {
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

}  // namespace meridian::fleet
