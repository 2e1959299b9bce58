#include "quantum/service/computer.h"

#include <algorithm>
#include <cmath>

#include "metering/price.h"

namespace meridian::quantum::service {

std::int64_t milliseconds_of(double seconds) {
    return static_cast<std::int64_t>(std::min(std::ceil(std::max(seconds, 0.0) * 1e3), static_cast<double>(metering::milliseconds_max)));
}

metering::Usage usage_of(const Quote& quote, const Ran& ran) {
    const double seconds = std::chrono::duration<double>(ran.took).count();
    metering::Usage used{.milliseconds = std::min(milliseconds_of(seconds), milliseconds_of(quote.seconds_max)),
                         .shots = static_cast<std::int64_t>(quote.shots * quote.circuits),
                         .circuits = static_cast<std::int64_t>(quote.circuits)};
    if (ran.energy) {
        used.energy = ran.energy;
        used.energy_basis = metering::EnergyBasis::counter;
    } else if (quote.energy && quote.seconds > 0) {
        used.energy = Millijoules(std::llround(static_cast<double>(quote.energy->count()) * std::min(seconds / quote.seconds, 1e3)));
    }
    return used;
}

}  // namespace meridian::quantum::service
