#include "quantum/ir/definition.h"

#include <cmath>

#include "base/error.h"

namespace meridian::quantum {

namespace {

bool is_unitary(const Op& op) {
    return op.kind == Op::Kind::gate || op.kind == Op::Kind::unitary || op.kind == Op::Kind::barrier || op.kind == Op::Kind::delay;
}

}  // namespace

void apply(const Circuit& circuit, const Op& op, std::span<Amplitude> amplitudes) {
    if (op.kind == Op::Kind::barrier || op.kind == Op::Kind::delay) return;
    const auto targets = circuit.targets_of(op), controls = circuit.controls_of(op);
    const auto matrix = matrix_of(circuit, op);
    const std::size_t n = std::size_t{1} << targets.size();
    std::size_t mask = 0, control_mask = 0, control_value = 0;
    for (const std::uint32_t target : targets) mask |= std::size_t{1} << target;
    for (std::size_t k = 0; k < controls.size(); ++k) {
        control_mask |= std::size_t{1} << controls[k];
        control_value |= std::size_t{op.control_values >> k & 1} << controls[k];
    }
    std::vector<std::size_t> offsets(n);
    for (std::size_t k = 0; k < n; ++k)
        for (std::size_t bit = 0; bit < targets.size(); ++bit) offsets[k] |= (k >> bit & 1) << targets[bit];
    std::vector<Amplitude> before(n);
    for (std::size_t at = 0; at < amplitudes.size(); ++at) {
        if ((at & mask) != 0 || (at & control_mask) != control_value) continue;
        for (std::size_t k = 0; k < n; ++k) before[k] = amplitudes[at + offsets[k]];
        for (std::size_t row = 0; row < n; ++row) {
            Amplitude sum = 0;
            for (std::size_t column = 0; column < n; ++column) sum += matrix[row * n + column] * before[column];
            amplitudes[at + offsets[row]] = sum;
        }
    }
}

std::vector<Amplitude> unitary_of(const Circuit& circuit) {
    const std::size_t n = std::size_t{1} << circuit.qubits;
    std::vector<Amplitude> columns(n * n);  // one state after the other: the transpose of what is wanted
    for (std::size_t k = 0; k < n; ++k) columns[k * n + k] = 1;
    for (const Op& op : circuit.ops) {
        MERIDIAN_ASSERT(is_unitary(op));
        apply(circuit, op, columns);
    }
    std::vector<Amplitude> result(n * n);
    const Amplitude phase = std::polar(1.0, circuit.global_phase);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t column = 0; column < n; ++column) result[row * n + column] = phase * columns[column * n + row];
    return result;
}

}  // namespace meridian::quantum
