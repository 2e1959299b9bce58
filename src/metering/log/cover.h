// One proof for many leaves: the hashes beside them from which the root follows. Walked from the root down, left before right: where
// a subtree holds none of the leaves, its hash is next. Pure.
#pragma once
#include <optional>
#include <span>
#include <utility>

#include "metering/tree.h"

namespace meridian::metering {

// `leaves` ascend, and are below `size`, which is not past the end.
Proof cover(const Tree& tree, std::uint64_t size, std::span<const std::uint64_t> leaves);
// The root that leaves (places and hashes) and proof come to. Nothing when places do not ascend or a hash is missing or too many.
std::optional<Sha256> covered_root(std::uint64_t size, std::span<const std::pair<std::uint64_t, Sha256>> leaves,
                                   std::span<const Sha256> proof);

}  // namespace meridian::metering
