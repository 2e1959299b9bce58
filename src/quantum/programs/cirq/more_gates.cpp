// Gates of Cirq on Pauli strings and on whole registers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "quantum/programs/cirq/reader.h"
#include "quantum/programs/matrix_json.h"

namespace meridian::quantum::cirq {
namespace {

constexpr double pi = std::numbers::pi;

int letter_of(const Json& pauli) {
    const std::string_view type = type_of(pauli);
    if (type == "_PauliX" || type == "XPowGate") return 1;
    if (type == "_PauliY" || type == "YPowGate") return 2;
    if (type == "_PauliZ" || type == "ZPowGate") return 3;
    if (type == "IdentityGate") return 0;
    complain(fmt::format("'{}' is no Pauli matrix", type));
}

}  // namespace

std::vector<int> Reader::letters_of(const Json& dense) {
    std::vector<int> letters;
    if (const Json* text = member(dense, "pauli_mask"); text != nullptr && text->is_array()) {
        for (const Json& each : text->as_array()) {
            const std::int64_t letter = whole(each, "'pauli_mask'");
            if (letter < 0 || letter > 3) complain("'pauli_mask' holds numbers from 0 to 3");
            letters.push_back(static_cast<int>(letter));
        }
        return letters;
    }
    if (dense.is_array()) {
        for (const Json& each : dense.as_array()) letters.push_back(letter_of(each));
        return letters;
    }
    complain("a string of Pauli matrices is expected here");
}

// X and Y become Z.
void Reader::to_z_basis(int letter, std::uint32_t qubit, bool is_back) {
    const std::span on(&qubit, 1);
    if (letter == 1) return writer_.gate(Gate::h, on, {});
    if (letter != 2) return;
    if (!is_back) writer_.gate(Gate::sdg, on, {});
    writer_.gate(Gate::h, on, {});
    if (is_back) writer_.gate(Gate::s, on, {});
}

void Reader::paulis(std::span<const int> letters, std::span<const std::uint32_t> qubits, const Json* coefficient,
                    const Controls& controls) {
    if (letters.size() != qubits.size()) complain("a string of Pauli matrices has one letter for each qubit");
    if (coefficient != nullptr) {
        const Amplitude c = coefficient->is_object() ? Amplitude{number_of(*coefficient, "real"), number_of(*coefficient, "imag")}
                                                     : Amplitude{number(*coefficient)};
        if (std::abs(std::abs(c) - 1) > quantum::limits::unitary_tolerance)
            complain("a string of Pauli matrices that is applied has a coefficient of absolute value 1");
        writer_.phase(std::arg(c), controls);
    }
    constexpr Gate gates[] = {Gate::id, Gate::x, Gate::y, Gate::z};
    for (std::size_t k = 0; k < letters.size(); ++k)
        if (letters[k] != 0) writer_.gate(gates[letters[k]], qubits.subspan(k, 1), {}, controls);
}

// e^(i pi positive) on the eigenvectors of +1, e^(i pi negative) on those of -1.
void Reader::pauli_phasor(std::span<const int> letters, std::span<const std::uint32_t> qubits, const Json& coefficient, const Json& value,
                          const Controls& controls) {
    if (letters.size() != qubits.size()) complain("a string of Pauli matrices has one letter for each qubit");
    double positive = number_or(value, "exponent_pos", 0), negative = number_or(value, "exponent_neg", 1);
    const double sign = coefficient.is_object() ? number_of(coefficient, "real") : number(coefficient);
    if (std::abs(std::abs(sign) - 1) > quantum::limits::unitary_tolerance)
        complain("the coefficient of this string of Pauli matrices is 1 or -1");
    if (sign < 0) std::swap(positive, negative);
    std::vector<std::uint32_t> on;
    for (std::size_t k = 0; k < letters.size(); ++k)
        if (letters[k] != 0) on.push_back(qubits[k]);
    writer_.phase(pi * positive, controls);
    if (on.empty()) return;
    for (std::size_t k = 0; k < letters.size(); ++k) to_z_basis(letters[k], qubits[k], false);
    for (std::size_t k = 0; k + 1 < on.size(); ++k) writer_.gate(Gate::cx, std::array{on[k], on.back()}, {});
    writer_.gate(Gate::p, std::span(&on.back(), 1), std::array{pi * (negative - positive)}, controls);
    for (std::size_t k = on.size() - 1; k-- > 0;) writer_.gate(Gate::cx, std::array{on[k], on.back()}, {});
    for (std::size_t k = 0; k < letters.size(); ++k) to_z_basis(letters[k], qubits[k], true);
}

void Reader::pauli_string(const Json& op, const Controls& controls) {
    const bool is_phasor = type_of(op) == "PauliStringPhasor";
    const Json& string = is_phasor ? needed(op, "pauli_string") : op;
    std::vector<int> letters;
    std::vector<std::uint32_t> on;
    for (const Json& pair : needed_array(string, "qubit_pauli_map")) {
        const JsonArray* both = pair.if_array();
        if (both == nullptr || both->size() != 2) complain("'qubit_pauli_map' is a list of pairs");
        on.push_back(qubit((*both)[0]));
        letters.push_back(letter_of((*both)[1]));
    }
    std::vector<std::uint32_t> all = controls.qubits;
    all.insert(all.end(), on.begin(), on.end());
    hold_distinct(std::move(all));
    if (is_phasor)
        for (const Json& each : needed_array(op, "qubits")) static_cast<void>(qubit(each));
    const Json& coefficient = needed(string, "coefficient");
    if (is_phasor)
        pauli_phasor(letters, on, coefficient, op, controls);
    else
        paulis(letters, on, &coefficient, controls);
}

bool Reader::pauli_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls) {
    if (type == "DensePauliString" || type == "MutableDensePauliString") {
        paulis(letters_of(value), qubits, member(value, "coefficient"), controls);
        return true;
    }
    if (type == "PauliStringPhasorGate") {
        const Json& dense = needed(value, "dense_pauli_string");
        pauli_phasor(letters_of(dense), qubits, needed(dense, "coefficient"), value, controls);
        return true;
    }
    if (type != "PauliInteractionGate") return false;
    if (qubits.size() != 2) complain("PauliInteractionGate acts on 2 qubits");
    const int letters[] = {letter_of(needed(value, "pauli0")), letter_of(needed(value, "pauli1"))};
    const bool inverts[] = {whole_or(value, "invert0", 0) != 0, whole_or(value, "invert1", 0) != 0};
    const auto prepare = [&](bool is_back) {
        for (std::size_t k = 0; k < 2; ++k) {
            if (is_back && inverts[k]) writer_.gate(Gate::x, qubits.subspan(k, 1), {});
            to_z_basis(letters[k], qubits[k], is_back);
            if (!is_back && inverts[k]) writer_.gate(Gate::x, qubits.subspan(k, 1), {});
        }
    };
    prepare(false);
    writer_.gate(Gate::cp, qubits, std::array{pi * number_or(value, "exponent", 1)}, controls);
    prepare(true);
    return true;
}

