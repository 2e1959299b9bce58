#include "quantum/engines/statevector/tally.h"

#include <algorithm>
#include <numeric>

namespace meridian::quantum {

void Tally::add(std::span<const std::uint64_t> outcome, std::uint64_t count) {
    outcomes_.insert(outcomes_.end(), outcome.begin(), outcome.end());
    counts_.push_back(count);
    if (counts_.size() >= compact_at_) {
        compact();
        compact_at_ = std::max(compact_at_, 2 * counts_.size());
    }
}

void Tally::add(const Tally& other) {
    for (std::size_t k = 0; k < other.counts_.size(); ++k) add(std::span(other.outcomes_).subspan(k * words_, words_), other.counts_[k]);
}

void Tally::finish(Samples& into) {
    compact();
    into.outcomes = std::move(outcomes_);
    into.counts = std::move(counts_);
}

void Tally::compact() {
    std::vector<std::size_t> order(counts_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto before = [&](std::size_t a, std::size_t b) {
        for (std::size_t w = words_; w-- > 0;)
            if (const auto left = outcomes_[a * words_ + w], right = outcomes_[b * words_ + w]; left != right) return left < right;
        return false;
    };
    if (!std::ranges::is_sorted(order, before)) std::ranges::sort(order, before);
    std::vector<std::uint64_t> outcomes, counts;
    for (const std::size_t k : order) {
        const auto outcome = std::span(outcomes_).subspan(k * words_, words_);
        if (!counts.empty() && std::ranges::equal(outcome, std::span(outcomes).last(words_))) {
            counts.back() += counts_[k];
            continue;
        }
        outcomes.insert(outcomes.end(), outcome.begin(), outcome.end());
        counts.push_back(counts_[k]);
    }
    outcomes_ = std::move(outcomes);
    counts_ = std::move(counts);
}

}  // namespace meridian::quantum
