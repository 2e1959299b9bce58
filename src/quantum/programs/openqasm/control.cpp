// Control flow: decided at once where the condition is known, branches and jumps where it depends on measured bits.
#include <fmt/format.h>

#include <algorithm>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {

std::uint32_t Reader::jump(Op::Kind kind, std::uint32_t expression) {
    out_->add({.kind = kind, .first = expression});
    return here() - 1;
}

// To the operation that comes next.
void Reader::land(std::span<const std::uint32_t> jumps) {
    for (const std::uint32_t number : jumps) circuit_.ops[number].target = here();
}

// Looks over the statement that begins here, without running it. Every variable that may be assigned in it is found, and perhaps others
// of the same names.
Reader::Body Reader::looked_ahead() {
    Body body{.from = at()};
    const std::uint32_t nesting = nesting_;
    skip_statement();
    nesting_ = nesting;
    body.to = at();
    const bool ends = lexer_.token().mark == Mark::end;
    lexer_.go_to(body.from);
    while (lexer_.token().mark != Mark::end && (ends || at() < body.to)) {
        if (lexer_.is(Word::break_) || lexer_.is(Word::continue_) || lexer_.is(Word::end)) body.leaves = true;
        const Token token = lexer_.token();
        const bool is_variable = lexer_.is_free_name() && token.symbol < names_.size() && names_[token.symbol].kind == Name::Kind::variable;
        lexer_.advance();
        if (!is_variable) continue;
        if (lexer_.token().mark == Mark::left_square) skip_balanced(Mark::left_square, Mark::right_square);
        if (lexer_.token().mark == Mark::assign || lexer_.token().mark >= Mark::add_to) body.assigned.push_back(token.symbol);
    }
    std::ranges::sort(body.assigned);
    body.assigned.erase(std::ranges::unique(body.assigned).begin(), body.assigned.end());
    lexer_.go_to(body.from);
    return body;
}

void Reader::pin(const Body& body) {
    for (const std::uint32_t symbol : body.assigned)
        if (names_[symbol].kind == Name::Kind::variable) store(variables_[names_[symbol].index]);
}

// A statement that runs or not. What it makes known is known inside of it only.
void Reader::region() {
    ++region_;
    statement();
    --region_;
}

void Reader::if_statement() {
    lexer_.advance();
    expect(Mark::left_round, "(");
    const Value condition = expression();
    expect(Mark::right_round, ")");
    if (condition.form == Value::Form::known) {
        const bool holds = is_fraction(condition.type) ? condition.real != 0 : condition.whole != 0;
        if (holds)
            statement();
        else
            skip_statement();
        if (accept(Word::else_)) {
            if (holds || leaving_ != Leave::none)
                skip_statement();
            else
                statement();
        }
        return;
    }
    const std::uint32_t expression = condition_of(condition);
    const std::uint32_t from = at();
    if (!variables_.empty()) {
        pin(looked_ahead());
        skip_statement();
        if (accept(Word::else_)) pin(looked_ahead());
        lexer_.go_to(from);
    }
    const std::uint32_t past = jump(Op::Kind::branch, expression);
    region();
    if (!accept(Word::else_)) return land(std::span(&past, 1));
    const std::uint32_t to_end = jump(Op::Kind::jump);
    land(std::span(&past, 1));
    region();
    land(std::span(&to_end, 1));
}

void Reader::while_statement() {
    lexer_.advance();
    expect(Mark::left_round, "(");
    const std::uint32_t condition_at = at();
    static_cast<void>(expression());
    expect(Mark::right_round, ")");
    const Body body = looked_ahead();
    if (body.leaves) return rolled_while(condition_at, body);
    for (;;) {
        lexer_.go_to(condition_at);
        const Value condition = expression();
        expect(Mark::right_round, ")");
        if (!condition.is_known()) return rolled_while(condition_at, body);
        if (is_fraction(condition.type) ? condition.real == 0 : condition.whole == 0) break;
        out_->at(at());
        loops_.push_back({.region = region_});
        statement();
        loops_.pop_back();
    }
    skip_statement();
}

void Reader::rolled_while(std::uint32_t condition_at, const Body& body) {
    pin(body);
    loops_.push_back({.region = ++region_, .is_rolled = true});
    const std::uint32_t start = here();
    lexer_.go_to(condition_at);
    const Value condition = expression();
    expect(Mark::right_round, ")");
    std::uint32_t past = jump(Op::Kind::branch, condition_of(condition));
    statement();
    leaving_ = leaving_ == Leave::end ? leaving_ : Leave::none;
    for (const std::uint32_t number : loops_.back().continues) circuit_.ops[number].target = start;
    circuit_.ops[jump(Op::Kind::jump)].target = start;
    land(std::span(&past, 1));
    land(loops_.back().breaks);
    loops_.pop_back();
    --region_;
}

