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

Quote priced(const Cost& cost, const metering::Price& price, Said said) {
    Quote made;
    made.engine = std::move(said.engine);
    made.why = std::move(said.why);
    made.memory_bytes = cost.bytes;
    made.circuits = said.circuits;
    made.shots = said.shots;
    made.seconds = cost.seconds;
    made.seconds_max = std::max(cost.seconds, cost.seconds_high);
    made.cost = cost_of(price, made, made.seconds);
    made.cost_max = cost_of(price, made, made.seconds_max);
    if (cost.joules) made.energy = Millijoules(std::llround(std::min(*cost.joules * 1e3, 9e15)));
    made.energy_basis = cost.joules_said();
    return made;
}

expected<Quote> quote(std::span<const Circuit> circuits, const Asked& asked, const metering::Price& price, const Calibration& node,
                      const Allowance& allowance, PlanCache* plans) {
    const auto cost = estimate_all(circuits, asked.precision, asked.shots, node, allowance, plans);
    if (!cost) return std::unexpected(cost.error());
    std::uint32_t qubits = 0;
    for (const auto& circuit : circuits) qubits = std::max(qubits, circuit.qubits);
    return priced(*cost, price,
                  {.engine = fmt::format("statevector, {} precision", asked.precision == Precision::single ? "single" : "double"),
                   .why = fmt::format("all amplitudes of {} qubits fit the node, and the result is exact", qubits),
                   .circuits = circuits.size(),
                   .shots = asked.shots});
}

}  // namespace meridian::quantum::service
