// What a host says about itself, as text that can be read without the host.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/service.h"

namespace meridian::fleet {

// "MemTotal:       24615436 kB" of /proc/meminfo, in bytes.
std::optional<std::uint64_t> memory_total(std::string_view meminfo);
// The content of memory.max or memory.limit_in_bytes; nothing when there is no limit ("max", or v1's huge number).
std::optional<std::uint64_t> memory_limit(std::string_view text);
// CPUs that a quota amounts to, at least 1: "50000 100000" (cpu.max); nothing for "max" and for v1's -1.
std::optional<std::uint32_t> cpu_quota(std::string_view text);
// Whose cores they are by /proc/cpuinfo: "GenuineIntel", on Arm "0x41-0xd0c" (implementer and part); "" where it does not say.
std::string cpu_of(std::string_view cpuinfo);
// One of /proc/driver/nvidia/gpus/*/information.
struct GpuDevice {
    std::string uuid;
    int minor = 0;  // N of /dev/nvidiaN
};
std::optional<GpuDevice> parse_gpu_information(std::string_view text);
// `nvidia-smi --query-gpu=index,uuid,name,memory.total --format=csv,noheader,nounits`; lines it cannot read are left out.
// The device is named by the index until the kernel says otherwise.
std::vector<Gpu> parse_nvidia_smi(std::string_view csv);
// "NVIDIA H100 80GB HBM3" reads H100-80GB-HBM3 in the name of a node type.
std::string gpu_slug(std::string_view name);

}  // namespace meridian::fleet
