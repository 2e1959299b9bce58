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

std::vector<Gpu> free_gpus(const Node& node, const Load& load, std::string_view kind) {
    std::vector<Gpu> out;
    for (const auto& gpu : node.gpus) {
        const bool is_wished = kind.empty() || gpu.name == kind;
        if (is_wished && std::ranges::find(load.gpus_used, gpu.index) == load.gpus_used.end()) out.push_back(gpu);
    }
    return out;
}

// What the node lacks as a whole, however empty it is.
std::optional<std::string> unfit(const Need& need, const Node& node) {
    if (!need.arch.empty() && node.arch != need.arch) return fmt::format("is {}, {} is needed", node.arch, need.arch);
    if (!need.cpu.empty() && node.cpu != need.cpu) return fmt::format("has the processor {}, {} is needed", node.cpu, need.cpu);
    if (node.cpus < need.node_cpus) return fmt::format("has {} CPUs, its type needs {}", node.cpus, need.node_cpus);
    if (node.memory_bytes < need.node_memory_bytes)
        return fmt::format("has {} of memory, its type needs {}", gib(node.memory_bytes), gib(need.node_memory_bytes));
    return std::nullopt;
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
    if (auto why = unfit(need, node)) return complaint(std::move(*why));
    const auto cpus = node.cpus > load.cpus_used ? node.cpus - load.cpus_used : 0;
    if (cpus < need.cpus) return complaint(fmt::format("has {} of {} CPUs free, {} needed", cpus, node.cpus, need.cpus));
    const auto memory = free_memory(node, load);
    if (memory < need.memory_bytes) {
        return complaint(fmt::format("has {} of {} memory free, {} needed", gib(memory), gib(node.memory_bytes), gib(need.memory_bytes)));
    }
    Fit out{.node = &node, .gpus = {}, .gpus_left = 0, .memory_left = memory - need.memory_bytes};
    out.gpus_left = free_gpus(node, load, {}).size();
    if (need.gpus == 0) return out;
    auto unused = free_gpus(node, load, need.gpu);
    if (unused.size() < need.gpus) {
        return complaint(fmt::format("has {} of {} GPUs free{}, {} needed", unused.size(), node.gpus.size(),
                                     need.gpu.empty() ? "" : " that are " + need.gpu, need.gpus));
    }
    out.gpus_left -= need.gpus;
    out.gpus = choose_gpus(std::move(unused), need);
    if (out.gpus.empty()) return complaint(fmt::format("has no {} free GPUs that hold {} together", need.gpus, gib(need.memory_bytes)));
    return out;
}

}  // namespace

Need on_type(Need need, const NodeType& type) {
    need.arch = type.arch;
    need.gpus = type.gpus;
    need.gpu = type.gpu;
    need.cpu = type.cpu;
    need.node_cpus = type.vcpus;
    need.node_memory_bytes = type.memory_bytes;
    need.cpus_most = type.vcpus;  // its share; others of the host have theirs
    return need;
}

std::vector<int> choose_cpus(const Node& node, const Load& load, const Need& need) {
    std::vector<int> usable = node.cpu_ids;
    if (usable.size() > 1) usable.erase(usable.begin());
    const auto shared_by = [&load](int cpu) { return std::ranges::count(load.cpu_ids_used, cpu); };
    std::vector<int> unshared;
    std::ranges::copy_if(usable, std::back_inserter(unshared), [&](int cpu) { return shared_by(cpu) == 0; });
    const std::size_t wished = std::min<std::size_t>(need.cpus_wished ? need.cpus_wished : (unshared.size() + 1) / 2, need.cpus_most);
    if (wished > 0 && wished <= unshared.size()) {
        unshared.resize(wished);
        return unshared;
    }
    if (usable.empty()) return {};
    std::ranges::sort(usable, {}, [&](int cpu) { return std::pair(shared_by(cpu), cpu); });
    usable.resize(std::clamp<std::size_t>(need.cpus_wished, 1, usable.size()));
    std::ranges::sort(usable);
    return usable;
}

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
    const auto index = static_cast<std::size_t>(best->node - nodes.data());
    std::string gpus = best->gpus.empty() ? std::string() : fmt::format(" with GPU {}", fmt::join(best->gpus, ", "));
    return Placement{.node = best->node->id,
                     .gpus = best->gpus,
                     .cpu_ids = choose_cpus(*best->node, loads[index], need),
                     .because = fmt::format("node {} holds {} of {}{} and is in {}, which the project's policy allows", best->node->name,
                                            gib(need.memory_bytes), gib(best->node->memory_bytes), gpus, best->node->zone.str())};
}

}  // namespace meridian::fleet
