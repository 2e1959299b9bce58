// Numbers, durations and strings of bits as they are written.
#include <fmt/format.h>

#include <charconv>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {

Value Reader::number() {
    const Token token = lexer_.token();
    std::string_view text = lexer_.text_of(token);
    std::string without;
    if (text.find('_') != std::string_view::npos) {
        for (const char c : text)
            if (c != '_') without += c;
        text = without;
    }
    Value value{.at = token.at};
    std::from_chars_result read;
    if (token.mark == Mark::real) {
        value.type = Type::real;
        read = std::from_chars(text.data(), text.data() + text.size(), value.real);
    } else {
        std::uint64_t whole = 0;
        int base = 10;
        if (text.size() > 2 && text[0] == '0' && text[1] > '9') {
            base = (text[1] | 32) == 'x' ? 16 : (text[1] | 32) == 'o' ? 8 : 2;
            text.remove_prefix(2);
        }
        read = std::from_chars(text.data(), text.data() + text.size(), whole, base);
        value.whole = static_cast<std::int64_t>(whole);
        value.real = static_cast<double>(whole);
        if (value.whole < 0) value.type = Type::natural;
    }
    if (read.ec != std::errc() || read.ptr != text.data() + text.size())
        complain(token.at, fmt::format("{} is no number that can be read here", shown()));
    lexer_.advance();
    return value;
}

Value Reader::time_value() {
    const Token token = lexer_.token();
    const std::string_view text = lexer_.text_of(token);
    double amount = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), amount);
    const std::string_view unit = text.substr(static_cast<std::size_t>(read.ptr - text.data()));
    Value value{.type = Type::duration, .at = token.at};
    if (unit == "dt")
        value.is_ticks = true;
    else if (unit == "ns")
        amount *= 1e-9;
    else if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs")
        amount *= 1e-6;
    else if (unit == "ms")
        amount *= 1e-3;
    else if (unit != "s")
        complain(token.at, fmt::format("{} has no unit that is known; durations are in dt, ns, us, ms or s", shown()));
    value.real = amount;
    lexer_.advance();
    return value;
}

Value Reader::bit_string() {
    const Token token = lexer_.token();
    const std::string_view text = lexer_.text_of(token).substr(1, token.length - 2);
    Value value{.type = Type::bits, .at = token.at, .literal = token};
    for (const char c : text) {
        if (c == '_') continue;
        if (c != '0' && c != '1') complain(token.at, "a string of bits consists of 0 and 1");
        value.whole = static_cast<std::int64_t>(static_cast<std::uint64_t>(value.whole) << 1 | (c == '1'));
        ++value.width;
    }
    if (value.width == 0) complain(token.at, "a string of bits consists of 0 and 1");
    value.real = static_cast<double>(static_cast<std::uint64_t>(value.whole));
    lexer_.advance();
    return value;
}

}  // namespace meridian::quantum::openqasm
