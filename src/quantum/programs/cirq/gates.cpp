// Gates of Cirq, by their type.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "quantum/programs/cirq/reader.h"
#include "quantum/programs/matrix_json.h"

namespace meridian::quantum::cirq {
namespace {

constexpr double pi = std::numbers::pi;
constexpr Amplitude i{0, 1};

// Powers of gates: which gate, on how many leading controls. The matrix of a power is the base's eigenvalues e^(i pi t) times
// e^(i pi t shift).
struct Power {
    std::string_view type, axis;
    std::size_t controls, targets;
};
constexpr Power powers[] = {
    {"XPowGate", "X", 0, 1},       {"YPowGate", "Y", 0, 1},         {"ZPowGate", "Z", 0, 1},   {"HPowGate", "H", 0, 1},
    {"_PauliX", "X", 0, 1},        {"_PauliY", "Y", 0, 1},          {"_PauliZ", "Z", 0, 1},    {"CXPowGate", "X", 1, 1},
    {"CNotPowGate", "X", 1, 1},    {"CZPowGate", "Z", 1, 1},        {"CCXPowGate", "X", 2, 1}, {"CCZPowGate", "Z", 2, 1},
    {"SwapPowGate", "SWAP", 0, 2}, {"ISwapPowGate", "ISWAP", 0, 2}, {"XXPowGate", "XX", 0, 2}, {"YYPowGate", "YY", 0, 2},
    {"ZZPowGate", "ZZ", 0, 2},
};

void hold_count(std::string_view type, std::size_t wanted, std::size_t given) {
    if (wanted != given) complain(fmt::format("{} acts on {} qubits; {} are given", type, wanted, given));
}

}  // namespace

void Reader::gate(const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const std::string_view type = type_of(value);
    if (++depth_ > limits::depth) complain("gates are nested too deeply here; flatten them");
    if (!controls.empty()) {  // those of several operations around this one
        std::vector<std::uint32_t> all = controls.qubits;
        all.insert(all.end(), qubits.begin(), qubits.end());
        hold_distinct(std::move(all));
    }
    const bool is_done = power_gate(type, value, qubits, controls) || fixed_gate(type, value, qubits, controls) ||
                         register_gate(type, value, qubits, controls) || pauli_gate(type, value, qubits, controls);
    if (!is_done) {
        const bool is_measurement = type == "MeasurementGate" || type == "PauliMeasurementGate";
        if (!controls.empty()) complain(fmt::format("{} cannot be controlled here", type));
        if (type == "MeasurementGate")
            measure(value, qubits);
        else if (is_measurement)
            measure_pauli(value, qubits);
        else if (type == "ResetChannel")
            for (std::size_t k = 0; k < qubits.size(); ++k) writer_.add({.kind = Op::Kind::reset}, qubits.subspan(k, 1));
        else if (!channel(type, value, qubits))
            complain(fmt::format("gates of type '{}' are not read here; decompose them with cirq.decompose", type));
    }
    --depth_;
}

// The power of an axis, with eigenvalues 1 and e^(i pi exponent).
void Reader::turn(std::string_view axis, double t, std::span<const std::uint32_t> on, const Controls& controls) {
    const auto rotation = [&](Gate gate) {
        writer_.phase(pi * t / 2, controls);
        writer_.gate(gate, on, std::array{pi * t}, controls);
    };
    const auto exactly = [&](double exponent, Gate gate) {
        if (t == exponent) writer_.gate(gate, on, {}, controls);
        return t == exponent;
    };
    if (axis == "X") {
        if (!exactly(1, Gate::x) && !exactly(.5, Gate::sx) && !exactly(-.5, Gate::sxdg)) rotation(Gate::rx);
    } else if (axis == "Y") {
        if (!exactly(1, Gate::y)) rotation(Gate::ry);
    } else if (axis == "Z") {
        if (!exactly(1, Gate::z) && !exactly(.5, Gate::s) && !exactly(-.5, Gate::sdg) && !exactly(.25, Gate::t) &&
            !exactly(-.25, Gate::tdg))
            writer_.gate(Gate::p, on, std::array{pi * t}, controls);
    } else if (axis == "H") {
        if (exactly(1, Gate::h)) return;
        const Amplitude even = (1.0 + std::polar(1.0, pi * t)) / 2.0, odd = (1.0 - std::polar(1.0, pi * t)) / 2.0 / std::numbers::sqrt2;
        writer_.unitary({even + odd, odd, odd, even - odd}, on, controls);
    } else if (axis == "SWAP") {
        if (exactly(1, Gate::swap)) return;
        const Amplitude same = (1.0 + std::polar(1.0, pi * t)) / 2.0, other = (1.0 - std::polar(1.0, pi * t)) / 2.0;
        writer_.unitary({1, 0, 0, 0, 0, same, other, 0, 0, other, same, 0, 0, 0, 0, 1}, on, controls);
    } else if (axis == "ISWAP") {
        if (!exactly(1, Gate::iswap)) writer_.gate(Gate::fsim, on, std::array{-pi * t / 2, 0.0}, controls);
    } else {
        rotation(axis == "XX" ? Gate::rxx : axis == "YY" ? Gate::ryy : Gate::rzz);
    }
}

bool Reader::power_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const auto found = std::ranges::find(powers, type, &Power::type);
    if (found == std::end(powers)) return false;
    hold_count(type, found->controls + found->targets, qubits.size());
    const double t = number_or(value, "exponent", 1), shift = number_or(value, "global_shift", 0);
    if (shift != 0) writer_.phase(pi * t * shift, controls);
    const auto targets = qubits.subspan(found->controls);
    Controls all = controls;
    // Without other controls the gates of the table keep their own.
    if (t == 1 && controls.empty() && found->controls > 0) {
        const bool is_x = found->axis == "X";
        writer_.gate(found->controls == 1 ? (is_x ? Gate::cx : Gate::cz) : (is_x ? Gate::ccx : Gate::ccz), qubits, {});
        return true;
    }
    for (const std::uint32_t control : qubits.first(found->controls)) all.add(control, true);
    turn(found->axis, t, targets, all);
    return true;
}

