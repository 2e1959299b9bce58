// Draws from a small distribution through a table of sums: one look-up a number, in any order.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace meridian::quantum {

class Table {
public:
    Table() = default;
    // At most 2^32 probabilities, of any positive sum.
    explicit Table(std::span<const double> probabilities);

    [[nodiscard]] double total() const { return ends_.empty() ? 0 : ends_.back(); }
    // The index on which a number in [0, 1) falls. One of probability 0 never comes out; the total must be positive.
    [[nodiscard]] std::uint64_t at(double number) const;

private:
    std::vector<double> ends_;          // sums up to each index
    std::vector<std::uint32_t> guide_;  // where in `ends_` each of as many equal parts of [0, total) begins
};

}  // namespace meridian::quantum
