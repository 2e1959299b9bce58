// From an engine's estimate to a quote: what is said before a run. The CLI and the service say alike.
#pragma once
#include <span>

#include "quantum/engines/engine.h"
#include "quantum/service/computer.h"

namespace meridian::quantum::service {

struct Asked {
    Precision precision = Precision::double_;
    std::uint64_t shots = 0;
};
expected<Quote> quote(std::span<const Circuit> circuits, const Asked& asked, const metering::Price& price, const Calibration& node,
                      const Allowance& allowance, PlanCache* plans = nullptr);

struct Said {
    std::string engine, why;
    std::uint64_t circuits = 1, shots = 0;
};
// What the engine estimated, with words and prices.
Quote priced(const Cost& cost, const metering::Price& price, Said said);

}  // namespace meridian::quantum::service
