#include "fleet/node_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "fleet/lifecycle.h"
#include "resource/json_bind.h"

namespace meridian::fleet {

// --- The file.

struct GpuPart {
    std::string name, manufacturer;
    std::uint64_t memory_gb = 0;
    std::optional<std::uint32_t> watts;
    std::vector<std::string> known_as;
};
constexpr auto describe(As<GpuPart>) {
    using G = GpuPart;
    return fields(field("name", &G::name, length{1, 64}), field("manufacturer", &G::manufacturer, length{1, 64}),
                  field("memory_gb", &G::memory_gb, range{1, 10'000}), field("watts", &G::watts, range{1, 100'000}),
                  field("known_as", &G::known_as, required, length{1, 128}, at_least{1}, at_most{limits::node_type_names}))
        .strict();
}

struct CpuPart {
    std::string name;
    std::vector<std::string> known_as;
};
constexpr auto describe(As<CpuPart>) {
    return fields(field("name", &CpuPart::name, length{1, 128}),
                  field("known_as", &CpuPart::known_as, length{1, 64}, at_most{limits::node_type_names}))
        .strict();
}

struct SizePart {
    std::uint32_t gpus = 0, vcpus = 0;
    std::optional<std::uint64_t> memory_gb;
    std::optional<std::uint64_t> internet_mbit;
    std::optional<std::uint32_t> watts;
};
constexpr auto describe(As<SizePart>) {
    using S = SizePart;
    return fields(field("gpus", &S::gpus, range{1, 1024}, defaulted), field("vcpus", &S::vcpus, range{1, 100'000}),
                  field("memory_gb", &S::memory_gb, range{1, 1'000'000}), field("internet_mbit", &S::internet_mbit, range{1, 100'000'000}),
                  field("watts", &S::watts, range{1, 1'000'000}))
        .strict();
}

struct FamilyPart {
    std::string name, family, arch, basis;
    Lifecycle lifecycle = Lifecycle::general_availability;
    std::optional<CpuPart> cpu;
    std::optional<GpuPart> gpu;
    std::optional<std::string> watts_basis;
    std::vector<std::string> replaced_by;
    std::vector<SizePart> sizes;
};
constexpr auto describe(As<FamilyPart>) {
    using F = FamilyPart;
    return fields(field("name", &F::name, length{1, 64}), field("family", &F::family, length{1, 64}),
                  field("arch", &F::arch, one_of{"x86_64", "aarch64"}), field("basis", &F::basis, length{1, limits::node_type_text}),
                  field("lifecycle", &F::lifecycle, defaulted), field("cpu", &F::cpu), field("gpu", &F::gpu),
                  field("watts_basis", &F::watts_basis, length{1, limits::node_type_text}),
                  field("replaced_by", &F::replaced_by, length{1, 64}, at_most{limits::node_type_names}),
                  field("sizes", &F::sizes, required, at_least{1}, at_most{limits::node_type_sizes}))
        .strict();
}

namespace {

using Reason = FieldProblem::Reason;

constexpr std::uint64_t gigabyte = 1'000'000'000, megabit = 1'000'000;

void replace(std::string& text, std::string_view what, const std::string& by) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
}

bool is_name(std::string_view text) {
    const auto is_plain = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_plain);
}

std::string description(const FamilyPart& family, const SizePart& size) {
    std::string out;
    if (family.gpu) out = fmt::format("{} x {} with {} GB each, ", size.gpus, family.gpu->name, family.gpu->memory_gb);
    out += fmt::format("{} CPUs", size.vcpus);
    if (size.memory_gb) out += fmt::format(" and {} GB of memory", *size.memory_gb);
    out += fmt::format(" ({}{})", family.arch, family.cpu ? ", " + family.cpu->name : "");
    if (!size.memory_gb) out += "; how much memory is not published";
    if (family.lifecycle == Lifecycle::announced) out += "; announced by its maker, and cannot be ordered";
    return out;
}

CatalogueType made_of(const FamilyPart& family, const SizePart& size, const std::string& at) {
    if (family.gpu.has_value() != (size.gpus > 0))
        throw invalid(at + ".gpus", Reason::constraint, family.gpu ? "is missing" : "is there, and the entry has no 'gpu'");
    if (!size.memory_gb && family.lifecycle != Lifecycle::announced)
        throw invalid(at + ".memory_gb", Reason::required, "is missing; only what is announced may lack it");
    CatalogueType made;
    auto& type = made.type;
    type.name = family.name;
    replace(type.name, "{gpus}", std::to_string(size.gpus));
    replace(type.name, "{vcpus}", std::to_string(size.vcpus));
    replace(type.name, "{memory_gb}", std::to_string(size.memory_gb.value_or(0)));
    if (!is_name(type.name))
        throw invalid(at, Reason::format, fmt::format("gives the name '{}': at most 64 letters, digits and '-'", type.name));
    type.description = description(family, size);
    type.arch = family.arch;
    type.vcpus = size.vcpus;
    type.gpus = size.gpus;
    type.memory_bytes = size.memory_gb.value_or(0) * gigabyte;
    type.stock = Stock::out_of_stock;
    type.disabled = family.lifecycle == Lifecycle::announced || family.lifecycle == Lifecycle::retired;
    Particulars about;
    about.family = family.family;
    about.basis = family.basis;
    about.lifecycle = family.lifecycle;
    about.watts = size.watts;
    about.watts_basis = family.watts_basis.value_or("");
    about.replaced_by = family.replaced_by;
    if (size.internet_mbit) about.internet_bits = *size.internet_mbit * megabit;
    if (family.cpu) {
        about.cpu = family.cpu->name;
        made.cpus_known_as = family.cpu->known_as;
    }
    if (const auto& gpu = family.gpu) {
        type.vram_bytes = gpu->memory_gb * gigabyte * size.gpus;
        about.gpu = gpu->name;
        about.gpu_manufacturer = gpu->manufacturer;
        about.gpu_memory_bytes = gpu->memory_gb * gigabyte;
        if (!about.watts && gpu->watts) about.watts = *gpu->watts * size.gpus;
        made.gpus_known_as = gpu->known_as;
    }
    if (about.watts && about.watts_basis.empty()) throw invalid(at + ".watts", Reason::constraint, "needs the entry's 'watts_basis'");
    type.about = std::move(about);
    return made;
}

void add_family(const Json& item, const std::string& at, std::vector<CatalogueType>& into) {
    const auto family = from_json<FamilyPart>(item, {.at = at});
    for (std::size_t i = 0; i < family.sizes.size(); ++i) {
        auto made = made_of(family, family.sizes[i], fmt::format("{}.sizes.{}", at, i));
        if (std::ranges::any_of(into, [&](const CatalogueType& one) { return one.type.name == made.type.name; }))
            throw invalid(fmt::format("{}.sizes.{}", at, i), Reason::constraint, fmt::format("is the second '{}'", made.type.name));
        into.push_back(std::move(made));
    }
}

}  // namespace

expected<std::vector<CatalogueType>> read_node_types(const Json& list) {
    const auto* families = member(list, "node_types");
    if (!families || !families->is_array() || list.as_object().size() != 1)
        return complaint("The node types are a map with one list, named 'node_types'.");
    if (families->get_array().size() > limits::node_type_families)
        return complaint(fmt::format("There are at most {} entries in 'node_types'.", limits::node_type_families));
    std::vector<CatalogueType> made;
    std::size_t index = 0;
    for (const auto& item : families->get_array()) {
        const auto at = fmt::format("node_types.{}", index++);
        try {
            add_family(item, at, made);
        } catch (const Error& error) {
            if (error.fields.empty()) return complaint(fmt::format("{}: {}", at, error.said));
            return complaint(fmt::format("{}: {}", error.fields.front().name, error.fields.front().help));
        }
    }
    return made;
}

std::vector<CatalogueType> merged(std::vector<CatalogueType> types, std::vector<CatalogueType> more) {
    for (auto& one : more) {
        const auto same = std::ranges::find(types, one.type.name, [](const CatalogueType& known) { return known.type.name; });
        if (same == types.end())
            types.push_back(std::move(one));
        else
            *same = std::move(one);
    }
    return types;
}

// --- What there is of it.

namespace {

// Its GPUs of one kind that the entry knows: the kind, and how many. All of a node's CPUs and memory are shared out among its GPUs.
std::pair<std::string, std::uint64_t> gpus_of(const Node& node, const CatalogueType& entry) {
    for (const auto& gpu : node.gpus) {
        if (std::ranges::find(entry.gpus_known_as, gpu.name) == entry.gpus_known_as.end()) continue;
        return {gpu.name, static_cast<std::uint64_t>(std::ranges::count(node.gpus, gpu.name, &Gpu::name))};
    }
    return {};
}

}  // namespace

bool holds(const Node& node, const CatalogueType& entry) {
    const auto& type = entry.type;
    if (type.disabled || node.arch != type.arch) return false;
    const auto& cpus = entry.cpus_known_as;
    if (!cpus.empty() && std::ranges::find(cpus, node.cpu) == cpus.end()) return false;
    if (type.gpus == 0) return node.cpus >= type.vcpus && node.memory_bytes >= type.memory_bytes;
    if (gpus_of(node, entry).second < type.gpus) return false;
    return std::uint64_t{node.cpus} * type.gpus / node.gpus.size() >= type.vcpus &&
           node.memory_bytes / node.gpus.size() * type.gpus >= type.memory_bytes;
}

std::vector<NodeType> node_types(std::span<const Node> nodes, std::span<const CatalogueType> catalogue) {
    auto out = node_types(nodes);
    for (const auto& entry : catalogue) {
        auto type = entry.type;
        const auto node = std::ranges::find_if(nodes, [&](const Node& one) { return holds(one, entry); });
        if (node != nodes.end()) {
            type.stock = Stock::available;
            type.gpu = gpus_of(*node, entry).first;
            if (!entry.cpus_known_as.empty()) type.cpu = node->cpu;
        }
        out.push_back(std::move(type));
    }
    return out;
}

}  // namespace meridian::fleet
