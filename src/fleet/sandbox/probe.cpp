#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {
namespace {

// Forks with these namespaces. A plain system call: the child of a program with threads may do nothing but end.
bool can_clone(int flags) {
    const long child = ::syscall(SYS_clone, static_cast<unsigned long>(flags | SIGCHLD), nullptr, nullptr, nullptr, nullptr);
    if (child == 0) ::syscall(SYS_exit_group, 0);
    if (child < 0) return false;
    while (::waitpid(static_cast<pid_t>(child), nullptr, 0) < 0 && errno == EINTR) {
    }
    return true;
}

bool can_filter() {
    const long child = ::syscall(SYS_clone, static_cast<unsigned long>(SIGCHLD), nullptr, nullptr, nullptr, nullptr);
    if (child == 0) {
        std::array<sock_filter, 1> allow{{{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = SECCOMP_RET_ALLOW}}};
        const sock_fprog program{.len = 1, .filter = allow.data()};
        const bool got = ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                         ::syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
        ::syscall(SYS_exit_group, got ? 0 : 1);
    }
    int status = 1;
    while (child > 0 && ::waitpid(static_cast<pid_t>(child), &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Available probe() {
    Available out;
    constexpr int rest = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (can_clone(CLONE_NEWUSER | rest)) {  // the usual case, which costs one
        out.user = out.net = out.mount = out.pid = out.ipc = out.uts = true;
    } else {
        out.user = can_clone(CLONE_NEWUSER);
        const int base = out.user ? CLONE_NEWUSER : 0;  // without one, root may still make the others
        out.net = can_clone(base | CLONE_NEWNET);
        out.mount = can_clone(base | CLONE_NEWNS);
        out.pid = can_clone(base | CLONE_NEWPID);
        out.ipc = can_clone(base | CLONE_NEWIPC);
        out.uts = can_clone(base | CLONE_NEWUTS);
    }
    out.seccomp = can_filter();
    out.landlock = landlock_abi();
    out.cgroups = probe_cgroups();
    return out;
}

std::vector<std::string> layers(const Available& available) {
    std::vector<std::string> out;
    if (available.landlock > 0) out.push_back("landlock-" + std::to_string(available.landlock));
    const std::pair<bool, const char*> rest[] = {{available.seccomp, "seccomp"}, {available.user, "user-ns"}, {available.net, "net-ns"},
                                                 {available.mount, "mount-ns"},  {available.pid, "pid-ns"},   {available.ipc, "ipc-ns"},
                                                 {available.uts, "uts-ns"},      {true, "no-new-privs"},      {true, "rlimits"}};
    for (const auto& [got, word] : rest)
        if (got) out.emplace_back(word);
    out.insert(out.end(), available.cgroups.begin(), available.cgroups.end());
    return out;
}

}  // namespace meridian::fleet::sandbox
