// Values that depend on measured bits: expressions of the circuit, and the variables that hold them.
#include <fmt/format.h>

#include <algorithm>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {
namespace {

using Kind = Expression::Kind;

constexpr std::int64_t sign_bit = std::int64_t{1} << 63;

std::optional<Kind> kind_of(Mark op) {
    switch (op) {
        case Mark::plus:
            return Kind::add;
        case Mark::minus:
            return Kind::subtract;
        case Mark::times:
            return Kind::multiply;
        case Mark::divide:
            return Kind::divide;
        case Mark::modulo:
            return Kind::modulo;
        case Mark::power:
            return Kind::power;
        case Mark::bit_and:
            return Kind::bit_and;
        case Mark::bit_or:
            return Kind::bit_or;
        case Mark::caret:
            return Kind::bit_xor;
        case Mark::shift_left:
            return Kind::shift_left;
        case Mark::shift_right:
            return Kind::shift_right;
        case Mark::equal:
            return Kind::equal;
        case Mark::not_equal:
            return Kind::not_equal;
        case Mark::less:
            return Kind::less;
        case Mark::less_equal:
            return Kind::less_equal;
        case Mark::greater:
            return Kind::greater;
        case Mark::greater_equal:
            return Kind::greater_equal;
        case Mark::and_:
            return Kind::and_;
        case Mark::or_:
            return Kind::or_;
        default:
            return std::nullopt;
    }
}

bool is_relation(Kind kind) { return kind >= Kind::equal; }
bool is_order(Kind kind) { return kind >= Kind::less && kind <= Kind::greater_equal; }
bool is_wide(const Value& value) { return value.type == Type::bits && value.width > 64; }

}  // namespace

// Equal expressions are written once: a program that asks the same question before each gate has one.
std::uint32_t Reader::node(Kind kind, std::uint32_t lhs, std::uint32_t rhs, std::int64_t value) {
    const Expression made{kind, lhs, rhs, value};
    std::uint64_t hash = static_cast<std::uint64_t>(kind) * 0x9E3779B97F4A7C15ull;
    for (const std::uint64_t part : {std::uint64_t{lhs}, std::uint64_t{rhs}, static_cast<std::uint64_t>(value)})
        hash = (hash ^ part ^ hash >> 31) * 0xBF58476D1CE4E5B9ull;
    auto& alike = known_nodes_[hash];
    for (const std::uint32_t known : alike)
        if (circuit_.expressions[known] == made) return known;
    if (circuit_.expressions.size() >= limits::expressions)
        complain(at(), fmt::format("this program has more than {} expressions over measured bits; use fewer", limits::expressions));
    const bool is_leaf = kind <= Kind::variable, is_single = kind <= Kind::not_;
    const std::uint16_t below = is_leaf ? 0 : is_single ? node_depths_[lhs] : std::max(node_depths_[lhs], node_depths_[rhs]);
    if (below + 1u > limits::expression_depth)
        complain(at(), fmt::format("this expression over measured bits is nested more than {} deep; store a part of it in a variable",
                                   limits::expression_depth));
    node_depths_.push_back(static_cast<std::uint16_t>(below + 1));
    alike.push_back(circuit_.add_expression(made));
    return alike.back();
}

std::uint32_t Reader::node_of_bits(const Selection& bits, std::uint32_t first, std::uint32_t count) {
    if (bits.list == Selection::no_list)
        return count == 1 ? node(Kind::bit, bits.first + first) : node(Kind::bits, bits.first + first, count);
    std::uint32_t all = 0;
    for (std::uint32_t k = 0; k < count; ++k) {
        std::uint32_t one = node(Kind::bit, element(bits, first + k));
        if (k != 0) one = node(Kind::shift_left, one, node(Kind::constant, 0, 0, k));
        all = k == 0 ? one : node(Kind::bit_or, all, one);
    }
    return all;
}

