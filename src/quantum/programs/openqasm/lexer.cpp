#include "quantum/programs/openqasm/lexer.h"

#include <fmt/format.h>

#include <array>

namespace meridian::quantum::openqasm {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Word::count)> words = {
    "OPENQASM", "include", "qreg",       "creg",    "gate",    "opaque", "measure",  "reset",    "barrier",       "if",      "pi",
    "qubit",    "bit",     "int",        "uint",    "float",   "angle",  "bool",     "duration", "stretch",       "complex", "array",
    "const",    "input",   "output",     "let",     "def",     "extern", "cal",      "defcal",   "defcalgrammar", "else",    "for",
    "in",       "while",   "switch",     "case",    "default", "break",  "continue", "return",   "end",           "box",     "delay",
    "nop",      "pragma",  "ctrl",       "negctrl", "inv",     "pow",    "true",     "false",    "tau",           "euler",   "π",
    "τ",        "ℇ",       "durationof", "gphase",  "void"};

constexpr auto letters = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c) table[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    return table;
}();
bool is_letter(char c) { return letters[static_cast<unsigned char>(c)]; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t hash_of(std::string_view name) {
    std::uint64_t hash = 0x9E3779B97F4A7C15ull ^ name.size();
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
    return hash ^ hash >> 29;
}

struct Spelled {
    std::string_view text;
    Mark mark;
};
// Longer ones first among those that begin alike.
constexpr Spelled marks[] = {
    {"<<=", Mark::shift_left_by},
    {">>=", Mark::shift_right_by},
    {"**=", Mark::power_by},
    {"->", Mark::arrow},
    {"==", Mark::equal},
    {"!=", Mark::not_equal},
    {"<=", Mark::less_equal},
    {">=", Mark::greater_equal},
    {"<<", Mark::shift_left},
    {">>", Mark::shift_right},
    {"&&", Mark::and_},
    {"||", Mark::or_},
    {"++", Mark::join},
    {"**", Mark::power},
    {"+=", Mark::add_to},
    {"-=", Mark::subtract_from},
    {"*=", Mark::multiply_by},
    {"/=", Mark::divide_by},
    {"%=", Mark::modulo_by},
    {"&=", Mark::and_by},
    {"|=", Mark::or_by},
    {"^=", Mark::caret_by},
    {"~=", Mark::tilde_by},
    {"=", Mark::assign},
    {"+", Mark::plus},
    {"-", Mark::minus},
    {"*", Mark::times},
    {"/", Mark::divide},
    {"%", Mark::modulo},
    {"&", Mark::bit_and},
    {"|", Mark::bit_or},
    {"^", Mark::caret},
    {"~", Mark::tilde},
    {"!", Mark::exclamation},
    {"<", Mark::less},
    {">", Mark::greater},
    {":", Mark::colon},
    {"@", Mark::at},
    {".", Mark::dot},
    {"{", Mark::left_brace},
    {"}", Mark::right_brace},
};

}  // namespace

void complain(std::size_t at, std::string said) { throw Complaint{{std::move(said), at}}; }

Lexer::Lexer(std::string_view text, std::size_t tokens_max) : text_(text), budget_(tokens_max), slots_(1024) {
    for (const std::string_view word : words) static_cast<void>(symbol_of(word));
    advance();
}

std::uint32_t Lexer::symbol_of(std::string_view name) {
    const std::uint64_t hash = hash_of(name);
    std::size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
        if (names_[slots_[slot] - 1] == name) return slots_[slot] - 1;
    names_.push_back(name);
    slots_[slot] = static_cast<std::uint32_t>(names_.size());
    if (names_.size() * 2 > slots_.size()) {
        std::vector<std::uint32_t> larger(slots_.size() * 4);
        for (std::uint32_t symbol = 0; symbol < names_.size(); ++symbol) {
            slot = hash_of(names_[symbol]) & (larger.size() - 1);
            while (larger[slot] != 0) slot = (slot + 1) & (larger.size() - 1);
            larger[slot] = symbol + 1;
        }
        slots_ = std::move(larger);
    }
    return static_cast<std::uint32_t>(names_.size() - 1);
}

void Lexer::go_to(std::uint32_t at) {
    position_ = at;
    advance();
}

void Lexer::skip_line() {
    const std::size_t end = text_.find('\n', token_.at);
    position_ = end == std::string_view::npos ? text_.size() : end;
    advance();
}

