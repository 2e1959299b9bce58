#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "fleet/service.h"

namespace meridian::fleet {
namespace {

using geography::Residency;
using geography::Zone;

constexpr std::uint64_t gib = 1ull << 30;

Zone zone(std::string_view text) { return Zone::parse(text).value(); }

Node node(std::uint8_t id, std::string_view name, std::uint64_t memory, std::string_view where = "fr-par-1", std::string arch = "x86_64",
          int gpus = 0) {
    Uuid uuid;
    uuid.bytes[15] = id;
    Node out{.id = NodeId(uuid),
             .name = std::string(name),
             .zone = zone(where),
             .arch = std::move(arch),
             .cpus = 4,
             .memory_bytes = memory,
             .gpus = {},
             .sandbox_layers = {}};
    for (int i = 0; i < gpus; ++i) out.gpus.push_back({"H100", "GPU-" + std::to_string(i), (i + 1) * 40 * gib, i});
    return out;
}

struct Row {
    std::string_view says;
    Need need;
    std::vector<Node> nodes;
    std::vector<Load> loads;
    std::string_view chosen;  // "" none
    std::vector<int> gpus = {};
};

TEST(Placement, ChoosesAsTheTableSays) {
    const Need two{.memory_bytes = 2 * gib, .cpus = 1, .gpus = 0, .arch = ""};
    const Row rows[] = {
        {"the tightest hole wins", two, {node(1, "big", 64 * gib), node(2, "small", 4 * gib)}, {{}, {}}, "small"},
        {"what is used counts",
         two,
         {node(1, "big", 64 * gib), node(2, "small", 4 * gib)},
         {{}, {.memory_used = 3 * gib, .cpus_used = 0, .gpus_used = {}}},
         "big"},
        {"an exact fit is a fit", two, {node(1, "exact", 2 * gib)}, {{}}, "exact"},
        {"one byte less is not", two, {node(1, "short", 2 * gib - 1)}, {{}}, ""},
        {"ties go to the lower id", two, {node(9, "b", 4 * gib), node(3, "a", 4 * gib)}, {{}, {}}, "a"},
        {"another architecture is refused",
         {.memory_bytes = gib, .cpus = 1, .gpus = 0, .arch = "aarch64"},
         {node(1, "intel", 8 * gib)},
         {{}},
         ""},
        {"too few CPUs", {.memory_bytes = gib, .cpus = 8, .gpus = 0, .arch = ""}, {node(1, "n", 8 * gib)}, {{}}, ""},
        {"a zone outside of the residency is refused", two, {node(1, "abroad", 8 * gib, "us-nyc-1")}, {{}}, ""},
        {"work without GPUs leaves GPU machines alone",
         two,
         {node(1, "gpu", 4 * gib, "fr-par-1", "x86_64", 1), node(2, "cpu", 64 * gib)},
         {{}, {}},
         "cpu"},
        {"the smallest GPU that holds it",
         {.memory_bytes = 50 * gib, .cpus = 1, .gpus = 1, .arch = ""},
         {node(1, "gpu", 200 * gib, "fr-par-1", "x86_64", 3)},
         {{}},
         "gpu",
         {1}},
        {"used GPUs are passed over",
         {.memory_bytes = 50 * gib, .cpus = 1, .gpus = 1, .arch = ""},
         {node(1, "gpu", 200 * gib, "fr-par-1", "x86_64", 3)},
         {{.memory_used = 0, .cpus_used = 0, .gpus_used = {1}}},
         "gpu",
         {2}},
        {"GPUs that do not hold it are none",
         {.memory_bytes = 150 * gib, .cpus = 1, .gpus = 1, .arch = ""},
         {node(1, "gpu", 200 * gib, "fr-par-1", "x86_64", 3)},
         {{}},
         ""},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.says);
        const auto got = place(row.need, Residency::only({zone("fr-par-1")}), row.nodes, row.loads);
        ASSERT_EQ(got.has_value(), !row.chosen.empty()) << (got ? got->because : got.error().said);
        if (!got) continue;
        const auto on = std::ranges::find(row.nodes, got->node, &Node::id);
        ASSERT_NE(on, row.nodes.end());
        EXPECT_EQ(on->name, row.chosen);
        EXPECT_EQ(got->gpus, row.gpus);
    }
}

TEST(Placement, ANodeTypeSteersIt) {
    const Need small{.memory_bytes = gib, .cpus = 1, .gpus = 0, .arch = ""};
    auto mixed = node(1, "mixed", 200 * gib, "fr-par-1", "x86_64", 2);
    mixed.gpus[1].name = "L4";
    const std::vector nodes{mixed, node(2, "arm", 32 * gib, "fr-par-1", "aarch64"), node(3, "plain", 16 * gib)};
    struct Row {
        std::string_view type, chosen;
        std::vector<int> gpus;
    };
    const Row rows[] = {{"CPU-4C-16G", "plain", {}},
                        {"CPU-4C-32G-AARCH64", "arm", {}},
                        {"CPU-4C-200G", "mixed", {}},
                        {"GPU-H100-1", "mixed", {0}},
                        {"GPU-L4-1", "mixed", {1}}};
    const auto types = node_types(nodes);
    ASSERT_EQ(types.size(), std::size(rows));
    for (const auto& row : rows) {
        SCOPED_TRACE(row.type);
        const auto type = std::ranges::find(types, row.type, &NodeType::name);
        ASSERT_NE(type, types.end());
        const auto got = place(on_type(small, *type), Residency::only({zone("fr-par-1")}), nodes, std::vector<Load>(3));
        ASSERT_TRUE(got) << got.error().said;
        EXPECT_EQ(std::ranges::find(nodes, got->node, &Node::id)->name, row.chosen);
        EXPECT_EQ(got->gpus, row.gpus);
    }
    // The one L4 is taken: the free H100 is no answer.
    const auto none = place(on_type(small, *std::ranges::find(types, "GPU-L4-1", &NodeType::name)), Residency::only({zone("fr-par-1")}),
                            nodes, std::vector<Load>{{.memory_used = 0, .cpus_used = 0, .gpus_used = {1}}, {}, {}});
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().said, testing::HasSubstr("node arm is aarch64, x86_64 is needed; node mixed has 0 of 2 GPUs free that are L4, "
                                                      "1 needed; node plain has 16 GiB of memory, its type needs 100 GiB."));
}

