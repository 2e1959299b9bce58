#include "metering/prices/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "geography/types.h"
#include "metering/price.h"

namespace meridian::metering {

bool Hours::contains(Timestamp at) const {
    const int minute = zone.minute_of_day(at);
    return from_minute <= to_minute ? minute >= from_minute && minute < to_minute : minute >= from_minute || minute < to_minute;
}

std::int64_t standard_amount(Unit unit) {
    switch (unit) {
        case Unit::input_token:
        case Unit::output_token:
        case Unit::cached_token:
            return 1'000'000;
        case Unit::node_second:
            return 3600;
        case Unit::image:
        case Unit::shot:
        case Unit::circuit:
        case Unit::quantum_hour:
        case Unit::session_hour:
        case Unit::voice_minute:
            return 1;
    }
    return 1;
}

std::optional<Money> standard_rate(const PriceEntry& entry) {
    const auto product = static_cast<__int128>(entry.rate.count()) * standard_amount(entry.unit);
    if (entry.per < 1 || product % entry.per != 0) return std::nullopt;
    const auto whole = product / entry.per;
    if (whole < 0 || whole > price_max.count()) return std::nullopt;
    return Money::nanos(static_cast<std::int64_t>(whole));
}

std::optional<std::string> complaint_about(const PriceEntry& entry) {
    if (entry.sku.empty() || entry.sku.size() > limits::price_sku) return fmt::format("A sku has 1 to {} bytes.", limits::price_sku);
    if (entry.rate < Money()) return "A price is not negative.";
    if (entry.per < 1 || entry.per > limits::price_per) return fmt::format("'per' is 1 to {}.", limits::price_per);
    const auto rate = standard_rate(entry);
    if (!rate)
        return fmt::format("{} EUR for {} is no whole number of nano-euros for {} of this unit, or more than {} EUR; give another 'per'.",
                           entry.rate.str(), entry.per, standard_amount(entry.unit), price_max.str());
    if ((entry.unit == Unit::shot || entry.unit == Unit::circuit) && *rate > piece_price_max)
        return fmt::format("A shot or a circuit costs at most {} EUR.", piece_price_max.str());
    if (entry.zone && !geography::Zone::parse(*entry.zone)) return "A zone looks like fr-par-1.";
    if ((entry.tier == Tier::off_peak) != entry.hours.has_value()) return "The tier off_peak has 'hours', and no other tier has.";
    if (entry.hours && entry.hours->from_minute == entry.hours->to_minute) return "The off-peak hours begin and end at the same time.";
    if (entry.valid_until && *entry.valid_until <= entry.valid_from) return "'valid_until' must be after 'valid_from'.";
    return std::nullopt;
}

PriceBook::PriceBook(std::vector<PriceEntry> entries) : entries_(std::move(entries)) {
    std::erase_if(entries_, [](const PriceEntry& entry) { return !standard_rate(entry); });
    for (std::size_t i = 0; i < entries_.size(); ++i) by_sku_[entries_[i].sku].push_back(i);
    for (auto& [sku, all] : by_sku_) {
        std::ranges::sort(all, [&](std::size_t a, std::size_t b) {
            const auto &left = entries_[a], &right = entries_[b];
            return std::tie(left.valid_from, left.created_at, left.id) > std::tie(right.valid_from, right.created_at, right.id);
        });
    }
}

// How well an entry's place and tier fit what is asked; the first of equals is the newest.
struct PriceBook::Rank {
    bool is_of_zone = false;
    int tier = 0;
    auto operator<=>(const Rank&) const = default;
};

const PriceEntry* PriceBook::best(const PriceQuestion& question, Unit unit) const {
    for (const auto sku : {question.sku, any_sku}) {
        const auto found = by_sku_.find(std::string(sku));
        if (found == by_sku_.end()) continue;
        const PriceEntry* best = nullptr;
        Rank best_rank;
        for (const auto index : found->second) {
            const auto& entry = entries_[index];
            if (entry.unit != unit || (entry.zone && *entry.zone != question.zone)) continue;
            if (question.at < entry.valid_from || (entry.valid_until && question.at >= *entry.valid_until)) continue;
            Rank rank{.is_of_zone = entry.zone.has_value()};
            if (entry.tier == Tier::off_peak) {
                if (!entry.hours->contains(question.at)) continue;
                rank.tier = 1;
            } else if (entry.tier == Tier::batch) {
                if (question.tier != Tier::batch) continue;
                rank.tier = 2;
            }
            if (!best || rank > best_rank) {
                best = &entry;
                best_rank = rank;
            }
        }
        if (best) return best;
    }
    return nullptr;
}

std::optional<Money> PriceBook::rate(const PriceQuestion& question, Unit unit) const {
    const auto* entry = best(question, unit);
    return entry ? standard_rate(*entry) : std::nullopt;
}

Price PriceBook::find(const PriceQuestion& question, const Price& otherwise) const {
    auto price = otherwise;
    if (entries_.empty()) return price;
    const auto take = [&](Unit unit, Money& into) {
        if (const auto found = rate(question, unit)) into = *found;
    };
    take(Unit::input_token, price.input_per_million);
    take(Unit::output_token, price.output_per_million);
    if (const auto cached = rate(question, Unit::cached_token)) price.cached_per_million = cached;
    take(Unit::quantum_hour, price.per_hour);
    take(Unit::shot, price.per_shot);
    take(Unit::circuit, price.per_circuit);
    return price;
}

}  // namespace meridian::metering
