#include <sched.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {
namespace {

void lower(__rlimit_resource_t what, rlim_t to) {
    rlimit now{};
    if (::getrlimit(what, &now) != 0) return;
    now.rlim_max = std::min(now.rlim_max, to);
    now.rlim_cur = std::min(now.rlim_cur, now.rlim_max);
    ::setrlimit(what, &now);
}

}  // namespace

bool drop_capabilities() {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (cap_value_t cap = 0; cap <= cap_max_bits(); ++cap) ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);  // needs CAP_SETPCAP; else exec drops
    const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> none(::cap_init(), ::cap_free);
    return none && ::cap_set_proc(none.get()) == 0;
}

bool stay_on_cpus(const std::vector<int>& ids) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int cpu : ids)
        if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(cpu), &set);
    return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

// Only ever downwards: raising a hard limit needs a capability that even root may lack.
void lower_limits(const Plan& plan, bool group_limits_memory) {
    lower(RLIMIT_CORE, 0);
    lower(RLIMIT_NOFILE, 4096);
    lower(RLIMIT_NPROC, 16384);
    lower(RLIMIT_MSGQUEUE, 0);
    // A guard against running away, no budget: weights are mapped and count, and GPU libraries reserve far more than they use.
    if (plan.memory_bytes > 0 && !group_limits_memory && !plan.wants_gpus()) lower(RLIMIT_AS, plan.memory_bytes * 4 + (16ull << 30));
}

}  // namespace meridian::fleet::sandbox
