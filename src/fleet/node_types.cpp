// The offer is derived from the machines: nobody keeps a list that could promise what no node holds.
#include <fmt/format.h>

#include <map>

#include "fleet/host.h"
#include "fleet/service.h"

namespace meridian::fleet {
namespace {

constexpr std::uint64_t gib = 1ull << 30;

std::string suffix(const Node& node) { return node.arch == "x86_64" ? std::string() : "-" + gpu_slug(node.arch); }

std::string description(const NodeType& type, std::string_view gpu) {
    auto out = fmt::format("{} CPUs and {} GiB of memory ({})", type.vcpus, type.memory_bytes / gib, type.arch);
    if (type.gpus > 0) out = fmt::format("{} x {} with {} GiB each, ", type.gpus, gpu, type.vram_bytes / type.gpus / gib) + out;
    return out;
}

NodeType host_type(const Node& node) {
    NodeType type{.name = fmt::format("CPU-{}C-{}G{}", node.cpus, node.memory_bytes / gib, suffix(node)),
                  .description = {},
                  .arch = node.arch,
                  .vcpus = node.cpus,
                  .gpus = 0,
                  .memory_bytes = node.memory_bytes,
                  .vram_bytes = 0,
                  .gpu = {}};
    type.description = description(type, {});
    return type;
}

// One, two, four ... GPUs of a kind, with their share of the host.
void gpu_types(const Node& node, std::map<std::string, NodeType>& into) {
    std::map<std::string, std::vector<Gpu>> kinds;
    for (const auto& gpu : node.gpus) kinds[gpu.name].push_back(gpu);
    for (const auto& [kind, gpus] : kinds) {
        for (std::uint32_t count = 1; count <= gpus.size(); count *= 2) {
            NodeType type{
                .name = fmt::format("GPU-{}-{}{}", gpu_slug(kind), count, suffix(node)),
                .description = {},
                .arch = node.arch,
                .vcpus = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::uint64_t{node.cpus} * count / node.gpus.size())),
                .gpus = count,
                .memory_bytes = node.memory_bytes / node.gpus.size() * count,
                .vram_bytes = 0,
                .gpu = kind};
            for (std::uint32_t i = 0; i < count; ++i) type.vram_bytes += gpus[i].memory_bytes;
            type.description = description(type, kind);
            into.try_emplace(type.name, std::move(type));
        }
    }
}

}  // namespace

std::vector<NodeType> node_types(std::span<const Node> nodes) {
    std::map<std::string, NodeType> all;  // by name, so that the offer has an order
    for (const auto& node : nodes) {
        auto host = host_type(node);
        all.try_emplace(host.name, std::move(host));
        gpu_types(node, all);
    }
    std::vector<NodeType> out;
    for (auto& [_, type] : all) out.push_back(std::move(type));
    return out;
}

}  // namespace meridian::fleet
