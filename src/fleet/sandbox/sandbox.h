// What a replica is confined by. Every layer is probed, taken when the kernel gives it, and reported; a missing one never stops a start:
// whoever must have it looks at the node's list and refuses to place work there.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "fleet/posix.h"
#include "fleet/sandbox/cgroup.h"

namespace meridian::fleet::sandbox {

struct Available {
    bool user = false, net = false, mount = false, pid = false, ipc = false, uts = false;
    bool seccomp = false;
    int landlock = 0;  // the ABI, 0 for none
    std::vector<std::string> cgroups;
};

// Tries each in a forked child that ends at once; changes nothing here.
Available probe();
// "landlock-7", "seccomp", "user-ns", ...: the words of Node::sandbox_layers and Replica::layers.
std::vector<std::string> layers(const Available& available);

struct Plan {
    std::string program;
    std::vector<std::string> arguments, environment;  // as given: nothing is inherited
    std::vector<std::string> readable_paths;
    std::string directory;  // working directory; the only place it may write to
    std::string view;       // an empty directory, on which its view of the file system is built
    std::uint64_t memory_bytes = 0;
    std::vector<int> cpu_ids;              // empty: any
    std::vector<std::string> gpu_devices;  // those of the device nodes of GPUs that it may open
    [[nodiscard]] bool wants_gpus() const { return !gpu_devices.empty(); }
};

struct Child {
    pid_t pid = -1;  // of the child's own init, which ends with it; leader of its session and process group
    Fd output;       // its stdout and stderr, non-blocking
    Fd birth;        // SOCK_SEQPACKET: one message of layers, perhaps one of failure, closed by a successful exec
    Fd death;        // the raw wait status of the program (int), written by init
};

// What `birth` says. The process id is the program's own, as this process sees it.
struct BirthNote {
    pid_t pid = 0;
    std::vector<std::string> layers;
    std::string failure;
};
// Nothing at the end (the program runs) and when there is nothing yet; `closed` tells the two apart.
struct BirthRead {
    bool closed = false;
    bool any = false;
    BirthNote note;
};
BirthRead read_birth(int fd);

// Starts the program in its sandbox. The caller must be single-threaded and a subreaper.
std::expected<Child, std::string> spawn(const Plan& plan, const Available& available, Cgroup& group);

}  // namespace meridian::fleet::sandbox
