// What an expression of OpenQASM is worth while a program is read: a number that is known, a formula over the parameters of the gate
// that is being defined, or something that depends on measured bits.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "quantum/programs/openqasm/lexer.h"

namespace meridian::quantum::openqasm {

enum class Type : std::uint8_t { boolean, bits, whole, natural, real, angle, duration };
std::string_view name(Type type);
inline bool is_fraction(Type type) { return type == Type::real || type == Type::angle || type == Type::duration; }

// Qubits or bits that were named: `size` of them from `first` on, or the numbers at `list` in the reader's pool.
struct Selection {
    static constexpr std::uint32_t no_list = ~std::uint32_t{0};
    std::uint32_t first = 0, size = 0, list = no_list;
    std::uint32_t at = 0;
    bool is_single = false;  // one, not a register of one
};

struct Value {
    enum class Form : std::uint8_t { known, formula, measured, selection };
    Form form = Form::known;
    Type type = Type::whole;
    std::uint32_t width = 0;  // 0: as wide as it must be
    std::int64_t whole = 0;
    double real = 0;         // also of a whole number: 1/2 in an angle is a half, as everybody means it
    std::uint32_t node = 0;  // of a formula, or an expression of the circuit
    std::uint32_t at = 0;
    Selection bits = {};    // of Form::selection
    Token literal = {};     // of a bit string of more than 64 digits
    bool is_ticks = false;  // a duration in dt

    [[nodiscard]] bool is_known() const { return form == Form::known; }
};
Value known_whole(std::int64_t n, std::uint32_t at, Type type = Type::whole, std::uint32_t width = 0);
Value known_real(double r, std::uint32_t at, Type type = Type::real);

// Functions and operators that both numbers and formulas know.
enum class Function : std::uint8_t {
    constant,
    parameter,
    minus,
    add,
    subtract,
    multiply,
    divide,
    modulo,
    power,
    sin,
    cos,
    tan,
    arcsin,
    arccos,
    arctan,
    exp,
    ln,
    sqrt,
    floor,
    ceiling,
    absolute,
};
double applied(Function function, double a, double b);

// A node of a formula; the sides stand before it in the definition's list. `lhs` of a parameter is its number.
struct Formula {
    Function function = Function::constant;
    std::uint32_t lhs = 0, rhs = 0;
    double constant = 0;
};

}  // namespace meridian::quantum::openqasm
