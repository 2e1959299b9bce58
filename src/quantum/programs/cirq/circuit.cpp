// Moments, operations, sub-circuits and qubits of Cirq.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantum/programs/cirq/reader.h"

namespace meridian::quantum {
namespace cirq {
namespace {

// Each run of digits is padded to eight, and followed by its length: Cirq sorts names so.
std::string padded(std::string_view name) {
    std::string text;
    for (std::size_t at = 0; at < name.size();) {
        std::size_t end = at;
        const auto is_digit = [&](std::size_t k) { return name[k] >= '0' && name[k] <= '9'; };
        while (end < name.size() && is_digit(end) == is_digit(at)) ++end;
        const std::string_view run = name.substr(at, end - at);
        if (is_digit(at))
            text += std::string(run.size() < 8 ? 8 - run.size() : 0, '0') + std::string(run) + ':' + std::to_string(run.size());
        else
            text += run;
        at = end;
    }
    return text;
}

}  // namespace

void hold_distinct(std::vector<std::uint32_t> qubits) {
    std::ranges::sort(qubits);
    if (std::ranges::adjacent_find(qubits) != qubits.end()) complain("an operation names the same qubit twice");
}

std::string Reader::place() const {
    if (!moment_) return {};
    return operation_ ? fmt::format("moment {}, operation {}: ", *moment_, *operation_) : fmt::format("moment {}: ", *moment_);
}

void Reader::charge(std::size_t steps) {
    if (steps > steps_left_) complain("this circuit takes too many steps to expand; repeat its sub-circuits less often");
    steps_left_ -= steps;
}

// Circuits that occur more than once are written once.
void Reader::find_shared(const Json& value) {
    if (const JsonArray* list = value.if_array()) {
        for (const Json& each : *list) find_shared(each);
    } else if (const JsonObject* object = value.if_object()) {
        const std::string_view type = type_of(value);
        if (type == "VAL") shared_[whole(needed(value, "key"), "'key'")] = &needed(value, "val");
        if (type == "_SerializedContext") shared_[whole(needed(value, "key"), "'key'")] = &needed(value, "obj");
        for (const auto& each : *object) find_shared(each.value());
    }
}

const Json& Reader::shared(const Json& value) {
    const std::string_view type = type_of(value);
    if (type == "VAL") return needed(value, "val");
    if (type != "REF" && type != "_SerializedKey") return value;
    const auto found = shared_.find(whole(needed(value, "key"), "'key'"));
    if (found == shared_.end()) complain("a circuit refers to another one that is not there");
    return *found->second;
}

Circuit Reader::read(const Json& top) {
    find_shared(top);
    const Json* circuit = &top;
    if (type_of(top) == "_ContextualSerialization") {
        const JsonArray& all = needed_array(top, "object_dag");
        if (all.empty()) complain("the circuit is missing");
        circuit = &all[all.size() - 1];
    }
    circuit = &shared(*circuit);
    if (type_of(*circuit) != "Circuit" && type_of(*circuit) != "FrozenCircuit")
        complain(fmt::format("this is no circuit of Cirq but {}; send cirq.to_json(circuit)",
                             type_of(*circuit).empty() ? "something else" : type_of(*circuit)));
    moments(*circuit);
    moment_.reset();
    sort_qubits();
    return std::move(circuit_);
}

void Reader::moments(const Json& circuit) {
    const JsonArray& all = needed_array(circuit, "moments");
    const bool is_outermost = frames_.empty();
    for (std::size_t m = 0; m < all.size(); ++m) {
        if (is_outermost) moment_ = m;
        charge(1);
        const JsonArray& operations = needed_array(all[m], "operations");
        for (std::size_t k = 0; k < operations.size(); ++k) {
            if (is_outermost) operation_ = k;
            operation(operations[k], {});
        }
        if (is_outermost) operation_.reset();
    }
}

void Reader::operation(const Json& op, const Controls& controls) {
    charge(1);
    if (++depth_ > limits::depth) complain("operations are nested too deeply here; flatten them");
    const std::string_view type = type_of(op);
    if (type == "GateOperation") {
        gate(needed(op, "gate"), qubits(needed_array(op, "qubits")), controls);
    } else if (type == "SingleQubitPauliStringGateOperation") {
        const std::uint32_t on = qubit(needed(op, "qubit"));
        gate(needed(op, "pauli"), std::span(&on, 1), controls);
    } else if (type == "ControlledOperation") {
        controlled(op, controls);
    } else if (type == "TaggedOperation") {
        operation(needed(op, "sub_operation"), controls);
    } else if (type == "ClassicallyControlledOperation") {
        classically_controlled(op, controls);
    } else if (type == "CircuitOperation") {
        if (!controls.empty()) complain("a sub-circuit cannot be controlled here; control its operations");
        sub_circuit(op);
    } else if (type == "PauliString" || type == "PauliStringPhasor") {
        pauli_string(op, controls);
    } else {
        complain(fmt::format("operations of type '{}' are not read here; decompose them with cirq.decompose", type));
    }
    --depth_;
}

// The control values are a product of sums ([[0], [0, 1]]: the first control is 0, the second anything) or a sum of products.
void Reader::controlled(const Json& op, const Controls& controls) {
    const auto on = qubits(needed_array(op, "controls"));
    const Json* values = member(op, "control_values");
    const bool is_sum = values != nullptr && type_of(*values) == "SumOfProducts";
    const Json* data = values == nullptr || values->is_array() ? values : &needed(*values, "data");
    const JsonArray* rows = data == nullptr ? nullptr : data->if_array();
    const auto value_of = [](const Json& value) {
        const std::int64_t digit = whole(value, "a control value");
        if (digit != 0 && digit != 1) complain("control values are 0 or 1");
        return digit != 0;
    };
    if (is_sum && rows != nullptr) {
        for (const Json& row : *rows) {
            const JsonArray* product = row.if_array();
            if (product == nullptr || product->size() != on.size()) complain("a product of control values names each control once");
            Controls all = controls;
            for (std::size_t k = 0; k < on.size(); ++k) all.add(on[k], value_of((*product)[k]));
            operation(needed(op, "sub_operation"), all);
        }
        return;
    }
    if (rows != nullptr && rows->size() != on.size()) complain("there must be control values for each control");
    Controls all = controls;
    for (std::size_t k = 0; k < on.size(); ++k) {
        bool may_be[2] = {false, rows == nullptr};
        if (rows != nullptr) {
            if (const JsonArray* sum = (*rows)[k].if_array())
                for (const Json& each : *sum) may_be[value_of(each)] = true;
            else
                may_be[value_of((*rows)[k])] = true;
        }
        if (!may_be[0] && !may_be[1]) return;  // never
        if (may_be[0] != may_be[1]) all.add(on[k], may_be[1]);
    }
    operation(needed(op, "sub_operation"), all);
}

void Reader::sub_circuit(const Json& op) {
    if (frames_.size() >= quantum::limits::cirq_nesting) complain("sub-circuits are nested too deeply here; flatten them");
    const Json& circuit = shared(needed(op, "circuit"));
    if (const Json* until = member(op, "repeat_until"); until != nullptr && !until->is_null())
        complain("a sub-circuit that repeats until something was measured is not read here; repeat it a fixed number of times");
    Frame frame;
    if (const Json* map = member(op, "qubit_map"); map != nullptr && map->is_array())
        for (const Json& pair : map->as_array()) {
            const JsonArray* both = pair.if_array();
            if (both == nullptr || both->size() != 2) complain("'qubit_map' is a list of pairs of qubits");
            frame.qubits.emplace(named_qubit((*both)[0]), named_qubit((*both)[1]));
        }
    if (const Json* map = member(op, "measurement_key_map"); map != nullptr && map->is_object())
        for (const auto& each : map->as_object())
            frame.keys.emplace(std::string(each.key()), needed_text(*map, std::string_view(each.key().data(), each.key().size())));
    if (const Json* resolver = member(op, "param_resolver"); resolver != nullptr && resolver->is_object())
        for (const Json& pair : needed_array(*resolver, "param_dict")) {
            const JsonArray* both = pair.if_array();
            if (both == nullptr || both->size() != 2) complain("'param_dict' is a list of pairs");
            const std::string name = (*both)[0].is_string() ? std::string(view((*both)[0].as_string())) : needed_text((*both)[0], "name");
            frame.symbols.emplace(name, number((*both)[1]));
        }
    std::vector<std::string> parents;
    if (const Json* path = member(op, "parent_path"); path != nullptr && path->is_array())
        for (const Json& each : path->as_array())
            if (each.is_string()) parents.emplace_back(view(each.as_string()));
    const std::int64_t repetitions = whole_or(op, "repetitions", 1);
    const Json* ids = member(op, "repetition_ids");
    const Json* uses_ids = member(op, "use_repetition_ids");
    // Without the member, lists of names are used as they are there.
    const bool has_ids = ids != nullptr && ids->is_array() && (uses_ids == nullptr || (uses_ids->is_bool() && uses_ids->as_bool()));
    const auto rounds = static_cast<std::uint64_t>(repetitions < 0 ? -repetitions : repetitions);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        charge(1);
        frame.path = parents;
        if (has_ids && round < ids->as_array().size() && ids->as_array()[round].is_string())
            frame.path.emplace_back(view(ids->as_array()[round].as_string()));
        const std::size_t first_op = circuit_.ops.size();
        const double phase = circuit_.global_phase;
        frames_.push_back(frame);
        moments(circuit);
        frames_.pop_back();
        if (repetitions < 0) invert(first_op, phase);
    }
}

// What was written since `first_op`, backwards.
void Reader::invert(std::size_t first_op, double phase_before) {
    Circuit part;
    part.ops.assign(circuit_.ops.begin() + static_cast<std::ptrdiff_t>(first_op), circuit_.ops.end());
    part.operands = circuit_.operands;
    part.angles = circuit_.angles;
    part.matrices = circuit_.matrices;
    charge((part.operands.size() + part.angles.size() + part.matrices.size()) / 64);
    circuit_.ops.resize(first_op);
    circuit_.global_phase = 2 * phase_before - circuit_.global_phase;
    for (std::size_t k = part.ops.size(); k-- > 0;) {
        const Op& op = part.ops[k];
        Controls all;
        const std::size_t own = op.kind == Op::Kind::gate ? info(op.gate).controls : 0u;
        for (std::size_t c = 0; c + own < op.controls; ++c) all.add(part.operands_of(op)[c], (op.control_values >> c & 1) != 0);
        if (op.kind == Op::Kind::gate)
            writer_.gate(op.gate, part.operands_of(op).subspan(op.controls - own), part.angles_of(op), all, -1);
        else if (op.kind == Op::Kind::unitary)
            writer_.unitary(adjoint(matrix_of(part, op), std::size_t{1} << part.targets_of(op).size()), part.targets_of(op), all);
        else
            complain("a sub-circuit that measures or resets cannot run backwards");
    }
}

std::uint32_t Reader::named_qubit(const Json& value) {
    Qubit made;
    made.type = type_of(value);
    std::string shown;
    if (made.type == "LineQubit" || made.type == "LineQid") {
        made.a = whole(needed(value, "x"), "'x'");
        shown = fmt::format("q({})", made.a);
    } else if (made.type == "GridQubit" || made.type == "GridQid") {
        made.a = whole(needed(value, "row"), "'row'");
        made.b = whole(needed(value, "col"), "'col'");
        shown = fmt::format("q({}, {})", made.a, made.b);
    } else if (made.type == "NamedQubit" || made.type == "NamedQid") {
        shown = needed_text(value, "name");
        made.name = padded(shown);
    } else {
        complain(fmt::format("qubits of type '{}' are not read here; use LineQubit, GridQubit or NamedQubit", made.type));
    }
    if (whole_or(value, "dimension", 2) != 2) complain("only qubits run here, no systems of more levels");
    const auto [found, is_new] = numbers_.emplace(made.type + shown, static_cast<std::uint32_t>(qubits_.size()));
    if (is_new) qubits_.push_back(std::move(made));
    return found->second;
}

std::uint32_t Reader::qubit(const Json& value) {
    std::uint32_t number = named_qubit(value);
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
        if (const auto found = frame->qubits.find(number); found != frame->qubits.end()) number = found->second;
    touch(number);
    return number;
}

// A measurement that inverts its result leaves a bit flip to be undone, for whoever uses the qubit again.
void Reader::touch(std::uint32_t number) {
    Qubit& qubit = qubits_[number];
    qubit.is_used = true;
    if (qubit.is_confused) complain("this qubit was measured with a confusion map and cannot be used again; measure it last");
    if (std::exchange(qubit.is_inverted, false)) writer_.gate(Gate::x, std::span(&number, 1), {});
}

std::vector<std::uint32_t> Reader::qubits(const JsonArray& list) {
    std::vector<std::uint32_t> all;
    for (const Json& each : list) all.push_back(qubit(each));
    hold_distinct(all);
    return all;
}

void Reader::sort_qubits() {
    std::vector<std::uint32_t> order;
    for (std::uint32_t k = 0; k < qubits_.size(); ++k)
        if (qubits_[k].is_used) order.push_back(k);
    if (order.size() > quantum::limits::qubits) complain(fmt::format("at most {} qubits are possible", quantum::limits::qubits));
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) { return qubits_[a] < qubits_[b]; });
    std::vector<std::uint32_t> rank(qubits_.size());
    for (std::uint32_t k = 0; k < order.size(); ++k) rank[order[k]] = k;
    for (std::uint32_t& operand : circuit_.operands) operand = rank[operand];
    circuit_.qubits = static_cast<std::uint32_t>(order.size());
    if (!order.empty()) circuit_.qubit_registers = {{"q", 0, circuit_.qubits}};
}

}  // namespace cirq

expected<Circuit> read_cirq(std::string_view text, const ReadLimits& bounds) {
    if (text.size() > limits::cirq_bytes)
        return complaint(fmt::format("this circuit has more than {} MiB of text; send a smaller one", limits::cirq_bytes >> 20));
    auto json = parse_json(text, limits::cirq_depth);
    if (json && json->is_string()) {
        const std::string inner(view(json->as_string()));
        json = parse_json(inner, limits::cirq_depth);
    }
    if (!json) return unexpected(json.error());
    cirq::Reader reader(bounds);
    try {
        return reader.read(*json);
    } catch (const cirq::Complaint& found) {
        return complaint(reader.place() + found.said);
    } catch (const TooLarge& found) {
        return complaint(reader.place() + found.said);
    }
}

}  // namespace meridian::quantum