void Reader::for_statement() {
    lexer_.advance();
    Type type = Type::whole;
    switch (static_cast<Word>(lexer_.token().symbol)) {
        case Word::int_:
            lexer_.advance();
            break;
        case Word::uint:
            type = Type::natural;
            lexer_.advance();
            break;
        case Word::float_:
            type = Type::real;
            lexer_.advance();
            break;
        case Word::angle:
            type = Type::angle;
            lexer_.advance();
            break;
        case Word::bit:
        case Word::bool_:
            type = Type::boolean;
            lexer_.advance();
            break;
        default:
            break;  // older texts of OpenQASM 3 have no type here
    }
    const std::uint32_t width = type == Type::boolean ? 1 : designator().value_or(64);
    const std::uint32_t symbol = fresh_name();
    if (!accept(Word::in)) complain(at(), fmt::format("expected 'in' here, not {}", shown()));
    const std::uint32_t place = at();
    std::vector<Value> listed;
    if (accept(Mark::left_brace)) {
        while (lexer_.token().mark != Mark::right_brace) {
            listed.push_back(expression());
            if (!listed.back().is_known()) complain(listed.back().at, "the values of this loop must be known before the program runs");
            if (lexer_.token().mark != Mark::right_brace) expect(Mark::comma, ",");
        }
        lexer_.advance();
        return unrolled_for(symbol, type, width, listed, looked_ahead());
    }
    if (lexer_.token().mark != Mark::left_square) complain(place, "a loop goes over a range such as [0:3] or values such as {1, 2, 5}");
    lexer_.advance();
    const Value first = expression();
    expect(Mark::colon, ":");
    Value last = expression();
    std::int64_t step = 1;
    if (accept(Mark::colon)) step = whole_number(std::exchange(last, expression()), "a step");
    expect(Mark::right_square, "]");
    if (step == 0) complain(place, "a step of 0 never arrives; write another");
    const Body body = looked_ahead();
    if (is_fraction(type) || is_fraction(first.type) || is_fraction(last.type))
        complain(place, "a range has whole numbers; list fractions with {0.1, 0.2}");
    if (!first.is_known() || !last.is_known()) return rolled_for(symbol, width, first, step, last, body);
    const std::int64_t from = whole_number(first, "a bound"), to = whole_number(last, "a bound");
    const auto distance = step > 0 ? static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)
                                   : static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(to);
    const bool is_empty = step > 0 ? from > to : from < to;
    const std::uint64_t rounds =
        is_empty ? 0 : distance / (step > 0 ? static_cast<std::uint64_t>(step) : -static_cast<std::uint64_t>(step)) + 1;
    if (rounds > limits::openqasm_unrolled || (!is_empty && rounds == 0)) return rolled_for(symbol, width, first, step, last, body);
    for (std::uint64_t round = 0; round < rounds; ++round)
        listed.push_back(known_whole(from + static_cast<std::int64_t>(round) * step, place));
    unrolled_for(symbol, type, width, listed, body);
}

void Reader::unrolled_for(std::uint32_t symbol, Type type, std::uint32_t width, std::span<const Value> listed, const Body& body) {
    const bool is_region = body.leaves;
    if (is_region) {
        pin(body);
        ++region_;
    }
    loops_.push_back({.region = region_});
    for (const Value& each : listed) {
        open_scope();
        const std::size_t variables = variables_.size();
        bind(symbol, each.at, {.kind = Name::Kind::variable, .index = static_cast<std::uint32_t>(variables)});
        variables_.push_back({.type = type, .width = width, .is_constant = true, .region = region_});
        if (variables_.size() > limits::variables) complain(each.at, fmt::format("at most {} variables are possible", limits::variables));
        variables_.back().value = converted(each, type, width);
        variables_.back().state = Variable::State::known;
        lexer_.go_to(body.from);
        statement();
        close_scope();
        variables_.resize(variables);
        land(std::exchange(loops_.back().continues, {}));
        if (leaving_ == Leave::continue_) leaving_ = Leave::none;
        if (leaving_ != Leave::none) break;
    }
    if (leaving_ == Leave::break_) leaving_ = Leave::none;
    land(loops_.back().breaks);
    loops_.pop_back();
    if (is_region) --region_;
    lexer_.go_to(body.from);
    const std::uint32_t nesting = nesting_;
    skip_statement();
    nesting_ = nesting;
}

