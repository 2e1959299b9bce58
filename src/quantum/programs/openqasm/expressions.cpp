// Expressions: precedence, casts and functions, and arithmetic on what is known or a formula.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {
namespace {

constexpr int of_unary = 11, of_power = 12;

int tightness(Mark mark, int version) {
    switch (mark) {
        case Mark::or_:
            return 1;
        case Mark::and_:
            return 2;
        case Mark::bit_or:
            return 3;
        case Mark::caret:
            return version == 2 ? of_power : 4;
        case Mark::bit_and:
            return 5;
        case Mark::equal:
        case Mark::not_equal:
            return 6;
        case Mark::less:
        case Mark::less_equal:
        case Mark::greater:
        case Mark::greater_equal:
            return 7;
        case Mark::shift_left:
        case Mark::shift_right:
            return 8;
        case Mark::plus:
        case Mark::minus:
            return 9;
        case Mark::times:
        case Mark::divide:
        case Mark::modulo:
            return 10;
        case Mark::power:
            return of_power;
        default:
            return -1;
    }
}

struct Named {
    std::string_view name;
    Function function;
};
constexpr Named functions[] = {
    {"sin", Function::sin},       {"cos", Function::cos},       {"tan", Function::tan},         {"arcsin", Function::arcsin},
    {"arccos", Function::arccos}, {"arctan", Function::arctan}, {"asin", Function::arcsin},     {"acos", Function::arccos},
    {"atan", Function::arctan},   {"exp", Function::exp},       {"ln", Function::ln},           {"log", Function::ln},
    {"sqrt", Function::sqrt},     {"floor", Function::floor},   {"ceiling", Function::ceiling}, {"abs", Function::absolute},
    {"mod", Function::modulo},    {"pow", Function::power},
};

Function arithmetic(Mark op) {
    switch (op) {
        case Mark::plus:
            return Function::add;
        case Mark::minus:
            return Function::subtract;
        case Mark::times:
            return Function::multiply;
        case Mark::divide:
            return Function::divide;
        case Mark::modulo:
            return Function::modulo;
        default:
            return Function::power;
    }
}

}  // namespace

Value Reader::expression(int loosest) {
    if (++expression_depth_ > limits::expression_depth)
        complain(at(), fmt::format("this expression is nested more than {} deep; split it", limits::expression_depth));
    Value value = unary();
    for (;;) {
        const Token op = lexer_.token();
        const int tight = tightness(op.mark, lexer_.version());
        if (tight < 0 || tight < loosest) break;
        lexer_.advance();
        const Mark mark = tight == of_power ? Mark::power : op.mark;
        value = combined(mark, value, expression(tight == of_power ? of_power : tight + 1), op.at);
    }
    --expression_depth_;
    return value;
}

Value Reader::unary() {
    const Token op = lexer_.token();
    if (op.mark != Mark::minus && op.mark != Mark::exclamation && op.mark != Mark::tilde && op.mark != Mark::plus) return primary();
    lexer_.advance();
    const Value value = expression(of_unary);
    return op.mark == Mark::plus ? value : negated(op.mark, value, op.at);
}

Value Reader::primary() {
    const Token token = lexer_.token();
    switch (token.mark) {
        case Mark::whole:
        case Mark::real:
            return number();
        case Mark::time:
            return time_value();
        case Mark::text:
            return bit_string();
        case Mark::name:
            return named_value();
        case Mark::left_round: {
            lexer_.advance();
            const Value value = expression();
            expect(Mark::right_round, ")");
            return indexed(value);
        }
        default:
            complain(token.at, fmt::format("expected a value here, not {}", shown()));
    }
}

