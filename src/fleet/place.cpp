// Best fit: work goes where it leaves the least unused, so that large requests still find a large hole. Work without GPUs avoids
// GPU machines for the same reason. Everything is compared by value and then by id: the same day replayed gives the same answer.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "fleet/service.h"

namespace meridian::fleet {
namespace {

std::string gib(std::uint64_t bytes) { return fmt::format("{:.3g} GiB", static_cast<double>(bytes) / (1ull << 30)); }

std::uint64_t free_memory(const Node& node, const Load& load) {
    return node.memory_bytes > load.memory_used ? node.memory_bytes - load.memory_used : 0;
}

std::vector<Gpu> free_gpus(const Node& node, const Load& load) {
    std::vector<Gpu> out;
    for (const auto& gpu : node.gpus)
        if (std::ranges::find(load.gpus_used, gpu.index) == load.gpus_used.end()) out.push_back(gpu);
    return out;
}

// The smallest GPUs that hold it together; empty when none do.
std::vector<int> choose_gpus(std::vector<Gpu> unused, const Need& need) {
    std::ranges::sort(unused, {}, [](const Gpu& g) { return std::tuple(g.memory_bytes, g.index); });
    for (std::size_t first = 0; first + need.gpus <= unused.size(); ++first) {
        std::vector<int> chosen;
        std::uint64_t together = 0;
        for (std::size_t i = first; i < first + need.gpus; ++i) {
            chosen.push_back(unused[i].index);
            together += unused[i].memory_bytes;
        }
        if (together < need.memory_bytes) continue;
        std::ranges::sort(chosen);
        return chosen;
    }
    return {};
}

struct Fit {
    const Node* node;
    std::vector<int> gpus;
    std::size_t gpus_left;
    std::uint64_t memory_left;
    auto key() const { return std::tuple(gpus_left, memory_left, node->id); }
};

expected<Fit> fit(const Need& need, const geography::Residency& residency, const Node& node, const Load& load) {
    if (!residency.allows(node.zone)) {
        return complaint(fmt::format("is in {}, but the project's policy allows {}", node.zone.str(), residency.in_words()));
    }
    if (!need.arch.empty() && node.arch != need.arch) return complaint(fmt::format("is {}, {} is needed", node.arch, need.arch));
    const auto cpus = node.cpus > load.cpus_used ? node.cpus - load.cpus_used : 0;
    if (cpus < need.cpus) return complaint(fmt::format("has {} of {} CPUs free, {} needed", cpus, node.cpus, need.cpus));
    const auto memory = free_memory(node, load);
    if (memory < need.memory_bytes) {
        return complaint(fmt::format("has {} of {} memory free, {} needed", gib(memory), gib(node.memory_bytes), gib(need.memory_bytes)));
    }
    Fit out{.node = &node, .gpus = {}, .gpus_left = 0, .memory_left = memory - need.memory_bytes};
    auto unused = free_gpus(node, load);
    out.gpus_left = unused.size();
    if (need.gpus == 0) return out;
    if (unused.size() < need.gpus) {
        return complaint(fmt::format("has {} of {} GPUs free, {} needed", unused.size(), node.gpus.size(), need.gpus));
    }
    out.gpus_left -= need.gpus;
    out.gpus = choose_gpus(std::move(unused), need);
    if (out.gpus.empty()) return complaint(fmt::format("has no {} free GPUs that hold {} together", need.gpus, gib(need.memory_bytes)));
    return out;
}

}  // namespace

expected<Placement> place(const Need& need, const geography::Residency& residency, std::span<const Node> nodes,
                          std::span<const Load> loads) {
    MERIDIAN_ASSERT(nodes.size() == loads.size());
    std::optional<Fit> best;
    std::vector<std::string> why_not;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        auto one = fit(need, residency, nodes[i], loads[i]);
        if (!one) {
            why_not.push_back(fmt::format("node {} {}", nodes[i].name, one.error().said));
        } else if (!best || one->key() < best->key()) {
            best = std::move(*one);
        }
    }
    if (!best) {
        if (nodes.empty()) return complaint("No place: there are no nodes.");
        std::ranges::sort(why_not);
        return complaint(fmt::format("No node has a place: {}.", fmt::join(why_not, "; ")));
    }
    std::string gpus = best->gpus.empty() ? std::string() : fmt::format(" with GPU {}", fmt::join(best->gpus, ", "));
    return Placement{.node = best->node->id,
                     .gpus = best->gpus,
                     .because = fmt::format("node {} holds {} of {}{} and is in {}, which the project's policy allows", best->node->name,
                                            gib(need.memory_bytes), gib(best->node->memory_bytes), gpus, best->node->zone.str())};
}

}  // namespace meridian::fleet
