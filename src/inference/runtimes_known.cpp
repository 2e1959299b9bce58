// The runtimes that Meridian knows, as data, and how an operator names them or describes others.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/json.h"
#include "inference/runtime.h"
#include "resource/json_bind.h"

namespace meridian::inference {
namespace {

constexpr std::size_t runtimes_max = 16, words_max = 256;

using Words = std::vector<std::string>;

const Words llama_arguments = {
    "--model",        "{model}",        "--host",     "{socket}",    "--alias",   "{name}",    "--api-key-file",  "{secret_file}",
    "--ctx-size",     "{context}",      "--parallel", "{slots}",     "--threads", "{threads}", "--threads-batch", "{threads}",
    "--threads-http", "{http_threads}", "--no-slots", "--cache-ram", "0",         "--offline", "--no-warmup"};

Words joined(Words first, const Words& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

const Words plain_environment = {"LANG=C.UTF-8", "OMP_NUM_THREADS={threads}"};
// The caches of a driver or a compiler go where the replica may write; nothing is looked up on the network.
const Words gpu_environment = {"CUDA_DEVICE_ORDER=PCI_BUS_ID", "HOME={directory}", "XDG_CACHE_HOME={directory}/cache",
                               "CUDA_CACHE_PATH={directory}/cache/cuda"};

std::vector<Runtime> made() {
    return {
        {.name = "llama.cpp",
         .program = {},
         .serves = {Format::gguf},
         .arguments = llama_arguments,
         .generating_arguments = {"--jinja"},
         .embedding_arguments = {"--embedding"},
         .environment = plain_environment,
         .readable = {},
         .counts_tokens = true,
         .closes_after_streams = true,
         .reports_progress = true},
        {.name = "llama.cpp-cuda",
         .program = {},
         .serves = {Format::gguf},
         .needs_gpu = true,
         .arguments = joined(llama_arguments, {"--n-gpu-layers", "999"}),
         .generating_arguments = {"--jinja"},
         .embedding_arguments = {"--embedding"},
         .environment = joined(joined(plain_environment, gpu_environment), {"CUDA_VISIBLE_DEVICES={gpu_uuids}"}),
         .readable = {},
         .counts_tokens = true,
         .closes_after_streams = true,
         .reports_progress = true},
        // Its releases read numbers in CUDA_VISIBLE_DEVICES, not all of them UUIDs. It logs prompts from level INFO on.
        {.name = "vllm",
         .program = {},
         .serves = {Format::safetensors, Format::gguf},
         .needs_gpu = true,
         .arguments = {"serve", "{model}", "--uds", "{socket}", "--served-model-name", "{name}", "--max-model-len", "{slot_context}",
                       "--max-num-seqs", "{slots}", "--tensor-parallel-size", "{gpus}"},
         .generating_arguments = {},
         .embedding_arguments = {"--runner", "pooling"},
         .environment =
             joined(joined(plain_environment, gpu_environment),
                    {"CUDA_VISIBLE_DEVICES={gpu_numbers}", "VLLM_API_KEY={secret}", "VLLM_LOGGING_LEVEL=WARNING", "VLLM_NO_USAGE_STATS=1",
                     "VLLM_CACHE_ROOT={directory}/cache/vllm", "TRITON_CACHE_DIR={directory}/cache/triton", "HF_HUB_OFFLINE=1"}),
         .readable = {}},
    };
}

struct RuntimeFile {  // one entry of an operator's list
    std::string name, program;
    std::vector<std::string> serves;
    bool needs_gpu = false;
    std::optional<std::string> health_path;
    Words arguments, generating_arguments, embedding_arguments, environment, readable;
    bool closes_after_streams = false, reports_progress = false;
};
constexpr auto describe(As<RuntimeFile>) {
    using R = RuntimeFile;
    return fields(
        field("name", &R::name, length{1, limits::name}), field("program", &R::program, length{1, 4096}),
        field("serves", &R::serves, at_most{4}), field("needs_gpu", &R::needs_gpu, defaulted), field("health_path", &R::health_path),
        field("arguments", &R::arguments, at_most{words_max}), field("generating_arguments", &R::generating_arguments, at_most{words_max}),
        field("embedding_arguments", &R::embedding_arguments, at_most{words_max}),
        field("environment", &R::environment, at_most{words_max}), field("readable", &R::readable, at_most{words_max}),
        field("closes_after_streams", &R::closes_after_streams, defaulted), field("reports_progress", &R::reports_progress, defaulted));
}

std::optional<Format> format_named(std::string_view word) {
    for (const auto format : {Format::gguf, Format::safetensors})
        if (name(format) == word) return format;
    return std::nullopt;
}

expected<Runtime> described(RuntimeFile file) {
    Runtime out{.name = std::move(file.name),
                .program = std::move(file.program),
                .serves = {},
                .needs_gpu = file.needs_gpu,
                .health_path = file.health_path.value_or("/health"),
                .arguments = std::move(file.arguments),
                .generating_arguments = std::move(file.generating_arguments),
                .embedding_arguments = std::move(file.embedding_arguments),
                .environment = std::move(file.environment),
                .readable = std::move(file.readable),
                .closes_after_streams = file.closes_after_streams,
                .reports_progress = file.reports_progress};
    for (const auto& word : file.serves) {
        const auto format = format_named(word);
        if (!format) return complaint(fmt::format("The runtime '{}' serves '{}': say gguf or safetensors.", out.name, word));
        out.serves.push_back(*format);
    }
    if (out.serves.empty()) return complaint(fmt::format("The runtime '{}' serves nothing: say gguf or safetensors.", out.name));
    if (!out.program.starts_with('/')) return complaint(fmt::format("The program of the runtime '{}' needs its whole path.", out.name));
    return out;
}

}  // namespace

const std::vector<Runtime>& known_runtimes() {
    static const auto all = made();
    return all;
}

expected<Runtime> named_runtime(std::string_view text) {
    const auto equals = text.find('=');
    const auto kind = text.substr(0, equals);
    const auto known = std::ranges::find(known_runtimes(), kind, &Runtime::name);
    if (equals == text.npos || known == known_runtimes().end() || equals + 1 == text.size()) {
        return complaint(
            fmt::format("'{}' names no runtime; it looks like vllm=/opt/vllm/bin/vllm, with llama.cpp, llama.cpp-cuda or vllm "
                        "before the '='.",
                        text));
    }
    auto out = *known;
    out.program = std::filesystem::absolute(text.substr(equals + 1)).lexically_normal().string();
    const auto above = std::filesystem::path(out.program).parent_path().parent_path();
    // Never the whole file system; a sandbox shows /usr to everybody.
    if (above.has_relative_path() && above != "/usr") out.readable.push_back(above.string());
    return out;
}

expected<std::vector<Runtime>> parse_runtimes(std::string_view json) {
    const auto parsed = parse_json(json, 8);
    if (!parsed) return std::unexpected(parsed.error());
    if (!parsed->is_array() || parsed->get_array().size() > runtimes_max)
        return complaint(fmt::format("Runtimes are described by a JSON list of at most {}.", runtimes_max));
    std::vector<Runtime> out;
    for (const auto& item : parsed->get_array()) {
        try {
            auto one = described(from_json<RuntimeFile>(item, {.is_strict = true}));
            if (!one) return std::unexpected(one.error());
            out.push_back(std::move(*one));
        } catch (const Error& error) {
            return complaint(error.said);
        }
    }
    return out;
}

}  // namespace meridian::inference
