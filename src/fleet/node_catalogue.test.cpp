// What an installation offers under which name, and what a file of node types may not say.
#include "fleet/node_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace meridian::fleet {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t gib = 1ull << 30;

std::vector<CatalogueType> read(std::string_view text) {
    auto types = read_node_types(parse_json(text).value());
    EXPECT_TRUE(types) << (types ? "" : types.error().said);
    return types ? *std::move(types) : std::vector<CatalogueType>();
}

// A file with one entry: a GPU type unless `more` says otherwise.
std::string entry(std::string_view sizes,
                  std::string_view gpu = R"({"name":"L4","manufacturer":"NVIDIA","memory_gb":24,"watts":72,"known_as":["NVIDIA L4"]})",
                  std::string_view more = "") {
    return std::string(R"({"node_types":[{"name":"L4-{gpus}-24G","family":"L4","arch":"x86_64","basis":"a test","watts_basis":"a test",)") +
           (gpu.empty() ? "" : R"("gpu":)" + std::string(gpu) + ",") + std::string(more) + R"("sizes":)" + std::string(sizes) + "}]}";
}

Node node(std::uint32_t cpus, std::uint64_t memory, std::size_t gpus, std::string gpu = "NVIDIA L4") {
    Node made{.id = {},
              .name = "n",
              .zone = geography::Zone::parse("fr-par-1").value(),
              .arch = "x86_64",
              .cpus = cpus,
              .memory_bytes = memory,
              .gpus = {},
              .sandbox_layers = {}};
    for (std::size_t i = 0; i < gpus; ++i) made.gpus.push_back({gpu, "GPU-" + std::to_string(i), 23034ull << 20, static_cast<int>(i)});
    return made;
}

std::string complaint_of(const std::string& text) {
    const auto types = read_node_types(parse_json(text).value());
    return types ? "nothing" : types.error().said;
}

TEST(NodeCatalogue, SaysWhatASizeIs) {
    const auto types = read(entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48,"internet_mbit":2500},{"gpus":2,"vcpus":16,"memory_gb":96}])"));
    ASSERT_EQ(types.size(), 2u);
    const auto& one = types[0].type;
    EXPECT_EQ(one.name, "L4-1-24G");
    EXPECT_EQ(one.description, "1 x L4 with 24 GB each, 8 CPUs and 48 GB of memory (x86_64)");
    EXPECT_EQ(one.memory_bytes, 48'000'000'000u);
    EXPECT_EQ(one.about->internet_bits, 2'500'000'000u);
    EXPECT_EQ(types[1].type.name, "L4-2-24G");
    EXPECT_EQ(types[1].type.vram_bytes, 48'000'000'000u);
    EXPECT_EQ(types[1].type.about->watts, 144u) << "both GPUs draw";
    EXPECT_EQ(types[1].type.about->internet_bits, std::nullopt);
}

TEST(NodeCatalogue, OffersWhatANodeHoldsAndNothingElse) {
    const auto types = read(entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48},{"gpus":4,"vcpus":32,"memory_gb":192}])"));
    struct Row {
        std::string_view says;
        Node there;
        bool one, four;
    };
    auto arm = node(64, 512 * gib, 4);
    arm.arch = "aarch64";
    const Row rows[] = {
        {"a host that has both", node(32, 192 * gib, 4), true, true},
        {"a GPU's share of the CPUs is too small", node(28, 192 * gib, 4), false, false},
        {"a GPU's share of the memory is too small", node(32, 170 * gib, 4), false, false},
        {"too few GPUs for the larger", node(16, 96 * gib, 2), true, false},
        {"other GPUs", node(32, 192 * gib, 4, "NVIDIA L40S"), false, false},
        {"no GPU", node(32, 192 * gib, 0), false, false},
        {"another architecture", arm, false, false},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.says);
        const auto all = node_types(std::vector{row.there}, types);
        const auto stock = [&](std::string_view name) { return std::ranges::find(all, name, &NodeType::name)->is_offered(); };
        EXPECT_EQ(stock("L4-1-24G"), row.one);
        EXPECT_EQ(stock("L4-4-24G"), row.four);
        EXPECT_FALSE(all.front().about) << "what the node is itself comes first";
    }
    const auto none = node_types({}, types);
    ASSERT_EQ(none.size(), 2u);
    for (const auto& type : none) EXPECT_EQ(type.stock, Stock::out_of_stock);
}

TEST(NodeCatalogue, AnOfferedTypeIsPlacedOnTheGpusThatTheDriverNames) {
    const std::vector nodes{node(4, 16 * gib, 0), node(32, 192 * gib, 4)};
    const auto types = node_types(nodes, read(entry(R"([{"gpus":2,"vcpus":16,"memory_gb":96}])")));
    const auto type = std::ranges::find(types, "L4-2-24G", &NodeType::name);
    ASSERT_NE(type, types.end());
    EXPECT_EQ(type->gpu, "NVIDIA L4");
    const auto need = on_type({.memory_bytes = 8 * gib}, *type);
    EXPECT_EQ(need.cpus_most, 16u);
    const auto place = fleet::place(need, geography::Residency::anywhere(), nodes, std::vector<Load>(2));
    ASSERT_TRUE(place) << place.error().said;
    EXPECT_EQ(place->gpus.size(), 2u);
}

