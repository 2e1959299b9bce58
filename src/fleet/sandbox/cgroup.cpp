#include "fleet/sandbox/cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "fleet/posix.h"

namespace meridian::fleet::sandbox {
namespace {

constexpr std::uint64_t processes_max = 4096;  // threads count too, and a runtime starts some per CPU

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find(at), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

bool has(const Hierarchy& h, std::string_view controller) { return std::ranges::find(h.controllers, controller) != h.controllers.end(); }
bool is_useful(const Hierarchy& h) { return h.is_v2 || has(h, "memory") || has(h, "pids") || has(h, "cpu"); }

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The path of our own group: "4:memory:/a/b" for a v1 controller, "0::/a/b" for v2.
std::string own_path(const std::vector<std::string>& groups, const Hierarchy& h) {
    for (const auto& line : groups) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos) continue;
        const auto names = split(std::string_view(line).substr(first + 1, second - first - 1), ',');
        const bool ours = h.is_v2 ? names.empty() : std::ranges::any_of(names, [&](const auto& n) { return has(h, n); });
        if (ours) return line.substr(second + 1) == "/" ? std::string() : line.substr(second + 1);
    }
    return {};
}

void add_layer(std::vector<std::string>& layers, std::string layer) {
    if (std::ranges::find(layers, layer) == layers.end()) layers.push_back(std::move(layer));
}

// True when a group of that name exists afterwards and its members list can be written.
bool make_group(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (::access((directory + "/cgroup.procs").c_str(), W_OK) == 0) return true;
    ::rmdir(directory.c_str());
    return false;
}

bool limit_memory(const std::string& directory, const Hierarchy& h, std::uint64_t bytes) {
    if (bytes == 0) return false;
    return wrote(directory + (h.is_v2 ? "/memory.max" : "/memory.limit_in_bytes"), std::to_string(bytes));
}

// Beside the affinity, which a program may change: CPU time as of so many CPUs.
bool limit_cpus(const std::string& directory, const Hierarchy& h, std::size_t cpus) {
    constexpr std::uint64_t period_us = 100'000;
    if (cpus == 0) return false;
    const auto quota = std::to_string(cpus * period_us);
    if (h.is_v2) return wrote(directory + "/cpu.max", quota + " " + std::to_string(period_us));
    return wrote(directory + "/cpu.cfs_period_us", std::to_string(period_us)) && wrote(directory + "/cpu.cfs_quota_us", quota);
}

}  // namespace

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view own_groups) {
    std::vector<Hierarchy> out;
    const auto groups = split(own_groups, '\n');
    for (const auto& line : split(mountinfo, '\n')) {
        // "36 35 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
        const auto dash = line.find(" - ");
        if (dash == line.npos) continue;
        const auto before = split(std::string_view(line).substr(0, dash), ' ');
        const auto after = split(std::string_view(line).substr(dash + 3), ' ');
        if (before.size() < 5 || after.size() < 3) continue;
        Hierarchy h{.own = before[4], .controllers = {}, .is_v2 = after[0] == "cgroup2"};
        if (!h.is_v2 && after[0] != "cgroup") continue;
        if (!h.is_v2) h.controllers = split(after[2], ',');
        h.own += own_path(groups, h);
        out.push_back(std::move(h));
    }
    return out;
}

std::vector<Hierarchy> hierarchies() {
    auto out = parse_hierarchies(small_file("/proc/self/mountinfo"), small_file("/proc/self/cgroup"));
    const auto roots = parse_hierarchies(small_file("/proc/self/mountinfo"), {});
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (!exists(out[i].own)) out[i].own = roots[i].own;
        if (!out[i].is_v2) continue;
        auto enabled = small_file(out[i].own + "/cgroup.controllers");
        std::ranges::replace(enabled, '\n', ' ');
        out[i].controllers = split(enabled, ' ');
    }
    return out;
}

Cgroup Cgroup::make(const std::string& name, const GroupLimits& limits) {
    Cgroup out;
    for (const auto& h : hierarchies()) {
        if (!is_useful(h)) continue;
        const auto directory = h.own + "/" + name;
        if (!make_group(directory)) continue;
        out.directories_.push_back(directory);
        add_layer(out.layers_, h.is_v2 ? "cgroup-v2" : "cgroup-v1");
        if (limit_memory(directory, h, limits.memory_bytes)) {
            out.limits_memory_ = true;
            add_layer(out.layers_, "memory-limit");
        }
        if (limit_cpus(directory, h, limits.cpus)) add_layer(out.layers_, "cpu-limit");
        if (wrote(directory + "/pids.max", std::to_string(processes_max))) add_layer(out.layers_, "pids-limit");
    }
    return out;
}

void Cgroup::remove_leftover(const std::string& name) {
    for (const auto& h : hierarchies())
        if (is_useful(h)) ::rmdir((h.own + "/" + name).c_str());
}

void Cgroup::add(pid_t process) {
    std::erase_if(directories_, [&](const std::string& directory) {
        if (wrote(directory + "/cgroup.procs", std::to_string(process))) return false;
        ::rmdir(directory.c_str());
        return true;
    });
    if (directories_.empty()) {
        layers_.clear();
        limits_memory_ = false;
    }
}

void Cgroup::kill() const {
    for (const auto& directory : directories_) {
        // Refused by kernels before 5.14 and by v1; the other two ways of killing remain.
        if (exists(directory + "/cgroup.kill") && wrote(directory + "/cgroup.kill", "1")) return;
    }
}

void Cgroup::remove() const {
    for (const auto& directory : directories_) ::rmdir(directory.c_str());
}

bool Cgroup::ran_out_of_memory() const {
    for (const auto& directory : directories_) {
        for (const auto* file : {"/memory.events", "/memory.oom_control"}) {
            for (const auto& line : split(small_file(directory + file), '\n'))
                if (line.starts_with("oom_kill ") && line != "oom_kill 0") return true;
        }
    }
    return false;
}

std::vector<std::string> probe_cgroups() {
    const auto group = Cgroup::make("meridian-probe-" + std::to_string(::getpid()), {.memory_bytes = 1ull << 30, .cpus = 1});
    group.remove();
    return group.layers();
}

}  // namespace meridian::fleet::sandbox
