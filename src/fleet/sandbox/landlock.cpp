// The distribution's headers may be older than the running kernel, so the numbers of later Landlock versions are written here.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {
namespace {

struct Ruleset {  // landlock_ruleset_attr as of version 6
    std::uint64_t files = 0, net = 0, scoped = 0;
};

constexpr std::uint64_t refer = 1ull << 13, truncate_file = 1ull << 14, ioctl_device = 1ull << 15;
constexpr std::uint64_t read_any = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t file_only =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | truncate_file | ioctl_device;
constexpr std::uint64_t tcp_bind_and_connect = 3, abstract_sockets_and_signals = 3;

std::uint64_t files_of(int abi) {
    std::uint64_t all = (1ull << 13) - 1;
    if (abi >= 2) all |= refer;
    if (abi >= 3) all |= truncate_file;
    if (abi >= 5) all |= ioctl_device;
    return all;
}

std::size_t size_of(int abi) { return abi >= 6 ? 24 : abi >= 4 ? 16 : 8; }

// A path that is not there needs no rule.
void allow(int ruleset, const std::string& path, std::uint64_t access) {
    const Fd at(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat what{};
    if (!at.is_open() || ::fstat(at.get(), &what) != 0) return;
    if (!S_ISDIR(what.st_mode)) access &= file_only;
    landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = at.get()};
    ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

}  // namespace

int landlock_abi() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : static_cast<int>(abi);
}

bool apply_landlock(const Plan& plan, const LandlockWish& wish) {
    if (wish.abi < 1) return false;
    const auto handled = files_of(wish.abi);
    const Ruleset rules{.files = handled,
                        .net = wish.abi >= 4 && wish.deny_tcp ? tcp_bind_and_connect : 0,
                        .scoped = wish.abi >= 6 ? abstract_sockets_and_signals : 0};
    const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size_of(wish.abi), 0)));
    if (!ruleset.is_open()) return false;
    const auto read_write = handled & (file_only | LANDLOCK_ACCESS_FS_READ_DIR) & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE};
    const auto own = handled & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK};
    for (const auto& path : system_paths()) allow(ruleset.get(), path, read_any);
    for (const auto& path : plan.readable_paths) allow(ruleset.get(), path, read_any);
    allow(ruleset.get(), plan.program, read_any);
    for (const auto& path : device_paths()) allow(ruleset.get(), path, read_write);
    if (wish.has_private_view) {
        allow(ruleset.get(), "/tmp", own);
        allow(ruleset.get(), "/dev/shm", own);
    }
    if (plan.wants_gpus()) {
        for (const auto& path : gpu_system_paths()) allow(ruleset.get(), path, read_any);
        for (const auto& path : gpu_paths(plan)) allow(ruleset.get(), path, read_write);
    }
    allow(ruleset.get(), plan.directory, own);
    return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

}  // namespace meridian::fleet::sandbox
