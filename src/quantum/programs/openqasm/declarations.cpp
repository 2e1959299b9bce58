// Declarations: registers of qubits and bits, variables, constants, aliases.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {

void Reader::bind(std::uint32_t symbol, std::uint32_t at, const Name& name) {
    if (names_.size() <= symbol) names_.resize(lexer_.symbols());
    const auto scope = static_cast<std::uint32_t>(scopes_.size());
    Name& now = names_[symbol];
    if (now.kind != Name::Kind::none && now.scope == scope)
        complain(at, fmt::format("'{}' is declared twice; choose another name", lexer_.name_of(symbol)));
    if (scope != 0) undo_.push_back({symbol, now});
    now = name;
    now.scope = scope;
}

std::uint32_t Reader::size_in_brackets(std::uint32_t size_max, std::string_view of_what) {
    expect(Mark::left_square, "[");
    const std::uint32_t place = at();
    const std::int64_t size = whole_number(expression(), "a size");
    if (size < 1) complain(place, fmt::format("a size of {} makes no sense; write a number above 0", size));
    if (size > size_max) complain(place, fmt::format("this asks for {} {}; at most {} are possible", size, of_what, size_max));
    expect(Mark::right_square, "]");
    return static_cast<std::uint32_t>(size);
}

std::optional<std::uint32_t> Reader::designator() {
    if (lexer_.token().mark != Mark::left_square) return std::nullopt;
    return size_in_brackets(64, "bits of a number");
}

void Reader::declare_qubits() {
    const bool is_old_form = lexer_.is(Word::qreg);
    const std::uint32_t place = at();
    if (!scopes_.empty()) complain(place, "qubits are declared outside of all blocks; move this to the top");
    if (!hardware_.empty()) complain(place, "a program names qubits of its own or physical ones ($0), not both");
    lexer_.advance();
    std::optional<std::uint32_t> size;
    if (!is_old_form && lexer_.token().mark == Mark::left_square) size = size_in_brackets(limits::qubits, "qubits");
    const std::uint32_t name_place = at();
    const std::uint32_t symbol = fresh_name();
    if (is_old_form && lexer_.token().mark == Mark::left_square) size = size_in_brackets(limits::qubits, "qubits");
    const std::uint32_t count = size.value_or(1);
    if (count > limits::qubits - circuit_.qubits)
        complain(place, fmt::format("this program asks for {} qubits; at most {} are possible", std::size_t{circuit_.qubits} + count,
                                    limits::qubits));
    Name name{.kind = Name::Kind::qubits};
    name.selection = {.first = circuit_.qubits, .size = count, .is_single = !size.has_value()};
    bind(symbol, name_place, name);
    circuit_.qubit_registers.push_back({std::string(lexer_.name_of(symbol)), circuit_.qubits, count});
    circuit_.qubits += count;
    expect(Mark::semicolon, ";");
}

void Reader::declare_bits(bool is_old_form) {
    const std::uint32_t place = at();
    lexer_.advance();
    std::optional<std::uint32_t> size;
    if (!is_old_form && lexer_.token().mark == Mark::left_square) size = size_in_brackets(limits::bits, "bits");
    const std::uint32_t name_place = at();
    const std::uint32_t symbol = fresh_name();
    if (is_old_form && lexer_.token().mark == Mark::left_square) size = size_in_brackets(limits::bits, "bits");
    const std::uint32_t count = size.value_or(1);
    // A block in a loop declares the same bits in every round.
    auto known = scopes_.empty() ? bits_at_.end() : bits_at_.find(place);
    const bool is_fresh = known == bits_at_.end();
    Name name{.kind = Name::Kind::bits};
    if (is_fresh) {
        if (count > limits::bits - circuit_.bits)
            complain(place, fmt::format("this program asks for {} bits; at most {} are possible", std::size_t{circuit_.bits} + count,
                                        limits::bits));
        name.selection = {.first = circuit_.bits, .size = count, .is_single = !size.has_value()};
        if (scopes_.empty())
            circuit_.bit_registers.push_back({std::string(lexer_.name_of(symbol)), circuit_.bits, count});
        else
            bits_at_.emplace(place, name.selection);
        circuit_.bits += count;
    } else {
        name.selection = known->second;
    }
    bind(symbol, name_place, name);
    if (accept(Mark::assign)) {
        if (lexer_.is(Word::measure))
            measure_into(measured_qubits(), name.selection, place);
        else
            assign_bits(name.selection, expression());
    }
    expect(Mark::semicolon, ";");
}

