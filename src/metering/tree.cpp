#include "metering/tree.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace meridian::metering {
namespace {

// The largest power of two below `n`, which is at least 2: how many leaves stand on the left.
std::uint64_t left_of(std::uint64_t n) { return std::bit_floor(n - 1); }

}  // namespace

Sha256 leaf_hash(std::string_view leaf) {
    thread_local std::string bytes;  // reused: this runs once for every run
    bytes.assign(1, '\0');
    bytes += leaf;
    return sha256(bytes);
}

Sha256 node_hash(const Sha256& left, const Sha256& right) {
    char bytes[65];
    bytes[0] = 1;
    std::memcpy(bytes + 1, left.data(), 32);
    std::memcpy(bytes + 33, right.data(), 32);
    return sha256({bytes, sizeof bytes});
}

void Tree::append(const Sha256& leaf) {
    Sha256 hash = leaf;
    for (std::size_t level = 0;; ++level) {
        if (level == levels_.size()) levels_.emplace_back();
        auto& row = levels_[level];
        row.push_back(hash);
        if (row.size() % 2 != 0) return;
        hash = node_hash(row[row.size() - 2], row.back());
    }
}

Sha256 Tree::subtree(std::uint64_t begin, std::uint64_t end) const {
    const auto count = end - begin;
    if (std::has_single_bit(count)) {
        const auto level = static_cast<std::size_t>(std::countr_zero(count));
        return levels_[level][begin >> level];
    }
    const auto middle = begin + left_of(count);
    return node_hash(subtree(begin, middle), subtree(middle, end));
}

Sha256 Tree::root(std::uint64_t size) const {
    MERIDIAN_ASSERT(size <= this->size());
    return size == 0 ? sha256({}) : subtree(0, size);
}

// PATH of the RFC, walked from the root down and turned around at the end.
Proof Tree::inclusion(std::uint64_t index, std::uint64_t size) const {
    MERIDIAN_ASSERT(index < size && size <= this->size());
    Proof proof;
    std::uint64_t begin = 0, end = size;
    while (end - begin > 1) {
        const auto middle = begin + left_of(end - begin);
        if (index < middle) {
            proof.push_back(subtree(middle, end));
            end = middle;
        } else {
            proof.push_back(subtree(begin, middle));
            begin = middle;
        }
    }
    std::ranges::reverse(proof);
    return proof;
}

// SUBPROOF of the RFC. The first hash is left out while the old tree is the left edge of the new one.
Proof Tree::consistency(std::uint64_t from, std::uint64_t to) const {
    MERIDIAN_ASSERT(from <= to && to <= size());
    Proof proof;
    if (from == 0 || from == to) return proof;
    std::uint64_t begin = 0, end = to;
    bool is_edge = true;
    while (end != from) {
        const auto middle = begin + left_of(end - begin);
        if (from <= middle) {
            proof.push_back(subtree(middle, end));
            end = middle;
        } else {
            proof.push_back(subtree(begin, middle));
            begin = middle;
            is_edge = false;
        }
    }
    if (!is_edge) proof.push_back(subtree(begin, end));
    std::ranges::reverse(proof);
    return proof;
}

std::span<const Sha256> Tree::row(std::size_t level, std::uint64_t begin, std::size_t count) const {
    MERIDIAN_ASSERT(level < levels_.size() && begin <= levels_[level].size() && count <= levels_[level].size() - begin);
    return std::span(levels_[level]).subspan(begin, count);
}

bool includes(const Sha256& root, std::uint64_t size, const Sha256& leaf, std::uint64_t index, std::span<const Sha256> proof) {
    if (index >= size) return false;
    Sha256 hash = leaf;
    std::uint64_t at = index, last = size - 1;
    for (const auto& beside : proof) {
        if (last == 0) return false;
        if (at % 2 != 0 || at == last) {
            hash = node_hash(beside, hash);
            // A node without a right neighbour rises until it is one.
            while (at % 2 == 0 && at != 0) at >>= 1, last >>= 1;
        } else {
            hash = node_hash(hash, beside);
        }
        at >>= 1, last >>= 1;
    }
    return last == 0 && hash == root;
}

bool extends(const Sha256& to_root, std::uint64_t to, const Sha256& from_root, std::uint64_t from, std::span<const Sha256> proof) {
    if (from > to) return false;
    if (from == to) return proof.empty() && from_root == to_root;
    if (from == 0) return proof.empty() && from_root == sha256({});
    std::uint64_t at = from - 1, last = to - 1;
    while (at % 2 != 0) at >>= 1, last >>= 1;
    // The old root itself begins the path when the old tree is complete.
    Sha256 old = from_root, now = from_root;
    if (at != 0) {
        if (proof.empty()) return false;
        old = now = proof.front();
        proof = proof.subspan(1);
    }
    for (const auto& beside : proof) {
        if (last == 0) return false;
        if (at % 2 != 0 || at == last) {
            old = node_hash(beside, old);
            now = node_hash(beside, now);
            while (at % 2 == 0 && at != 0) at >>= 1, last >>= 1;
        } else {
            now = node_hash(now, beside);
        }
        at >>= 1, last >>= 1;
    }
    return last == 0 && old == from_root && now == to_root;
}

}  // namespace meridian::metering
