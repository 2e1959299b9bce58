#include "quantum/programs/openqasm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numbers>

#include "quantum/ir/definition.h"
#include "quantum/programs/listing.h"
#include "quantum/programs/matrices.h"

namespace meridian::quantum {
namespace {

const std::string two = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n";
const std::string three = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";

struct Accepted {
    std::string_view says;
    std::string text;
    std::string_view ops;
};

class OpenQasm : public testing::TestWithParam<Accepted> {};

TEST(Inputs, AreConstantsOfTheirTypes) {
    const std::string text = three +
                             "input float t; input angle[20] a; input int n; input bool b; input bit[3] s; input bit one; qubit[3] q;\n"
                             "gate g x { rx(2 * t) x; } g q[0]; rz(a + pi) q[1]; for int k in [0:n] { x q[k]; } if (b) { y q[0]; }\n"
                             "if (s[1]) { z q[0]; } if (s[0]) { z q[1]; } if (one) { z q[2]; }";
    const auto circuit = read_openqasm(text, {}, {{"t", 0.25}, {"a", -1}, {"n", 1}, {"b", 1}, {"s", 6}, {"one", 1}});
    ASSERT_TRUE(circuit) << said_with_place(circuit.error(), text);
    EXPECT_EQ(listing(*circuit), "rx(0.5) 0; rz(2.14159) 1; x 0; x 1; y 0; z 0; z 2");
}

TEST(Inputs, ThatDoNotFitAreComplaints) {
    struct Row {
        std::string text;
        Inputs inputs;
        std::string_view said;
    };
    const Row rows[] = {
        {"input float t; qubit q; rx(t) q;",
         {},
         "line 1, column 13: the input 't' has no value; bind the parameters before you send the program"},
        {"input float t;", {{"t", 1}, {"u", 2}}, "line 1, column 1: the program has no input 'u', which a value was given for"},
        {"input int n;", {{"n", 0.5}}, "line 1, column 11: 'n' takes a whole number, not 0.5"},
        {"input uint n;", {{"n", 1e300}}, "line 1, column 12: 'n' takes a whole number, not 1e+300"},
        {"input float t;", {{"t", std::nan("")}}, "line 1, column 13: the value of 't' is no finite number"},
        {"input float t; t = 2;", {{"t", 1}}, "line 1, column 20: 't' is a constant and keeps its value"},
        {"input float t; input float t;", {{"t", 1}}, "line 1, column 28: 't' is declared twice; choose another name"},
        {"if (true) { input float t; }", {{"t", 1}}, "line 1, column 13: inputs are declared outside of all blocks; move this to the top"},
        {"input array[int, 3] t;",
         {{"t", 1}},
         "line 1, column 7: variables of type array are not read here; use int, uint, float, angle, bool or bit"},
        {"input complex t;",
         {{"t", 1}},
         "line 1, column 7: variables of type complex are not read here; use int, uint, float, angle, bool or bit"},
        {"input qubit t;", {{"t", 1}}, "line 1, column 7: expected a statement here, not 'qubit'"},
    };
    for (const auto& row : rows) {
        const auto circuit = read_openqasm(row.text, {}, row.inputs);
        ASSERT_FALSE(circuit) << row.text;
        EXPECT_EQ(said_with_place(circuit.error(), row.text), row.said);
    }
}

TEST_P(OpenQasm, IsReadAs) {
    const auto circuit = read_openqasm(GetParam().text);
    ASSERT_TRUE(circuit) << said_with_place(circuit.error(), GetParam().text);
    EXPECT_EQ(flaw(*circuit), "");
    EXPECT_EQ(listing(*circuit), GetParam().ops);
}

const Accepted version_2[] = {
    {"a Bell pair", two + "qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;", "h 0; cx 0 1; measure 0 > 0; measure 1 > 1"},
    {"registers go together", two + "qreg a[2]; qreg b[2]; cx a,b; cx a[0],b; h a;", "cx 0 2; cx 1 3; cx 0 2; cx 0 3; h 0; h 1"},
    {"expressions", two + "qreg q[1]; rx(pi/2) q[0]; rx(-sin(0)+cos(0)*2^3) q[0]; u2(ln(exp(1)),sqrt(4)) q[0]; rz(tan(0)-1e-1) q[0];",
     "rx(1.5708) 0; rx(8) 0; u2(1,2) 0; rz(-0.1) 0"},
    {"U and CX", "OPENQASM 2.0; qreg q[2]; U(0.1,0.2,0.3) q[0]; CX q[0],q[1];", "u(0.1,0.2,0.3) 0; cx 0 1"},
    {"a definition is expanded", two + "gate g(a,b) p,q { rz(a/2) p; cx q,p; barrier p,q; ry(-b) q; } qreg q[2]; g(1,2) q[1],q[0];",
     "rz(0.5) 1; cx 0 1; barrier 1 0; ry(-2) 0"},
    {"a definition of the text beats the table", two + "gate rxx(t) a,b { h a; } qreg q[2]; rxx(0.3) q[0],q[1];", "h 0"},
    {"a condition on a register", two + "qreg q[1]; creg c[3]; if(c==5) x q[0];", "branch ((bits 0 3) == 5) > 2; x 0"},
    {"a condition on more than 64 bits", two + "qreg q[1]; creg c[70]; if(c==5) x q[0];",
     "branch (((bits 0 64) == 5) && ((bits 64 6) == 0)) > 2; x 0"},
    {"words of OpenQASM 3 are names", two + "qreg in[1]; creg let[1]; gate ctrl a { h a; } ctrl in[0]; measure in[0]->let[0];",
     "h 0; measure 0 > 0"},
    {"legacy gates", two + "qreg q[4]; u1(1) q[0]; u0(1) q[0]; cu1(1) q[0],q[1]; c3sqrtx q[0],q[1],q[2],q[3]; cu3(1,2,3) q[0],q[1];",
     "p(1) 0; cp(1) 0 1; c3sx 0 1 2 3; cu3(1,2,3) 0 1"},
    {"a delay as Qiskit writes it", two + "opaque delay(t) q; qreg q[1]; delay(100) q[0];", "delay(0) 0"},
    {"reset and barrier", two + "qreg q[3]; reset q; barrier q; barrier q[2],q[0];",
     "reset 0; reset 1; reset 2; barrier 0 1 2; barrier 0 2"},
    {"a phase as PennyLane writes it", two + "qreg q[1]; gphase(0.5) q[0]; x q[0];", "x 0"},
    {"comments", two + "/* a */ qreg q[1]; // b\nx q[0]; // c", "x 0"},
};
INSTANTIATE_TEST_SUITE_P(Version2, OpenQasm, testing::ValuesIn(version_2));

const Accepted version_3[] = {
    {"without a header", "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;", "h 0; cx 0 1; measure 0 > 0; measure 1 > 1"},
    {"a stretch needs no time", three + "qubit q; stretch s; delay[s] q; delay[2 * s + 100ns] q;", "delay(0) 0; delay(1e-07) 0"},
    {"single qubits and bits", three + "qubit q; bit c; x q; c = measure q; reset q;", "x 0; measure 0 > 0; reset 0"},
    {"physical qubits by their numbers", three + "x $7; cx $7, $2;", "x 1; cx 1 0"},
    {"aliases", three + "qubit[4] q; let a = q[1:2] ++ q[{3, 0}]; x a[3]; h a[0:2:2]; let b = a[-1]; z b;", "x 0; h 1; h 3; z 0"},
    {"control modifiers", three + "qubit[4] q; ctrl @ x q[0], q[1]; ctrl(2) @ negctrl @ z q[0],q[1],q[2],q[3]; ctrl @ cx q[0],q[1],q[2];",
     "x 0 1 controls 1; z 0 1 2 3 controls 110; cx 0 1 2 controls 11"},
    {"inverses",
     three + "qubit[2] q; inv @ s q[0]; inv @ rx(1) q[0]; inv @ inv @ t q[0]; gate g a, b { h a; s b; cx a, b; } inv @ g q[0], q[1];",
     "sdg 0; rx(-1) 0; t 0; cx 0 1; sdg 1; h 0"},
    {"whole powers",
     three +
         "qubit[2] q; pow(2) @ rx(0.5) q[0]; pow(-1) @ t q[0]; pow(0) @ h q[0]; gate g a { h a; s a; } pow(2) @ g q[1]; pow(-1) @ g q[1];",
     "rx(1) 0; tdg 0; unitary 0 [1 0 0 1]; h 1; s 1; h 1; s 1; sdg 1; h 1"},
    {"a fraction of an angle", three + "qubit q; pow(1/2) @ rz(1) q; pow(0.25) @ p(2) q;", "rz(0.5) 0; p(0.5) 0"},
    {"the root of x is sx", three + "qubit q; pow(0.5) @ x q;", "unitary 0 [0.5+0.5i 0.5-0.5i 0.5-0.5i 0.5+0.5i]"},
    {"a phase under controls", three + "qubit[2] q; gphase(0.5); ctrl @ gphase(1) q[0]; ctrl(2) @ gphase(1) q[0], q[1];",
     "p(1) 0; p(1) 0 1 controls 1"},
    {"U has the phase of OpenQASM 3 when controlled", three + "qubit[2] q; ctrl @ U(1, 0, 0) q[0], q[1];",
     "p(0.5) 0; u(1,0,0) 0 1 controls 1"},
    {"loops are unrolled", three + "qubit[5] q; for int i in [0:2] { h q[i]; rz(i * pi / 2) q[4 - i]; } for uint i in {4, 1} x q[i];",
     "h 0; rz(0) 4; h 1; rz(1.5708) 3; h 2; rz(3.14159) 2; x 4; x 1"},
    {"a range that counts down", three + "qubit[5] q; for int i in [4:-2:0] x q[i];", "x 4; x 2; x 0"},
    {"an empty range", three + "qubit[5] q; for int i in [4:0] x q[i]; h q[0];", "h 0"},
    {"a branch with else", three + "qubit[2] q; bit[2] c; if (c[0]) { x q[0]; } else { h q[0]; z q[0]; } y q[1];",
     "branch (bit 0) > 3; x 0; jump > 5; h 0; z 0; y 1"},
    {"else if", three + "qubit q; bit[2] c; if (c == 1) x q; else if (c == 2) y q; else z q;",
     "branch ((bits 0 2) == 1) > 3; x 0; jump > 7; branch ((bits 0 2) == 2) > 6; y 0; jump > 7; z 0"},
    {"a loop on measured bits", three + "qubit q; bit c; while (!c) { h q; c = measure q; }",
     "branch !(bit 0) > 4; h 0; measure 0 > 0; jump > 0"},
    {"break and continue", three + "qubit q; bit c; while (true) { h q; c = measure q; if (c) { break; } x q; }",
     "branch 1 > 7; h 0; measure 0 > 0; branch (bit 0) > 5; jump > 7; x 0; jump > 0"},
    {"a known break ends an unrolled loop", three + "qubit[9] q; for int i in [0:8] { if (i == 2) { break; } x q[i]; y q[i]; } z q[0];",
     "x 0; y 0; x 1; y 1; z 0"},
    {"a known continue", three + "qubit[9] q; for int i in [0:2] { if (i == 1) continue; x q[i]; }", "x 0; x 2"},
    {"a loop over a known variable", three + "qubit[9] q; int i = 0; while (i < 3) { x q[i]; i += 1; }", "x 0; x 1; x 2"},
    {"a measured break of an unrolled loop", three + "qubit q; bit c; for int i in [0:1] { x q; if (c) { break; } }",
     "x 0; branch (bit 0) > 3; jump > 6; x 0; branch (bit 0) > 6; jump > 6"},
    {"a variable that a branch changes", three + "qubit[3] q; bit c; int i = 1; if (c) { i = 2; } if (i == 2) { x q[0]; }",
     "set v0 1; branch (bit 0) > 3; set v0 2; branch (v0 == 2) > 5; x 0"},
    {"switch as Qiskit writes it",
     three + "bit[2] c; int switch_dummy; qubit[3] q; c[0] = measure q[0]; switch_dummy = c; switch (switch_dummy) { case 1, 2 { x q[1]; } "
             "default { y q[1]; } }",
     "measure 0 > 0; set v0 (bits 0 2); branch ((v0 == 1) || (v0 == 2)) > 5; x 1; jump > 6; y 1"},
    {"a known switch", three + "qubit[3] q; const int n = 2; switch (n) { case 1 { x q[0]; } case 2 { y q[0]; } default { z q[0]; } }",
     "y 0"},
    {"a long loop stays one", three + "qubit q; for int i in [0:100000] { h q; }",
     "set v0 0; set v1 100000; branch (v0 <= v1) > 6; h 0; set v0 (v0 + 1); jump > 2"},
    {"bits are assigned", three + "qubit q; bit[2] c; bit d; c = \"10\"; d = c[1] ^ c[0]; c = ~c;",
     "set 0 0; set 1 1; set 2 ((bit 1) ^ (bit 0)); set v0 ~(bits 0 2); set 0 (v0 & 1); set 1 ((v0 >> 1) & 1)"},
    {"narrow numbers wrap", three + "qubit q; uint[3] a = 9; int[3] b = 5; if (a == 1 && b == -3) x q;", "x 0"},
    {"delays", three + "qubit[2] q; duration d = 100ns; delay[d] q[0]; delay[2 * 10us] q; delay[100dt] q[1];",
     "delay(1e-07) 0; delay(2e-05) 0; delay(2e-05) 1; delay(0) 1"},
    {"boxes, annotations and pragmas", three + "#pragma a b\npragma c d\nqubit q; @keep it\nbox[10ns] { x q; }", "x 0"},
    {"end", three + "qubit q; x q; end; y q;", "x 0"},
    {"an end that may happen", three + "qubit q; bit c; if (c) { end; } y q;", "branch (bit 0) > 2; jump > 3; y 0"},
    {"a measurement nobody reads", three + "qubit q; bit c; measure q; c = measure q;", "measure 0 > 1; measure 0 > 0"},
    {"the arrow of OpenQASM 2", three + "qreg q[2]; creg c[2]; measure q -> c; measure q[0] -> c[1];",
     "measure 0 > 0; measure 1 > 1; measure 0 > 1"},
    {"literals", three + "qubit q; rx(0x10) q; rx(0b11) q; rx(1_000.5) q; rx(.5) q; rx(2.) q; rx(π) q; rx(τ/4) q; rx(2**-1) q;",
     "rx(16) 0; rx(3) 0; rx(1000.5) 0; rx(0.5) 0; rx(2) 0; rx(3.14159) 0; rx(1.5708) 0; rx(0.5) 0"},
    {"parameters in modifiers", three + "qubit[2] q; gate g(k) a, b { pow(k) @ rx(0.5) a; ctrl @ z a, b; } g(3) q[0], q[1];",
     "rx(1.5) 0; z 0 1 controls 1"},
    {"the gate that UnitaryGate becomes", three + "gate unitary _gate_q_0 { U(pi, -pi, 0) _gate_q_0; } qubit q; unitary q;",
     "u(3.14159,-3.14159,0) 0"},
    {"casts", three + "qubit q; bit[3] c; uint[8] a = uint[8](c); if (bool(a)) x q; rx(float(3) / 2) q;",
     "set v0 (bits 0 3); branch v0 > 3; x 0; rx(1.5) 0"},
};
INSTANTIATE_TEST_SUITE_P(Version3, OpenQasm, testing::ValuesIn(version_3));

struct Refused {
    std::string text;
    std::string_view said;
};

class OpenQasmRefuses : public testing::TestWithParam<Refused> {};

TEST_P(OpenQasmRefuses, WithASentenceAndAPlace) {
    const auto circuit = read_openqasm(GetParam().text);
    ASSERT_FALSE(circuit);
    EXPECT_EQ(said_with_place(circuit.error(), GetParam().text), GetParam().said);
}

std::string chain(std::size_t length) {
    std::string text = "OPENQASM 2.0;\nqreg q[1];\ngate g0 a { h a; }\n";
    for (std::size_t k = 1; k <= length; ++k) text += fmt::format("gate g{} a {{ g{} a; g{} a; }}\n", k, k - 1, k - 1);
    return text + fmt::format("g{} q[0];", length);
}

const Refused refused[] = {
    {"OPENQASM 2.0;\nqreg q[1];\n  foo q[0];", "line 3, column 3: there is no gate 'foo' here; define it before this line"},
    {"qubit q;\nx q\ny q;", "line 3, column 1: expected ',' here, not 'y'"},
    {"qubit[1000000000] q;", "line 1, column 7: this asks for 1000000000 qubits; at most 65536 are possible"},
    {"qubit[60000] q; qubit[6000] r;", "line 1, column 17: this program asks for 66000 qubits; at most 65536 are possible"},
    {"qubit q;\nrx(1/0) q;", "line 2, column 5: this divides by 0"},
    {"qubit q;\nrx(1.0/0) q;", "line 2, column 4: this angle is no finite number; check what it divides by"},
    {"qubit q;\nrx(ln(-1)) q;", "line 2, column 4: this angle is no finite number; check what it divides by"},
    {"gate g(a) q { rx(1/a) q; }\nqubit q;\ng(0) q;",
     "line 1, column 15: this angle comes out as no finite number; check what it divides by"},
    {"gate g a { h a; g a; }", "line 1, column 17: gate 'g' calls itself; a definition may only use gates that were defined before it"},
    {"gate g a { f a; } gate f a { g a; }", "line 1, column 12: there is no gate 'f' here; define it before this line"},
    {"OPENQASM 2.0; opaque magic q; qreg q[1];\nmagic q[0];",
     "line 2, column 1: gate 'magic' is opaque, so nobody knows what it does; define it with 'gate'"},
    {"qubit[2] q;\ncx q[0], q[0];", "line 2, column 1: this gate is given the same qubit twice; name different ones"},
    {"qubit[2] q;\ncx q[0];", "line 2, column 1: gate 'cx' acts on 2 qubits; 1 are given"},
    {"qubit[2] q;\nrx q[0];", "line 2, column 1: gate 'rx' takes 1 angles; 0 are given"},
    {"qubit[2] q;\nx q[2];", "line 2, column 5: there is no element 2 here; this register has 2, counted from 0"},
    {"qubit[2] q; qubit[3] r;\ncx q, r;", "line 2, column 7: registers of 2 and 3 qubits cannot go together; take equal sizes"},
    {"input float t;", "line 1, column 13: the input 't' has no value; bind the parameters before you send the program"},
    {"def f(qubit q) { x q; }", "line 1, column 1: subroutines (def) are not read here; write their statements where they are called"},
    {"OPENQASM 4.0;", "line 1, column 10: OpenQASM '4.0' is not read here; write OpenQASM 2.0 or 3.0"},
    {"include \"mine.inc\";",
     "line 1, column 9: only qelib1.inc and stdgates.inc can be included; put the text of '\"mine.inc\"' into the program"},
    {"qubit q; qubit q;", "line 1, column 16: 'q' is declared twice; choose another name"},
    {"qubit q; x q; /* never", "line 1, column 15: this comment does not end; close it with */"},
    {"qubit q; if (true) { x q;", "line 1, column 26: the text ends inside of a block; close it with '}'"},
    {"qubit q; break;", "line 1, column 10: 'break' stands inside of loops only"},
    {"qubit[3] q; bit c; int i = 0; if (c) { i = 1; }\nx q[i];",
     "line 2, column 5: an index must be known before the program runs; this depends on measured bits"},
    {"qubit q; bit c;\nfloat a = 1.5; if (c) { a = 2.5; }",
     "line 2, column 29: 'a' cannot change here, where measured bits decide what runs; use int or uint"},
    {"qubit q;\nint i; rx(i) q;", "line 2, column 11: 'i' has no value here; assign one first"},
    {"qubit q; x q; \x01", "line 1, column 15: the byte 0x01 means nothing here; remove it"},
    {"defcal x $0 { }", "line 1, column 1: pulses (defcal) cannot run here; describe the circuit with gates"},
    {"bit[2] c; c = \"101\";", "line 1, column 15: 3 bits do not fit into 2; both sides need the same number"},
    {"qubit[2] q; bit c; c = measure q;", "line 1, column 20: 2 qubits do not fit into 1 bits; measure as many qubits as there are bits"},
    {"qubit q; delay[5] q;", "line 1, column 16: a delay takes a duration such as 100ns or 20dt"},
    {"rx(" + std::string(100000, '('), "line 1, column 260: this expression is nested more than 256 deep; split it"},
    {"qubit q; " + std::string(100000, '{'), "line 1, column 74: blocks are nested more than 64 deep here; flatten them"},
    {chain(300), "line 259, column 15: gates call gates more than 256 deep here; write out some of them"},
    {chain(100), "line 104, column 1: this gate expands to too many operations; make its definition or its exponent smaller"},
    {chain(30), "line 34, column 1: this gate expands to too many operations; make its definition or its exponent smaller"},
    {"qubit[4096] q; for int i in [1:5000] x q;",
     "line 1, column 38: this program expands to more than 16777216 operations; make it shorter"},
};
INSTANTIATE_TEST_SUITE_P(Texts, OpenQasmRefuses, testing::ValuesIn(refused));

TEST(OpenQasmPlace, CountsCharacters) {
    EXPECT_EQ(place_of("aä\nöx", 5), (Place{2, 2}));
    EXPECT_EQ(place_of("", 0), (Place{1, 1}));
}

TEST(OpenQasmLimits, TheBoundOfTheCallerHolds) {
    EXPECT_TRUE(read_openqasm("qubit q; for int i in [1:10] x q;", {.operations = 10}));
    EXPECT_FALSE(read_openqasm("qubit q; for int i in [1:11] x q;", {.operations = 10}));
}

TEST(OpenQasmLimits, EndlessLoopsEnd) {
    const auto circuit = read_openqasm("qubit q; while (true) { }", {.steps = 10'000});
    ASSERT_FALSE(circuit);
    EXPECT_EQ(circuit.error().said, "this program takes too many steps to expand; shorten its loops and its nested definitions");
}

// Any circuit that is printed reads as itself.
RC_GTEST_PROP(OpenQasmProperty, ParseOfPrintIsIdentity, ()) {
    const Circuit circuit = arbitrary_circuit();
    for (const bool is_version_2 : {false, true}) {
        const std::string text = printed(circuit, is_version_2);
        const auto again = read_openqasm(text);
        RC_ASSERT(again.has_value());
        Circuit plain = *again;
        for (Op& op : plain.ops) op.at = 0;
        RC_ASSERT(plain.ops == circuit.ops);
        RC_ASSERT(plain.operands == circuit.operands);
        RC_ASSERT(plain.angles == circuit.angles);
        RC_ASSERT(plain.bit_registers == circuit.bit_registers);
    }
}

// The modifiers of a definition are those of its matrix.
RC_GTEST_PROP(OpenQasmProperty, ModifiersActOnMatrices, ()) {
    Circuit body = arbitrary_circuit(2, 6, Measured::no);
    std::string text = "gate g a, b {";
    std::string calls = printed_calls(body);
    for (const auto& [from, to] : {std::pair("q[0]", "a"), std::pair("q[1]", "b")})
        for (std::size_t at; (at = calls.find(from)) != std::string::npos;) calls.replace(at, 4, to);
    text += calls + "} qubit[3] q; ";
    const Matrix plain = unitary_of(body);
    const auto exponent = *rc::gen::inRange(-3, 4);
    const auto raised = read_openqasm(text + fmt::format("pow({}) @ g q[0], q[1];", exponent));
    RC_ASSERT(raised.has_value());
    const auto near = [](const Matrix& a, const Matrix& b) {
        for (std::size_t k = 0; k < a.size(); ++k)
            if (std::abs(a[k] - b[k]) > 1e-9) return false;
        return true;
    };
    RC_ASSERT(near(unitary_of(*raised), kronecker(identity(2), 2, power(plain, 4, exponent), 4)));
    const auto controlled = read_openqasm(text + "negctrl @ inv @ g q[2], q[0], q[1];");
    RC_ASSERT(controlled.has_value());
    const Matrix back = adjoint(plain, 4);
    Matrix expected_matrix = identity(8);
    for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t column = 0; column < 4; ++column) expected_matrix[row * 8 + column] = back[row * 4 + column];
    RC_ASSERT(near(unitary_of(*controlled), expected_matrix));
    const auto half = read_openqasm(text + "pow(2) @ pow(0.5) @ g q[0], q[1]; ");
    RC_ASSERT(half.has_value());
    RC_ASSERT(near(unitary_of(*half), kronecker(identity(2), 2, plain, 4)));
}

}  // namespace
}  // namespace meridian::quantum
