// Measurements of Cirq, and operations that depend on them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantum/programs/cirq/reader.h"
#include "quantum/programs/matrix_json.h"

namespace meridian::quantum::cirq {
namespace {

using Kind = Expression::Kind;
constexpr std::size_t confused_qubits = 3;

}  // namespace

Key Reader::renamed(Key key) const {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
        if (const auto found = frame->keys.find(key.name); found != frame->keys.end()) key.name = found->second;
        key.path.insert(key.path.begin(), frame->path.begin(), frame->path.end());
    }
    return key;
}

std::uint32_t Reader::new_register(Key key, std::uint32_t size) {
    const std::string name = key.text();
    if (size > quantum::limits::bits - circuit_.bits) complain(fmt::format("at most {} bits are possible", quantum::limits::bits));
    auto& known = measured_[name];
    if (!known.empty() && circuit_.bit_registers[known.front()].size != size)
        complain(fmt::format("the key '{}' is measured with different numbers of qubits; use another key", name));
    known.push_back(static_cast<std::uint32_t>(circuit_.bit_registers.size()));
    circuit_.bit_registers.push_back({name, circuit_.bits, size});
    circuit_.bits += size;
    return circuit_.bits - size;
}

void Reader::measure(const Json& gate, std::span<const std::uint32_t> qubits) {
    Key key;
    const Json& given = needed(gate, "key");
    if (given.is_string()) {
        key = Key::parse(view(given.as_string()));
    } else {
        key.name = needed_text(given, "name");
    }
    if (const Json* map = member(gate, "confusion_map"); map != nullptr && !map->is_null()) confuse(*map, qubits);
    const std::uint32_t first = new_register(renamed(std::move(key)), static_cast<std::uint32_t>(qubits.size()));
    const Json* mask = member(gate, "invert_mask");
    const JsonArray* inverted = mask == nullptr ? nullptr : mask->if_array();
    for (std::size_t k = 0; k < qubits.size(); ++k) {
        const bool is_inverted = inverted != nullptr && k < inverted->size() && whole((*inverted)[k], "'invert_mask'") != 0;
        if (is_inverted) writer_.gate(Gate::x, qubits.subspan(k, 1), {});
        qubits_[qubits[k]].is_inverted = is_inverted;
        writer_.add({.kind = Op::Kind::measure, .target = first + static_cast<std::uint32_t>(k)}, qubits.subspan(k, 1));
    }
}

// Reading a qubit wrongly is a flip before a right reading, as long as nobody uses the qubit afterwards.
void Reader::confuse(const Json& map, std::span<const std::uint32_t> qubits) {
    const JsonArray* entries = map.if_array();
    if (entries == nullptr) complain("'confusion_map' is a list of qubits with matrices");
    for (const Json& entry : *entries) {
        const JsonArray* both = entry.if_array();
        const JsonArray* which = both == nullptr || both->size() != 2 ? nullptr : (*both)[0].if_array();
        if (which == nullptr || which->empty() || which->size() > confused_qubits)
            complain(fmt::format("an entry of 'confusion_map' names 1 to {} qubits and a matrix", confused_qubits));
        std::vector<std::uint32_t> on;
        for (const Json& each : *which) {
            const std::int64_t k = whole(each, "'confusion_map'");
            if (k < 0 || static_cast<std::size_t>(k) >= qubits.size()) complain("'confusion_map' names a qubit that is not measured");
            on.push_back(qubits[static_cast<std::size_t>(k)]);
            if (std::exchange(qubits_[on.back()].is_confused, true)) complain("'confusion_map' names a qubit twice");
        }
        const std::size_t n = std::size_t{1} << on.size();
        const auto rows = read_cirq_matrix((*both)[1], n);
        if (!rows) complain(rows.error().said);
        std::vector<Matrix> kraus;
        for (std::size_t k = 0; k < rows->size(); ++k) {
            const double probability = (*rows)[k].real();
            if (!(probability >= 0)) complain("a matrix of 'confusion_map' holds probabilities");
            kraus.emplace_back(n * n)[k % n * n + k / n] = std::sqrt(probability);
        }
        add_channel(kraus, on);
    }
}

