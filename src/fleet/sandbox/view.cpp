// A root of its own: a small tmpfs onto which the few needed paths are bound under their own names, then pivot_root. What is not bound
// does not exist, the sockets of other programs included.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {
namespace {

enum class Access { read, write };

struct Attributes {  // struct mount_attr; <linux/mount.h> and <sys/mount.h> do not go together everywhere
    std::uint64_t set, clear, propagation, userns;
};
constexpr std::uint64_t attribute_read_only = 1;
constexpr unsigned recursively = 0x8000;  // AT_RECURSIVE

bool make_read_only(const std::string& path, bool deep) {
    const Attributes attributes{.set = attribute_read_only, .clear = 0, .propagation = 0, .userns = 0};
    return ::syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), deep ? recursively : 0, &attributes, sizeof attributes) == 0;
}

bool make_directories(const std::string& path) {
    for (auto at = path.find('/', 1); at != path.npos; at = path.find('/', at + 1)) {
        if (::mkdir(path.substr(0, at).c_str(), 0755) != 0 && errno != EEXIST) return false;
    }
    return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

bool make_place(const std::string& path, bool is_directory) {
    if (is_directory) return make_directories(path);
    if (const auto slash = path.rfind('/'); slash > 0 && slash != path.npos && !make_directories(path.substr(0, slash))) return false;
    const Fd made(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    return made.is_open();
}

// A path that the host lacks is left out. Symbolic links of the system (/lib -> usr/lib) are made again; others are followed.
bool show(const std::string& root, const std::string& path, Access access, bool keep_links) {
    struct stat what{};
    if (::lstat(path.c_str(), &what) != 0) return true;
    if (keep_links && S_ISLNK(what.st_mode)) {
        std::array<char, PATH_MAX> to{};
        if (::readlink(path.c_str(), to.data(), to.size() - 1) < 0) return false;
        if (const auto slash = path.rfind('/'); slash > 0 && !make_directories(root + path.substr(0, slash))) return false;
        return ::symlink(to.data(), (root + path).c_str()) == 0 || errno == EEXIST;
    }
    if (::stat(path.c_str(), &what) != 0) return true;
    const auto place = root + path;
    // What lies inside of a path shown before is there already, and cannot be made on a read-only mount.
    const bool is_there = ::access(place.c_str(), F_OK) == 0;
    if (is_there && access == Access::read) return true;
    if (!is_there && !make_place(place, S_ISDIR(what.st_mode))) return false;
    if (::mount(path.c_str(), place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
    return access == Access::write || make_read_only(place, true);
}

// A /proc of the own pid namespace where the kernel allows one (not under a masked /proc of a container), else the host's, which
// Landlock narrows to the process itself and a few files.
bool show_proc(const std::string& root, bool has_pid_namespace) {
    const auto place = root + "/proc";
    if (!make_directories(place)) return false;
    if (has_pid_namespace && ::mount("proc", place.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0) return true;
    return ::mount("/proc", place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0 && make_read_only(place, true);
}

bool show_scratch(const std::string& place, const char* options) {
    return make_directories(place) && ::mount("tmpfs", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0;
}

bool build(const Plan& plan, bool has_pid_namespace) {
    const auto& root = plan.view;
    if (!show_proc(root, has_pid_namespace) || !show_scratch(root + "/tmp", "size=64m,mode=700") ||
        !show_scratch(root + "/dev/shm", plan.wants_gpus() ? "size=8g,mode=700" : "size=64m,mode=700")) {
        return false;
    }
    for (const auto& path : system_paths())
        if (!path.starts_with("/proc") && !show(root, path, Access::read, true)) return false;
    for (const auto& path : device_paths())
        if (!show(root, path, Access::write, false)) return false;
    if (plan.wants_gpus()) {
        for (const auto& path : gpu_paths(plan))
            if (!show(root, path, Access::write, false)) return false;
        if (!show(root, "/sys", Access::read, false) || !show(root, "/etc/nvidia", Access::read, false)) return false;
    }
    for (const auto& path : plan.readable_paths)
        if (!show(root, path, Access::read, false)) return false;
    return show(root, plan.program, Access::read, false) && show(root, plan.directory, Access::write, false);
}

}  // namespace

bool enter_private_view(const Plan& plan, bool has_pid_namespace) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    if (::mount("tmpfs", plan.view.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0) return false;
    if (!build(plan, has_pid_namespace) || ::chdir(plan.view.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) {
        ::umount2(plan.view.c_str(), MNT_DETACH);
        return false;
    }
    // Both roots lie on "/" now; the one on top is the old.
    if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) ::_exit(126);  // half a view is none: never run in it
    return make_read_only("/", false);
}

}  // namespace meridian::fleet::sandbox