Type Reader::declared_type() {
    const auto word = static_cast<Word>(lexer_.token().symbol);
    constexpr std::pair<Word, Type> types[] = {{Word::int_, Type::whole},  {Word::uint, Type::natural},  {Word::float_, Type::real},
                                               {Word::angle, Type::angle}, {Word::bool_, Type::boolean}, {Word::duration, Type::duration}};
    const auto found = std::ranges::find(types, word, &std::pair<Word, Type>::first);
    if (lexer_.token().mark != Mark::name || found == std::end(types)) refuse_word();
    lexer_.advance();
    return found->second;
}

// input float[64] theta; its value was given with the program.
void Reader::declare_input() {
    if (!scopes_.empty()) complain(at(), "inputs are declared outside of all blocks; move this to the top");
    lexer_.advance();
    const bool is_of_bits = accept(Word::bit);
    Variable variable{.type = is_of_bits ? Type::bits : declared_type(), .is_constant = true};
    const bool is_one = variable.type == Type::boolean || (is_of_bits && lexer_.token().mark != Mark::left_square);
    variable.width = is_one ? 1 : designator().value_or(64);
    const std::uint32_t place = at();
    const std::uint32_t symbol = fresh_name();
    const auto given = inputs_.find(lexer_.name_of(symbol));
    if (given == inputs_.end())
        complain(place,
                 fmt::format("the input '{}' has no value; bind the parameters before you send the program", lexer_.name_of(symbol)));
    if (!std::isfinite(given->second)) complain(place, fmt::format("the value of '{}' is no finite number", lexer_.name_of(symbol)));
    if (variables_.size() >= limits::variables) complain(place, fmt::format("at most {} variables are possible", limits::variables));
    bind(symbol, place, {.kind = Name::Kind::variable, .index = static_cast<std::uint32_t>(variables_.size())});
    variables_.push_back(variable);
    constexpr double whole_max = 9007199254740992.0;  // 2^53: every whole number up to it is one that a double holds
    if (!is_fraction(variable.type) && (given->second != std::floor(given->second) || std::abs(given->second) > whole_max))
        complain(place, fmt::format("'{}' takes a whole number, not {}", lexer_.name_of(symbol), given->second));
    const Value value = is_fraction(variable.type) ? known_real(given->second, place, variable.type)
                                                   : known_whole(static_cast<std::int64_t>(given->second), place);
    assign(variables_.back(), symbol, value);
    inputs_declared_.push_back(given->first);
    expect(Mark::semicolon, ";");
}

// stretch s; a duration that is as long as it must be. Here nothing must wait for anything: it is 0.
void Reader::declare_stretch() {
    lexer_.advance();
    const std::uint32_t place = at();
    const std::uint32_t symbol = fresh_name();
    if (variables_.size() >= limits::variables) complain(place, fmt::format("at most {} variables are possible", limits::variables));
    bind(symbol, place, {.kind = Name::Kind::variable, .index = static_cast<std::uint32_t>(variables_.size())});
    variables_.push_back({.type = Type::duration, .width = 64, .is_constant = true, .region = region_});
    assign(variables_.back(), symbol, known_real(0, place, Type::duration));
    expect(Mark::semicolon, ";");
}

