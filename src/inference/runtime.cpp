#include "inference/runtime.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace meridian::inference {
namespace {

// f16 keys and values of one token over all layers: about 23 KiB for a 135M model, 128 KiB for a 7B one with grouped queries.
std::uint64_t cache_bytes_per_token(std::uint64_t parameters) { return parameters < 1'000'000'000 ? 48 * 1024 : 160 * 1024; }

std::uint32_t slots_of(const catalog::Model& model) { return std::max<std::uint32_t>(1, model.slots_default); }
std::uint64_t slot_context_of(const catalog::Model& model) { return model.context_default ? model.context_default : 4096; }

using Values = std::vector<std::pair<std::string_view, std::string>>;

// In one go, so that a value that looks like a placeholder stays what it is. What is not known here is left for fleet.
std::string filled(std::string_view word, const Values& values) {
    std::string out;
    while (!word.empty()) {
        const auto open = word.find('{');
        out += word.substr(0, open);
        if (open == word.npos) break;
        word.remove_prefix(open);
        const auto close = std::min(word.find('}'), word.size() - 1);
        const auto known = std::ranges::find(values, word.substr(1, close - 1), &Values::value_type::first);
        out += known == values.end() ? word.substr(0, close + 1) : std::string_view(known->second);
        word.remove_prefix(close + 1);
    }
    return out;
}

// Inside of a view that shows only its own devices a replica counts from 0; without one it sees all of the host's.
std::vector<int> numbers_inside(const fleet::Node& node, const std::vector<int>& gpus) {
    const bool hides = std::ranges::any_of(node.sandbox_layers,
                                           [](const std::string& layer) { return layer == "mount-ns" || layer.starts_with("landlock-"); });
    if (!hides) return gpus;
    std::vector<int> out;
    for (std::size_t i = 0; i < gpus.size(); ++i) out.push_back(static_cast<int>(i));
    return out;
}

std::vector<fleet::Gpu> gpus_of(const fleet::Node& node, const std::vector<int>& indexes) {
    std::vector<fleet::Gpu> out;
    for (const auto& gpu : node.gpus)
        if (std::ranges::find(indexes, gpu.index) != indexes.end()) out.push_back(gpu);
    return out;
}

}  // namespace

std::string_view name(Format format) {
    switch (format) {
        case Format::gguf:
            return "gguf";
        case Format::safetensors:
            return "safetensors";
    }
    return "";
}

Format format_of(const catalog::Model& model) {
    const bool is_safetensors = std::ranges::any_of(model.artifacts, [](const auto& a) { return a.name.ends_with(".safetensors"); });
    return is_safetensors ? Format::safetensors : Format::gguf;
}

expected<Runtime> runtime_for(std::span<const Runtime> all, const catalog::Model& model, const fleet::NodeType& type) {
    const auto format = format_of(model);
    bool any_serves = false;
    std::string wrong_kind;
    for (const auto& runtime : all) {
        if (runtime.program.empty() || std::ranges::find(runtime.serves, format) == runtime.serves.end()) continue;
        any_serves = true;
        if (runtime.needs_gpu == (type.gpus > 0)) return runtime;
        wrong_kind += (wrong_kind.empty() ? "" : ", ") + runtime.name;
    }
    if (!any_serves) {
        return complaint(fmt::format("No runtime here serves {} files. Name one at the start: meridian up --runtime {}=PROGRAM.",
                                     name(format), format == Format::gguf ? "llama.cpp" : "vllm"));
    }
    if (type.gpus > 0) {
        return complaint(
            fmt::format("The node type {} has GPUs, but {} uses none. Name a runtime that does at the start: meridian up "
                        "--runtime vllm=PROGRAM, or llama.cpp-cuda=PROGRAM.",
                        type.name, wrong_kind));
    }
    return complaint(fmt::format("The node type {} has no GPUs, but {} needs one.", type.name, wrong_kind));
}

fleet::Need need_of(const catalog::Model& model, std::uint32_t gpus) {
    fleet::Need need;
    const std::uint64_t working = 96ull << 20;
    need.memory_bytes = model.bytes() * 2 + slot_context_of(model) * slots_of(model) * cache_bytes_per_token(model.parameters) + working;
    need.cpus = 1;
    need.gpus = gpus;
    return need;
}

fleet::Need need_on(const catalog::Model& model, const fleet::NodeType& type, const RuntimeOptions& options) {
    auto need = fleet::on_type(need_of(model, type.gpus), type);
    need.cpus_wished = options.threads;
    return need;
}

std::uint32_t threads_for(std::size_t cpus) { return static_cast<std::uint32_t>(std::clamp<std::size_t>(cpus, 1, 32)); }

fleet::Launch launch_of(const Runtime& runtime, const RuntimeOptions& options, const catalog::Model& model, const std::string& model_path,
                        const fleet::Node& node, const ReplicaRow& row, std::string log_path) {
    const auto gpus = gpus_of(node, row.gpus);
    std::vector<std::string> uuids, devices;
    for (const auto& gpu : gpus) {
        uuids.push_back(gpu.uuid);
        devices.push_back(gpu.device);
    }
    const auto slots = slots_of(model);
    const Values values = {
        {"model", model_path},
        {"name", model.name},
        {"context", std::to_string(slot_context_of(model) * slots)},
        {"slot_context", std::to_string(slot_context_of(model))},
        {"slots", std::to_string(slots)},
        {"threads", std::to_string(options.threads ? options.threads : threads_for(row.cpu_ids.size()))},
        {"http_threads", std::to_string(slots * static_cast<std::uint32_t>(limits::waiting_per_slot) + 8)},
        {"gpus", std::to_string(row.gpus.size())},
        {"gpu_uuids", fmt::format("{}", fmt::join(uuids, ","))},
        {"gpu_numbers", fmt::format("{}", fmt::join(numbers_inside(node, row.gpus), ","))},
    };
    fleet::Launch launch;
    launch.id = row.id;
    launch.program = runtime.program;
    const auto add = [&values](const std::vector<std::string>& words, std::vector<std::string>& into) {
        for (const auto& word : words) into.push_back(filled(word, values));
    };
    add(runtime.arguments, launch.arguments);
    add(model.can(catalog::Capability::embedding) ? runtime.embedding_arguments : runtime.generating_arguments, launch.arguments);
    add(runtime.environment, launch.environment);
    launch.readable_paths = runtime.readable;
    launch.readable_paths.push_back(runtime.program);
    launch.readable_paths.push_back(model_path);
    launch.log_path = std::move(log_path);
    launch.health_path = runtime.health_path;
    launch.memory_bytes = row.memory_bytes;
    launch.cpu_ids = row.cpu_ids;
    launch.gpu_devices = std::move(devices);
    return launch;
}

}  // namespace meridian::inference
