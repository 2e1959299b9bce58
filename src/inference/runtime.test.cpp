// Which runtime serves a model, and what a replica is started with.
#include "inference/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::inference {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t gib = 1ull << 30;

catalog::Model model(std::string file) {
    catalog::Model m;
    m.name = "talk";
    m.artifacts.push_back({.name = std::move(file), .digest = {}, .bytes = gib, .source = catalog::FileSource{"/x"}});
    m.capabilities = {catalog::Capability::chat};
    m.context_default = 2048;
    m.slots_default = 4;
    return m;
}

fleet::Node node(std::vector<std::string> layers) {
    fleet::Node out{.id = {},
                    .name = "n",
                    .zone = *geography::Zone::parse("fr-par-1"),
                    .arch = "x86_64",
                    .cpus = 8,
                    .memory_bytes = 64 * gib,
                    .gpus = {},
                    .sandbox_layers = std::move(layers)};
    for (int i = 0; i < 4; ++i)
        out.gpus.push_back({"NVIDIA L4", "GPU-" + std::to_string(i), 24 * gib, i, "/dev/nvidia" + std::to_string(i + 5)});
    return out;
}

Runtime named(const std::string& text) { return named_runtime(text).value(); }

fleet::NodeType type(std::uint32_t gpus) {
    return {
        .name = gpus ? "GPU-L4-1" : "CPU-8C-64G", .description = {}, .arch = "x86_64", .vcpus = 8, .gpus = gpus, .memory_bytes = 64 * gib};
}

TEST(Runtimes, TheFirstThatServesTheModelOnTheNodeTypeIsTaken) {
    const std::vector all = {named("llama.cpp=/bin/l"), named("vllm=/opt/v/bin/vllm"), named("llama.cpp-cuda=/bin/c")};
    const std::vector turned = {all[2], all[1]}, only_cpu = {all[0]}, only_gpu = {all[1]};
    struct Row {
        std::string_view says;
        const std::vector<Runtime>& all;
        std::string file;
        std::uint32_t gpus;
        std::string_view taken, words;
    };
    const Row rows[] = {
        {"a GGUF without GPUs", all, "m.gguf", 0, "llama.cpp", ""},
        {"a GGUF on GPUs", all, "m.gguf", 1, "vllm", ""},
        {"the order is the operator's", turned, "m.gguf", 1, "llama.cpp-cuda", ""},
        {"safetensors on GPUs", all, "m.safetensors", 2, "vllm", ""},
        {"safetensors without GPUs", all, "m.safetensors", 0, "", "The node type CPU-8C-64G has no GPUs, but vllm needs one."},
        {"GPUs that nothing uses", only_cpu, "m.gguf", 1, "", "The node type GPU-L4-1 has GPUs, but llama.cpp uses none."},
        {"a format that nothing serves", only_cpu, "m.safetensors", 0, "", "No runtime here serves safetensors files."},
        {"a GGUF with the wrong runtime", only_gpu, "m.gguf", 0, "", "no GPUs, but vllm needs one"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.says);
        const auto got = runtime_for(row.all, model(row.file), type(row.gpus));
        EXPECT_EQ(got ? got->name : "", row.taken);
        if (!got) EXPECT_THAT(got.error().said, HasSubstr(row.words));
    }
    EXPECT_FALSE(runtime_for({}, model("m.gguf"), type(0)));
}

TEST(Runtimes, ALaunchIsTheTemplateFilled) {
    const ReplicaRow row{.id = {},
                         .deployment = {},
                         .node = {},
                         .gpus = {1, 3},
                         .created_at = {},
                         .cpu_ids = {2, 3, 6},
                         .memory_bytes = gib,
                         .runtime = "vllm"};
    auto named_oddly = model("m.gguf");
    named_oddly.name = "{secret}{model}";
    const auto launch =
        launch_of(named("vllm=/opt/v/bin/vllm"), {.all = {}, .threads = 0}, named_oddly, "/artifacts/m", node({"mount-ns"}), row, "/log");
    const std::vector<std::string> arguments = {
        "serve",           "/artifacts/m", "--uds",          "{socket}", "--served-model-name",    "{secret}{model}",
        "--max-model-len", "2048",         "--max-num-seqs", "4",        "--tensor-parallel-size", "2"};
    EXPECT_EQ(launch.arguments, arguments) << "a value that looks like a placeholder stays what it is";
    EXPECT_THAT(launch.environment, AllOf(Contains("CUDA_VISIBLE_DEVICES=0,1"), Contains("CUDA_DEVICE_ORDER=PCI_BUS_ID"),
                                          Contains("OMP_NUM_THREADS=3"), Contains("VLLM_API_KEY={secret}")));
    EXPECT_EQ(launch.gpu_devices, (std::vector<std::string>{"/dev/nvidia6", "/dev/nvidia8"}));
    EXPECT_EQ(launch.cpu_ids, row.cpu_ids);
    EXPECT_EQ(launch.memory_bytes, gib);
    EXPECT_THAT(launch.readable_paths, AllOf(Contains("/opt/v"), Contains("/artifacts/m"), Contains("/opt/v/bin/vllm")));

    // Where nothing hides the other GPUs they count.
    const auto bare = launch_of(named("vllm=/opt/v/bin/vllm"), {.all = {}, .threads = 7}, model("m"), "/m", node({"seccomp"}), row, "/log");
    EXPECT_THAT(bare.environment, AllOf(Contains("CUDA_VISIBLE_DEVICES=1,3"), Contains("OMP_NUM_THREADS=7")));
}

