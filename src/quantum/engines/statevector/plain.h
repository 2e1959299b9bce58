// What the kernels' tests are made of: random states, matrices and circuits, and the twin's answer to compare with.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "quantum/engines/statevector/state.h"
#include "quantum/engines/statevector/twin.h"
#include "quantum/ir/circuit.h"
#include "quantum/ir/definition.h"

namespace meridian::quantum::plain {

using Vector = twin::Vector;

inline Vector applied(const Circuit& circuit, Vector state) {
    for (const Op& op : circuit.ops) apply(circuit, op, state);
    return state;
}

// A state without any symmetry.
inline Vector random_state(unsigned qubits, std::mt19937_64& rng) {
    std::normal_distribution<double> normal;
    Vector state(std::size_t{1} << qubits);
    double norm = 0;
    for (Amplitude& a : state) norm += std::norm(a = {normal(rng), normal(rng)});
    for (Amplitude& a : state) a /= std::sqrt(norm);
    return state;
}

template <class Real>
void load(const Vector& from, State<Real>& to) {
    for (std::size_t k = 0; k < from.size(); ++k) to.set(to.index_of(k), std::complex<Real>(from[k]));
}

template <class Real>
double distance(const Vector& expected, const State<Real>& got) {
    double worst = 0;
    for (std::size_t k = 0; k < expected.size(); ++k)
        worst = std::max(worst, std::abs(expected[k] - std::complex<double>(got.amplitude(k))));
    return worst;
}

// A unitary matrix of 2^t x 2^t without structure, by Gram and Schmidt; a large one is a reflection and phases, which is dense too.
inline std::vector<Amplitude> random_unitary(unsigned targets, std::mt19937_64& rng) {
    const std::size_t side = std::size_t{1} << targets;
    std::vector<Amplitude> m(side * side);
    if (targets > 4) {
        const Vector v = random_state(targets, rng);
        for (std::size_t r = 0; r < side; ++r)
            for (std::size_t c = 0; c < side; ++c)
                m[r * side + c] = std::polar(1.0, double(r)) * (Amplitude(r == c) - 2.0 * v[r] * std::conj(v[c]));
        return m;
    }
    for (std::size_t r = 0; r < side; ++r) {
        const Vector row = random_state(targets, rng);
        std::copy(row.begin(), row.end(), m.begin() + std::ptrdiff_t(r * side));
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t other = 0; other < r; ++other) {
                Amplitude inner = 0;
                for (std::size_t c = 0; c < side; ++c) inner += std::conj(m[other * side + c]) * m[r * side + c];
                for (std::size_t c = 0; c < side; ++c) m[r * side + c] -= inner * m[other * side + c];
            }
        double norm = 0;
        for (std::size_t c = 0; c < side; ++c) norm += std::norm(m[r * side + c]);
        for (std::size_t c = 0; c < side; ++c) m[r * side + c] /= std::sqrt(norm);
    }
    return m;
}

struct Mix {
    int extra_controls = 2;  // controls added to gates of the table, at random
    int unitary_targets = 3;
    bool barriers = true;
};

// Gates of the whole table on random operands with random angles and added controls of either value; now and then a matrix.
inline Circuit random_circuit(unsigned qubits, int operations, std::mt19937_64& rng, Mix mix = {}) {
    Circuit circuit;
    circuit.qubits = qubits;
    const auto below = [&](std::size_t bound) { return std::size_t(std::uniform_int_distribution<std::size_t>(0, bound - 1)(rng)); };
    std::uniform_real_distribution<double> angle(-7, 7);
    std::vector<std::uint32_t> all(qubits);
    for (std::uint32_t q = 0; q < qubits; ++q) all[q] = q;
    while (operations > 0) {
        std::shuffle(all.begin(), all.end(), rng);
        const std::size_t kind = below(24);
        if (kind == 0 && mix.barriers) {
            Op& op = circuit.add(Gate::id, std::span(all).first(below(qubits + 1)));
            op.kind = below(2) == 0 ? Op::Kind::barrier : Op::Kind::delay;
            op.controls = 0;
            op.control_values = 0;
            circuit.angles.push_back(1e-6);
            --operations;
            continue;
        }
        if (kind <= 2) {
            const unsigned targets = 1 + unsigned(below(std::size_t(mix.unitary_targets)));
            const std::size_t controls = below(std::size_t(mix.extra_controls) + 1);
            if (targets + controls > qubits) continue;
            Op& op = circuit.add_unitary(std::span(all).first(targets + controls), std::uint16_t(controls), random_unitary(targets, rng));
            op.control_values = rng() & ((std::uint64_t{1} << controls) - 1);
            --operations;
            continue;
        }
        const GateInfo& row = gates()[below(gate_count)];
        const std::size_t extra = below(3) == 0 ? below(std::size_t(mix.extra_controls) + 1) : 0;
        if (row.operands() + extra > qubits) continue;
        std::vector<double> angles(row.parameters);
        for (double& a : angles) a = angle(rng);
        Op& op = circuit.add(row.gate, std::span(all).first(row.operands() + extra), angles);
        op.controls = std::uint16_t(row.controls + extra);
        op.control_values = below(2) == 0 ? (std::uint64_t{1} << op.controls) - 1 : rng() & ((std::uint64_t{1} << op.controls) - 1);
        --operations;
    }
    return circuit;
}

}  // namespace meridian::quantum::plain