TEST(NodeCatalogue, KnowsACpuByItsCores) {
    const auto types = read(R"({"node_types":[{"name":"ARM-{vcpus}C-{memory_gb}G","family":"ARM","arch":"aarch64","basis":"a test",
        "cpu":{"name":"Altra","known_as":["0x41-0xd0c"]},"sizes":[{"vcpus":2,"memory_gb":8}]}]})");
    auto altra = node(4, 16 * gib, 0);
    altra.arch = "aarch64", altra.cpu = "0x41-0xd0c", altra.id = NodeId(Uuid::parse("11111111-1111-4111-8111-111111111111").value());
    EXPECT_EQ(types[0].type.name, "ARM-2C-8G");
    EXPECT_TRUE(holds(altra, types[0]));
    auto other = altra;
    other.name = "other", other.cpu = "0xc0-0xac3", other.cpus = 2, other.memory_bytes = 8 * gib;  // it would fit more tightly
    EXPECT_FALSE(holds(other, types[0]));
    const std::vector nodes{other, altra};
    const auto all = node_types(nodes, types);
    const auto type = std::ranges::find(all, "ARM-2C-8G", &NodeType::name);
    ASSERT_TRUE(type != all.end() && type->is_offered());
    const auto place = fleet::place(on_type({.memory_bytes = gib}, *type), geography::Residency::anywhere(), nodes, std::vector<Load>(2));
    ASSERT_TRUE(place) << place.error().said;
    EXPECT_EQ(place->node, altra.id) << place->because;
    EXPECT_THAT(place->because, HasSubstr("node n "));
}

TEST(NodeCatalogue, WhatIsAnnouncedIsNeverOffered) {
    const auto types = read(entry(R"([{"vcpus":2}])", "", R"("lifecycle":"announced",)"));
    EXPECT_TRUE(types[0].type.disabled);
    EXPECT_THAT(types[0].type.description, HasSubstr("announced by its maker, and cannot be ordered"));
    EXPECT_FALSE(holds(node(64, 512 * gib, 0), types[0]));
}

TEST(NodeCatalogue, AnOperatorsFileReplacesByName) {
    const auto shipped = read(entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48},{"gpus":2,"vcpus":16,"memory_gb":96}])"));
    const auto own = read(entry(R"([{"gpus":1,"vcpus":4,"memory_gb":16},{"gpus":3,"vcpus":12,"memory_gb":48}])"));
    const auto both = merged(shipped, own);
    ASSERT_EQ(both.size(), 3u);
    EXPECT_EQ(both[0].type.vcpus, 4u);
    EXPECT_EQ(both[1].type.name, "L4-2-24G");
    EXPECT_EQ(both[2].type.name, "L4-3-24G");
}

TEST(NodeCatalogue, ComplaintsNameTheMember) {
    struct Row {
        std::string text;
        std::string_view said;
    };
    const Row rows[] = {
        {R"([])", "a map with one list"},
        {R"({"node_types":{}})", "a map with one list"},
        {R"({"node_types":[],"more":1})", "a map with one list"},
        {R"({"node_types":[1]})", "node_types.0"},
        {entry(R"([])"), "node_types.0.sizes"},
        {entry(R"([{"gpus":1,"vcpus":0,"memory_gb":48}])"), "node_types.0.sizes.0.vcpus"},
        {entry(R"([{"gpus":1,"vcpus":8,"memory_gb":"48"}])"), "node_types.0.sizes.0.memory_gb"},
        {entry(R"([{"gpus":1,"vcpus":8}])"), "node_types.0.sizes.0.memory_gb: is missing"},
        {entry(R"([{"vcpus":8,"memory_gb":48}])"), "node_types.0.sizes.0.gpus: is missing"},
        {entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48}])", ""), "node_types.0.sizes.0.gpus: is there"},
        {entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48},{"gpus":1,"vcpus":9,"memory_gb":48}])"),
         "node_types.0.sizes.1: is the second 'L4-1-24G'"},
        {entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48,"colour":"red"}])"), "node_types.0.sizes.0.colour"},
        {entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48}])", R"({"name":"L4","manufacturer":"N","memory_gb":24,"known_as":[]})"),
         "node_types.0.gpu.known_as"},
        {entry(R"([{"gpus":1,"vcpus":8,"memory_gb":48}])", R"({"name":"L4","manufacturer":"N","memory_gb":24,"known_as":["L4"]})",
               R"("lifecycle":"soon",)"),
         "node_types.0.lifecycle"},
        {R"({"node_types":[{"name":"a b","family":"f","arch":"x86_64","basis":"b","sizes":[{"vcpus":1,"memory_gb":1}]}]})",
         "gives the name 'a b'"},
        {R"({"node_types":[{"name":"a","family":"f","arch":"x86_64","basis":"b","sizes":[{"vcpus":1,"memory_gb":1,"watts":5}]}]})",
         "needs the entry's 'watts_basis'"},
        {R"({"node_types":[{"name":"a","family":"f","arch":"mips","basis":"b","sizes":[{"vcpus":1,"memory_gb":1}]}]})",
         "node_types.0.arch"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_THAT(complaint_of(row.text), HasSubstr(row.said));
    }
}

}  // namespace
}  // namespace meridian::fleet
