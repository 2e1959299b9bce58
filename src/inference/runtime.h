// How a model becomes a process: runtimes as data, which of them serves a model, and the launch of one replica. Pure.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "catalog/service.h"
#include "fleet/service.h"
#include "inference/types.h"

namespace meridian::inference {

enum class Format { gguf, safetensors };
std::string_view name(Format format);
Format format_of(const catalog::Model& model);

// A program that serves models. Words of the arguments and of the environment may hold {model} (the path), {name}, {context} (of all
// slots together), {slot_context}, {slots}, {threads}, {http_threads}, {gpus} (how many), {gpu_uuids}, {gpu_numbers} (as the replica
// counts them), and what fleet::Launch knows.
struct Runtime {
    std::string name;
    std::string program;  // empty: not on this host
    std::vector<Format> serves;
    bool needs_gpu = false;  // else it uses none, and is never given one
    std::string health_path = "/health";
    std::vector<std::string> arguments, generating_arguments, embedding_arguments;
    std::vector<std::string> environment;
    std::vector<std::string> readable;  // beside the program and the model
    bool counts_tokens = false;         // answers POST /apply-template and /tokenize as llama-server does
    bool closes_after_streams = false;  // without saying so: a streamed request needs a connection of its own
    bool reports_progress = false;      // understands `return_progress`
};

// The kinds that Meridian knows, without their programs: "llama.cpp", "llama.cpp-cuda", "vllm".
const std::vector<Runtime>& known_runtimes();
// "vllm=/opt/vllm/bin/vllm": a kind that Meridian knows, with its program. The folder above the program's is readable: a Python
// environment begins there.
expected<Runtime> named_runtime(std::string_view text);
// A list of runtimes of the operator's own, as JSON: [{"name", "program", "serves": ["gguf"], "needs_gpu", "health_path", "arguments",
// "generating_arguments", "embedding_arguments", "environment", "readable", "closes_after_streams", "reports_progress"}].
expected<std::vector<Runtime>> parse_runtimes(std::string_view json);

struct RuntimeOptions {
    std::vector<Runtime> all;   // the first that serves a model is taken
    std::uint32_t threads = 0;  // of each replica; 0: as many as it gets CPUs
};

// The first that serves the model's format on nodes of this type; the diagnostic says in words why none does.
expected<Runtime> runtime_for(std::span<const Runtime> all, const catalog::Model& model, const fleet::NodeType& type);

// What one replica needs: weights (mapped and partly repacked), the key-value cache of all slots, working memory.
fleet::Need need_of(const catalog::Model& model, std::uint32_t gpus);
// The same on nodes of a type, with as many CPUs of its own as there shall be threads.
fleet::Need need_on(const catalog::Model& model, const fleet::NodeType& type, const RuntimeOptions& options);

// As many threads as CPUs of its own. With more, or with those of a busy neighbour, decoding collapses more than twentyfold: every
// barrier waits for a thread that is not running.
std::uint32_t threads_for(std::size_t cpus);

fleet::Launch launch_of(const Runtime& runtime, const RuntimeOptions& options, const catalog::Model& model, const std::string& model_path,
                        const fleet::Node& node, const ReplicaRow& row, std::string log_path);

}  // namespace meridian::inference
