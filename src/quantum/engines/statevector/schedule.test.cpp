#include "quantum/engines/statevector/schedule.h"

#include <bit>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "quantum/engines/statevector/lower.h"
#include "quantum/engines/statevector/plain.h"

namespace meridian::quantum {
namespace {

Items lowered(const Circuit& circuit) {
    std::vector<Wire> wires(circuit.qubits);
    std::iota(wires.begin(), wires.end(), Wire{0});
    return lower(circuit, 0, circuit.ops.size(), wires, true);
}

bool commute(const Item& x, const Item& y) { return (x.moves & (y.moves | y.reads)) == 0 && (x.reads & y.moves) == 0; }

TEST(Schedule, TakesEveryItemOnceInAnOrderThatMeansTheSame) {
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::mt19937_64 rng(seed);
        const Items items = lowered(plain::random_circuit(12, 120, rng, {.unitary_targets = 2}));
        const auto segments = schedule(items, {.wires = 12, .block_bits = 7, .lowest = 4});
        std::vector<std::size_t> place(items.list.size(), ~std::size_t{0});
        std::size_t number = 0;
        for (const Segment& segment : segments) {
            EXPECT_LE(std::popcount(segment.wires), 7);
            EXPECT_EQ(segment.wires & 15, 15u);
            for (const std::uint32_t item : segment.items) {
                EXPECT_EQ(items.list[item].moves & ~segment.wires, 0u);
                ASSERT_EQ(place[item], ~std::size_t{0}) << "twice";
                place[item] = number++;
            }
        }
        EXPECT_EQ(number, items.list.size());
        for (std::size_t a = 0; a < items.list.size(); ++a)
            for (std::size_t b = a + 1; b < items.list.size(); ++b)
                if (!commute(items.list[a], items.list[b])) ASSERT_LT(place[a], place[b]) << "seed " << seed;
    }
}

TEST(Schedule, AFourierTransformTakesAFewSweeps) {
    Circuit circuit;
    circuit.qubits = 26;
    for (std::uint32_t q = 26; q-- > 0;) {
        circuit.add(Gate::h, {q});
        for (std::uint32_t other = q; other-- > 0;) circuit.add(Gate::cp, {other, q}, {std::numbers::pi / double(1u << (q - other))});
    }
    EXPECT_LE(schedule(lowered(circuit), {.wires = 26, .block_bits = 14, .lowest = 5}).size(), 3u);
}

TEST(Schedule, NothingToDoIsNoSegment) {
    Circuit circuit;
    circuit.qubits = 4;
    EXPECT_TRUE(schedule(lowered(circuit), {.wires = 4, .block_bits = 4, .lowest = 4}).empty());
    circuit.add(Gate::gphase, {}, {0.5});
    EXPECT_EQ(schedule(lowered(circuit), {.wires = 4, .block_bits = 4, .lowest = 4}).size(), 1u) << "a global phase is work";
}

}  // namespace
}  // namespace meridian::quantum
