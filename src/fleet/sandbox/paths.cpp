#include <dirent.h>

#include <memory>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {

const std::vector<std::string>& system_paths() {
    static const std::vector<std::string> paths = {"/usr",
                                                   "/bin",
                                                   "/lib",
                                                   "/lib64",
                                                   "/etc/ld.so.cache",
                                                   "/etc/localtime",
                                                   "/proc/meminfo",
                                                   "/proc/cpuinfo",
                                                   "/proc/stat",
                                                   "/proc/self",
                                                   "/proc/version",
                                                   "/proc/sys/vm/overcommit_memory",
                                                   "/sys/devices/system/cpu",
                                                   "/sys/devices/system/node",
                                                   "/sys/kernel/mm/transparent_hugepage"};
    return paths;
}

std::vector<std::string> device_paths() { return {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}; }

// nvidiactl, nvidia-uvm, nvidia-caps and their like are shared by all; nvidia0 is one GPU.
std::vector<std::string> gpu_paths(const Plan& plan) {
    std::vector<std::string> out = plan.gpu_devices;
    constexpr std::string_view stem = "nvidia";
    const std::unique_ptr<DIR, int (*)(DIR*)> dev(::opendir("/dev"), ::closedir);
    if (!dev) return out;
    while (const auto* entry = ::readdir(dev.get())) {
        const std::string_view name(entry->d_name);
        const bool is_gpu = name.size() > stem.size() && name.find_first_not_of("0123456789", stem.size()) == name.npos;
        if (name.starts_with(stem) && !is_gpu) out.push_back("/dev/" + std::string(name));
    }
    return out;
}

// The CUDA library looks for its devices through these.
std::vector<std::string> gpu_system_paths() {
    return {"/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/sys/bus/pci",
            "/sys/devices",        "/sys/module",   "/sys/class",    "/etc/nvidia"};
}

}  // namespace meridian::fleet::sandbox
