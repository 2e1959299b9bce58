// Arithmetic on times that the clocks' own types do not have.
#pragma once
#include "base/time.h"

namespace meridian::quantum::service {

inline Timestamp later(Timestamp from, Duration by) { return from + std::chrono::duration_cast<Timestamp::duration>(by); }
inline Duration duration_of(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

}  // namespace meridian::quantum::service