void Reader::measure_pauli(const Json& gate, std::span<const std::uint32_t> qubits) {
    const Json& observable = needed(gate, "observable");
    const auto letters = letters_of(observable);
    if (letters.size() != qubits.size()) complain("the observable has one letter for each qubit");
    const Json& given = needed(gate, "key");
    Key key = given.is_string() ? Key::parse(view(given.as_string())) : Key{{}, needed_text(given, "name")};
    bool is_minus = false;
    if (const Json* coefficient = member(observable, "coefficient")) is_minus = number_or(*coefficient, "real", 1) < 0;
    std::vector<std::uint32_t> on;
    for (std::size_t k = 0; k < letters.size(); ++k)
        if (letters[k] != 0) on.push_back(qubits[k]);
    if (on.empty()) complain("this measures the identity; name a Pauli matrix");
    // The parity is gathered on the last qubit, measured there, and spread again.
    const auto gather = [&](bool is_back) {
        for (std::size_t k = 0; !is_back && k < letters.size(); ++k) to_z_basis(letters[k], qubits[k], false);
        for (std::size_t k = 0; k + 1 < on.size(); ++k)
            writer_.gate(Gate::cx, std::array{on[is_back ? on.size() - 2 - k : k], on.back()}, {});
        for (std::size_t k = 0; is_back && k < letters.size(); ++k) to_z_basis(letters[k], qubits[k], true);
    };
    gather(false);
    if (is_minus) writer_.gate(Gate::x, std::span(&on.back(), 1), {});
    const std::uint32_t bit = new_register(renamed(std::move(key)), 1);
    writer_.add({.kind = Op::Kind::measure, .target = bit}, std::span(&on.back(), 1));
    if (is_minus) writer_.gate(Gate::x, std::span(&on.back(), 1), {});
    gather(true);
}

void Reader::classically_controlled(const Json& op, const Controls& controls) {
    std::optional<std::uint32_t> all;
    for (const Json& each : needed_array(op, "conditions")) {
        const std::uint32_t one = condition(each);
        all = all ? node(Kind::and_, *all, one) : one;
    }
    if (!all) return operation(needed(op, "sub_operation"), controls);
    for (std::uint32_t k = 0; k < qubits_.size(); ++k)
        if (qubits_[k].is_inverted) touch(k);
    writer_.add({.kind = Op::Kind::branch, .first = *all});
    const std::size_t branch = circuit_.ops.size() - 1, bits = circuit_.bits;
    operation(needed(op, "sub_operation"), controls);
    if (circuit_.bits != bits) complain("a measurement cannot depend on another one");
    circuit_.ops[branch].target = static_cast<std::uint32_t>(circuit_.ops.size());
}

std::uint32_t Reader::node(Kind kind, std::uint32_t lhs, std::uint32_t rhs, std::int64_t value) {
    const Expression made{kind, lhs, rhs, value};
    auto& alike = nodes_[(static_cast<std::uint64_t>(kind) << 58) ^ (std::uint64_t{lhs} << 32) ^ rhs ^
                         static_cast<std::uint64_t>(value) * 0x9E3779B97F4A7C15ull];
    for (const std::uint32_t known : alike)
        if (circuit_.expressions[known] == made) return known;
    if (circuit_.expressions.size() >= quantum::limits::expressions) complain("this circuit has too many conditions; use fewer");
    alike.push_back(circuit_.add_expression(made));
    return alike.back();
}

// The measurement that a condition of this place means: the innermost one of the name that there is.
const Register& Reader::measured(Key key, std::int64_t index) {
    std::vector<std::string> around;
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
        if (const auto found = frame->keys.find(key.name); found != frame->keys.end()) key.name = found->second;
        around.insert(around.begin(), frame->path.begin(), frame->path.end());
    }
    for (;; around.pop_back()) {
        Key full = key;
        full.path.insert(full.path.begin(), around.begin(), around.end());
        const auto found = measured_.find(full.text());
        if (found != measured_.end()) {
            const auto count = static_cast<std::int64_t>(found->second.size());
            if (index < 0) index += count;
            if (index < 0 || index >= count) complain(fmt::format("the key '{}' was not measured that often before", key.text()));
            return circuit_.bit_registers[found->second[static_cast<std::size_t>(index)]];
        }
        if (around.empty()) complain(fmt::format("the key '{}' was not measured before this operation", key.text()));
    }
}

