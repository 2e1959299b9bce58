// Members of Cirq's JSON, and numbers that may be small formulas of sympy.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "quantum/programs/cirq/reader.h"

namespace meridian::quantum::cirq {

void complain(std::string said) { throw Complaint{std::move(said)}; }

std::string_view type_of(const Json& value) {
    const auto* type = text_member(value, "cirq_type");
    return type == nullptr ? std::string_view() : view(*type);
}

const Json& needed(const Json& object, std::string_view key) {
    const Json* found = member(object, key);
    if (found == nullptr) complain(fmt::format("{} needs the member '{}'", type_of(object).empty() ? "an object" : type_of(object), key));
    return *found;
}

const JsonArray& needed_array(const Json& object, std::string_view key) {
    const JsonArray* list = needed(object, key).if_array();
    if (list == nullptr) complain(fmt::format("'{}' must be a list", key));
    return *list;
}

std::string needed_text(const Json& object, std::string_view key) {
    const auto* text = needed(object, key).if_string();
    if (text == nullptr) complain(fmt::format("'{}' must be a text", key));
    return std::string(view(*text));
}

std::int64_t whole(const Json& value, std::string_view what) {
    if (value.is_int64()) return value.as_int64();
    if (value.is_bool()) return value.as_bool();
    if (value.is_double() && value.as_double() == std::floor(value.as_double()) && std::abs(value.as_double()) < 1e15)
        return static_cast<std::int64_t>(value.as_double());
    if (type_of(value) == "sympy.Integer") return whole(needed(value, "i"), what);
    complain(fmt::format("{} must be a whole number", what));
}

std::int64_t whole_or(const Json& object, std::string_view key, std::int64_t otherwise) {
    const Json* found = member(object, key);
    return found == nullptr || found->is_null() ? otherwise : whole(*found, key);
}

double Reader::symbol(std::string_view name) const {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
        if (const auto found = frame->symbols.find(name); found != frame->symbols.end()) return found->second;
    complain(fmt::format("the parameter '{}' has no value; resolve it before you send the circuit", name));
}

double Reader::number(const Json& value, unsigned depth) const {
    double result = std::nan("");
    if (depth > 32) complain("a formula is nested too deeply");
    const std::string_view type = type_of(value);
    const auto arguments = [&](double start, auto&& combine) {
        for (const Json& each : needed_array(value, "args")) start = combine(start, number(each, depth + 1));
        return start;
    };
    if (value.is_double()) {
        result = value.as_double();
    } else if (value.is_int64()) {
        result = static_cast<double>(value.as_int64());
    } else if (value.is_uint64()) {
        result = static_cast<double>(value.as_uint64());
    } else if (type == "sympy.Symbol") {
        result = symbol(needed_text(value, "name"));
    } else if (type == "sympy.Integer") {
        result = number(needed(value, "i"), depth + 1);
    } else if (type == "sympy.Float") {
        result = number(needed(value, "approx"), depth + 1);
    } else if (type == "sympy.Rational") {
        result = number(needed(value, "p"), depth + 1) / number(needed(value, "q"), depth + 1);
    } else if (type == "sympy.pi") {
        result = std::numbers::pi;
    } else if (type == "sympy.E") {
        result = std::numbers::e;
    } else if (type == "sympy.Add") {
        result = arguments(0, [](double a, double b) { return a + b; });
    } else if (type == "sympy.Mul") {
        result = arguments(1, [](double a, double b) { return a * b; });
    } else if (type == "sympy.Pow") {
        const JsonArray& both = needed_array(value, "args");
        if (both.size() == 2) result = std::pow(number(both[0], depth + 1), number(both[1], depth + 1));
    } else {
        complain("a number is expected here");
    }
    if (!std::isfinite(result)) complain("a number here is not finite");
    return result;
}

double Reader::number_of(const Json& object, std::string_view key) const { return number(needed(object, key)); }

double Reader::number_or(const Json& object, std::string_view key, double otherwise) const {
    const Json* found = member(object, key);
    return found == nullptr || found->is_null() ? otherwise : number(*found);
}

std::string Key::text() const {
    std::string all;
    for (const std::string& each : path) all += each + ':';
    return all + name;
}

Key Key::parse(std::string_view text) {
    Key key;
    for (std::size_t at; (at = text.find(':')) != std::string_view::npos; text.remove_prefix(at + 1))
        key.path.emplace_back(text.substr(0, at));
    key.name = text;
    return key;
}

}  // namespace meridian::quantum::cirq
