// What a run costs: rates by quantities, each product rounded once.
#pragma once
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
Money cost_of(const Price& price, const Usage& bounded_usage);

}  // namespace meridian::metering
