// A project's receipts of a period, verified by somebody who has the file and a key.
#include "metering/log/bundle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "metering/log/cover.h"
#include "metering/note.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

TEST(Covers, ProveAnyLeavesAtEverySize) {
    Tree tree;
    SeededRng rng(3);
    for (std::uint64_t size = 0; size <= 70; ++size) {
        for (int round = 0; round < 20; ++round) {
            std::vector<std::uint64_t> places;
            std::vector<std::pair<std::uint64_t, Sha256>> leaves;
            for (std::uint64_t i = 0; i < size; ++i) {
                if (rng.below(static_cast<std::uint64_t>(round) + 1) != 0) continue;
                places.push_back(i);
                leaves.emplace_back(i, leaf_hash(std::to_string(i)));
            }
            auto proof = cover(tree, size, places);
            EXPECT_EQ(covered_root(size, leaves, proof), tree.root(size));
            if (!leaves.empty()) {
                auto changed = leaves;
                changed[rng.below(changed.size())].second[5] ^= 1;
                EXPECT_NE(covered_root(size, changed, proof), tree.root(size));
                changed = leaves;
                changed.pop_back();
                EXPECT_NE(covered_root(size, changed, proof), tree.root(size));
                changed = leaves;
                changed.push_back(changed.back());
                EXPECT_EQ(covered_root(size, changed, proof), std::nullopt);
            }
            proof.push_back(Sha256{});
            EXPECT_EQ(covered_root(size, leaves, proof), std::nullopt);
        }
        tree.append(leaf_hash(std::to_string(size)));
    }
}

struct Bundles : ::testing::Test {
    testing::Bench bench{4};
    ProjectId other = ProjectId::random(bench.world.rng());
    Timestamp half{};
    std::string key;

    void SetUp() override {
        const auto running = bench.open();
        for (int i = 0; i < 40; ++i) {
            if (i == 20) half = bench.world.clock().now();
            auto start = testing::chat();
            if (i % 3 == 0) start.project = other;
            (*running)->settle((*running)->hold(start), {1'000'000, 0, 0}, Outcome::finished);
            bench.world.run_for(std::chrono::seconds(1));
        }
        running->durable();
        key = (*running)->verifier_key();
        (*running)->close();
    }
    expected<std::uint64_t> write(const ProjectId& project, Timestamp from, Timestamp to) {
        if (bench.world.disk().exists("/month").value()) EXPECT_TRUE(bench.world.disk().remove("/month"));
        return write_bundle(bench.world.disk(), testing::directory, {project, from, to}, "/month");
    }
    Meter::Verdict verdict(std::string_view trusted) { return verify_bundle(bench.world.disk(), "/month", trusted, {}); }
};

TEST_F(Bundles, HoldAProjectsReceiptsOfAPeriod) {
    const auto count = write(testing::project, half, Timestamp::max());
    ASSERT_TRUE(count) << count.error().said;
    EXPECT_EQ(*count, 13u);  // of 20, without 21, 24, ... 39
    EXPECT_TRUE(is_bundle(bench.world.disk(), "/month"));
    const auto found = verdict(key);
    EXPECT_TRUE(found.good) << found.said;
    EXPECT_EQ(found.receipts, 13);
    EXPECT_NE(found.said.find("cost € 1.95 together"), std::string::npos) << found.said;
    EXPECT_EQ(write(other, Timestamp(), half).value(), 7u);
    EXPECT_TRUE(verdict("").good);
    EXPECT_EQ(write(testing::project, half, half).value(), 0u);
    EXPECT_TRUE(verdict(key).good) << verdict(key).said;
}

TEST_F(Bundles, AreNotBelievedWithAChangedBitOrLine) {
    ASSERT_TRUE(write(testing::project, half, Timestamp::max()));
    auto& disk = bench.world.disk();
    const auto whole = disk.read_file("/month").value();
    for (std::size_t byte = 0; byte < whole.size(); ++byte) {
        disk.flip_bit("/month", byte, byte % 8);
        EXPECT_FALSE(verdict(key).good) << "byte " << byte;
        disk.flip_bit("/month", byte, byte % 8);
    }
    ASSERT_TRUE(verdict(key).good);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < whole.size(); at += lines.back().size()) lines.push_back(whole.substr(at, whole.find('\n', at) + 1 - at));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string without, twice;
        for (std::size_t k = 0; k < lines.size(); ++k) {
            if (k != i) without += lines[k];
            twice += k == i ? lines[k] + lines[k] : lines[k];
        }
        for (const auto& changed : {without, twice, whole.substr(0, whole.size() - i - 1)}) {
            ASSERT_TRUE(disk.replace_file("/month", changed));
            EXPECT_FALSE(verdict(key).good) << "line " << i;
        }
    }
    testing::Bench stranger(9);
    ASSERT_TRUE(disk.replace_file("/month", whole));
    EXPECT_FALSE(verdict(VerifierKey{"meridian/fr-par-1/00000000", stranger.key.public_key()}.str()).good);
    EXPECT_FALSE(verdict("nonsense").good);
}

TEST_F(Bundles, AreNotWrittenOverSomething) {
    ASSERT_TRUE(write(testing::project, half, Timestamp::max()));
    EXPECT_FALSE(write_bundle(bench.world.disk(), testing::directory, {testing::project, half, half}, "/month"));
    EXPECT_FALSE(write_bundle(bench.world.disk(), "/nowhere", {testing::project, half, half}, "/month2"));
    EXPECT_FALSE(is_bundle(bench.world.disk(), "/nowhere"));
}

}  // namespace
}  // namespace meridian::metering
