// Reads OpenQASM 2 and 3 into a circuit. Definitions are expanded and loops with known bounds unrolled; what depends on measured
// bits stays as branches and jumps.
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

namespace limits {
inline constexpr std::size_t read_steps = 1u << 26;  // of unrolling and expanding, beyond one for each token of the text
}  // namespace limits

struct ReadLimits {
    std::size_t operations = limits::operations;  // after expansion
    std::size_t steps = limits::read_steps;
};

// Values of the program's `input` variables, by name.
using Inputs = std::map<std::string, double, std::less<>>;

// A complaint's `at` is the byte in `text` that it is about; `place_of` turns it into a line and a column.
expected<Circuit> read_openqasm(std::string_view text, const ReadLimits& bounds = {}, const Inputs& inputs = {});

struct Place {
    std::size_t line = 1, column = 1;  // columns count characters, not bytes
    bool operator==(const Place&) const = default;
};
Place place_of(std::string_view text, std::size_t at);
// "line 3, column 5: there is no gate 'foo' ..."
std::string said_with_place(const Diagnostic& complaint, std::string_view text);

namespace limits {
inline constexpr std::size_t openqasm_bytes = std::size_t{64} << 20;
inline constexpr std::size_t openqasm_nesting = 64;                // blocks in blocks
inline constexpr std::size_t openqasm_definition_depth = 256;      // definitions that call definitions
inline constexpr std::size_t openqasm_unrolled = 1u << 16;         // rounds; a longer loop stays a loop
inline constexpr std::size_t operand_pool = std::size_t{1} << 26;  // operands of one circuit, those of barriers too
}  // namespace limits

}  // namespace meridian::quantum
