#include "metering/tree.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>

namespace meridian::metering {
namespace {

// The words of RFC 6962, section 2.1, as directly as they can be said.
Sha256 slow_root(std::span<const Sha256> leaves) {
    if (leaves.empty()) return sha256({});
    if (leaves.size() == 1) return leaves.front();
    const auto k = std::bit_floor(leaves.size() - 1);
    return node_hash(slow_root(leaves.first(k)), slow_root(leaves.subspan(k)));
}

std::vector<Sha256> numbered(std::size_t count) {
    std::vector<Sha256> leaves;
    for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash(std::to_string(i)));
    return leaves;
}

Tree tree_of(std::span<const Sha256> leaves) {
    Tree tree;
    for (const auto& leaf : leaves) tree.append(leaf);
    return tree;
}

// The leaves with which implementations of Certificate Transparency test themselves, and their roots.
TEST(Trees, HaveTheRootsThatOthersHave) {
    const std::string_view leaves[] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
    const std::string_view roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    Tree tree;
    EXPECT_EQ(hex(tree.root(0)), roots[0]);
    for (std::size_t i = 0; i < 8; ++i) {
        tree.append(leaf_hash(*unhex(leaves[i])));
        EXPECT_EQ(hex(tree.root(i + 1)), roots[i + 1]);
    }
}

TEST(Trees, AgreeWithTheSlowTwinAtEverySize) {
    const auto leaves = numbered(70);
    const auto tree = tree_of(leaves);
    for (std::size_t size = 0; size <= leaves.size(); ++size) EXPECT_EQ(tree.root(size), slow_root(std::span(leaves).first(size))) << size;
}

TEST(Trees, ProveEveryLeafAtEverySize) {
    const auto leaves = numbered(40);
    const auto tree = tree_of(leaves);
    for (std::size_t size = 1; size <= leaves.size(); ++size) {
        for (std::size_t index = 0; index < size; ++index) {
            const auto proof = tree.inclusion(index, size);
            EXPECT_TRUE(includes(tree.root(size), size, leaves[index], index, proof));
            EXPECT_FALSE(includes(tree.root(size), size, leaves[index], (index + 1) % (size + 1), proof)) << index << " of " << size;
            EXPECT_FALSE(includes(tree.root(size), size, leaf_hash("other"), index, proof));
        }
    }
}

TEST(Trees, ProveThatTheyOnlyGrew) {
    const auto leaves = numbered(40);
    const auto tree = tree_of(leaves);
    for (std::size_t to = 0; to <= leaves.size(); ++to) {
        for (std::size_t from = 0; from <= to; ++from) {
            const auto proof = tree.consistency(from, to);
            EXPECT_TRUE(extends(tree.root(to), to, tree.root(from), from, proof)) << from << " to " << to;
            if (from == 0) continue;
            EXPECT_FALSE(extends(tree.root(to), to, leaf_hash("other"), from, proof)) << from << " to " << to;
            if (from < to) EXPECT_FALSE(extends(leaf_hash("other"), to, tree.root(from), from, proof)) << from << " to " << to;
        }
    }
}

RC_GTEST_PROP(Trees, RejectProofsThatWereTouched, (std::uint32_t pick)) {
    const auto size = *rc::gen::inRange<std::size_t>(2, 300);
    const auto index = *rc::gen::inRange<std::size_t>(0, size);
    const auto from = *rc::gen::inRange<std::size_t>(1, size);
    const auto leaves = numbered(size);
    const auto tree = tree_of(leaves);
    const auto touched = [&](Proof proof) {
        const auto at = pick % (proof.size() + 2);
        if (at == proof.size()) {
            proof.push_back(leaf_hash("more"));
        } else if (at > proof.size() && !proof.empty()) {
            proof.pop_back();
        } else if (at < proof.size()) {
            proof[at][pick % 32] ^= 1;
        } else {
            proof.push_back({});
        }
        return proof;
    };
    RC_ASSERT(!includes(tree.root(size), size, leaves[index], index, touched(tree.inclusion(index, size))));
    RC_ASSERT(!extends(tree.root(size), size, tree.root(from), from, touched(tree.consistency(from, size))));
}

}  // namespace
}  // namespace meridian::metering
