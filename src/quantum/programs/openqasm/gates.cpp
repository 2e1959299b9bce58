// Gate definitions, and calls of gates with their modifiers, angles and operands.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {
namespace {

constexpr std::uint64_t cost_max = std::uint64_t{1} << 62;

}  // namespace

std::size_t Reader::angles_of(const GateName& gate) const {
    switch (gate.kind) {
        case GateName::Kind::table:
            return info(gate.gate).parameters;
        case GateName::Kind::defined:
            return definitions_[gate.index].parameters;
        case GateName::Kind::idle:
        case GateName::Kind::delay:
            return 1;
        default:
            return 0;
    }
}

std::size_t Reader::operands_of(const GateName& gate) const {
    switch (gate.kind) {
        case GateName::Kind::table:
            return info(gate.gate).operands();
        case GateName::Kind::defined:
            return definitions_[gate.index].qubits;
        default:
            return 1;
    }
}

const GateName& Reader::known_gate(std::uint32_t symbol, std::uint32_t place) {
    const std::string_view called = lexer_.name_of(symbol);
    if (defining_ != nullptr && called == defining_name_)
        complain(place, fmt::format("gate '{}' calls itself; a definition may only use gates that were defined before it", called));
    if (symbol >= gates_.size() || gates_[symbol].kind == GateName::Kind::none)
        complain(place, fmt::format("there is no gate '{}' here; define it before this line", called));
    const GateName& gate = gates_[symbol];
    if (gate.kind == GateName::Kind::opaque)
        complain(place, fmt::format("gate '{}' is opaque, so nobody knows what it does; define it with 'gate'", called));
    return gate;
}

void Reader::hold_counts(const GateName& gate, std::uint32_t symbol, std::uint32_t place, std::size_t angles, std::size_t operands) {
    if (angles != angles_of(gate))
        complain(place, fmt::format("gate '{}' takes {} angles; {} are given", lexer_.name_of(symbol), angles_of(gate), angles));
    // PennyLane writes a global phase into OpenQASM 2, with a qubit.
    if (lexer_.version() == 2 && gate.kind == GateName::Kind::table && gate.gate == Gate::gphase) return;
    if (operands != operands_of(gate))
        complain(place, fmt::format("gate '{}' acts on {} qubits; {} are given", lexer_.name_of(symbol), operands_of(gate), operands));
}

void Reader::opaque_gate() {
    const std::uint32_t place = at();
    lexer_.advance();
    const std::uint32_t symbol = fresh_name();
    while (lexer_.token().mark != Mark::semicolon && lexer_.token().mark != Mark::end) lexer_.advance();
    expect(Mark::semicolon, ";");
    const bool is_delay = lexer_.name_of(symbol) == "delay";  // Qiskit declares it so
    gates_[symbol] = {.kind = is_delay ? GateName::Kind::delay : GateName::Kind::opaque, .index = place, .is_of_text = true};
}

// gate name(angles) qubits { calls }
void Reader::define_gate() {
    lexer_.advance();
    const std::uint32_t place = at();
    if (!scopes_.empty()) complain(place, "gates are defined outside of all blocks; move this to the top");
    const bool may_be_table = lexer_.is(Word::gphase);
    if (may_be_table) complain(place, "'gphase' cannot be defined again");
    const std::uint32_t symbol = fresh_name();
    if (gates_[symbol].is_of_text) complain(place, fmt::format("gate '{}' is defined twice; choose another name", lexer_.name_of(symbol)));
    Definition definition;
    defining_ = &definition;
    defining_name_ = lexer_.name_of(symbol);
    open_scope();
    const auto bound = [&](Name::Kind kind, std::uint32_t& count, Mark end) {
        while (lexer_.token().mark != end) {
            const std::uint32_t name_place = at();
            const std::uint32_t name = fresh_name();
            bind(name, name_place, {.kind = kind, .index = count++});
            if (lexer_.token().mark != end) expect(Mark::comma, ",");
        }
        lexer_.advance();
    };
    if (accept(Mark::left_round)) bound(Name::Kind::parameter, definition.parameters, Mark::right_round);
    bound(Name::Kind::formal, definition.qubits, Mark::left_brace);
    if (definition.qubits > limits::qubits) complain(place, "this gate acts on too many qubits");
    while (lexer_.token().mark != Mark::right_brace) {
        if (lexer_.token().mark == Mark::end) complain(at(), "the text ends inside of a gate's definition; close it with '}'");
        if (accept(Mark::semicolon)) continue;
        const BodyCall call = body_call(definition);
        std::uint64_t cost = 1;
        if (!call.is_barrier && call.gate.kind == GateName::Kind::defined) {
            cost = definitions_[call.gate.index].cost;
            definition.depth = std::max(definition.depth, definitions_[call.gate.index].depth + 1);
        }
        if (definition.depth > limits::openqasm_definition_depth)
            complain(call.at,
                     fmt::format("gates call gates more than {} deep here; write out some of them", limits::openqasm_definition_depth));
        definition.cost = std::min(definition.cost + cost, cost_max);
        definition.calls.push_back(call);
    }
    lexer_.advance();
    close_scope();
    defining_ = nullptr;
    gates_[symbol] = {.kind = GateName::Kind::defined, .index = static_cast<std::uint32_t>(definitions_.size()), .is_of_text = true};
    definitions_.push_back(std::move(definition));
}

