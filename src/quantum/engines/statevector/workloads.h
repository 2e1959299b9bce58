// Circuits of the shapes that simulators are compared by, for benchmarks and tests.
#pragma once
#include <cstdint>
#include <numbers>
#include <random>

#include "quantum/ir/circuit.h"

namespace meridian::quantum::workloads {

inline Circuit empty(std::uint32_t qubits) {
    Circuit circuit;
    circuit.qubits = circuit.bits = qubits;
    circuit.bit_registers = {{"c", 0, qubits}};
    return circuit;
}

inline void measure_all(Circuit& circuit) {
    for (std::uint32_t q = 0; q < circuit.qubits; ++q) circuit.add_measure(q, q);
}

// ry and rz on every qubit, then a chain of cx, layer by layer; a last layer of ry.
inline Circuit hardware_efficient(std::uint32_t qubits, unsigned layers, std::uint64_t seed) {
    std::mt19937_64 rng(seed);
    std::uniform_real_distribution<double> angle(-std::numbers::pi, std::numbers::pi);
    Circuit circuit = empty(qubits);
    for (unsigned layer = 0; layer < layers; ++layer) {
        for (std::uint32_t q = 0; q < qubits; ++q) {
            circuit.add(Gate::ry, {q}, {angle(rng)});
            circuit.add(Gate::rz, {q}, {angle(rng)});
        }
        for (std::uint32_t q = 0; q + 1 < qubits; ++q) circuit.add(Gate::cx, {q, q + 1});
    }
    for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::ry, {q}, {angle(rng)});
    return circuit;
}

// The Fourier transform of a product state.
inline Circuit fourier(std::uint32_t qubits, std::uint64_t seed) {
    std::mt19937_64 rng(seed);
    Circuit circuit = empty(qubits);
    for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::ry, {q}, {std::uniform_real_distribution<double>(0, 3)(rng)});
    for (std::uint32_t q = qubits; q-- > 0;) {
        circuit.add(Gate::h, {q});
        for (std::uint32_t other = q; other-- > 0;)
            circuit.add(Gate::cp, {other, q}, {std::numbers::pi / double(std::uint64_t{1} << (q - other))});
    }
    for (std::uint32_t q = 0; q < qubits / 2; ++q) circuit.add(Gate::swap, {q, qubits - 1 - q});
    return circuit;
}

// Random pairs in each layer, a generic two-qubit unitary on each, spelt in one-qubit gates and cx.
inline Circuit quantum_volume(std::uint32_t qubits, unsigned layers, std::uint64_t seed) {
    std::mt19937_64 rng(seed);
    std::uniform_real_distribution<double> angle(0, 2 * std::numbers::pi);
    Circuit circuit = empty(qubits);
    std::vector<std::uint32_t> order(qubits);
    for (std::uint32_t q = 0; q < qubits; ++q) order[q] = q;
    const auto turn = [&](std::uint32_t q) { circuit.add(Gate::u, {q}, {angle(rng), angle(rng), angle(rng)}); };
    for (unsigned layer = 0; layer < layers; ++layer) {
        for (std::uint32_t k = qubits; k-- > 1;) std::swap(order[k], order[rng() % (k + 1)]);
        for (std::uint32_t k = 0; k + 1 < qubits; k += 2) {
            turn(order[k]), turn(order[k + 1]);
            for (int times = 0; times < 3; ++times) {
                circuit.add(Gate::cx, {order[k], order[k + 1]});
                turn(order[k]), turn(order[k + 1]);
            }
        }
    }
    return circuit;
}

// Rounds of rzz on a ring with chords and rx on every qubit.
inline Circuit optimization(std::uint32_t qubits, unsigned rounds, std::uint64_t seed) {
    std::mt19937_64 rng(seed);
    std::uniform_real_distribution<double> angle(0, std::numbers::pi);
    Circuit circuit = empty(qubits);
    for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::h, {q});
    for (unsigned round = 0; round < rounds; ++round) {
        const double gamma = angle(rng), beta = angle(rng);
        for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::rzz, {q, (q + 1) % qubits}, {gamma});
        for (std::uint32_t q = 0; q < qubits / 2; ++q) circuit.add(Gate::rzz, {q, q + qubits / 2}, {gamma});
        for (std::uint32_t q = 0; q < qubits; ++q) circuit.add(Gate::rx, {q}, {2 * beta});
    }
    return circuit;
}

inline Circuit cat(std::uint32_t qubits) {
    Circuit circuit = empty(qubits);
    circuit.add(Gate::h, {0});
    for (std::uint32_t q = 0; q + 1 < qubits; ++q) circuit.add(Gate::cx, {q, q + 1});
    return circuit;
}

}  // namespace meridian::quantum::workloads
