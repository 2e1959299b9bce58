// Scaleway's instance/v1 server types on the wire, as far as node types have them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "resource/fields.h"

namespace meridian::marketplace {

// No disks are sold with a node type: both ends are 0, which is what the clients expect of such a type.
struct VolumeSizes {
    std::uint64_t min_size = 0, max_size = 0;
};
constexpr auto describe(As<VolumeSizes>) {
    return fields(field("min_size", &VolumeSizes::min_size), field("max_size", &VolumeSizes::max_size));
}
struct VolumesByType {
    std::optional<VolumeSizes> l_ssd = VolumeSizes();
};
constexpr auto describe(As<VolumesByType>) { return fields(field("l_ssd", &VolumesByType::l_ssd)); }
struct GpuInfo {
    std::string gpu_manufacturer, gpu_name;
    std::uint64_t gpu_memory = 0;
};
constexpr auto describe(As<GpuInfo>) {
    return fields(field("gpu_manufacturer", &GpuInfo::gpu_manufacturer), field("gpu_name", &GpuInfo::gpu_name),
                  field("gpu_memory", &GpuInfo::gpu_memory));
}
struct NetworkInterface {
    std::optional<std::uint64_t> internal_bandwidth, internet_bandwidth;
};
constexpr auto describe(As<NetworkInterface>) {
    return fields(field("internal_bandwidth", &NetworkInterface::internal_bandwidth),
                  field("internet_bandwidth", &NetworkInterface::internet_bandwidth));
}
struct ServerNetwork {
    std::vector<NetworkInterface> interfaces;
    std::optional<std::uint64_t> sum_internal_bandwidth, sum_internet_bandwidth;
    bool ipv6_support = false;
};
constexpr auto describe(As<ServerNetwork>) {
    using N = ServerNetwork;
    return fields(field("interfaces", &N::interfaces), field("sum_internal_bandwidth", &N::sum_internal_bandwidth),
                  field("sum_internet_bandwidth", &N::sum_internet_bandwidth), field("ipv6_support", &N::ipv6_support));
}
struct ServerCapabilities {
    std::optional<bool> block_storage = false;
    std::vector<std::string> boot_types;
    std::uint32_t max_file_systems = 0;
};
constexpr auto describe(As<ServerCapabilities>) {
    using C = ServerCapabilities;
    return fields(field("block_storage", &C::block_storage), field("boot_types", &C::boot_types),
                  field("max_file_systems", &C::max_file_systems));
}

struct ServerType {
    std::optional<float> monthly_price;
    float hourly_price = 0;
    std::vector<std::string> alt_names;
    std::optional<VolumesByType> per_volume_constraint = VolumesByType();
    std::optional<VolumeSizes> volumes_constraint = VolumeSizes();
    std::uint32_t ncpus = 0;
    std::optional<std::uint64_t> gpu;
    std::uint64_t ram = 0;
    std::optional<GpuInfo> gpu_info;
    std::string arch;
    std::optional<ServerNetwork> network;
    std::optional<ServerCapabilities> capabilities = ServerCapabilities();
    std::optional<std::uint64_t> scratch_storage_max_size;
    std::uint32_t scratch_storage_max_volumes_count = 0;
    std::optional<std::uint64_t> block_bandwidth;
    bool end_of_service = false;
    std::string sku;
};
constexpr auto describe(As<ServerType>) {
    using S = ServerType;
    return fields(field("monthly_price", &S::monthly_price), field("hourly_price", &S::hourly_price), field("alt_names", &S::alt_names),
                  field("per_volume_constraint", &S::per_volume_constraint), field("volumes_constraint", &S::volumes_constraint),
                  field("ncpus", &S::ncpus), field("gpu", &S::gpu), field("ram", &S::ram), field("gpu_info", &S::gpu_info),
                  field("arch", &S::arch), field("network", &S::network), field("capabilities", &S::capabilities),
                  field("scratch_storage_max_size", &S::scratch_storage_max_size),
                  field("scratch_storage_max_volumes_count", &S::scratch_storage_max_volumes_count),
                  field("block_bandwidth", &S::block_bandwidth), field("end_of_service", &S::end_of_service), field("sku", &S::sku));
}

struct Availability {
    std::string availability;
};
constexpr auto describe(As<Availability>) { return fields(field("availability", &Availability::availability)); }

}  // namespace meridian::marketplace