void Reader::body_operands(Definition& definition, BodyCall& call, std::size_t count) {
    call.first_operand = static_cast<std::uint32_t>(definition.operands.size());
    while (lexer_.token().mark != Mark::semicolon) {
        const Token token = lexer_.token();
        if (!lexer_.is_free_name() || token.symbol >= names_.size() || names_[token.symbol].kind != Name::Kind::formal)
            complain(token.at, fmt::format("expected one of the gate's own qubits here, not {}", shown()));
        const std::uint32_t index = names_[token.symbol].index;
        const auto so_far = std::span(definition.operands).subspan(call.first_operand);
        if (so_far.size() >= limits::controls + gate_targets_max && so_far.size() >= count)
            complain(token.at, "too many qubits are given here");
        lexer_.charge(so_far.size());
        if (std::ranges::find(so_far, index) != so_far.end())
            complain(token.at, fmt::format("qubit {} is given twice; a gate acts on different qubits", shown()));
        definition.operands.push_back(index);
        lexer_.advance();
        if (lexer_.token().mark != Mark::semicolon) expect(Mark::comma, ",");
    }
    lexer_.advance();
    call.operand_count = static_cast<std::uint32_t>(definition.operands.size() - call.first_operand);
}

BodyCall Reader::body_call(Definition& definition) {
    BodyCall call{.at = at()};
    if (lexer_.is(Word::barrier)) {
        lexer_.advance();
        call.is_barrier = true;
        body_operands(definition, call, limits::qubits);
        if (call.operand_count == 0)
            for (std::uint32_t k = 0; k < definition.qubits; ++k) definition.operands.push_back(k);
        call.operand_count = static_cast<std::uint32_t>(definition.operands.size() - call.first_operand);
        return call;
    }
    gate_modifiers();
    const Token token = lexer_.token();
    if (token.mark != Mark::name || !(lexer_.is_free_name() || lexer_.is(Word::gphase)))
        complain(token.at, fmt::format("a gate consists of gates; {} cannot stand here", shown()));
    call.gate = known_gate(token.symbol, token.at);
    lexer_.advance();
    gate_angles();
    call.first_modifier = static_cast<std::uint32_t>(definition.modifiers.size());
    std::size_t controls = 0;
    for (const Modifier& modifier : modifiers_) {
        const bool is_control = modifier.kind == Modifier::Kind::control;
        controls += is_control ? modifier.count : 0;
        definition.modifiers.push_back({is_control, modifier.value, modifier.count, is_control ? 0 : formula_node(modifier.exponent)});
    }
    call.modifier_count = static_cast<std::uint32_t>(modifiers_.size());
    std::vector<std::uint32_t> nodes;
    for (const Value& angle : angles_) nodes.push_back(formula_node(angle));
    call.first_angle = static_cast<std::uint32_t>(definition.angles.size());
    call.angle_count = static_cast<std::uint32_t>(nodes.size());
    definition.angles.insert(definition.angles.end(), nodes.begin(), nodes.end());
    body_operands(definition, call, controls + operands_of(call.gate));
    if (call.operand_count < controls) complain(token.at, "this gate has more controls than qubits");
    hold_counts(call.gate, token.symbol, token.at, angles_.size(), call.operand_count - controls);
    return call;
}

