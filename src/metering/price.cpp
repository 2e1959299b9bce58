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
    return fits(price.input_per_million, price_max) && fits(price.output_per_million, price_max) &&
           fits(price.cached_per_million.value_or(Money()), price_max) && fits(price.per_hour, price_max) &&
           fits(price.per_shot, piece_price_max) && fits(price.per_circuit, piece_price_max);
}

void Cost::add(std::string_view unit, std::int64_t quantity, Money rate, std::int64_t per) {
    if (quantity == 0 || rate == Money()) return;
    lines_[size_++] = {unit, quantity, prorated(rate, quantity, per)};
    total_ += lines_[size_ - 1].amount;
}

Cost::Cost(const Price& price, const Usage& usage, const std::optional<Money>& ceiling) {
    constexpr std::int64_t million = 1'000'000, hour = 3'600'000;
    // Some backends count cached tokens beside the others instead of among them; nobody is charged a negative number.
    const auto cached = price.cached_per_million ? std::min(usage.cached_tokens, usage.input_tokens) : 0;
    add("input_token", usage.input_tokens - cached, price.input_per_million, million);
    add("cached_token", cached, price.cached_per_million.value_or(Money()), million);
    add("output_token", usage.output_tokens, price.output_per_million, million);
    add("millisecond", usage.milliseconds, price.per_hour, hour);
    add("shot", usage.shots, price.per_shot, 1);
    add("circuit", usage.circuits, price.per_circuit, 1);
    if (ceiling && total_ > *ceiling) {
        lines_[size_++] = {"over_ceiling", 1, *ceiling - total_};
        total_ = *ceiling;
    }
}

}  // namespace meridian::metering
