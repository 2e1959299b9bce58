#include "quantum/ir/circuit.h"

#include <limits>

#include <gtest/gtest.h>

namespace meridian::quantum {
namespace {

using Kind = Op::Kind;

Circuit bell() {
    Circuit circuit;
    circuit.qubits = 3;
    circuit.bits = 2;
    circuit.variables = 1;
    circuit.bit_registers = {{"c", 0, 2}};
    circuit.add(Gate::ry, {0}, {0.5});
    circuit.add(Gate::cx, {0, 2});
    circuit.add_measure(0, 0);
    circuit.add_measure(2, 1);
    return circuit;
}

TEST(Circuit, OperandsAreControlsThenTargets) {
    Circuit circuit;
    circuit.qubits = 5;
    const Op& op = circuit.add(Gate::ccx, {4, 1, 2});
    EXPECT_EQ(op.controls, 2);
    EXPECT_EQ(op.control_values, 3u);
    EXPECT_EQ(circuit.controls_of(op)[1], 1u);
    EXPECT_EQ(circuit.targets_of(op)[0], 2u);
    EXPECT_EQ(matrix_of(circuit, op), (std::vector<Amplitude>{0, 1, 1, 0}));
    const Op& own = circuit.add_unitary(std::vector{3u, 0u}, 1, std::vector<Amplitude>{0, 2, 3, 4});
    EXPECT_EQ(matrix_of(circuit, own), (std::vector<Amplitude>{0, 2, 3, 4}));
    EXPECT_EQ(circuit.targets_of(own)[0], 0u);
}

TEST(Circuit, FlawsAreNamed) {
    struct Row {
        std::string_view says;
        void (*spoil)(Circuit&);
    };
    const Row rows[] = {
        {"operation 1: qubit 9 of 3", [](Circuit& c) { c.operands[1] = 9; }},
        {"operation 1: qubit 2 is named twice", [](Circuit& c) { c.operands[1] = 2; }},
        {"operation 1: operands lie outside the pool", [](Circuit& c) { c.ops[1].first_operand = 100; }},
        {"operation 1: too many controls", [](Circuit& c) { c.ops[1].controls = 5; }},
        {"operation 1: cx takes 2 operands", [](Circuit& c) { c.ops[1].controls = 0; }},
        {"operation 0: angles lie outside the pool", [](Circuit& c) { c.ops[0].first = 1; }},
        {"operation 2: bit 7 of 2", [](Circuit& c) { c.ops[2].target = 7; }},
        {"operation 4: a jump past the end", [](Circuit& c) { c.ops.push_back({.kind = Kind::jump, .target = 9}); }},
        {"operation 4: an expression outside the pool", [](Circuit& c) { c.ops.push_back({.kind = Kind::branch}); }},
        {"operation 4: bit 2 of 2", [](Circuit& c) { c.ops.push_back({.kind = Kind::set_bit, .target = 2}); }},
        {"operation 4: variable 1 of 1", [](Circuit& c) { c.ops.push_back({.kind = Kind::set, .target = 1}); }},
        {"operation 4: a matrix lies outside the pool",
         [](Circuit& c) { c.ops.push_back({.kind = Kind::unitary, .first_operand = 0, .operand_count = 1}); }},
        {"operation 4: a matrix on no qubit or on too many", [](Circuit& c) { c.ops.push_back({.kind = Kind::unitary}); }},
        {"operation 4: one qubit is reset at a time", [](Circuit& c) { c.ops.push_back({.kind = Kind::reset}); }},
        {"expression 0: an expression that does not look back",
         [](Circuit& c) { c.add_expression({.kind = Expression::Kind::add, .lhs = 0, .rhs = 0}); }},
        {"expression 0: a bit outside the memory", [](Circuit& c) { c.add_expression({.kind = Expression::Kind::bit, .lhs = 2}); }},
        {"expression 0: bits outside the memory",
         [](Circuit& c) { c.add_expression({.kind = Expression::Kind::bits, .lhs = 1, .rhs = 2}); }},
        {"expression 0: a variable outside the memory",
         [](Circuit& c) { c.add_expression({.kind = Expression::Kind::variable, .lhs = 1}); }},
        {"an angle that is no finite number", [](Circuit& c) { c.angles[0] = std::numeric_limits<double>::quiet_NaN(); }},
        {"more qubits, bits or variables than the limit", [](Circuit& c) { c.qubits = limits::qubits + 1; }},
    };
    EXPECT_EQ(flaw(bell()), "");
    for (const Row& row : rows) {
        Circuit circuit = bell();
        row.spoil(circuit);
        EXPECT_EQ(flaw(circuit), row.says);
    }
}

TEST(Circuit, StructureIsAllButAnglesMatricesAndPlaces) {
    const Circuit circuit = bell();
    Circuit turned = bell();
    turned.angles[0] = 2;
    turned.ops[1].at = 99;
    turned.name = "other";
    EXPECT_TRUE(same_structure(circuit, turned));
    void (*const changes[])(Circuit&) = {[](Circuit& c) { c.ops[1].gate = Gate::cz; },
                                         [](Circuit& c) { c.operands[1] = 1; },
                                         [](Circuit& c) { c.ops[1].control_values = 0; },
                                         [](Circuit& c) { c.ops[3].target = 0; },
                                         [](Circuit& c) { c.qubits = 4; },
                                         [](Circuit& c) { c.add(Gate::x, {0}); },
                                         [](Circuit& c) { c.bit_registers[0].name = "d"; }};
    for (const auto change : changes) {
        Circuit other = bell();
        change(other);
        EXPECT_FALSE(same_structure(circuit, other));
    }
}

TEST(Circuit, TraitsTellWhatAnEngineMustDo) {
    EXPECT_TRUE(traits(bell()).measures_at_end);
    EXPECT_EQ(traits(bell()).gates, 2u);
    EXPECT_EQ(traits(bell()).measured_bits, 2u);
    EXPECT_FALSE(traits(bell()).has_jumps || traits(bell()).has_resets || traits(bell()).has_channels);

    Circuit again = bell();
    again.add(Gate::x, {0});
    EXPECT_FALSE(traits(again).measures_at_end) << "a measured qubit is used again";
    Circuit twice = bell();
    twice.add_measure(1, 0);
    EXPECT_FALSE(traits(twice).measures_at_end) << "a bit is written twice";
    EXPECT_EQ(traits(twice).measured_bits, 2u);

    Circuit fresh = bell();
    fresh.add_reset(1);
    EXPECT_FALSE(traits(fresh).has_resets) << "the qubit was not used";
    fresh.add_reset(1);
    EXPECT_TRUE(traits(fresh).has_resets);

    Circuit jumping = bell();
    jumping.ops.push_back({.kind = Kind::jump, .target = 0});
    EXPECT_TRUE(traits(jumping).has_jumps);
    Circuit idle = bell();
    idle.ops.push_back({.kind = Kind::barrier, .first_operand = 0, .operand_count = 1});
    EXPECT_TRUE(traits(idle).measures_at_end);
}

TEST(Expressions, HaveTheValuesOfTheirKinds) {
    using enum Expression::Kind;
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
    struct Row {
        Expression::Kind kind;
        std::int64_t lhs, rhs, value;
    };
    const Row rows[] = {
        {add, 2, 3, 5},
        {add, most, 1, least},
        {subtract, 2, 3, -1},
        {multiply, -4, 3, -12},
        {divide, 7, 2, 3},
        {divide, 7, 0, 0},
        {divide, least, -1, least},
        {modulo, 7, 4, 3},
        {modulo, 7, 0, 0},
        {modulo, least, -1, 0},
        {power, 3, 4, 81},
        {power, 2, -1, 0},
        {power, 2, 64, 0},
        {bit_and, 12, 10, 8},
        {bit_or, 12, 10, 14},
        {bit_xor, 12, 10, 6},
        {shift_left, 3, 2, 12},
        {shift_left, 3, 64, 0},
        {shift_left, 3, -1, 0},
        {shift_right, 12, 2, 3},
        {shift_right, -1, 63, 1},
        {shift_right, 12, 99, 0},
        {equal, 4, 4, 1},
        {not_equal, 4, 4, 0},
        {less, -1, 0, 1},
        {less_equal, 0, 0, 1},
        {greater, 0, 0, 0},
        {greater_equal, 0, 0, 1},
        {and_, 5, 0, 0},
        {and_, 5, 2, 1},
        {or_, 0, 0, 0},
        {or_, 0, -3, 1},
    };
    for (const Row& row : rows) {
        Circuit circuit;
        const auto lhs = circuit.add_expression({.value = row.lhs}), rhs = circuit.add_expression({.value = row.rhs});
        const auto both = circuit.add_expression({.kind = row.kind, .lhs = lhs, .rhs = rhs});
        EXPECT_EQ(evaluate(circuit, both, ClassicalMemory(circuit)), row.value) << int(row.kind) << ' ' << row.lhs << ' ' << row.rhs;
    }
}

TEST(Expressions, ReadBitsRegistersAndVariables) {
    using enum Expression::Kind;
    Circuit circuit;
    circuit.bits = 130;
    circuit.variables = 2;
    ClassicalMemory memory(circuit);
    for (const std::uint32_t bit : {62u, 64u, 65u, 129u}) memory.set_bit(bit, true);
    memory.set_bit(65, false);
    memory.variables[1] = -7;
    const auto value = [&](Expression expression) { return evaluate(circuit, circuit.add_expression(expression), memory); };
    EXPECT_EQ(value({.kind = bit, .lhs = 129}), 1);
    EXPECT_EQ(value({.kind = bit, .lhs = 65}), 0);
    EXPECT_EQ(value({.kind = bits, .lhs = 62, .rhs = 5}), 0b00101);
    EXPECT_EQ(value({.kind = bits, .lhs = 66, .rhs = 64}), std::numeric_limits<std::int64_t>::min()) << "64 bits, the last one set";
    EXPECT_EQ(value({.kind = variable, .lhs = 1}), -7);
    const auto seven = circuit.add_expression({.kind = variable, .lhs = 1});
    EXPECT_EQ(value({.kind = minus, .lhs = seven}), 7);
    EXPECT_EQ(value({.kind = not_, .lhs = seven}), 0);
    EXPECT_EQ(value({.kind = bit_not, .lhs = seven, .value = 3}), 6) << "of ...11001, three bits: 110";
}

}  // namespace
}  // namespace meridian::quantum