TEST(Placement, CpusAreTheirOwnWhileThereAreEnough) {
    auto host = node(1, "n", gib);
    host.cpu_ids = {0, 1, 2, 3, 6, 7, 8, 9};
    Load load;
    const auto next = [&](Need need = {}) {
        const auto got = choose_cpus(host, load, need);
        load.cpu_ids_used.insert(load.cpu_ids_used.end(), got.begin(), got.end());
        return got;
    };
    using Cpus = std::vector<int>;
    EXPECT_EQ(next(), (Cpus{1, 2, 3, 6})) << "half of all but the first";
    EXPECT_EQ(next({.cpus_most = 1}), Cpus{7}) << "a share is not exceeded";
    EXPECT_EQ(next(), Cpus{8});
    EXPECT_EQ(next(), Cpus{9});
    EXPECT_EQ(next(), Cpus{1}) << "none is left: one that the fewest share";
    EXPECT_EQ(next(), Cpus{2});
    EXPECT_EQ(next({.cpus_wished = 3}), (Cpus{3, 6, 7})) << "as many as the operator says";
    EXPECT_EQ(next({.cpus_wished = 99}).size(), 7u) << "but never the one of the rest";
    host.cpu_ids = {4};
    EXPECT_EQ(next(), Cpus{4}) << "the only one is everybody's";
    host.cpu_ids = {};
    EXPECT_EQ(next(), Cpus{}) << "unknown: not pinned";
}

TEST(Placement, SaysWhyInWords) {
    const std::vector nodes{node(1, "debian", 23 * gib)};
    const std::vector<Load> loads(1);
    const auto got = place({.memory_bytes = gib / 2, .cpus = 1, .gpus = 0, .arch = ""}, Residency::only({zone("fr-par-1")}), nodes, loads);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->because, "node debian holds 0.5 GiB of 23 GiB and is in fr-par-1, which the project's policy allows");
}

TEST(Placement, SaysForEveryNodeWhyNotInOrder) {
    const std::vector nodes{node(1, "zeta", gib), node(2, "alpha", 64 * gib, "us-nyc-1"), node(3, "beta", 64 * gib, "fr-par-1", "aarch64")};
    const std::vector<Load> loads(3);
    const auto got =
        place({.memory_bytes = 2 * gib, .cpus = 1, .gpus = 0, .arch = "x86_64"}, Residency::only({zone("fr-par-1")}), nodes, loads);
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().said, testing::StartsWith("No node has a place: node alpha is in us-nyc-1, but the project's policy allows"));
    EXPECT_THAT(got.error().said,
                testing::HasSubstr("; node beta is aarch64, x86_64 is needed; node zeta has 1 GiB of 1 GiB memory free, 2 GiB needed."));
}

TEST(Placement, NeverOvercommitsAndNeverLeavesTheResidency) {
    EXPECT_TRUE(rc::check([] {
        std::vector<Node> nodes;
        const auto count = *rc::gen::inRange<std::size_t>(0, 6);
        for (std::size_t i = 0; i < count; ++i) {
            nodes.push_back(node(static_cast<std::uint8_t>(i + 1), "n" + std::to_string(i), *rc::gen::inRange<std::uint64_t>(0, 100),
                                 *rc::gen::element("fr-par-1", "fr-par-2", "us-nyc-1"), "x86_64", *rc::gen::inRange(0, 3)));
        }
        std::vector<Load> loads(nodes.size());
        const auto allowed = Residency::only({zone("fr-par-1"), zone("fr-par-2")});
        for (int step = 0; step < 20; ++step) {
            const Need need{.memory_bytes = *rc::gen::inRange<std::uint64_t>(0, 60),
                            .cpus = 1,
                            .gpus = *rc::gen::inRange<std::uint32_t>(0, 3),
                            .arch = ""};
            const auto got = place(need, allowed, nodes, loads);
            if (!got) continue;
            const auto at = static_cast<std::size_t>(std::ranges::find(nodes, got->node, &Node::id) - nodes.begin());
            RC_ASSERT(at < nodes.size());
            RC_ASSERT(allowed.allows(nodes[at].zone));
            RC_ASSERT(got->gpus.size() == need.gpus);
            for (const int gpu : got->gpus) RC_ASSERT(std::ranges::count(loads[at].gpus_used, gpu) == 0);
            loads[at].memory_used += need.memory_bytes;
            loads[at].gpus_used.insert(loads[at].gpus_used.end(), got->gpus.begin(), got->gpus.end());
            RC_ASSERT(loads[at].memory_used <= nodes[at].memory_bytes);
        }
    }));
}

}  // namespace
}  // namespace meridian::fleet
