// e^(i angle), by one call for sine and cosine: half of what lowering a circuit of general gates takes is these.
#pragma once
#include <cmath>

#include "quantum/ir/gates.h"

namespace meridian::quantum {

inline Amplitude turn(double angle) {
    double sine = 0, cosine = 0;
    ::sincos(angle, &sine, &cosine);
    return {cosine, sine};
}

}  // namespace meridian::quantum