void Lexer::charge(std::size_t steps) {
    if (steps > budget_) complain(token_.at, "this program takes too many steps to expand; shorten its loops and its nested definitions");
    budget_ -= steps;
}

void Lexer::skip_blanks() {
    while (position_ < text_.size()) {
        const char c = text_[position_];
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
            ++position_;
        } else if (c == '#' || (c == '/' && text_.substr(position_, 2) == "//")) {  // #pragma speaks to other tools
            position_ = std::min(text_.find('\n', position_), text_.size());
        } else if (c == '/' && text_.substr(position_, 2) == "/*") {
            const std::size_t end = text_.find("*/", position_ + 2);
            if (end == std::string_view::npos) complain(position_, "this comment does not end; close it with */");
            position_ = end + 2;
        } else {
            return;
        }
    }
}

void Lexer::advance() {
    charge(1);
    skip_blanks();
    token_ = {Mark::end, static_cast<std::uint32_t>(position_), 0, 0};
    if (position_ == text_.size()) return;
    const std::size_t start = position_;
    const char c = text_[start];
    if (is_letter(c)) {
        while (position_ < text_.size() && (is_letter(text_[position_]) || is_digit(text_[position_]))) ++position_;
        token_.mark = Mark::name;
        token_.symbol = symbol_of(text_.substr(start, position_ - start));
    } else if (is_digit(c) || (c == '.' && start + 1 < text_.size() && is_digit(text_[start + 1]))) {
        read_number();
    } else if (c == '"' || c == '\'') {
        read_text(c);
    } else {
        read_mark();
    }
    token_.length = static_cast<std::uint32_t>(position_ - start);
}

void Lexer::read_number() {
    const auto now = [&] { return position_ < text_.size() ? text_[position_] : '\0'; };
    const auto digits = [&] {
        while (is_digit(now()) || now() == '_') ++position_;
    };
    token_.mark = Mark::whole;
    if (now() == '0' && position_ + 1 < text_.size() && std::string_view("xXbBoO").find(text_[position_ + 1]) != std::string_view::npos) {
        position_ += 2;
        while (is_digit(now()) || is_letter(now())) ++position_;
        return;
    }
    digits();
    if (now() == '.') {
        token_.mark = Mark::real;
        ++position_;
        digits();
    }
    if (now() == 'e' || now() == 'E') {
        const std::size_t mantissa = position_++;
        if (now() == '+' || now() == '-') ++position_;
        if (is_digit(now())) {
            token_.mark = Mark::real;
            digits();
        } else {
            position_ = mantissa;
        }
    }
    if (is_letter(now())) {
        token_.mark = Mark::time;
        while (is_letter(now()) || is_digit(now())) ++position_;
    }
}

void Lexer::read_text(char quote) {
    const std::size_t end = text_.find_first_of(quote == '"' ? "\"\n" : "'\n", position_ + 1);
    if (end == std::string_view::npos || text_[end] == '\n') complain(position_, "this string does not end; close it on the same line");
    token_.mark = Mark::text;
    position_ = end + 1;
}

void Lexer::read_mark() {
    const char c = text_[position_];
    const auto one = [&](Mark mark) {
        token_.mark = mark;
        ++position_;
    };
    switch (c) {  // what a gate call is made of, without a search
        case ';':
            return one(Mark::semicolon);
        case ',':
            return one(Mark::comma);
        case '[':
            return one(Mark::left_square);
        case ']':
            return one(Mark::right_square);
        case '(':
            return one(Mark::left_round);
        case ')':
            return one(Mark::right_round);
        default:
            break;
    }
    if (c == '$') {
        ++position_;
        while (position_ < text_.size() && is_digit(text_[position_])) ++position_;
        token_.mark = Mark::hardware;
        return;
    }
    for (const Spelled& spelled : marks) {
        if (!text_.substr(position_).starts_with(spelled.text)) continue;
        token_.mark = spelled.mark;
        position_ += spelled.text.size();
        return;
    }
    complain(position_, c >= ' ' && c <= '~'
                            ? fmt::format("'{}' means nothing here; remove it", c)
                            : fmt::format("the byte 0x{:02x} means nothing here; remove it", static_cast<unsigned char>(c)));
}

}  // namespace meridian::quantum::openqasm