Value Reader::named_value() {
    const Token token = lexer_.token();
    if (lexer_.is_free_name()) {
        lexer_.advance();
        if (lexer_.token().mark == Mark::left_round) return function_call(token.symbol, token.at);
        const Name name = token.symbol < names_.size() ? names_[token.symbol] : Name{};
        switch (name.kind) {
            case Name::Kind::variable:
                return indexed(value_of(variables_[name.index], token.symbol, token.at));
            case Name::Kind::bits: {
                if (defining_ != nullptr) complain(token.at, "a gate cannot depend on bits");
                Value value{.form = Value::Form::selection, .type = Type::bits, .at = token.at};
                value.bits = selected(name, token.at);
                value.width = value.bits.size;
                return indexed(value);
            }
            case Name::Kind::parameter:
                return formula(Function::parameter, name.index, 0, token.at);
            case Name::Kind::qubits:
            case Name::Kind::formal:
                complain(token.at, fmt::format("'{}' is a qubit; a value is needed here", lexer_.name_of(token.symbol)));
            case Name::Kind::none:
                break;
        }
        complain(token.at, fmt::format("there is nothing named '{}' here; declare it first", lexer_.name_of(token.symbol)));
    }
    switch (static_cast<Word>(token.symbol)) {
        case Word::pi:
        case Word::pi_sign:
            lexer_.advance();
            return known_real(std::numbers::pi, token.at);
        case Word::tau:
        case Word::tau_sign:
            lexer_.advance();
            return known_real(2 * std::numbers::pi, token.at);
        case Word::euler:
        case Word::euler_sign:
            lexer_.advance();
            return known_real(std::numbers::e, token.at);
        case Word::true_:
        case Word::false_:
            lexer_.advance();
            return known_whole(token.symbol == static_cast<std::uint32_t>(Word::true_), token.at, Type::boolean, 1);
        case Word::int_:
        case Word::uint:
        case Word::float_:
        case Word::angle:
        case Word::bool_:
        case Word::bit:
            return cast();
        case Word::pow:
            lexer_.advance();
            return function_call(token.symbol, token.at);
        case Word::measure:
            complain(token.at, "a measurement stands alone on the right side of '='");
        case Word::durationof:
            refuse_word();
            break;
        default:
            break;
    }
    complain(token.at, fmt::format("expected a value here, not {}", shown()));
}

Value Reader::cast() {
    const Token token = lexer_.token();
    lexer_.advance();
    const auto width = designator();
    expect(Mark::left_round, "(");
    const Value value = expression();
    expect(Mark::right_round, ")");
    Type type = Type::bits;
    switch (static_cast<Word>(token.symbol)) {
        case Word::int_:
            type = Type::whole;
            break;
        case Word::uint:
            type = Type::natural;
            break;
        case Word::float_:
            type = Type::real;
            break;
        case Word::angle:
            type = Type::angle;
            break;
        case Word::bool_:
            type = Type::boolean;
            break;
        default:
            break;
    }
    const std::uint32_t usual = type == Type::boolean ? 1 : type == Type::bits ? std::max(value.width, 1u) : 64;
    return indexed(converted(value, type, width.value_or(std::min(usual, 64u))));
}

Value Reader::function_call(std::uint32_t symbol, std::uint32_t place) {
    const std::string_view called = lexer_.name_of(symbol);
    const Named* found = nullptr;
    for (const Named& each : functions)
        if (each.name == called) found = &each;
    if (found == nullptr)
        complain(place, fmt::format("there is no function '{}' here; known are sin, cos, tan, exp, ln, sqrt and the like", called));
    expect(Mark::left_round, "(");
    const Value a = expression();
    const bool takes_two = found->function == Function::modulo || found->function == Function::power;
    if (takes_two) expect(Mark::comma, ",");
    const Value b = takes_two ? expression() : known_real(0, place);
    expect(Mark::right_round, ")");
    if (takes_two) return combined(found->function == Function::modulo ? Mark::modulo : Mark::power, a, b, place);
    return applied_to(found->function, a, b, place);
}

// value[k]: one bit of a number or of bits.
Value Reader::indexed(Value value) {
    while (lexer_.token().mark == Mark::left_square) {
        if (value.form == Value::Form::selection) {
            value.bits = picked(value.bits);
            value.width = value.bits.size;
            continue;
        }
        const std::uint32_t place = at();
        lexer_.advance();
        const Value index = expression();
        expect(Mark::right_square, "]");
        if (is_fraction(value.type)) complain(place, fmt::format("a {} has no bits; remove the index", name(value.type)));
        const Value shifted = combined(Mark::shift_right, value, index, place);
        value = combined(Mark::bit_and, shifted, known_whole(1, place), place);
        value.type = Type::bits;
        value.width = 1;
    }
    return value;
}