std::uint32_t Reader::node_of(const Value& value) {
    switch (value.form) {
        case Value::Form::known:
            if (is_fraction(value.type)) complain(value.at, "fractions cannot be combined with measured bits; use whole numbers");
            if (is_wide(value)) complain(value.at, "more than 64 bits can be compared and copied, but not computed with");
            return node(Kind::constant, 0, 0, value.whole);
        case Value::Form::measured:
            return value.node;
        case Value::Form::selection:
            if (is_wide(value)) complain(value.at, "more than 64 bits can be compared and copied, but not computed with");
            return node_of_bits(value.bits, 0, value.bits.size);
        case Value::Form::formula:
            break;
    }
    complain(value.at, "gate parameters cannot be combined with measured bits");
}

Value Reader::measured(std::uint32_t node, Type type, std::uint32_t width, std::uint32_t place) {
    return Value{.form = Value::Form::measured, .type = type, .width = width, .node = node, .at = place};
}

std::uint32_t Reader::condition_of(const Value& value) {
    if (is_wide(value)) return compared_wide(Mark::not_equal, value, known_whole(0, value.at), value.at).node;
    return node_of(value);
}

// == and != of more than 64 bits, 64 at a time.
Value Reader::compared_wide(Mark op, const Value& a, const Value& b, std::uint32_t place) {
    if (op != Mark::equal && op != Mark::not_equal) complain(place, "more than 64 bits can be compared with == and != only");
    const Value& wide = a.form == Value::Form::selection && is_wide(a) ? a : b;
    const Value& other = &wide == &a ? b : a;
    if (wide.form != Value::Form::selection) complain(place, "more than 64 bits can be compared and copied, but not computed with");
    std::string_view digits;
    if (other.literal.length > 0) digits = lexer_.text_of(other.literal).substr(1, other.literal.length - 2);
    std::uint32_t all = 0;
    for (std::uint32_t first = 0; first < wide.width; first += 64) {
        const std::uint32_t count = std::min(64u, wide.width - first);
        std::uint32_t right = 0;
        if (!digits.empty()) {
            std::uint64_t word = 0;
            for (std::uint32_t k = 0; k < count && !digits.empty(); digits.remove_suffix(1)) {
                if (digits.back() == '_') continue;
                word |= std::uint64_t{digits.back() == '1'} << k++;
            }
            right = node(Kind::constant, 0, 0, static_cast<std::int64_t>(word));
        } else if (other.form == Value::Form::selection && other.width > first) {
            right = node_of_bits(other.bits, first, std::min(64u, other.width - first));
        } else if (first == 0) {
            right = node_of(other);
        } else {
            right = node(Kind::constant, 0, 0, other.is_known() && other.type == Type::whole && other.whole < 0 ? -1 : 0);
        }
        const std::uint32_t same = node(Kind::equal, node_of_bits(wide.bits, first, count), right);
        all = first == 0 ? same : node(Kind::and_, all, same);
    }
    return measured(op == Mark::equal ? all : node(Kind::not_, all), Type::boolean, 1, place);
}

Value Reader::combined_measured(Mark op, const Value& a, const Value& b, std::uint32_t place) {
    const auto kind = kind_of(op);
    if (!kind) complain(place, "these two cannot be combined like this");
    if (*kind == Kind::and_ || *kind == Kind::or_) return measured(node(*kind, condition_of(a), condition_of(b)), Type::boolean, 1, place);
    if ((is_wide(a) && a.form == Value::Form::selection) || (is_wide(b) && b.form == Value::Form::selection))
        return compared_wide(op, a, b, place);
    std::uint32_t lhs = node_of(a), rhs = node_of(b);
    if (is_relation(*kind)) {
        // Only numbers of 64 bits without a sign need more than the signed comparison of the circuit's expressions.
        const bool may_be_large =
            a.type != Type::whole && b.type != Type::whole && (a.width == 0 || a.width >= 64 || b.width == 0 || b.width >= 64);
        if (is_order(*kind) && may_be_large) {
            const std::uint32_t flip = node(Kind::constant, 0, 0, sign_bit);
            lhs = node(Kind::bit_xor, lhs, flip);
            rhs = node(Kind::bit_xor, rhs, flip);
        }
        return measured(node(*kind, lhs, rhs), Type::boolean, 1, place);
    }
    const bool is_shift = *kind == Kind::shift_left || *kind == Kind::shift_right;
    const Type type = is_shift                                         ? a.type
                      : a.type == Type::bits && b.type == Type::bits   ? Type::bits
                      : a.type != Type::whole && b.type != Type::whole ? Type::natural
                                                                       : Type::whole;
    std::uint32_t width = is_shift ? a.width : std::max(a.width, b.width);
    std::uint32_t made = node(*kind, lhs, rhs);
    if (type == Type::bits && width < 64 && *kind == Kind::shift_left)
        made = node(Kind::bit_and, made, node(Kind::constant, 0, 0, static_cast<std::int64_t>((std::uint64_t{1} << width) - 1)));
    if (type != Type::bits && !is_shift && *kind < Kind::bit_and) width = 64;  // sums grow until they are assigned
    return measured(made, type, width, place);
}