// ctrl(2) @ negctrl @ inv @ pow(1/2) @
void Reader::gate_modifiers() {
    modifiers_.clear();
    for (std::uint64_t controls = 0;;) {
        const std::uint32_t place = at();
        Modifier modifier{.kind = Modifier::Kind::control};
        if (lexer_.is(Word::ctrl) || lexer_.is(Word::negctrl)) {
            modifier.value = lexer_.is(Word::ctrl);
            lexer_.advance();
            if (accept(Mark::left_round)) {
                const std::int64_t count = whole_number(expression(), "a number of controls");
                if (count < 1 || count > limits::controls) complain(place, fmt::format("a gate has 1 to {} controls", limits::controls));
                modifier.count = static_cast<std::uint32_t>(count);
                expect(Mark::right_round, ")");
            }
            if ((controls += modifier.count) > limits::controls)
                complain(place, fmt::format("a gate has at most {} controls", limits::controls));
        } else if (lexer_.is(Word::inv)) {
            lexer_.advance();
            modifier.kind = Modifier::Kind::exponent;
            modifier.exponent = known_whole(-1, place);
        } else if (lexer_.is(Word::pow)) {
            lexer_.advance();
            modifier.kind = Modifier::Kind::exponent;
            expect(Mark::left_round, "(");
            modifier.exponent = expression();
            expect(Mark::right_round, ")");
        } else {
            return;
        }
        expect(Mark::at, "@");
        modifiers_.push_back(modifier);
        if (modifiers_.size() > limits::controls) complain(place, fmt::format("a gate has at most {} modifiers", limits::controls));
    }
}

void Reader::gate_angles() {
    angles_.clear();
    if (!accept(Mark::left_round)) return;
    while (lexer_.token().mark != Mark::right_round) {
        if (angles_.size() >= limits::qubits) complain(at(), "too many angles are given here");
        const std::uint32_t place = at();
        angles_.push_back(expression());
        angles_.back().at = place;
        if (angles_.back().type == Type::duration && lexer_.version() != 2) complain(angles_.back().at, "a duration is no angle");
        if (lexer_.token().mark != Mark::right_round) expect(Mark::comma, ",");
    }
    lexer_.advance();
}

void Reader::gate_operands() {
    operands_.clear();
    while (lexer_.token().mark != Mark::semicolon) {
        if (operands_.size() >= limits::qubits) complain(at(), "too many qubits are given here");
        operands_.push_back(selection_of_qubits());
        if (lexer_.token().mark != Mark::semicolon) expect(Mark::comma, ",");
    }
    lexer_.advance();
}

void Reader::gate_call() {
    const std::uint32_t place = at();
    const std::size_t lists = lists_.size();
    gate_modifiers();
    const Token token = lexer_.token();
    if (token.mark != Mark::name || !(lexer_.is_free_name() || lexer_.is(Word::gphase)))
        complain(token.at, fmt::format("expected the name of a gate here, not {}", shown()));
    const GateName gate = known_gate(token.symbol, token.at);
    lexer_.advance();
    gate_angles();
    numbers_.clear();
    for (const Value& angle : angles_) {
        numbers_.push_back(fraction(angle, "an angle"));
        if (!std::isfinite(numbers_.back())) complain(angle.at, "this angle is no finite number; check what it divides by");
    }
    exponents_.clear();
    std::size_t controls = 0;
    for (const Modifier& modifier : modifiers_) {
        if (modifier.kind == Modifier::Kind::control) {
            controls += modifier.count;
            continue;
        }
        exponents_.push_back(fraction(modifier.exponent, "an exponent"));
        if (!std::isfinite(exponents_.back())) complain(modifier.exponent.at, "this exponent is no finite number");
    }
    std::ranges::reverse(exponents_);  // the innermost first
    gate_operands();
    if (operands_.size() < controls) complain(token.at, fmt::format("{} controls need as many qubits before those of the gate", controls));
    hold_counts(gate, token.symbol, token.at, angles_.size(), operands_.size() - controls);
    broadcast(gate, place);
    lists_.resize(lists);
}

// Registers take part with one qubit after the other; single qubits stand still.
void Reader::broadcast(const GateName& gate, std::uint32_t place) {
    std::uint32_t rounds = 1;
    const Selection* longest = nullptr;
    for (const Selection& operand : operands_) {
        if (operand.is_single) continue;
        if (longest != nullptr && operand.size != rounds)
            complain(operand.at, fmt::format("registers of {} and {} qubits cannot go together; take equal sizes", rounds, operand.size));
        longest = &operand;
        rounds = operand.size;
    }
    lexer_.charge(std::size_t{rounds} * operands_.size());
    for (std::uint32_t round = 0; round < rounds; ++round) {
        qubits_.clear();
        for (const Selection& operand : operands_) qubits_.push_back(element(operand, operand.is_single ? 0 : round));
        bool has_twice = false;
        if (qubits_.size() <= 8) {
            for (std::size_t a = 1; a < qubits_.size(); ++a)
                for (std::size_t b = 0; b < a; ++b) has_twice |= qubits_[a] == qubits_[b];
        } else {
            std::vector<std::uint32_t> sorted = qubits_;
            std::ranges::sort(sorted);
            has_twice = std::ranges::adjacent_find(sorted) != sorted.end();
        }
        if (has_twice) complain(place, "this gate is given the same qubit twice; name different ones");
        apply_modified(gate, qubits_);
    }
}

}  // namespace meridian::quantum::openqasm
