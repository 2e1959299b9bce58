// A control group for one replica, in whatever hierarchies the host lets us write: sure killing, a limit of memory, of processes and of CPU
// time.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::fleet::sandbox {

struct Hierarchy {
    std::string own;                       // our own group's directory
    std::vector<std::string> controllers;  // v1: of this mount; v2: those enabled for our group
    bool is_v2 = false;
};

// Pure: from /proc/self/mountinfo and /proc/self/cgroup.
std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view own_groups);
// Of this process. A path that is not visible here (a container's) becomes the mount point.
std::vector<Hierarchy> hierarchies();
// "cgroup-v1", "cgroup-v2", "memory-limit", "cpu-limit": found by making and removing an empty group.
std::vector<std::string> probe_cgroups();

struct GroupLimits {  // 0: none
    std::uint64_t memory_bytes = 0;
    std::size_t cpus = 0;
};

class Cgroup {
public:
    // Makes what can be made.
    static Cgroup make(const std::string& name, const GroupLimits& limits);
    // Removes what a dead shim left behind.
    static void remove_leftover(const std::string& name);

    void add(pid_t process);  // also everything it will fork
    void kill() const;        // v2 only; the caller kills by process group and by parenthood as well
    void remove() const;
    // Whether the kernel killed something in here for want of memory.
    [[nodiscard]] bool ran_out_of_memory() const;
    [[nodiscard]] bool limits_memory() const { return limits_memory_; }
    [[nodiscard]] const std::vector<std::string>& layers() const { return layers_; }

private:
    std::vector<std::string> directories_;
    std::vector<std::string> layers_;
    bool limits_memory_ = false;
};

}  // namespace meridian::fleet::sandbox