void Reader::declare_variable(bool is_constant) {
    Variable variable{.is_constant = is_constant, .region = region_};
    const auto word = static_cast<Word>(lexer_.token().symbol);
    if (word == Word::bit && is_constant) complain(at(), "a constant register of bits is not read here; write its value where it is used");
    variable.type = declared_type();
    variable.width = variable.type == Type::boolean ? 1 : designator().value_or(64);
    const std::uint32_t place = at();
    const std::uint32_t symbol = fresh_name();
    std::optional<Value> value;
    if (accept(Mark::assign)) {
        if (lexer_.is(Word::measure)) complain(at(), "measure into a bit; declare this variable as bit");
        value = expression();
    }
    if (is_constant && (!value || !value->is_known())) complain(place, "a constant needs a value that is known before the program runs");
    if (variables_.size() >= limits::variables) complain(place, fmt::format("at most {} variables are possible", limits::variables));
    bind(symbol, place, {.kind = Name::Kind::variable, .index = static_cast<std::uint32_t>(variables_.size())});
    variables_.push_back(variable);
    if (value) assign(variables_.back(), symbol, *value);
    expect(Mark::semicolon, ";");
}

void Reader::declare_alias() {
    lexer_.advance();
    const std::uint32_t place = at();
    const std::uint32_t symbol = fresh_name();
    expect(Mark::assign, "=");
    if (!lexer_.is_free_name() && lexer_.token().mark != Mark::hardware)
        complain(at(), fmt::format("expected a register here, not {}", shown()));
    const bool is_of_bits =
        lexer_.is_free_name() && lexer_.token().symbol < names_.size() && names_[lexer_.token().symbol].kind == Name::Kind::bits;
    Selection all{.list = static_cast<std::uint32_t>(lists_.size())};
    std::vector<std::uint32_t> joined;
    do {
        const std::uint32_t part_place = at();
        Selection part;
        if (is_of_bits) {
            const std::uint32_t part_symbol = lexer_.token().symbol;
            if (!lexer_.is_free_name() || part_symbol >= names_.size() || names_[part_symbol].kind != Name::Kind::bits)
                complain(part_place, "an alias joins bits with bits");
            lexer_.advance();
            part = picked(selected(names_[part_symbol], part_place));
        } else {
            part = selection_of_qubits();
        }
        if (joined.size() + part.size > limits::operand_pool) complain(part_place, "this alias is too long");
        lexer_.charge(part.size);
        for (std::uint32_t k = 0; k < part.size; ++k) joined.push_back(element(part, k));
    } while (accept(Mark::join));
    if (lists_.size() + joined.size() > limits::operand_pool) complain(place, "the aliases of this program are too long");
    all.list = static_cast<std::uint32_t>(lists_.size());
    all.size = static_cast<std::uint32_t>(joined.size());
    lists_.insert(lists_.end(), joined.begin(), joined.end());
    bind(symbol, place, {.kind = is_of_bits ? Name::Kind::bits : Name::Kind::qubits, .selection = all});
    expect(Mark::semicolon, ";");
}

void Reader::include() {
    lexer_.advance();
    const std::uint32_t place = at();
    if (lexer_.token().mark != Mark::text) complain(place, fmt::format("expected a file name in quotes here, not {}", shown()));
    std::string_view name = lexer_.text_of(lexer_.token());
    name = name.substr(1, name.size() - 2);
    // The gates of both are in the gate table.
    if (name != "qelib1.inc" && name != "stdgates.inc")
        complain(place, fmt::format("only qelib1.inc and stdgates.inc can be included; put the text of {} into the program", shown()));
    lexer_.advance();
    expect(Mark::semicolon, ";");
}

void Reader::refuse_word() {
    const std::string_view what = lexer_.text_of(lexer_.token());
    switch (static_cast<Word>(lexer_.token().symbol)) {
        case Word::def:
            complain(at(), "subroutines (def) are not read here; write their statements where they are called");
        case Word::extern_:
            complain(at(), "extern functions cannot be called here; remove them");
        case Word::cal:
        case Word::defcal:
        case Word::defcalgrammar:
            complain(at(), fmt::format("pulses ({}) cannot run here; describe the circuit with gates", what));
        case Word::durationof:
            complain(at(), fmt::format("'{}' needs a device with a clock; write durations as numbers", what));
        case Word::array:
        case Word::complex:
            complain(at(), fmt::format("variables of type {} are not read here; use int, uint, float, angle, bool or bit", what));
        case Word::return_:
            complain(at(), "there is no subroutine to return from");
        default:
            complain(at(), fmt::format("expected a statement here, not '{}'", what));
    }
}

}  // namespace meridian::quantum::openqasm