bool Reader::fixed_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const auto is = [&](std::string_view name, std::size_t count) {
        if (type != name) return false;
        hold_count(type, count, qubits.size());
        return true;
    };
    const auto of = [&](std::string_view key) { return number_of(value, key); };
    if (is("Rx", 1)) return writer_.gate(Gate::rx, qubits, std::array{of("rads")}, controls), true;
    if (is("Ry", 1)) return writer_.gate(Gate::ry, qubits, std::array{of("rads")}, controls), true;
    if (is("Rz", 1)) return writer_.gate(Gate::rz, qubits, std::array{of("rads")}, controls), true;
    if (is("CSwapGate", 3)) return writer_.gate(Gate::cswap, qubits, {}, controls), true;
    if (is("FSimGate", 2)) return writer_.gate(Gate::fsim, qubits, std::array{of("theta"), of("phi")}, controls), true;
    if (is("SycamoreGate", 2)) return writer_.gate(Gate::fsim, qubits, std::array{pi / 2, pi / 6}, controls), true;
    if (is("PhasedXPowGate", 1)) {
        const double t = number_or(value, "exponent", 1);
        writer_.phase(pi * t * (.5 + number_or(value, "global_shift", 0)), controls);
        return writer_.gate(Gate::r, qubits, std::array{pi * t, pi * of("phase_exponent")}, controls), true;
    }
    if (is("PhasedXZGate", 1)) {
        const double x = of("x_exponent");
        writer_.phase(pi * x / 2, controls);
        writer_.gate(Gate::r, qubits, std::array{pi * x, pi * of("axis_phase_exponent")}, controls);
        return writer_.gate(Gate::p, qubits, std::array{pi * of("z_exponent")}, controls), true;
    }
    if (is("PhasedISwapPowGate", 2)) {
        const double t = number_or(value, "exponent", 1);
        const Amplitude c = std::cos(pi * t / 2), s = i * std::sin(pi * t / 2), turned = std::polar(1.0, 2 * pi * of("phase_exponent"));
        if (const double shift = number_or(value, "global_shift", 0); shift != 0) writer_.phase(pi * t * shift, controls);
        return matrix({1, 0, 0, 0, 0, c, s * turned, 0, 0, s * std::conj(turned), c, 0, 0, 0, 0, 1}, qubits, controls), true;
    }
    if (is("PhasedFSimGate", 2)) {
        const Amplitude c = std::cos(of("theta")), s = -i * std::sin(of("theta"));
        const double gamma = of("gamma"), zeta = of("zeta"), chi = of("chi"), phi = of("phi");
        const auto turned = [](double angle) { return std::polar(1.0, angle); };
        return matrix({1, 0, 0, 0, 0, turned(-gamma - zeta) * c, turned(-gamma + chi) * s, 0, 0, turned(-gamma - chi) * s,
                       turned(-gamma + zeta) * c, 0, 0, 0, 0, turned(-2 * gamma - phi)},
                      qubits, controls),
               true;
    }
    if (is("GlobalPhaseGate", 0)) {
        const Json& given = needed(value, "coefficient");
        const Amplitude c = given.is_object() ? Amplitude{number_of(given, "real"), number_of(given, "imag")} : Amplitude{number(given)};
        if (std::abs(std::abs(c) - 1) > quantum::limits::unitary_tolerance) complain("a global phase has the absolute value 1");
        return writer_.phase(std::arg(c), controls), true;
    }
    if (type == "ControlledGate") return controlled_gate(value, qubits, controls), true;
    return false;
}

