#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {
namespace {

// Only an attack on the kernel calls these.
constexpr const char* deadly[] = {"kexec_load",    "kexec_file_load", "init_module", "finit_module",
                                  "delete_module", "reboot",          "swapon",      "swapoff"};

constexpr const char* refused[] = {"mount",
                                   "umount",
                                   "umount2",
                                   "pivot_root",
                                   "chroot",
                                   "fsopen",
                                   "fsconfig",
                                   "fsmount",
                                   "fspick",
                                   "move_mount",
                                   "open_tree",
                                   "mount_setattr",
                                   "setns",
                                   "unshare",
                                   "ptrace",
                                   "process_vm_readv",
                                   "process_vm_writev",
                                   "process_madvise",
                                   "pidfd_getfd",
                                   "kcmp",
                                   "bpf",
                                   "perf_event_open",
                                   "userfaultfd",
                                   "keyctl",
                                   "add_key",
                                   "request_key",
                                   "io_uring_setup",
                                   "io_uring_enter",
                                   "io_uring_register",
                                   "open_by_handle_at",
                                   "name_to_handle_at",
                                   "acct",
                                   "quotactl",
                                   "quotactl_fd",
                                   "syslog",
                                   "vhangup",
                                   "settimeofday",
                                   "clock_settime",
                                   "clock_adjtime",
                                   "adjtimex",
                                   "sethostname",
                                   "setdomainname",
                                   "ioperm",
                                   "iopl",
                                   "lookup_dcookie",
                                   "nfsservctl",
                                   "uselib",
                                   "ustat",
                                   "fanotify_init"};

constexpr int refused_families[] = {AF_PACKET, AF_ALG, AF_VSOCK, AF_BLUETOOTH, AF_TIPC, AF_RDS,
                                    AF_CAN,    AF_XDP, AF_KEY,   AF_APPLETALK, AF_X25};

constexpr std::uint64_t new_namespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

void refuse(scmp_filter_ctx filter, const char* name, std::uint32_t action) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number != __NR_SCMP_ERROR) ::seccomp_rule_add(filter, action, number, 0);  // a name that this machine lacks needs no rule
}

void refuse_family(scmp_filter_ctx filter, int family) {
    ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, SCMP_A0_32(SCMP_CMP_EQ, static_cast<std::uint32_t>(family), 0));
}

// Every bit apart: a masked comparison knows "equal", not "any of".
void refuse_namespaces(scmp_filter_ctx filter) {
    for (std::uint64_t bit = 1; bit <= new_namespaces; bit <<= 1) {
        if (new_namespaces & bit)
            ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
    }
    // Its flags lie in memory, where a filter cannot look; the C library falls back to clone.
    ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

}  // namespace

bool apply_seccomp(bool deny_ip) {
    scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
    if (!filter) return false;
    for (const auto* name : deadly) refuse(filter, name, SCMP_ACT_KILL_PROCESS);
    for (const auto* name : refused) refuse(filter, name, SCMP_ACT_ERRNO(EPERM));
    refuse_namespaces(filter);
    for (const int family : refused_families) refuse_family(filter, family);
    if (deny_ip) {
        refuse_family(filter, AF_INET);
        refuse_family(filter, AF_INET6);
    }
    ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));
    const bool got = ::seccomp_load(filter) == 0;
    ::seccomp_release(filter);
    return got;
}

}  // namespace meridian::fleet::sandbox
