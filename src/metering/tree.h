// The Merkle tree of a log (RFC 6962, section 2): roots, inclusion and consistency proofs. Pure; knows hashes, not leaves.
//
// Level k holds the hashes of the complete subtrees of 2^k leaves, in order: exactly the hashes of which C2SP's tlog-tiles makes
// its files (tile/L/N is 256 hashes of level 8L), so that a tile is a piece of these arrays (log/tile.h). 64 bytes a leaf.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace meridian::metering {

Sha256 leaf_hash(std::string_view leaf);                    // SHA-256(0x00 || leaf)
Sha256 node_hash(const Sha256& left, const Sha256& right);  // SHA-256(0x01 || left || right)

using Proof = std::vector<Sha256>;  // from the leaves upwards

class Tree {
public:
    void append(const Sha256& leaf);
    [[nodiscard]] std::uint64_t size() const { return levels_.empty() ? 0 : levels_.front().size(); }
    // Of the first `size` leaves. `size` must not be past the end.
    [[nodiscard]] Sha256 root(std::uint64_t size) const;
    [[nodiscard]] Proof inclusion(std::uint64_t index, std::uint64_t size) const;
    [[nodiscard]] Proof consistency(std::uint64_t from, std::uint64_t to) const;
    // Hashes of complete subtrees of 2^level leaves, from the `begin`-th on. They must be there; valid until the next append.
    [[nodiscard]] std::span<const Sha256> row(std::size_t level, std::uint64_t begin, std::size_t count) const;

    // Of the leaves [begin, end), where `begin` is a multiple of the smallest power of two that is not below their count.
    [[nodiscard]] Sha256 subtree(std::uint64_t begin, std::uint64_t end) const;

private:
    std::vector<std::vector<Sha256>> levels_;
};

// For readers that have no tree. Proofs of the wrong length are refused.
bool includes(const Sha256& root, std::uint64_t size, const Sha256& leaf, std::uint64_t index, std::span<const Sha256> proof);
bool extends(const Sha256& to_root, std::uint64_t to, const Sha256& from_root, std::uint64_t from, std::span<const Sha256> proof);

}  // namespace meridian::metering
