#include "quantum/engines/statevector/derivative.h"

#include <algorithm>
#include <array>
#include <numbers>

#include "base/error.h"

namespace meridian::quantum {

GateMatrix derivative(Gate gate, std::span<const double> angles, std::size_t which) {
    const GateInfo& row = info(gate);
    MERIDIAN_ASSERT(angles.size() == row.parameters && which < angles.size());
    const std::size_t size = std::size_t{1} << (2 * row.targets);
    const auto half_difference = [&](double shift) {
        std::array<double, gate_parameters_max> at{};
        std::copy(angles.begin(), angles.end(), at.begin());
        GateMatrix ahead{}, behind{};
        at[which] = angles[which] + shift;
        row.matrix(std::span(at).first(angles.size()), ahead);
        at[which] = angles[which] - shift;
        row.matrix(std::span(at).first(angles.size()), behind);
        for (std::size_t k = 0; k < size; ++k) ahead[k] = (ahead[k] - behind[k]) / 2.0;
        return ahead;
    };
    const GateMatrix far = half_difference(std::numbers::pi), near = half_difference(std::numbers::pi / 2);
    GateMatrix sum{};
    for (std::size_t k = 0; k < size; ++k) {
        const Amplitude slow = far[k] / 2.0;
        sum[k] = slow + near[k] - slow * std::numbers::sqrt2;
    }
    return sum;
}

}  // namespace meridian::quantum
