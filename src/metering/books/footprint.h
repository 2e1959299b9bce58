// Energy, CO2 and water of runs. What nobody measured or declared is nothing here, never a zero. Pure.
#pragma once
#include <cstdint>
#include <optional>

#include "geography/types.h"
#include "metering/service.h"

namespace meridian::metering {

struct Impact {
    double kg_co2 = 0, m3_water = 0;
};

// Of a sum whose every run's energy is known, in a zone that declares what a kilowatt hour stands for; nothing otherwise: part of
// an impact, given as the whole, would be false.
std::optional<Impact> impact_of(const Totals& totals, const geography::ZoneFacts& zone);

// Of the energy that is known, by the one factor where it was declared.
std::optional<double> kg_co2_of(Millijoules energy, const geography::ZoneFacts& zone);
// The same in whole milligrams, of which something is never none.
std::optional<std::int64_t> co2_milligrams_of(Millijoules energy, const geography::ZoneFacts& zone);
std::optional<double> m3_water_of(Millijoules energy, const geography::ZoneFacts& zone);

}  // namespace meridian::metering
