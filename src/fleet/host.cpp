// Looking at this host. /proc and /sys are read directly: they are no files of ours, and their sizes read as 0.
#include "fleet/host.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "fleet/posix.h"
#include "fleet/sandbox/cgroup.h"
#include "fleet/sandbox/sandbox.h"

extern char** environ;

namespace meridian::fleet {
namespace {

constexpr std::int64_t nvidia_smi_limit_ms = 10'000;  // the first call after boot loads the driver
constexpr std::size_t nvidia_smi_bytes_max = 64 * 1024;

std::uint64_t memory_of_host(const std::vector<sandbox::Hierarchy>& groups) {
    std::uint64_t bytes = memory_total(small_file("/proc/meminfo")).value_or(0);
    for (const auto& group : groups) {
        for (const auto* name : {"/memory.max", "/memory.limit_in_bytes"}) {
            if (const auto limit = memory_limit(small_file(group.own + name))) bytes = std::min(bytes, *limit);
        }
    }
    return bytes;
}

// Empty on hosts with more CPUs than the set holds: their replicas are not pinned.
std::vector<int> cpu_ids_of_host() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    std::vector<int> out;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return out;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &allowed)) out.push_back(cpu);
    return out;
}

std::uint32_t cpus_of_host(const std::vector<int>& ids, const std::vector<sandbox::Hierarchy>& groups) {
    std::uint32_t cpus = 1;
    if (!ids.empty()) {
        cpus = static_cast<std::uint32_t>(ids.size());
    } else if (const long online = ::sysconf(_SC_NPROCESSORS_ONLN); online > 0) {
        cpus = static_cast<std::uint32_t>(online);
    }
    for (const auto& group : groups) {
        if (const auto quota = cpu_quota(small_file(group.own + "/cpu.max"))) cpus = std::min(cpus, *quota);
        const auto v1 = small_file(group.own + "/cpu.cfs_quota_us") + " " + small_file(group.own + "/cpu.cfs_period_us");
        if (const auto quota = cpu_quota(v1)) cpus = std::min(cpus, *quota);
    }
    return cpus;
}

// What the child writes until it ends or the time is up. Then it is killed: a hung driver must not hang our start.
std::string read_within(int fd, pid_t child, std::int64_t limit_ms) {
    std::string out;
    const auto end = monotonic_ms() + limit_ms;
    char piece[4096];
    while (out.size() < nvidia_smi_bytes_max) {
        const auto left = end - monotonic_ms();
        pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) {
            log::warn("fleet", "nvidia-smi did not answer in time; GPUs are not offered");
            out.clear();
            break;
        }
        const auto got = ::read(fd, piece, sizeof piece);
        if (got <= 0) break;
        out.append(piece, static_cast<std::size_t>(got));
    }
    ::kill(child, SIGKILL);
    return out;
}

std::vector<Gpu> gpus_of_host() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    Fd from(ends[0]), to(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, to.get(), 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    const char* arguments[] = {"nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits", nullptr};
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, "nvidia-smi", &actions, nullptr, const_cast<char* const*>(arguments), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed) return {};  // no NVIDIA driver here
    to.reset();
    const auto text = read_within(from.get(), child, nvidia_smi_limit_ms);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    auto gpus = parse_nvidia_smi(text);
    std::error_code none;  // a driver that shows no such directory
    for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", none)) {
        const auto known = parse_gpu_information(small_file(entry.path().string() + "/information"));
        for (auto& gpu : gpus)
            if (known && known->uuid == gpu.uuid) gpu.device = "/dev/nvidia" + std::to_string(known->minor);
    }
    return gpus;
}

// The node keeps its id over restarts: rows name it.
NodeId kept_id(Disk& disk, Rng& rng, const std::string& directory) {
    const auto path = directory + "/node";
    if (const auto text = disk.read_file(path)) {
        if (const auto id = NodeId::parse(text->substr(0, 36))) return *id;
        throw Error(Fault::invalid,
                    "The file " + path + " does not hold a node's id. Put it back from a backup, or remove it to make a new node.");
    } else if (text.error().kind != DiskError::Kind::not_found) {
        raise(text.error(), "reading the node's id");
    }
    const auto id = NodeId::random(rng);
    if (const auto made = disk.make_directories(directory); !made) raise(made.error(), "keeping the node's id");
    if (const auto kept = disk.replace_file(path, id.str() + "\n"); !kept) raise(kept.error(), "keeping the node's id");
    return id;
}

}  // namespace

Node probe_host(Disk& disk, Rng& rng, const geography::Zone& zone, const std::string& state_directory) {
    utsname host{};
    ::uname(&host);
    const auto groups = sandbox::hierarchies();
    auto ids = cpu_ids_of_host();
    const auto cpus = cpus_of_host(ids, groups);
    if (ids.size() > cpus) ids.resize(cpus);  // a quota: more would only take turns
    return Node{.id = kept_id(disk, rng, state_directory),
                .name = host.nodename,
                .zone = zone,
                .arch = host.machine,
                .cpus = cpus,
                .cpu_ids = std::move(ids),
                .memory_bytes = memory_of_host(groups),
                .gpus = gpus_of_host(),
                .sandbox_layers = sandbox::layers(sandbox::probe()),
                .cpu = cpu_of(small_file("/proc/cpuinfo"))};
}

}  // namespace meridian::fleet
