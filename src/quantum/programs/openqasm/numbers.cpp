// Whole numbers that are known, and conversions between types.
#include <fmt/format.h>

#include <cmath>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {
namespace {

std::uint64_t low_bits(std::uint32_t width) { return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1; }

template <class T>
std::optional<bool> compared(Mark op, T a, T b) {
    switch (op) {
        case Mark::equal:
            return a == b;
        case Mark::not_equal:
            return a != b;
        case Mark::less:
            return a < b;
        case Mark::less_equal:
            return a <= b;
        case Mark::greater:
            return a > b;
        case Mark::greater_equal:
            return a >= b;
        default:
            return std::nullopt;
    }
}

std::int64_t raised(std::int64_t base, std::int64_t exponent) {
    std::uint64_t result = 1, square = static_cast<std::uint64_t>(base);
    for (; exponent != 0; exponent >>= 1, square *= square)
        if (exponent & 1) result *= square;
    return static_cast<std::int64_t>(result);
}

std::int64_t divided(Mark op, std::int64_t a, std::int64_t b, bool is_natural) {
    if (is_natural) {
        const auto ua = static_cast<std::uint64_t>(a), ub = static_cast<std::uint64_t>(b);
        return static_cast<std::int64_t>(op == Mark::divide ? ua / ub : ua % ub);
    }
    if (b == -1) return op == Mark::divide ? static_cast<std::int64_t>(-static_cast<std::uint64_t>(a)) : 0;
    return op == Mark::divide ? a / b : a % b;
}

bool is_true(const Value& value) { return is_fraction(value.type) ? value.real != 0 : value.whole != 0; }

}  // namespace

Value Reader::combined_numbers(Mark op, const Value& a, const Value& b, std::uint32_t place) {
    if (op == Mark::and_) return known_whole(is_true(a) && is_true(b), place, Type::boolean, 1);
    if (op == Mark::or_) return known_whole(is_true(a) || is_true(b), place, Type::boolean, 1);
    const bool is_natural = a.type != Type::whole && b.type != Type::whole;
    const bool has_fraction = is_fraction(a.type) || is_fraction(b.type);
    const auto ua = static_cast<std::uint64_t>(a.whole), ub = static_cast<std::uint64_t>(b.whole);
    const auto relation = has_fraction ? compared(op, a.real, b.real) : is_natural ? compared(op, ua, ub) : compared(op, a.whole, b.whole);
    if (relation) return known_whole(*relation, place, Type::boolean, 1);
    if (has_fraction) complain(place, "this works on whole numbers and bits; remove the fraction");
    if ((a.literal.length > 0 && a.width > 64) || (b.literal.length > 0 && b.width > 64))
        complain(place, "more than 64 bits can be compared and copied, but not computed with");

    const Type type = op == Mark::shift_left || op == Mark::shift_right ? a.type
                      : a.type == Type::bits && b.type == Type::bits    ? Type::bits
                      : is_natural                                      ? Type::natural
                                                                        : Type::whole;
    const std::uint32_t width = type == Type::bits             ? std::max(a.width, b.width)
                                : a.width == 0 || b.width == 0 ? 0
                                                               : std::max(a.width, b.width);
    std::int64_t result = 0;
    double exact = 0;
    bool is_exact = false;  // literals keep their fraction: 1/2 is a half in an angle
    switch (op) {
        case Mark::plus:
            result = static_cast<std::int64_t>(ua + ub);
            break;
        case Mark::minus:
            result = static_cast<std::int64_t>(ua - ub);
            break;
        case Mark::times:
            result = static_cast<std::int64_t>(ua * ub);
            break;
        case Mark::divide:
        case Mark::modulo:
            if (b.whole == 0) complain(place, "this divides by 0");
            result = divided(op, a.whole, b.whole, is_natural);
            break;
        case Mark::power:
            if (b.whole < 0 && a.whole == 0) complain(place, "this divides by 0");
            result = b.whole < 0 ? (a.whole == 1 ? 1 : 0) : raised(a.whole, b.whole);
            break;
        case Mark::bit_and:
            result = a.whole & b.whole;
            break;
        case Mark::bit_or:
            result = a.whole | b.whole;
            break;
        case Mark::caret:
            result = a.whole ^ b.whole;
            break;
        case Mark::shift_left:
            result = ub < 64 ? static_cast<std::int64_t>(ua << ub) : 0;
            break;
        case Mark::shift_right:
            result = ub < 64 ? static_cast<std::int64_t>(ua >> ub) : 0;
            break;
        default:
            complain(place, "these two cannot be combined like this");
    }
    if (a.width == 0 && b.width == 0 &&
        (op == Mark::plus || op == Mark::minus || op == Mark::times || op == Mark::divide || op == Mark::power)) {
        is_exact = true;
        exact = applied(op == Mark::plus    ? Function::add
                        : op == Mark::minus ? Function::subtract
                        : op == Mark::times ? Function::multiply
                        : op == Mark::power ? Function::power
                                            : Function::divide,
                        a.real, b.real);
    }
    if (type == Type::bits && width < 64) result &= static_cast<std::int64_t>(low_bits(width));
    Value value = known_whole(result, place, type, width);
    if (is_exact) value.real = exact;
    return value;
}

Value Reader::converted(const Value& value, Type type, std::uint32_t width) {
    if (value.form == Value::Form::formula) complain(value.at, "gate parameters are numbers; they cannot be converted");
    if (!value.is_known()) {
        if (is_fraction(type)) complain(value.at, fmt::format("a {} cannot depend on measured bits here; use int or uint", name(type)));
        if (type == Type::boolean) return measured(condition_of(value), type, 1, value.at);
        return measured(narrowed(node_of(value), value, type, width), type, width, value.at);
    }
    if (type == Type::boolean) return known_whole(is_true(value), value.at, type, 1);
    if (is_fraction(type)) {
        if ((type == Type::duration) != (value.type == Type::duration))
            complain(value.at, "durations and numbers do not mix; write a unit such as ns");
        Value result = known_real(value.real, value.at, type);
        result.is_ticks = value.is_ticks;
        return result;
    }
    std::int64_t whole = value.whole;
    if (is_fraction(value.type)) {
        if (value.type == Type::duration || !(std::abs(value.real) < 9.2e18)) complain(value.at, "this is no number of that type");
        whole = static_cast<std::int64_t>(value.real);
    }
    auto bits = static_cast<std::uint64_t>(whole) & low_bits(width);
    if (type == Type::whole && width < 64 && (bits >> (width - 1) & 1) != 0) bits |= ~low_bits(width);
    return known_whole(static_cast<std::int64_t>(bits), value.at, type, width);
}

}  // namespace meridian::quantum::openqasm