void Reader::controlled_gate(const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const Json* shape = member(value, "control_qid_shape");
    const Json* values = member(value, "control_values");
    std::size_t count = 1;
    if (const Json* given = member(value, "num_controls"); given != nullptr && !given->is_null())
        count = static_cast<std::size_t>(std::clamp<std::int64_t>(whole(*given, "'num_controls'"), 0, quantum::limits::controls));
    else if (shape != nullptr && shape->is_array())
        count = shape->as_array().size();
    else if (values != nullptr && values->is_array())
        count = values->as_array().size();
    if (count > qubits.size()) complain("a controlled gate has more controls than qubits");
    // The same as the operation, whose qubits are resolved already.
    const Json* data = values == nullptr || values->is_array() ? values : &needed(*values, "data");
    const JsonArray* rows = data == nullptr ? nullptr : data->if_array();
    const auto apply = [&](const Controls& all) { gate(needed(value, "sub_gate"), qubits.subspan(count), all); };
    const auto digit = [](const Json& each) {
        const std::int64_t found = whole(each, "a control value");
        if (found != 0 && found != 1) complain("control values are 0 or 1");
        return found != 0;
    };
    if (rows != nullptr && values != nullptr && type_of(*values) == "SumOfProducts") {
        for (const Json& row : *rows) {
            const JsonArray* product = row.if_array();
            if (product == nullptr || product->size() != count) complain("a product of control values names each control once");
            Controls all = controls;
            for (std::size_t k = 0; k < count; ++k) all.add(qubits[k], digit((*product)[k]));
            apply(all);
        }
        return;
    }
    if (rows != nullptr && rows->size() != count) complain("there must be control values for each control");
    Controls all = controls;
    for (std::size_t k = 0; k < count; ++k) {
        bool may_be[2] = {false, rows == nullptr};
        if (rows != nullptr) {
            if (const JsonArray* sum = (*rows)[k].if_array())
                for (const Json& each : *sum) may_be[digit(each)] = true;
            else
                may_be[digit((*rows)[k])] = true;
        }
        if (!may_be[0] && !may_be[1]) return;
        if (may_be[0] != may_be[1]) all.add(qubits[k], may_be[1]);
    }
    apply(all);
}

void Reader::matrix(const Matrix& elements, std::span<const std::uint32_t> qubits, const Controls& controls) {
    const std::size_t n = std::size_t{1} << qubits.size();
    charge(n * n * n / 256);
    if (!(distance_from_unitary(elements, n) < quantum::limits::unitary_tolerance)) complain("this matrix is not unitary");
    if (qubits.empty()) return writer_.phase(std::arg(elements[0]), controls);
    std::vector<std::uint32_t> reversed(qubits.rbegin(), qubits.rend());
    writer_.unitary(elements, reversed, controls);
}

}  // namespace meridian::quantum::cirq
