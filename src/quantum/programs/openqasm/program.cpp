// Statements in order, blocks, and the way from text to a circuit.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum {
namespace openqasm {

Reader::Reader(std::string_view text, const ReadLimits& bounds, const Inputs& inputs)
    : writer_(circuit_, bounds.operations), lexer_(text, bounds.steps + text.size()), inputs_(inputs) {
    const auto named = [&](std::string_view spelled, const GateName& gate) {
        const std::uint32_t symbol = lexer_.symbol_of(spelled);
        if (gates_.size() <= symbol) gates_.resize(symbol + 1);
        gates_[symbol] = gate;
    };
    for (const GateInfo& row : quantum::gates()) {
        named(row.name, {.kind = GateName::Kind::table, .gate = row.gate});
        for (const std::string_view alias : row.aliases)
            if (!alias.empty()) named(alias, {.kind = GateName::Kind::table, .gate = row.gate});
    }
    named("u0", {.kind = GateName::Kind::idle});
    definitions_.push_back(relative_phase_ccx());
    definitions_.push_back(relative_phase_c3x());
    named("rccx", {.kind = GateName::Kind::defined, .index = 0});
    named("rc3x", {.kind = GateName::Kind::defined, .index = 1});
    named("rcccx", {.kind = GateName::Kind::defined, .index = 1});
}

std::string Reader::shown() const {
    const Token& token = lexer_.token();
    if (token.mark == Mark::end) return "the end of the text";
    constexpr std::size_t shown_max = 40;
    std::string_view text = lexer_.text_of(token);
    if (text.size() <= shown_max) return fmt::format("'{}'", text);
    std::size_t cut = shown_max;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside of a character
    return fmt::format("'{}...'", text.substr(0, cut));
}

void Reader::expect(Mark mark, std::string_view spelling) {
    if (lexer_.token().mark != mark) complain(at(), fmt::format("expected '{}' here, not {}", spelling, shown()));
    lexer_.advance();
}

bool Reader::accept(Mark mark) {
    if (lexer_.token().mark != mark) return false;
    lexer_.advance();
    return true;
}

bool Reader::accept(Word word) {
    if (!lexer_.is(word)) return false;
    lexer_.advance();
    return true;
}

std::uint32_t Reader::fresh_name() {
    if (!lexer_.is_free_name()) complain(at(), fmt::format("expected a name of your own here, not {}", shown()));
    const std::uint32_t symbol = lexer_.token().symbol;
    if (names_.size() < lexer_.symbols()) names_.resize(lexer_.symbols());
    if (gates_.size() < lexer_.symbols()) gates_.resize(lexer_.symbols());
    lexer_.advance();
    return symbol;
}

void Reader::header() {
    if (!lexer_.is(Word::openqasm)) return;
    lexer_.advance();
    const std::uint32_t place = at();
    const std::string_view version = lexer_.text_of(lexer_.token());
    if (version == "2.0" || version == "2")
        lexer_.set_version(2);
    else if (version != "3" && !version.starts_with("3."))
        complain(place, fmt::format("OpenQASM {} is not read here; write OpenQASM 2.0 or 3.0", shown()));
    lexer_.advance();
    expect(Mark::semicolon, ";");
}

Circuit Reader::read() {
    try {
        header();
        if (lexer_.version() == 3) {
            using enum GateName::Phase;
            for (const auto& [spelled, phase] :
                 {std::pair("U", half_first), std::pair("u2", minus_half_last_two), std::pair("u3", minus_half_last_two)})
                gates_[lexer_.symbol_of(spelled)].phase = phase;
        }
        while (lexer_.token().mark != Mark::end && leaving_ == Leave::none) statement();
        finish();
    } catch (const TooLarge& too_large) {
        complain(writer_.at(), too_large.said);
    }
    return std::move(circuit_);
}

void Reader::finish() {
    for (const auto& [given, value] : inputs_)
        if (std::ranges::find(inputs_declared_, given) == inputs_declared_.end())
            complain(0, fmt::format("the program has no input '{}', which a value was given for", given));
    land(to_end_);
    circuit_.variables = std::max(circuit_.variables, slots_);
    if (hardware_.empty()) return;
    // Physical qubits, in the order of their numbers; those that are not named take no part.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> numbered(hardware_.begin(), hardware_.end());
    std::ranges::sort(numbered);
    std::vector<std::uint32_t> rank(numbered.size());
    for (std::uint32_t k = 0; k < numbered.size(); ++k) rank[numbered[k].second] = k;
    for (std::uint32_t& operand : circuit_.operands) operand = rank[operand];
    circuit_.qubit_registers = {{"$", 0, circuit_.qubits}};
}

void Reader::open_scope() {
    if (++nesting_ > limits::openqasm_nesting)
        complain(at(), fmt::format("blocks are nested more than {} deep here; flatten them", limits::openqasm_nesting));
    scopes_.push_back(undo_.size());
}

void Reader::close_scope() {
    for (; undo_.size() > scopes_.back(); undo_.pop_back()) names_[undo_.back().symbol] = undo_.back().before;
    scopes_.pop_back();
    --nesting_;
}

void Reader::block() {
    open_scope();
    const std::size_t variables = variables_.size(), lists = lists_.size();
    const std::uint32_t slots = slots_;
    expect(Mark::left_brace, "{");
    while (lexer_.token().mark != Mark::right_brace && leaving_ == Leave::none) {
        if (lexer_.token().mark == Mark::end) complain(at(), "the text ends inside of a block; close it with '}'");
        statement();
    }
    // What stands behind a break is not read.
    while (lexer_.token().mark != Mark::right_brace) skip_statement();
    lexer_.advance();
    close_scope();
    circuit_.variables = std::max(circuit_.variables, slots_);
    variables_.resize(variables);
    lists_.resize(lists);
    slots_ = slots;
}

void Reader::statement() {
    out_->at(at());
    const Token& token = lexer_.token();
    if (token.mark == Mark::name) {
        if (lexer_.is_free_name()) return name_statement();
        return other_statement();
    }
    if (token.mark == Mark::left_brace) return block();
    if (token.mark == Mark::at) return lexer_.skip_line();  // an annotation speaks to other tools
    if (token.mark == Mark::semicolon) return lexer_.advance();
    complain(at(), fmt::format("expected a statement here, not {}", shown()));
}

void Reader::name_statement() {
    const Token token = lexer_.token();
    const Name::Kind kind = token.symbol < names_.size() ? names_[token.symbol].kind : Name::Kind::none;
    if (kind == Name::Kind::none || kind == Name::Kind::qubits) return gate_call();
    // A gate and a variable may share a name: what follows tells which is meant.
    lexer_.advance();
    const Mark next = lexer_.token().mark;
    const bool is_call = next == Mark::name || next == Mark::left_round || next == Mark::hardware;
    if (!is_call) return assignment(token.symbol, token.at);
    lexer_.go_to(token.at);
    gate_call();
}

void Reader::other_statement() {
    const auto take = [this](Word word) { return accept(word); };
    switch (static_cast<Word>(lexer_.token().symbol)) {
        case Word::openqasm:
            complain(at(), "the version stands before all else; move it to the beginning");
        case Word::include:
            return include();
        case Word::qreg:
        case Word::qubit:
            return declare_qubits();
        case Word::creg:
            return declare_bits(true);
        case Word::bit:
            return declare_bits(false);
        case Word::gate:
            return define_gate();
        case Word::opaque:
            return opaque_gate();
        case Word::measure:
            return measure_statement();
        case Word::reset:
            return reset_statement();
        case Word::barrier:
            return barrier_statement();
        case Word::delay:
            return delay_statement();
        case Word::if_:
            return if_statement();
        case Word::for_:
            return for_statement();
        case Word::while_:
            return while_statement();
        case Word::switch_:
            return switch_statement();
        case Word::break_:
            return leave_statement(Leave::break_);
        case Word::continue_:
            return leave_statement(Leave::continue_);
        case Word::end:
            return end_statement();
        case Word::let:
            return declare_alias();
        case Word::const_:
            take(Word::const_);
            return declare_variable(true);
        case Word::output:
            take(Word::output);
            return statement();
        case Word::input:
            return declare_input();
        case Word::stretch:
            return declare_stretch();
        case Word::int_:
        case Word::uint:
        case Word::float_:
        case Word::angle:
        case Word::bool_:
        case Word::duration:
            return declare_variable(false);
        case Word::box:
            take(Word::box);
            if (lexer_.token().mark == Mark::left_square) skip_balanced(Mark::left_square, Mark::right_square);
            return block();
        case Word::nop: {
            while (lexer_.token().mark != Mark::semicolon && lexer_.token().mark != Mark::end) lexer_.advance();
            return expect(Mark::semicolon, ";");
        }
        case Word::pragma:
            return lexer_.skip_line();
        case Word::ctrl:
        case Word::negctrl:
        case Word::inv:
        case Word::pow:
        case Word::gphase:
            return gate_call();
        default:
            return refuse_word();
    }
}

void Reader::skip_balanced(Mark open, Mark close) {
    std::size_t depth = 0;
    const std::uint32_t from = at();
    do {
        const Mark mark = lexer_.token().mark;
        if (mark == Mark::end) complain(from, "this bracket is not closed");
        depth += mark == open;
        depth -= mark == close;
        lexer_.advance();
    } while (depth != 0);
}

void Reader::skip_statement() {
    if (++nesting_ > 2 * limits::openqasm_nesting)
        complain(at(), fmt::format("blocks are nested more than {} deep here; flatten them", limits::openqasm_nesting));
    if (lexer_.is(Word::if_) || lexer_.is(Word::while_) || lexer_.is(Word::switch_)) {
        const bool may_have_else = lexer_.is(Word::if_);
        lexer_.advance();
        if (lexer_.token().mark == Mark::left_round) skip_balanced(Mark::left_round, Mark::right_round);
        skip_statement();
        if (may_have_else && accept(Word::else_)) skip_statement();
    } else if (lexer_.is(Word::for_)) {
        while (!lexer_.is(Word::in) && lexer_.token().mark != Mark::end) lexer_.advance();
        lexer_.advance();
        if (lexer_.token().mark == Mark::left_square)
            skip_balanced(Mark::left_square, Mark::right_square);
        else if (lexer_.token().mark == Mark::left_brace)
            skip_balanced(Mark::left_brace, Mark::right_brace);
        else
            lexer_.advance();
        skip_statement();
    } else if (lexer_.token().mark == Mark::left_brace) {
        skip_balanced(Mark::left_brace, Mark::right_brace);
    } else {
        const bool has_body = lexer_.is(Word::gate) || lexer_.is(Word::box) || lexer_.is(Word::def);
        while (lexer_.token().mark != Mark::semicolon) {
            if (lexer_.token().mark == Mark::end) complain(at(), "the text ends inside of a statement");
            if (lexer_.token().mark == Mark::left_brace) {
                skip_balanced(Mark::left_brace, Mark::right_brace);
                if (has_body) {
                    --nesting_;
                    return;
                }
            } else {
                lexer_.advance();
            }
        }
        lexer_.advance();
    }
    --nesting_;
}

}  // namespace openqasm

expected<Circuit> read_openqasm(std::string_view text, const ReadLimits& bounds, const Inputs& inputs) {
    if (text.size() > limits::openqasm_bytes)
        return complaint(fmt::format("this program has more than {} MiB of text; send a smaller one", limits::openqasm_bytes >> 20));
    try {
        return openqasm::Reader(text, bounds, inputs).read();
    } catch (openqasm::Complaint& found) {
        return unexpected(std::move(found.diagnostic));
    }
}

Place place_of(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    const std::size_t line_start = before.find_last_of('\n') + 1;  // npos + 1 is 0
    Place place;
    place.line += static_cast<std::size_t>(std::ranges::count(before, '\n'));
    for (const char c : before.substr(line_start)) place.column += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return place;
}

std::string said_with_place(const Diagnostic& complaint, std::string_view text) {
    const Place place = place_of(text, complaint.at);
    return fmt::format("line {}, column {}: {}", place.line, place.column, complaint.said);
}

}  // namespace meridian::quantum