// The loop stays one: its variable lies in the circuit's memory.
void Reader::rolled_for(std::uint32_t symbol, std::uint32_t width, const Value& first, std::int64_t step, const Value& last,
                        const Body& body) {
    pin(body);
    open_scope();
    const std::size_t variables = variables_.size();
    const std::uint32_t slots = slots_;
    bind(symbol, first.at, {.kind = Name::Kind::variable, .index = static_cast<std::uint32_t>(variables)});
    const std::uint32_t counter = slots_++, bound = slots_++;
    if (slots_ > limits::variables) complain(first.at, fmt::format("at most {} variables are possible", limits::variables));
    circuit_.variables = std::max(circuit_.variables, slots_);
    variables_.push_back({.width = width, .state = Variable::State::stored, .slot = counter});
    loops_.push_back({.region = ++region_, .is_rolled = true});
    variables_.back().region = region_;
    out_->add({.kind = Op::Kind::set, .first = node_of(first), .target = counter});
    out_->add({.kind = Op::Kind::set, .first = node_of(last), .target = bound});
    const std::uint32_t start = here();
    const std::uint32_t now = node(Expression::Kind::variable, counter);
    const std::uint32_t goes_on =
        node(step > 0 ? Expression::Kind::less_equal : Expression::Kind::greater_equal, now, node(Expression::Kind::variable, bound));
    const std::uint32_t past = jump(Op::Kind::branch, goes_on);
    statement();
    leaving_ = leaving_ == Leave::end ? leaving_ : Leave::none;
    land(loops_.back().continues);
    out_->add({.kind = Op::Kind::set,
               .first = node(Expression::Kind::add, now, node(Expression::Kind::constant, 0, 0, step)),
               .target = counter});
    circuit_.ops[jump(Op::Kind::jump)].target = start;
    land(std::span(&past, 1));
    land(loops_.back().breaks);
    loops_.pop_back();
    --region_;
    close_scope();
    variables_.resize(variables);
    slots_ = slots;
}

void Reader::leave_statement(Leave how) {
    const std::uint32_t place = at();
    const std::string_view word = how == Leave::break_ ? "break" : "continue";
    if (loops_.empty()) complain(place, fmt::format("'{}' stands inside of loops only", word));
    lexer_.advance();
    expect(Mark::semicolon, ";");
    Loop& loop = loops_.back();
    // Where it is certain that this place is reached in this round, the rest of the round is not read at all.
    if (!loop.is_rolled && loop.region == region_) {
        leaving_ = how;
        return;
    }
    auto& waiting = how == Leave::break_ ? loop.breaks : loop.continues;
    waiting.push_back(jump(Op::Kind::jump));
}

void Reader::end_statement() {
    lexer_.advance();
    expect(Mark::semicolon, ";");
    if (region_ == 0)
        leaving_ = Leave::end;
    else
        to_end_.push_back(jump(Op::Kind::jump));
}

// switch (value) { case 1, 2 { } default { } }
void Reader::switch_statement() {
    const std::uint32_t from = at();
    if (!variables_.empty()) {
        const Body body = looked_ahead();
        lexer_.advance();
        expect(Mark::left_round, "(");
        const Value chosen = expression();
        if (!chosen.is_known()) pin(body);
        lexer_.go_to(from);
    }
    lexer_.advance();
    expect(Mark::left_round, "(");
    const Value chosen = expression();
    expect(Mark::right_round, ")");
    expect(Mark::left_brace, "{");
    std::vector<std::uint32_t> to_end;
    bool is_decided = false;
    while (lexer_.token().mark != Mark::right_brace) {
        if (lexer_.is(Word::case_)) {
            one_case(chosen, to_end, is_decided);
        } else if (accept(Word::default_)) {
            if (is_decided || leaving_ != Leave::none)
                skip_statement();
            else if (chosen.is_known())
                statement();
            else
                region();
            is_decided = true;
        } else {
            complain(at(), fmt::format("expected 'case' or 'default' here, not {}", shown()));
        }
    }
    lexer_.advance();
    land(to_end);
}

void Reader::one_case(const Value& chosen, std::vector<std::uint32_t>& to_end, bool& is_decided) {
    std::optional<Value> matches;
    do {
        lexer_.advance();
        const std::uint32_t place = at();
        const Value label = expression();
        if (!label.is_known()) complain(place, "the values of a case must be known before the program runs");
        const Value is_it = combined(Mark::equal, chosen, label, place);
        matches = matches ? combined(Mark::or_, *matches, is_it, place) : is_it;
    } while (lexer_.token().mark == Mark::comma);
    if (is_decided || leaving_ != Leave::none || (matches->is_known() && matches->whole == 0)) return skip_statement();
    if (matches->is_known()) {
        is_decided = true;
        return statement();
    }
    const std::uint32_t past = jump(Op::Kind::branch, matches->node);
    region();
    to_end.push_back(jump(Op::Kind::jump));
    land(std::span(&past, 1));
}

}  // namespace meridian::quantum::openqasm
