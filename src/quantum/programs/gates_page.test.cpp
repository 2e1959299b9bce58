#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "quantum/ir/gates.h"
#include "quantum/programs/openqasm.h"

namespace meridian::quantum {
namespace {

std::string page() {
    std::string text =
        "# Gates\n\nMade from the gate table (`src/quantum/ir/gates.cpp`) by the test `GateTable`; the same table drives parsers and "
        "engines.\n"
        "`MERIDIAN_WRITE_GATES=1 build/dev/bin/quantum_programs_test --gtest_filter='GateTable.*'` writes this page, and without the\n"
        "variable the test holds the page to the table.\n\n"
        "Operands are listed controls first, then targets. Angles are radians. Every gate takes the modifiers of OpenQASM 3 (`ctrl @`,\n"
        "`negctrl @`, `inv @`, `pow(k) @`). A program may define a gate of any of these names; its own definition counts then.\n\n"
        "| gate | other names | angles | controls | targets | diagonal | what it does |\n|---|---|--:|--:|--:|---|---|\n";
    for (const GateInfo& row : gates()) {
        std::string aliases;
        for (const std::string_view alias : row.aliases)
            if (!alias.empty()) aliases += fmt::format("{}`{}`", aliases.empty() ? "" : ", ", alias);
        std::string help;  // a bar ends a cell
        for (const char c : row.help) help += c == '|' ? "\\|" : std::string(1, c);
        text += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", row.name, aliases, row.parameters, row.controls, row.targets,
                            row.is_diagonal ? "yes" : "", help);
    }
    return text +
           "\nBeyond the table: `u0(gamma)` (the identity), `rccx` and `rc3x` (`rcccx`) of Qiskit's OpenQASM 2 header. In OpenQASM 3, `U`, "
           "`u2`\n"
           "and `u3` carry the phases of its specification, which show when they are controlled: e^(i theta/2) for `U(theta, phi, "
           "lambda)`,\n"
           "e^(-i (phi+lambda)/2) for the others.\n";
}

TEST(GateTable, IsThePageOfTheDocumentation) {
    const std::string path = std::string(std::getenv("MERIDIAN_SOURCE") ? std::getenv("MERIDIAN_SOURCE") : ".") + "/docs/quantum/gates.md";
    if (std::getenv("MERIDIAN_WRITE_GATES") != nullptr) std::ofstream(path) << page();
    std::stringstream now;
    now << std::ifstream(path).rdbuf();
    EXPECT_EQ(now.str(), page());
}

TEST(GateTable, IsWhatOpenQasmKnows) {
    for (const GateInfo& row : gates()) {
        if (row.gate == Gate::gphase) continue;
        for (std::string_view spelled : {row.name, row.aliases[0], row.aliases[1], row.aliases[2], row.aliases[3]}) {
            if (spelled.empty() || spelled == "u0") continue;
            std::string text = fmt::format("OPENQASM 2.0; qreg q[6]; {}", spelled);
            for (unsigned k = 0; k < row.parameters; ++k) text += fmt::format("{}0.{}", k == 0 ? "(" : ",", k + 1);
            if (row.parameters > 0) text += ")";
            for (unsigned k = 0; k < row.operands(); ++k) text += fmt::format("{}q[{}]", k == 0 ? " " : ",", k);
            const auto circuit = read_openqasm(text + ";");
            ASSERT_TRUE(circuit) << text << ": " << circuit.error().said;
            ASSERT_EQ(circuit->ops.size(), 1u);
            EXPECT_EQ(circuit->ops[0].gate, row.gate) << text;
        }
    }
}

}  // namespace
}  // namespace meridian::quantum
