// What a run costs: rates by quantities, each product rounded once.
#pragma once
#include <span>

#include "metering/service.h"

namespace meridian::metering {

// Bounds within which no cost leaves int64. No model has read so many tokens in one run, and nobody asks such a price.
inline constexpr std::int64_t tokens_max = std::int64_t{1} << 40;
inline constexpr Money price_max = Money::nanos(4'000'000'000'000);  // for a million tokens, or an hour
// A shot or a circuit of a real device costs euros at most; quantities as large as a job can be still fit.
inline constexpr Money piece_price_max = Money::nanos(10'000'000'000);
inline constexpr std::int64_t pieces_max = 100'000'000, milliseconds_max = std::int64_t{1} << 40;

// Counts brought into bounds: an upstream reported them, or an engine.
Usage bounded(Usage usage);
bool is_bounded(const Price& price);

// One quantity of a cost. `amount` is rate x quantity, rounded once.
struct CostLine {
    std::string_view unit;  // "input_token", ...
    std::int64_t quantity = 0;
    Money amount;
};
class Cost {
public:
    // What the usage costs under the price, and no more than the ceiling: a line `over_ceiling` takes back what is past it.
    Cost(const Price& price, const Usage& bounded_usage, const std::optional<Money>& ceiling);
    [[nodiscard]] std::span<const CostLine> lines() const { return {lines_, size_}; }
    [[nodiscard]] Money total() const { return total_; }

private:
    void add(std::string_view unit, std::int64_t quantity, Money rate, std::int64_t per);
    CostLine lines_[7];
    std::size_t size_ = 0;
    Money total_;
};
inline Money cost_of(const Price& price, const Usage& bounded_usage) { return Cost(price, bounded_usage, std::nullopt).total(); }

}  // namespace meridian::metering
