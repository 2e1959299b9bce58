#include "inference/runtime.h"

#include "inference/types.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace meridian::inference {
namespace {

// f16 keys and values of one token over all layers: about 23 KiB for a 135M model, 128 KiB for a 7B one with grouped queries.
std::uint64_t cache_bytes_per_token(std::uint64_t parameters) { return parameters < 1'000'000'000 ? 48 * 1024 : 160 * 1024; }

std::uint64_t context_of(const catalog::Model& model) {
    const std::uint64_t slot = model.context_default ? model.context_default : 4096;
    return slot * std::max<std::uint32_t>(1, model.slots_default);
}

}  // namespace

fleet::Need need_of(const catalog::Model& model, std::uint32_t gpus) {
    fleet::Need need;
    const std::uint64_t working = 96ull << 20;
    need.memory_bytes = model.bytes() * 2 + context_of(model) * cache_bytes_per_token(model.parameters) + working;
    need.cpus = 1;
    need.gpus = gpus;
    return need;
}

std::uint32_t threads_for(std::uint32_t cpus) { return std::clamp<std::uint32_t>(cpus > 1 ? cpus - 1 : 1, 1, 32); }

fleet::Launch launch_of(const RuntimeOptions& options, const catalog::Model& model, const std::string& model_path, const fleet::Node& node,
                        const std::vector<int>& gpus, ReplicaId id, std::string log_path) {
    const auto threads = std::to_string(options.threads ? options.threads : threads_for(node.cpus));
    const std::uint32_t slots = std::max<std::uint32_t>(1, model.slots_default);
    fleet::Launch launch;
    launch.id = id;
    launch.program = options.llama_server;
    launch.arguments = {"--model",
                        model_path,
                        "--host",
                        "{socket}",
                        "--alias",
                        model.name,
                        "--api-key-file",
                        "{secret_file}",
                        "--ctx-size",
                        std::to_string(context_of(model)),
                        "--parallel",
                        std::to_string(slots),
                        "--threads",
                        threads,
                        "--threads-batch",
                        threads,
                        "--threads-http",
                        std::to_string(slots * static_cast<std::uint32_t>(limits::waiting_per_slot) + 8),
                        "--no-slots",
                        "--cache-ram",
                        "0",
                        "--offline",
                        "--no-warmup"};
    if (model.can(catalog::Capability::embedding)) {
        launch.arguments.push_back("--embedding");
    } else {
        launch.arguments.push_back("--jinja");
    }
    launch.environment = {"LANG=C.UTF-8", fmt::format("OMP_NUM_THREADS={}", threads)};
    if (!gpus.empty()) {
        launch.arguments.insert(launch.arguments.end(), {"--n-gpu-layers", "999"});
        launch.environment.push_back(fmt::format("CUDA_VISIBLE_DEVICES={}", fmt::join(gpus, ",")));
    }
    launch.readable_paths = options.extra_readable;
    launch.readable_paths.push_back(options.llama_server);
    launch.readable_paths.push_back(model_path);
    launch.log_path = std::move(log_path);
    launch.memory_bytes = need_of(model, static_cast<std::uint32_t>(gpus.size())).memory_bytes;
    launch.cpus = node.cpus;
    launch.gpus = gpus;
    return launch;
}

}  // namespace meridian::inference