void Reader::diagonal(const JsonArray& angles, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const std::size_t n = std::size_t{1} << std::min<std::size_t>(qubits.size(), quantum::limits::matrix_qubits);
    if (qubits.size() > quantum::limits::matrix_qubits || angles.size() != n)
        complain("a diagonal has one angle for each value of its qubits, at most 1024");
    Matrix elements(n * n);
    for (std::size_t k = 0; k < n; ++k) elements[k * n + k] = std::polar(1.0, number(angles[k]));
    charge(n * n / 64);
    const std::vector<std::uint32_t> reversed(qubits.rbegin(), qubits.rend());
    writer_.unitary(elements, reversed, controls);
}

bool Reader::register_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const std::size_t n = qubits.size();
    if (type == "IdentityGate") {
        for (std::size_t k = 0; k < n && controls.empty(); ++k) writer_.gate(Gate::id, qubits.subspan(k, 1), {});
    } else if (type == "WaitGate") {
        if (!controls.empty()) complain("a wait cannot be controlled");
        const double seconds = number_or(needed(value, "duration"), "picos", 0) * 1e-12;
        if (seconds < 0) complain("a wait has no negative duration");
        const auto first = static_cast<std::uint32_t>(circuit_.angles.size());
        circuit_.angles.push_back(seconds);
        for (std::size_t k = 0; k < n; ++k) writer_.add({.kind = Op::Kind::delay, .first = first}, qubits.subspan(k, 1));
    } else if (type == "MatrixGate") {
        if (n > quantum::limits::matrix_qubits) complain(fmt::format("a matrix acts on at most {} qubits", quantum::limits::matrix_qubits));
        const auto elements = read_cirq_matrix(needed(value, "matrix"), std::size_t{1} << n);
        if (!elements) complain(elements.error().said);
        matrix(*elements, qubits, controls);
    } else if (type == "DiagonalGate" || type == "TwoQubitDiagonalGate" || type == "ThreeQubitDiagonalGate") {
        diagonal(needed_array(value, "diag_angles_radians"), qubits, controls);
    } else if (type == "ParallelGate") {
        const std::int64_t copies = whole_or(value, "num_copies", 1);
        if (copies < 1 || n % static_cast<std::size_t>(copies) != 0) complain("the copies of a parallel gate share its qubits evenly");
        const std::size_t each = n / static_cast<std::size_t>(copies);
        for (std::size_t k = 0; k < n; k += std::max<std::size_t>(each, 1))
            gate(needed(value, "sub_gate"), qubits.subspan(k, each), controls);
    } else if (type == "QubitPermutationGate") {
        const JsonArray& list = needed_array(value, "permutation");
        if (list.size() != n) complain("a permutation names each of its qubits once");
        std::vector<std::size_t> to;  // the qubit in place k goes to place to[k]
        for (const Json& each : list) to.push_back(static_cast<std::size_t>(std::max<std::int64_t>(whole(each, "'permutation'"), 0)));
        auto sorted = to;
        std::ranges::sort(sorted);
        for (std::size_t k = 0; k < n; ++k)
            if (sorted[k] != k) complain("a permutation names each of its qubits once");
        for (std::size_t k = 0; k < n; ++k)
            while (to[k] != k) {
                writer_.gate(Gate::swap, std::array{qubits[k], qubits[to[k]]}, {}, controls);
                std::swap(to[k], to[to[k]]);
            }
    } else if (type == "PhaseGradientGate") {
        const double t = number_or(value, "exponent", 1);
        for (std::size_t k = 0; k < n; ++k)
            writer_.gate(Gate::p, qubits.subspan(k, 1), std::array{pi * t * std::ldexp(1.0, -static_cast<int>(k))}, controls);
    } else if (type == "QuantumFourierTransformGate") {
        for (std::size_t k = 0; k < n; ++k) {
            writer_.gate(Gate::h, qubits.subspan(k, 1), {}, controls);
            charge(n - k);
            for (std::size_t other = k + 1; other < n; ++other)
                writer_.gate(Gate::cp, std::array{qubits[other], qubits[k]}, std::array{pi * std::ldexp(1.0, -static_cast<int>(other - k))},
                             controls);
        }
        if (whole_or(value, "without_reverse", 0) == 0)
            for (std::size_t k = 0; k < n / 2; ++k) writer_.gate(Gate::swap, std::array{qubits[k], qubits[n - 1 - k]}, {}, controls);
    } else {
        return false;
    }
    return true;
}

}  // namespace meridian::quantum::cirq
