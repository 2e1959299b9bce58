#include "quantum/programs/openqasm/value.h"

#include <cmath>

namespace meridian::quantum::openqasm {

std::string_view name(Type type) {
    switch (type) {
        case Type::boolean:
            return "bool";
        case Type::bits:
            return "bit";
        case Type::whole:
            return "int";
        case Type::natural:
            return "uint";
        case Type::real:
            return "float";
        case Type::angle:
            return "angle";
        case Type::duration:
            return "duration";
    }
    return {};
}

Value known_whole(std::int64_t n, std::uint32_t at, Type type, std::uint32_t width) {
    Value value{.type = type, .width = width, .whole = n, .real = static_cast<double>(n), .at = at};
    if (type == Type::natural && n < 0) value.real = static_cast<double>(static_cast<std::uint64_t>(n));
    return value;
}

Value known_real(double r, std::uint32_t at, Type type) { return Value{.type = type, .real = r, .at = at}; }

double applied(Function function, double a, double b) {
    switch (function) {
        case Function::constant:
        case Function::parameter:
            return a;
        case Function::minus:
            return -a;
        case Function::add:
            return a + b;
        case Function::subtract:
            return a - b;
        case Function::multiply:
            return a * b;
        case Function::divide:
            return a / b;
        case Function::modulo:
            return std::fmod(a, b);
        case Function::power:
            return std::pow(a, b);
        case Function::sin:
            return std::sin(a);
        case Function::cos:
            return std::cos(a);
        case Function::tan:
            return std::tan(a);
        case Function::arcsin:
            return std::asin(a);
        case Function::arccos:
            return std::acos(a);
        case Function::arctan:
            return std::atan(a);
        case Function::exp:
            return std::exp(a);
        case Function::ln:
            return std::log(a);
        case Function::sqrt:
            return std::sqrt(a);
        case Function::floor:
            return std::floor(a);
        case Function::ceiling:
            return std::ceil(a);
        case Function::absolute:
            return std::abs(a);
    }
    return 0;
}

}  // namespace meridian::quantum::openqasm
