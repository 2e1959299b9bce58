#include "quantum/programs/cirq.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "quantum/programs/listing.h"

namespace meridian::quantum {
namespace {

std::string line(int x) { return fmt::format(R"({{"cirq_type":"LineQubit","x":{}}})", x); }

std::string gate(std::string_view type, std::string_view members, const std::vector<int>& on) {
    std::string qubits;
    for (const int x : on) qubits += (qubits.empty() ? "" : ",") + line(x);
    return fmt::format(R"({{"cirq_type":"GateOperation","gate":{{"cirq_type":"{}"{}{}}},"qubits":[{}]}})", type, members.empty() ? "" : ",",
                       members, qubits);
}

std::string circuit(const std::vector<std::string>& operations, std::string_view type = "Circuit") {
    std::string moments;
    for (const std::string& op : operations)
        moments += fmt::format(R"({}{{"cirq_type":"Moment","operations":[{}]}})", moments.empty() ? "" : ",", op);
    return fmt::format(R"({{"cirq_type":"{}","moments":[{}]}})", type, moments);
}

std::string measured(std::string_view key, int x, std::string_view more = "\"invert_mask\":[]") {
    return gate("MeasurementGate", fmt::format(R"("num_qubits":1,"key":"{}",{})", key, more), {x});
}

std::string when(std::string_view key, std::string_view op) {
    return fmt::format(
        R"({{"cirq_type":"ClassicallyControlledOperation","conditions":[{{"cirq_type":"KeyCondition","key":{{"cirq_type":"MeasurementKey","name":"{}","path":[]}},"index":-1}}],"sub_operation":{}}})",
        key, op);
}

std::string repeated(std::string_view inner, std::string_view more) {
    return fmt::format(R"({{"cirq_type":"CircuitOperation","circuit":{},"qubit_map":[],"measurement_key_map":{{}},{}}})", inner, more);
}

struct Row {
    std::string_view says;
    std::string text, listing;
};

TEST(Cirq, IsReadAs) {
    const std::string x = gate("XPowGate", R"("exponent":1.0,"global_shift":0.0)", {0});
    const std::string inner = circuit({measured("m", 0), when("m", x)}, "FrozenCircuit");
    const Row rows[] = {
        {"gates of the table stay themselves",
         circuit({x, gate("HPowGate", R"("exponent":1)", {1}), gate("CXPowGate", R"("exponent":1)", {0, 1})}), "x 0; h 1; cx 0 1"},
        {"qubits stand in their sorted order", circuit({gate("XPowGate", "", {5}), gate("YPowGate", "", {-2})}), "x 1; y 0"},
        {"powers of controlled gates", circuit({gate("CZPowGate", R"("exponent":0.5)", {0, 1})}), "s 0 1 controls 1"},
        {"rotations have no phase", circuit({gate("Rx", R"("rads":0.25)", {0})}), "rx(0.25) 0"},
        {"an inverted measurement flips before, and after for who comes next", circuit({measured("m", 0, "\"invert_mask\":[true]"), x}),
         "x 0; measure 0 > 0; x 0; x 0"},
        {"an inverted measurement at the end flips once", circuit({measured("m", 0, "\"invert_mask\":[true]")}), "x 0; measure 0 > 0"},
        {"feed-forward", circuit({measured("m", 0), when("m", x)}), "measure 0 > 0; branch (bits 0 1) > 3; x 0"},
        {"rounds of one key are measured into bits of their own",
         circuit({repeated(inner, R"("repetitions":2,"use_repetition_ids":false,"repetition_ids":null)")}),
         "measure 0 > 0; branch (bits 0 1) > 3; x 0; measure 0 > 1; branch (bits 1 1) > 6; x 0"},
        {"a channel", circuit({gate("BitFlipChannel", R"("p":0.1)", {0})}), "channel 0 of 4"},
        {"reset", circuit({gate("ResetChannel", R"("dimension":2)", {0})}), "reset 0"},
        {"a shared sub-circuit",
         circuit({repeated(fmt::format(R"({{"cirq_type":"VAL","key":0,"val":{}}})", circuit({x}, "FrozenCircuit")), R"("repetitions":1)"),
                  repeated(R"({"cirq_type":"REF","key":0})", R"("repetitions":-1)")}),
         "x 0; x 0"},
    };
    for (const Row& row : rows) {
        const auto found = read_cirq(row.text);
        ASSERT_TRUE(found) << row.says << ": " << found.error().said;
        EXPECT_EQ(flaw(*found), "") << row.says;
        EXPECT_EQ(listing(*found), row.listing) << row.says;
    }
}

TEST(Cirq, KeysNameTheRegisters) {
    const auto found = read_cirq(circuit(
        {repeated(circuit({measured("m", 0)}, "FrozenCircuit"), R"("repetitions":2,"use_repetition_ids":true,"repetition_ids":["a","b"])"),
         measured("n", 0), measured("n", 0)}));
    ASSERT_TRUE(found) << found.error().said;
    EXPECT_EQ(found->bit_registers, (std::vector<Register>{{"a:m", 0, 1}, {"b:m", 1, 1}, {"n", 2, 1}, {"n", 3, 1}}));
}

TEST(Cirq, RefusesWithAPlaceAndASentence) {
    const std::string x = gate("XPowGate", "", {0});
    std::string nested = circuit({x}, "FrozenCircuit");
    for (int k = 0; k < 24; ++k) nested = circuit({repeated(nested, R"("repetitions":1000000)")}, k == 23 ? "Circuit" : "FrozenCircuit");
    const Row rows[] = {
        {"", circuit({x, gate("XPowGate", R"("exponent":{"cirq_type":"sympy.Symbol","name":"t"})", {0})}),
         "moment 1, operation 0: the parameter 't' has no value; resolve it before you send the circuit"},
        {"", circuit({gate("MysteryGate", "", {0})}),
         "moment 0, operation 0: gates of type 'MysteryGate' are not read here; decompose them with cirq.decompose"},
        {"", circuit({gate("CXPowGate", "", {0, 0})}), "moment 0, operation 0: an operation names the same qubit twice"},
        {"", circuit({gate("CXPowGate", "", {0})}), "moment 0, operation 0: CXPowGate acts on 2 qubits; 1 are given"},
        {"", circuit({gate("Rx", R"("rads":null)", {0})}), "moment 0, operation 0: a number is expected here"},
        {"", circuit({gate("MatrixGate", R"("matrix":[[1,0],[0,2]])", {0})}), "moment 0, operation 0: this matrix is not unitary"},
        {"", circuit({when("m", x)}), "moment 0, operation 0: the key 'm' was not measured before this operation"},
        {"", circuit({measured("m", 0), when("m", measured("n", 1))}), "moment 1, operation 0: a measurement cannot depend on another one"},
        {"", circuit({gate("BitFlipChannel", R"("p":1.5)", {0})}), "moment 0, operation 0: a probability lies between 0 and 1"},
        {"", circuit({measured("m", 0, R"("confusion_map":[[[0],[[0.9,0.1],[0.2,0.8]]]])"), x}),
         "moment 1, operation 0: this qubit was measured with a confusion map and cannot be used again; measure it last"},
        {"",
         circuit({fmt::format(
             R"({{"cirq_type":"PauliString","qubit_pauli_map":[[{0},{{"cirq_type":"_PauliX"}}],[{0},{{"cirq_type":"_PauliZ"}}]],"coefficient":1}})",
             line(1))}),
         "moment 0, operation 0: an operation names the same qubit twice"},
        {"",
         circuit({fmt::format(
             R"({{"cirq_type":"ControlledOperation","controls":[{0}],"sub_operation":{{"cirq_type":"ControlledOperation","controls":[{0}],"sub_operation":{1}}}}})",
             line(1), x)}),
         "moment 0, operation 0: an operation names the same qubit twice"},
        {"", nested, "moment 0, operation 0: this circuit takes too many steps to expand; repeat its sub-circuits less often"},
        {"", circuit({repeated(R"({"cirq_type":"REF","key":3})", R"("repetitions":1)")}),
         "moment 0, operation 0: a circuit refers to another one that is not there"},
        {"", R"({"cirq_type":"LineQubit","x":1})", "this is no circuit of Cirq but LineQubit; send cirq.to_json(circuit)"},
        {"", "[", "the JSON text ends too early, at byte 1"},
    };
    for (const Row& row : rows) {
        const auto found = read_cirq(row.text, {.steps = 1u << 16});
        ASSERT_FALSE(found) << row.listing;
        EXPECT_EQ(found.error().said, row.listing);
    }
}

}  // namespace
}  // namespace meridian::quantum
