#include "metering/price.h"

#include <algorithm>

namespace meridian::metering {

Usage bounded(Usage usage) {
    for (auto* count : {&usage.input_tokens, &usage.output_tokens, &usage.cached_tokens})
        *count = std::clamp<std::int64_t>(*count, 0, tokens_max);
    return usage;
}

bool is_bounded(const Price& price) {
    const auto fits = [](Money rate) { return rate >= Money() && rate <= price_max; };
    return fits(price.input_per_million) && fits(price.output_per_million);
}

Money cost_of(const Price& price, const Usage& usage) {
    constexpr std::int64_t million = 1'000'000;
    return prorated(price.input_per_million, usage.input_tokens, million) +
           prorated(price.output_per_million, usage.output_tokens, million);
}

}  // namespace meridian::metering