Value Reader::applied_to(Function function, const Value& a, const Value& b, std::uint32_t place) {
    if (a.form == Value::Form::formula || b.form == Value::Form::formula) {
        const std::uint32_t lhs = formula_node(a);
        return formula(function, lhs, function == Function::minus || function >= Function::sin ? lhs : formula_node(b), place);
    }
    return known_real(applied(function, fraction(a, "this"), fraction(b, "this")), place);
}

std::uint32_t Reader::formula_node(const Value& value) {
    if (value.form == Value::Form::formula) return value.node;
    const double number = fraction(value, "this");
    const std::uint32_t node = formula(Function::constant, 0, 0, value.at).node;
    defining_->formulas.back().constant = number;
    return node;
}

Value Reader::formula(Function function, std::uint32_t lhs, std::uint32_t rhs, std::uint32_t place) {
    defining_->formulas.push_back({function, lhs, rhs});
    Value value{.form = Value::Form::formula, .type = Type::real, .at = place};
    value.node = static_cast<std::uint32_t>(defining_->formulas.size() - 1);
    return value;
}

Value Reader::negated(Mark op, const Value& a, std::uint32_t place) {
    if (a.form == Value::Form::formula) {
        if (op != Mark::minus) complain(place, "gate parameters are numbers; only arithmetic is possible here");
        return formula(Function::minus, a.node, a.node, place);
    }
    if (!a.is_known()) {
        if (op == Mark::exclamation) return measured(node(Expression::Kind::not_, condition_of(a)), Type::boolean, 1, place);
        const std::uint32_t inner = node_of(a);
        if (op == Mark::minus) return measured(node(Expression::Kind::minus, inner), Type::whole, 64, place);
        return measured(node(Expression::Kind::bit_not, inner, 0, a.width == 0 ? 64 : a.width), a.type, a.width, place);
    }
    if (op == Mark::exclamation) return known_whole(is_fraction(a.type) ? a.real == 0 : a.whole == 0, place, Type::boolean, 1);
    if (op == Mark::minus) {
        Value value = a;
        value.at = place;
        value.real = -a.real;
        value.whole = static_cast<std::int64_t>(-static_cast<std::uint64_t>(a.whole));
        if (!is_fraction(a.type)) value.type = Type::whole;
        return value;
    }
    if (is_fraction(a.type)) complain(place, "'~' turns bits around; this is no number of bits");
    const auto width = a.width == 0 ? 64u : a.width;
    const std::uint64_t mask = width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
    return known_whole(static_cast<std::int64_t>(~static_cast<std::uint64_t>(a.whole) & mask), place, a.type, a.width);
}

Value Reader::combined(Mark op, const Value& a, const Value& b, std::uint32_t place) {
    const bool is_arithmetic =
        op == Mark::plus || op == Mark::minus || op == Mark::times || op == Mark::divide || op == Mark::modulo || op == Mark::power;
    if (a.form == Value::Form::formula || b.form == Value::Form::formula) {
        if (!is_arithmetic) complain(place, "gate parameters are numbers; only arithmetic is possible here");
        return applied_to(arithmetic(op), a, b, place);
    }
    if (!a.is_known() || !b.is_known()) return combined_measured(op, a, b, place);
    if (is_arithmetic && (is_fraction(a.type) || is_fraction(b.type))) {
        Value value = known_real(applied(arithmetic(op), a.real, b.real), place);
        const bool is_time = a.type == Type::duration || b.type == Type::duration;
        if (is_time && !(op == Mark::divide && a.type == b.type)) value.type = Type::duration;
        value.is_ticks = a.is_ticks || b.is_ticks;
        return value;
    }
    return combined_numbers(op, a, b, place);
}

std::int64_t Reader::whole_number(const Value& value, std::string_view what) {
    if (!value.is_known()) complain(value.at, fmt::format("{} must be known before the program runs; this depends on measured bits", what));
    if (is_fraction(value.type)) complain(value.at, fmt::format("{} must be a whole number", what));
    if (value.type == Type::natural && value.whole < 0) complain(value.at, fmt::format("{} must be smaller than this", what));
    return value.whole;
}

double Reader::fraction(const Value& value, std::string_view what) {
    if (!value.is_known()) complain(value.at, fmt::format("{} must be known before the program runs; it depends on measured bits", what));
    return value.real;
}

}  // namespace meridian::quantum::openqasm
