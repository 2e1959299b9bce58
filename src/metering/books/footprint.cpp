#include "metering/books/footprint.h"

#include <algorithm>
#include <cmath>

namespace meridian::metering {
namespace {

constexpr double millijoules_per_kwh = 3.6e9, milligrams_per_kg = 1e6;

// `per_kwh` thousandths of the unit that is answered.
std::optional<double> thousandths(Millijoules energy, const std::optional<std::uint32_t>& per_kwh) {
    if (!per_kwh) return std::nullopt;
    return static_cast<double>(energy.count()) / millijoules_per_kwh * *per_kwh / 1000;
}

}  // namespace

std::optional<double> kg_co2_of(Millijoules energy, const geography::ZoneFacts& zone) {
    return zone.declared ? thousandths(energy, zone.declared->carbon_grams_per_kwh) : std::nullopt;
}

std::optional<std::int64_t> co2_milligrams_of(Millijoules energy, const geography::ZoneFacts& zone) {
    const auto kg = kg_co2_of(energy, zone);
    if (!kg || *kg <= 0) return kg ? std::optional<std::int64_t>(0) : std::nullopt;
    return std::max<std::int64_t>(1, std::llround(*kg * milligrams_per_kg));
}

std::optional<double> m3_water_of(Millijoules energy, const geography::ZoneFacts& zone) {
    const auto litres = zone.declared ? thousandths(energy, zone.declared->water_millilitres_per_kwh) : std::nullopt;
    return litres ? std::optional(*litres / 1000) : std::nullopt;
}

std::optional<Impact> impact_of(const Totals& totals, const geography::ZoneFacts& zone) {
    const auto carbon = kg_co2_of(totals.energy, zone), water = m3_water_of(totals.energy, zone);
    if (totals.runs_without_energy > 0 || !carbon || !water) return std::nullopt;
    return Impact{*carbon, *water};
}

}  // namespace meridian::metering