// The value as a variable of that type and width holds it.
std::uint32_t Reader::narrowed(std::uint32_t value, const Value& from, Type type, std::uint32_t width) {
    const bool has_no_sign = from.type != Type::whole && !is_fraction(from.type);
    if (width >= 64 || (has_no_sign && from.width != 0 && (from.width < width || (from.width == width && type != Type::whole))))
        return value;
    const auto mask = static_cast<std::int64_t>((std::uint64_t{1} << width) - 1);
    const std::uint32_t low = node(Kind::bit_and, value, node(Kind::constant, 0, 0, mask));
    if (type != Type::whole) return low;
    const std::uint32_t sign = node(Kind::constant, 0, 0, std::int64_t{1} << (width - 1));
    return node(Kind::subtract, node(Kind::bit_xor, low, sign), sign);
}

Value Reader::value_of(const Variable& variable, std::uint32_t symbol, std::uint32_t place) {
    switch (variable.state) {
        case Variable::State::known: {
            Value value = variable.value;
            value.at = place;
            return value;
        }
        case Variable::State::stored:
            return measured(node(Kind::variable, variable.slot), variable.type, variable.width, place);
        case Variable::State::unset:
            break;
    }
    complain(place, fmt::format("'{}' has no value here; assign one first", lexer_.name_of(symbol)));
}

// Into the circuit's memory, with the value that is known.
void Reader::store(Variable& variable) {
    if (is_fraction(variable.type) || variable.is_constant || variable.state == Variable::State::stored) return;
    if (variable.slot == Variable::no_slot) {
        if (slots_ >= limits::variables) complain(at(), fmt::format("at most {} variables are possible", limits::variables));
        variable.slot = slots_++;
        circuit_.variables = std::max(circuit_.variables, slots_);
    }
    const std::int64_t value = variable.state == Variable::State::known ? variable.value.whole : 0;
    out_->add({.kind = Op::Kind::set, .first = node(Kind::constant, 0, 0, value), .target = variable.slot});
    variable.state = Variable::State::stored;
}

void Reader::assign(Variable& variable, std::uint32_t symbol, const Value& value) {
    const std::string_view called = lexer_.name_of(symbol);
    if (variable.is_constant && variable.state != Variable::State::unset)
        complain(value.at, fmt::format("'{}' is a constant and keeps its value", called));
    const Value result = converted(value, variable.type, variable.width);
    if (is_fraction(variable.type) && region_ > variable.region)
        complain(value.at, fmt::format("'{}' cannot change here, where measured bits decide what runs; use int or uint", called));
    if (result.is_known() && region_ == variable.region) {
        variable.state = Variable::State::known;
        variable.value = result;
        return;
    }
    const std::uint32_t expression = node_of(result);
    if (variable.slot == Variable::no_slot) {
        if (slots_ >= limits::variables) complain(at(), fmt::format("at most {} variables are possible", limits::variables));
        variable.slot = slots_++;
        circuit_.variables = std::max(circuit_.variables, slots_);
    }
    out_->add({.kind = Op::Kind::set, .first = expression, .target = variable.slot});
    variable.state = Variable::State::stored;
}