TEST(Runtimes, LlamaCppGetsAsManyThreadsAsCpusAndGpusByTheirNames) {
    ReplicaRow row;
    row.cpu_ids = {1, 2};
    const auto plain = launch_of(named("llama.cpp=/usr/bin/llama-server"), {}, model("m.gguf"), "/m", node({}), row, "");
    const auto value = [](const fleet::Launch& launch, std::string_view flag) {
        const auto at = std::ranges::find(launch.arguments, flag);
        return at == launch.arguments.end() ? "" : *std::next(at);
    };
    EXPECT_EQ(value(plain, "--threads"), "2");
    EXPECT_EQ(value(plain, "--ctx-size"), "8192") << "four slots of 2048";
    EXPECT_EQ(value(plain, "--host"), "{socket}");
    EXPECT_THAT(plain.arguments, Contains("--jinja"));
    EXPECT_THAT(plain.environment, Each(Not(HasSubstr("CUDA"))));
    EXPECT_THAT(plain.readable_paths, Not(Contains("/usr"))) << "the system's folders are shown anyway";
    row.gpus = {2};
    auto vectors = model("m.gguf");
    vectors.capabilities = {catalog::Capability::embedding};
    const auto cuda = launch_of(named("llama.cpp-cuda=/opt/l/llama-server"), {}, vectors, "/m", node({}), row, "");
    EXPECT_EQ(value(cuda, "--n-gpu-layers"), "999");
    EXPECT_THAT(cuda.arguments, AllOf(Contains("--embedding"), Not(Contains("--jinja"))));
    EXPECT_THAT(cuda.environment, Contains("CUDA_VISIBLE_DEVICES=GPU-2"));
}

TEST(Runtimes, AreNamedOrDescribed) {
    for (const auto* text : {"vllm", "vllm=", "=x", "ollama=/bin/o", ""}) {
        const auto got = named_runtime(text);
        ASSERT_FALSE(got) << text;
        EXPECT_THAT(got.error().said, HasSubstr("vllm=/opt/vllm/bin/vllm")) << text;
    }
    const auto own =
        parse_runtimes(R"([{"name":"mine","program":"/opt/m","serves":["gguf","safetensors"],"needs_gpu":true,"health_path":"/up",
        "arguments":["--model","{model}"],"environment":["A={secret}"],"readable":["/opt/lib"]}])");
    ASSERT_TRUE(own) << own.error().said;
    ASSERT_EQ(own->size(), 1u);
    EXPECT_TRUE(own->front().needs_gpu);
    EXPECT_EQ(own->front().health_path, "/up");
    EXPECT_EQ(own->front().serves.size(), 2u);
    struct Row {
        std::string_view json, words;
    };
    const Row rows[] = {
        {"{", ""},
        {"{}", "a JSON list"},
        {R"([{"name":"m","program":"/m","serves":["onnx"]}])", "serves 'onnx': say gguf or safetensors"},
        {R"([{"name":"m","program":"/m","serves":[]}])", "serves nothing"},
        {R"([{"name":"m","program":"m","serves":["gguf"]}])", "needs its whole path"},
        {R"([{"name":"m","program":"/m","serves":["gguf"],"gpu":true}])", "gpu"},
    };
    for (const auto& row : rows) {
        const auto got = parse_runtimes(row.json);
        ASSERT_FALSE(got) << row.json;
        EXPECT_THAT(got.error().said, HasSubstr(row.words)) << row.json;
    }
}

}  // namespace
}  // namespace meridian::inference
