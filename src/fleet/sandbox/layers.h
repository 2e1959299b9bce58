// The single layers, as they are put on in the child between fork and exec. Each says whether it was got.
#pragma once
#include <string>
#include <vector>

#include "fleet/sandbox/sandbox.h"

namespace meridian::fleet::sandbox {

// The version that the kernel offers, 0 for none.
int landlock_abi();
struct LandlockWish {
    int abi = 0;
    bool has_private_view = false;  // then /tmp and /dev/shm are its own
    bool deny_tcp = true;
};
bool apply_landlock(const Plan& plan, const LandlockWish& wish);

// Refuses with EPERM what a runtime never needs, and kills for what only an attack needs. `deny_ip`: no IP sockets at all, for hosts
// where there is no network namespace and Landlock cannot refuse TCP.
bool apply_seccomp(bool deny_ip);

// A root that holds only the system's libraries, a few device nodes and the paths of the plan; read-only but for the plan's directory.
// Hides the sockets of other programs, which Landlock does not. On false nothing that matters has changed.
bool enter_private_view(const Plan& plan, bool has_pid_namespace);

bool drop_capabilities();
void lower_limits(const Plan& plan, bool group_limits_memory);

// What every program on this system needs to read to start at all.
const std::vector<std::string>& system_paths();
// Readable and writable device nodes: the plan's GPUs and what their driver needs beside them; none where there are none.
std::vector<std::string> gpu_paths(const Plan& plan);
std::vector<std::string> gpu_system_paths();  // readable
std::vector<std::string> device_paths();

// Keeps itself and everything that it will start on these CPUs.
bool stay_on_cpus(const std::vector<int>& ids);

}  // namespace meridian::fleet::sandbox
