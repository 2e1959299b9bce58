// What a run costs: two rates, each product rounded once.
#pragma once
#include "metering/service.h"

namespace meridian::metering {

// Bounds within which no cost leaves int64. No model has read so many tokens in one run, and nobody asks such a price.
inline constexpr std::int64_t tokens_max = std::int64_t{1} << 40;
inline constexpr Money price_max = Money::nanos(4'000'000'000'000);  // for a million tokens

// Counts that an upstream reported, brought into bounds.
Usage bounded(Usage usage);
bool is_bounded(const Price& price);
Money cost_of(const Price& price, const Usage& bounded_usage);

}  // namespace meridian::metering
