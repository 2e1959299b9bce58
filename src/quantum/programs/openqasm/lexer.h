// Cuts OpenQASM text into tokens, on demand, and numbers the names that occur in it.
//
// The reader goes back in the text to read a loop's body again, so a token is no more than where it stands; numbers are read from the
// text when they are wanted. All tokens that are ever read, again or not, are counted against one bound: it is what bounds the time of
// programs that repeat themselves without end.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace meridian::quantum::openqasm {

// Thrown inside of this folder only; `read_openqasm` returns it.
struct Complaint {
    Diagnostic diagnostic;
};
[[noreturn]] void complain(std::size_t at, std::string said);

// clang-format off
enum class Mark : std::uint8_t {
    end, name, whole, real, time, text, hardware,                         // `time`: a number with a unit; `hardware`: $3
    semicolon, comma, colon, at, left_round, right_round, left_square, right_square, left_brace, right_brace, dot,
    assign, arrow, plus, minus, times, divide, modulo, power, join,       // join: ++
    bit_and, bit_or, caret, tilde, shift_left, shift_right,
    exclamation, and_, or_, equal, not_equal, less, less_equal, greater, greater_equal,
    add_to, subtract_from, multiply_by, divide_by, modulo_by, power_by, and_by, or_by, caret_by, tilde_by, shift_left_by, shift_right_by,
};
// Words that are numbered before all others. The first group is special in OpenQASM 2 as well.
enum class Word : std::uint32_t {
    openqasm, include, qreg, creg, gate, opaque, measure, reset, barrier, if_, pi,
    qubit, bit, int_, uint, float_, angle, bool_, duration, stretch, complex, array, const_, input, output, let, def, extern_, cal,
    defcal, defcalgrammar, else_, for_, in, while_, switch_, case_, default_, break_, continue_, return_, end, box, delay, nop, pragma,
    ctrl, negctrl, inv, pow, true_, false_, tau, euler, pi_sign, tau_sign, euler_sign, durationof, gphase, void_,
    count
};
// clang-format on
inline constexpr Word last_word_of_version_2 = Word::pi;

struct Token {
    Mark mark = Mark::end;
    std::uint32_t at = 0, length = 0;
    std::uint32_t symbol = 0;  // of a name
};

class Lexer {
public:
    Lexer(std::string_view text, std::size_t tokens_max);

    [[nodiscard]] const Token& token() const { return token_; }
    void advance();
    [[nodiscard]] std::string_view text_of(const Token& token) const { return text_.substr(token.at, token.length); }
    [[nodiscard]] std::string_view name_of(std::uint32_t symbol) const { return names_[symbol]; }
    [[nodiscard]] std::uint32_t symbol_of(std::string_view name);
    [[nodiscard]] std::size_t symbols() const { return names_.size(); }
    [[nodiscard]] std::string_view text() const { return text_; }

    // To the token that began at `at`.
    void go_to(std::uint32_t at);
    // The rest of the line, for pragmas and annotations.
    void skip_line();
    // Work that is none of reading, against the same bound.
    void charge(std::size_t steps);
    // OpenQASM 2 knows fewer words.
    void set_version(int version) { version_ = version; }
    [[nodiscard]] int version() const { return version_; }
    [[nodiscard]] bool is(Word word) const {
        return token_.mark == Mark::name && token_.symbol == static_cast<std::uint32_t>(word) &&
               (version_ != 2 || word <= last_word_of_version_2);
    }
    // A name that means nothing by itself.
    [[nodiscard]] bool is_free_name() const {
        const auto words = version_ == 2 ? static_cast<std::uint32_t>(last_word_of_version_2) + 1 : static_cast<std::uint32_t>(Word::count);
        return token_.mark == Mark::name && token_.symbol >= words;
    }

private:
    void skip_blanks();
    void read_number();
    void read_text(char quote);
    void read_mark();

    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t budget_;
    Token token_;
    int version_ = 3;
    std::vector<std::string_view> names_;
    std::vector<std::uint32_t> slots_;  // open addressing: symbol + 1, or 0
};

}  // namespace meridian::quantum::openqasm
