#include "quantum/service/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "metering/price.h"

namespace meridian::quantum::service {
namespace {

Money cost_of(const metering::Price& price, const Quote& quote, double seconds) {
    return metering::cost_of(price, metering::bounded({.milliseconds = milliseconds_of(seconds),
                                                       .shots = static_cast<std::int64_t>(quote.shots * quote.circuits),
                                                       .circuits = static_cast<std::int64_t>(quote.circuits)}));
}

}  // namespace

expected<Quote> quote(std::span<const Circuit> circuits, const Asked& asked, const metering::Price& price, const Calibration& node,
                      const Allowance& allowance) {
    const auto cost = estimate_all(circuits, asked.precision, asked.shots, node, allowance);
    if (!cost) return std::unexpected(cost.error());
    Quote made;
    made.engine = fmt::format("statevector, {} precision", asked.precision == Precision::single ? "single" : "double");
    std::uint32_t qubits = 0;
    for (const auto& circuit : circuits) qubits = std::max(qubits, circuit.qubits);
    made.why = fmt::format("all amplitudes of {} qubits fit the node, and the result is exact", qubits);
    made.memory_bytes = cost->bytes;
    made.circuits = circuits.size();
    made.shots = asked.shots;
    made.seconds = cost->seconds;
    made.seconds_max = std::max(cost->seconds, cost->seconds_high);
    made.cost = cost_of(price, made, made.seconds);
    made.cost_max = cost_of(price, made, made.seconds_max);
    if (cost->joules) made.energy = Millijoules(std::llround(std::min(*cost->joules * 1e3, 9e15)));
    made.energy_basis = cost->joules_said();
    return made;
}

}  // namespace meridian::quantum::service
