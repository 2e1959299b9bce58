#include "quantum/engines/statevector/twin.h"

#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "quantum/ir/definition.h"

namespace meridian::quantum::twin {
namespace {

constexpr double negligible = 1e-14;

struct Path {
    Vector state;
    ClassicalMemory memory;
    std::size_t at = 0;
    double probability = 1;

    // The path on which this became `part` of what it was, not normalized; nothing where that never happens.
    [[nodiscard]] std::optional<Path> to(Vector part) const {
        double share = 0;
        for (const Amplitude& a : part) share += std::norm(a);
        if (probability * share < negligible) return std::nullopt;
        for (Amplitude& a : part) a /= std::sqrt(share);
        return Path{std::move(part), memory, at, probability * share};
    }
};

using Distribution = std::map<std::vector<std::uint64_t>, double>;

// The part of the state where `qubit` is `value`, not normalized; with `cleared`, that qubit then is 0.
Vector projected(const Vector& state, std::uint32_t qubit, bool value, bool cleared) {
    Vector part(state.size());
    for (std::size_t k = 0; k < state.size(); ++k)
        if ((k >> qubit & 1) == value) part[cleared ? k & ~(std::size_t{1} << qubit) : k] = state[k];
    return part;
}

void follow(const Circuit& circuit, Path path, Distribution& found) {
    while (path.at < circuit.ops.size()) {
        const Op& op = circuit.ops[path.at++];
        switch (op.kind) {
            case Op::Kind::gate:
            case Op::Kind::unitary:
            case Op::Kind::barrier:
            case Op::Kind::delay:
                apply(circuit, op, path.state);
                break;
            case Op::Kind::measure:
            case Op::Kind::reset:
                for (const bool value : {false, true}) {
                    const bool is_reset = op.kind == Op::Kind::reset;
                    auto next = path.to(projected(path.state, circuit.operands_of(op)[0], value, is_reset));
                    if (!next) continue;
                    if (!is_reset) next->memory.set_bit(op.target, value);
                    follow(circuit, *std::move(next), found);
                }
                return;
            case Op::Kind::channel:
                for (std::uint32_t k = 0; k < op.target; ++k) {
                    Op kraus = op;
                    kraus.kind = Op::Kind::unitary;
                    kraus.first += k << (2 * op.operand_count);
                    Vector part = path.state;
                    apply(circuit, kraus, part);
                    if (auto next = path.to(std::move(part))) follow(circuit, *std::move(next), found);
                }
                return;
            case Op::Kind::set_bit:
                path.memory.set_bit(op.target, evaluate(circuit, op.first, path.memory) != 0);
                break;
            case Op::Kind::set:
                path.memory.variables[op.target] = evaluate(circuit, op.first, path.memory);
                break;
            case Op::Kind::jump:
                path.at = op.target;
                break;
            case Op::Kind::branch:
                if (evaluate(circuit, op.first, path.memory) == 0) path.at = op.target;
                break;
        }
    }
    found[path.memory.words] += path.probability;
}

Vector ground(const Circuit& circuit) {
    MERIDIAN_ASSERT(circuit.qubits <= 24);
    Vector state(std::size_t{1} << circuit.qubits);
    state[0] = 1;
    return state;
}

}  // namespace

Vector run(const Circuit& circuit) {
    Vector state = ground(circuit);
    for (const Op& op : circuit.ops) apply(circuit, op, state);
    for (Amplitude& a : state) a *= std::polar(1.0, circuit.global_phase);
    return state;
}

Distribution distribution(const Circuit& circuit) {
    Distribution found;
    follow(circuit, Path{ground(circuit), ClassicalMemory(circuit)}, found);
    return found;
}

double expectation(const Vector& state, const PauliSum& sum) {
    double total = 0;
    for (const PauliTerm& term : sum) {
        Vector image(state.size());
        for (std::size_t k = 0; k < state.size(); ++k) {
            Amplitude factor = 1;
            for (unsigned q = 0; q < 64; ++q) {
                const bool has_x = term.x >> q & 1, has_z = term.z >> q & 1, one = q < 48 && (k >> q & 1);
                if (has_x && has_z) factor *= one ? Amplitude(0, -1) : Amplitude(0, 1);
                if (!has_x && has_z && one) factor *= -1;
            }
            image[k ^ term.x] = factor * state[k];
        }
        Amplitude inner = 0;
        for (std::size_t k = 0; k < state.size(); ++k) inner += std::conj(state[k]) * image[k];
        total += term.coefficient * inner.real();
    }
    return total;
}

}  // namespace meridian::quantum::twin