void Reader::assign_bits(const Selection& bits, const Value& value) {
    if (is_fraction(value.type)) complain(value.at, "a fraction does not fit into bits");
    if (value.type == Type::bits && value.width != bits.size)
        complain(value.at, fmt::format("{} bits do not fit into {}; both sides need the same number", value.width, bits.size));
    const auto set = [&](std::uint32_t k, std::uint32_t expression) {
        out_->add({.kind = Op::Kind::set_bit, .first = expression, .target = element(bits, k)});
    };
    if (value.form == Value::Form::selection) {  // also more than 64
        for (std::uint32_t k = 0; k < bits.size; ++k) set(k, node(Kind::bit, element(value.bits, k)));
        return;
    }
    if (is_wide(value)) {
        std::string_view digits = lexer_.text_of(value.literal).substr(1, value.literal.length - 2);
        for (std::uint32_t k = 0; k < bits.size; digits.remove_suffix(1))
            if (digits.back() != '_') set(k++, node(Kind::constant, 0, 0, digits.back() == '1'));
        return;
    }
    if (bits.size == 1)
        return set(0, value.type == Type::bits || value.type == Type::boolean
                          ? node_of(value)
                          : node(Kind::bit_and, node_of(value), node(Kind::constant, 0, 0, 1)));
    if (value.is_known()) {
        for (std::uint32_t k = 0; k < bits.size; ++k)
            set(k, node(Kind::constant, 0, 0, k < 64 ? value.whole >> k & 1 : value.type == Type::whole && value.whole < 0));
        return;
    }
    // Through a variable, since the bits may stand on both sides.
    if (slots_ >= limits::variables) complain(value.at, fmt::format("at most {} variables are possible", limits::variables));
    circuit_.variables = std::max(circuit_.variables, slots_ + 1);
    out_->add({.kind = Op::Kind::set, .first = node_of(value), .target = slots_});
    const std::uint32_t all = node(Kind::variable, slots_);
    for (std::uint32_t k = 0; k < bits.size; ++k) {
        const std::uint32_t shifted = k == 0 ? all : node(Kind::shift_right, all, node(Kind::constant, 0, 0, std::min(k, 63u)));
        set(k, k < 64 ? node(Kind::bit_and, shifted, node(Kind::constant, 0, 0, 1)) : node(Kind::constant));
    }
}

// The name was read; what follows is an index, '=' or one of its relatives.
void Reader::assignment(std::uint32_t symbol, std::uint32_t place) {
    const std::size_t lists = lists_.size();
    const Name name = names_[symbol];
    const bool is_bits = name.kind == Name::Kind::bits;
    if (!is_bits && name.kind != Name::Kind::variable) complain(place, fmt::format("'{}' cannot be assigned to", lexer_.name_of(symbol)));
    Selection bits;
    if (is_bits) bits = picked(selected(name, place));
    const Token op = lexer_.token();
    if (op.mark < Mark::add_to && op.mark != Mark::assign) complain(op.at, fmt::format("expected '=' here, not {}", shown()));
    lexer_.advance();
    if (lexer_.is(Word::measure)) {
        if (!is_bits || op.mark != Mark::assign) complain(at(), "measure into a bit, with '='");
        measure_into(measured_qubits(), bits, place);
    } else {
        Value value = expression();
        if (op.mark != Mark::assign) {
            constexpr Mark of[] = {Mark::plus,    Mark::minus,  Mark::times, Mark::divide, Mark::modulo,     Mark::power,
                                   Mark::bit_and, Mark::bit_or, Mark::caret, Mark::tilde,  Mark::shift_left, Mark::shift_right};
            Value before;
            if (is_bits)
                before = Value{.form = Value::Form::selection, .type = Type::bits, .width = bits.size, .at = place, .bits = bits};
            else
                before = value_of(variables_[name.index], symbol, place);
            value = combined(of[static_cast<std::size_t>(op.mark) - static_cast<std::size_t>(Mark::add_to)], before, value, op.at);
        }
        if (is_bits)
            assign_bits(bits, value);
        else
            assign(variables_[name.index], symbol, value);
    }
    lists_.resize(lists);
    expect(Mark::semicolon, ";");
}

}  // namespace meridian::quantum::openqasm
