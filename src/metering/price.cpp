#include "metering/price.h"

#include <algorithm>

namespace meridian::metering {

Usage bounded(Usage usage) {
    for (auto* count : {&usage.input_tokens, &usage.output_tokens, &usage.cached_tokens})
        *count = std::clamp<std::int64_t>(*count, 0, tokens_max);
    for (auto* count : {&usage.shots, &usage.circuits}) *count = std::clamp<std::int64_t>(*count, 0, pieces_max);
    usage.milliseconds = std::clamp<std::int64_t>(usage.milliseconds, 0, milliseconds_max);
    return usage;
}

bool is_bounded(const Price& price) {
    const auto fits = [](Money rate, Money max) { return rate >= Money() && rate <= max; };
    return fits(price.input_per_million, price_max) && fits(price.output_per_million, price_max) && fits(price.per_hour, price_max) &&
           fits(price.per_shot, piece_price_max) && fits(price.per_circuit, piece_price_max);
}

Money cost_of(const Price& price, const Usage& usage) {
    constexpr std::int64_t million = 1'000'000, hour = 3'600'000;
    return prorated(price.input_per_million, usage.input_tokens, million) +
           prorated(price.output_per_million, usage.output_tokens, million) + prorated(price.per_hour, usage.milliseconds, hour) +
           prorated(price.per_shot, usage.shots, 1) + prorated(price.per_circuit, usage.circuits, 1);
}

}  // namespace meridian::metering
