// The twin is the judge; what it says of channels is held against numbers worked out by hand.
#include "quantum/engines/statevector/twin.h"

#include <gtest/gtest.h>

#include <cmath>

namespace meridian::quantum::twin {
namespace {

// Amplitude damping by `decay`, then a measurement.
Circuit damped(double decay) {
    Circuit circuit;
    circuit.qubits = circuit.bits = 1;
    circuit.bit_registers = {{"c", 0, 1}};
    circuit.add(Gate::ry, {0}, {2 * std::acos(std::sqrt(0.2))});  // 1 with probability 0.8
    circuit.matrices = {1, 0, 0, std::sqrt(1 - decay), 0, std::sqrt(decay), 0, 0};
    circuit.operands.push_back(0);
    circuit.ops.push_back({.kind = Op::Kind::channel,
                           .first_operand = static_cast<std::uint32_t>(circuit.operands.size() - 1),
                           .operand_count = 1,
                           .first = 0,
                           .target = 2});
    circuit.add_measure(0, 0);
    return circuit;
}

TEST(Twin, FollowsEveryOperatorOfAChannel) {
    const auto circuit = damped(0.3);
    ASSERT_EQ(flaw(circuit), "");
    const auto found = distribution(circuit);
    EXPECT_NEAR(found.at({1}), 0.8 * 0.7, 1e-12);
    EXPECT_NEAR(found.at({0}), 0.2 + 0.8 * 0.3, 1e-12);
    EXPECT_EQ(distribution(damped(1)).size(), 1u) << "what never happens is left out";
}

}  // namespace
}  // namespace meridian::quantum::twin