// The first bit is the most significant.
std::uint32_t Reader::number_of(const Register& bits) {
    if (bits.size > 62) complain("at most 62 bits can be compared with a number");
    std::uint32_t all = node(Kind::bit, bits.first);
    for (std::uint32_t k = 1; k < bits.size; ++k)
        all = node(Kind::bit_or, node(Kind::shift_left, all, node(Kind::constant, 0, 0, 1)), node(Kind::bit, bits.first + k));
    return all;
}

std::uint32_t Reader::condition(const Json& value) {
    const std::string_view type = type_of(value);
    const auto key_of = [&] {
        const Json& given = needed(value, "key");
        if (given.is_string()) return Key::parse(view(given.as_string()));
        Key key{{}, needed_text(given, "name")};
        if (const Json* path = member(given, "path"); path != nullptr && path->is_array())
            for (const Json& each : path->as_array())
                if (each.is_string()) key.path.emplace_back(view(each.as_string()));
        return key;
    };
    if (type == "KeyCondition") {
        const Register& bits = measured(key_of(), whole_or(value, "index", -1));
        std::uint32_t any = node(Kind::bits, bits.first, std::min(bits.size, 64u));
        for (std::uint32_t k = 64; k < bits.size; k += 64)
            any = node(Kind::bit_or, any, node(Kind::bits, bits.first + k, std::min(bits.size - k, 64u)));
        return any;
    }
    if (type == "BitMaskKeyCondition") {
        std::uint32_t number = number_of(measured(key_of(), whole_or(value, "index", -1)));
        if (const Json* mask = member(value, "bitmask"); mask != nullptr && !mask->is_null())
            number = node(Kind::bit_and, number, node(Kind::constant, 0, 0, whole(*mask, "'bitmask'")));
        const std::uint32_t target = node(Kind::constant, 0, 0, whole_or(value, "target_value", 0));
        return node(whole_or(value, "equal_target", 0) != 0 ? Kind::equal : Kind::not_equal, number, target);
    }
    if (type == "SympyCondition") return sympy_condition(needed(value, "expr"), 0);
    complain(fmt::format("conditions of type '{}' are not read here; use keys or sympy comparisons", type));
}

std::uint32_t Reader::sympy_condition(const Json& value, unsigned depth) {
    if (depth > 32) complain("a condition is nested too deeply");
    const std::string_view type = type_of(value);
    if (value.is_int64()) return node(Kind::constant, 0, 0, value.as_int64());
    if (type == "sympy.Integer") return node(Kind::constant, 0, 0, whole(value, "a number"));
    if (type == "sympy.Symbol") return number_of(measured(Key::parse(needed_text(value, "name")), -1));
    struct Operator {
        std::string_view type;
        Kind kind;
    };
    constexpr Operator known[] = {
        {"sympy.Equality", Kind::equal},
        {"sympy.Unequality", Kind::not_equal},
        {"sympy.StrictGreaterThan", Kind::greater},
        {"sympy.StrictLessThan", Kind::less},
        {"sympy.GreaterThan", Kind::greater_equal},
        {"sympy.LessThan", Kind::less_equal},
        {"sympy.And", Kind::and_},
        {"sympy.Or", Kind::or_},
        {"sympy.Xor", Kind::bit_xor},
        {"sympy.Add", Kind::add},
        {"sympy.Mul", Kind::multiply},
    };
    for (const Operator& each : known) {
        if (each.type != type) continue;
        const JsonArray& sides = needed_array(value, "args");
        if (sides.size() < 2 || sides.size() > 64) complain(fmt::format("'{}' has two sides", type));
        std::uint32_t all = sympy_condition(sides[0], depth + 1);
        for (std::size_t k = 1; k < sides.size(); ++k) all = node(each.kind, all, sympy_condition(sides[k], depth + 1));
        return all;
    }
    if (type == "sympy.Not") {
        const JsonArray& sides = needed_array(value, "args");
        if (sides.size() == 1) return node(Kind::not_, sympy_condition(sides[0], depth + 1));
    }
    complain(fmt::format("'{}' is not read in conditions; compare keys with whole numbers", type.empty() ? "this" : type));
}

}  // namespace meridian::quantum::cirq
