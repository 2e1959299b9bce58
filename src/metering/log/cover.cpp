#include "metering/log/cover.h"

#include <algorithm>
#include <bit>

namespace meridian::metering {
namespace {

// Leaves that stand on the left of `count`, which is at least 2.
std::uint64_t left_of(std::uint64_t count) { return std::bit_floor(count - 1); }

void walk(const Tree& tree, std::uint64_t begin, std::uint64_t end, std::span<const std::uint64_t> leaves, Proof& proof) {
    if (leaves.empty()) {
        proof.push_back(tree.subtree(begin, end));
        return;
    }
    if (end - begin == 1) return;
    const auto middle = begin + left_of(end - begin);
    const auto first = static_cast<std::size_t>(std::ranges::lower_bound(leaves, middle) - leaves.begin());
    walk(tree, begin, middle, leaves.first(first), proof);
    walk(tree, middle, end, leaves.subspan(first), proof);
}

using Leaves = std::span<const std::pair<std::uint64_t, Sha256>>;

std::optional<Sha256> root_of(std::uint64_t begin, std::uint64_t end, Leaves leaves, std::span<const Sha256>& proof) {
    if (leaves.empty()) {
        if (proof.empty()) return std::nullopt;
        const auto hash = proof.front();
        proof = proof.subspan(1);
        return hash;
    }
    if (end - begin == 1) return leaves.front().second;
    const auto middle = begin + left_of(end - begin);
    const auto first = static_cast<std::size_t>(std::ranges::lower_bound(leaves, middle, {}, [](const auto& leaf) { return leaf.first; }) -
                                                leaves.begin());
    const auto left = root_of(begin, middle, leaves.first(first), proof);
    const auto right = left ? root_of(middle, end, leaves.subspan(first), proof) : std::nullopt;
    return right ? std::optional(node_hash(*left, *right)) : std::nullopt;
}

}  // namespace

Proof cover(const Tree& tree, std::uint64_t size, std::span<const std::uint64_t> leaves) {
    Proof proof;
    if (size > 0) walk(tree, 0, size, leaves, proof);
    return proof;
}

std::optional<Sha256> covered_root(std::uint64_t size, Leaves leaves, std::span<const Sha256> proof) {
    for (std::size_t i = 0; i < leaves.size(); ++i)
        if (leaves[i].first >= size || (i > 0 && leaves[i - 1].first >= leaves[i].first)) return std::nullopt;
    if (size == 0) return proof.empty() ? std::optional(sha256({})) : std::nullopt;
    const auto root = root_of(0, size, leaves, proof);
    return proof.empty() ? root : std::nullopt;
}

}  // namespace meridian::metering
