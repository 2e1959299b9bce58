// The state of reading one OpenQASM program. The reader is an interpreter: what is known while it reads (constants, bounds of loops,
// variables that no measurement has touched) is computed at once, and operations are written as they are met; a loop's body is read
// once a round. Only what depends on measured bits becomes branches, jumps, variables and expressions of the circuit.
//
// A variable is known as long as every path to this place gives it the same value. Before a part that may or may not run (a "region":
// a branch on measured bits, the body of a loop that stays a loop) every variable that the part assigns is moved into the circuit's
// memory; it may be known again only where the part that declared it assigns it.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "quantum/programs/gate_writer.h"
#include "quantum/programs/openqasm.h"
#include "quantum/programs/openqasm/definition.h"
#include "quantum/programs/openqasm/lexer.h"
#include "quantum/programs/openqasm/value.h"

namespace meridian::quantum::openqasm {

// What a name stands for outside of the place of a gate. Gates have names of their own.
struct Name {
    enum class Kind : std::uint8_t { none, qubits, bits, variable, parameter, formal };
    Kind kind = Kind::none;
    std::uint32_t scope = 0;
    std::uint32_t index = 0;   // of a variable, a gate's parameter or a gate's qubit
    Selection selection = {};  // of qubits or bits
};

struct Variable {
    static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
    enum class State : std::uint8_t { unset, known, stored };
    Type type = Type::whole;
    std::uint32_t width = 0;
    State state = State::unset;
    bool is_constant = false;
    std::uint32_t region = 0;  // depth at which it was declared
    std::uint32_t slot = no_slot;
    Value value = {};
};

struct Loop {
    std::vector<std::uint32_t> breaks = {}, continues = {};  // jumps that wait for their targets
    std::uint32_t region = 0;
    bool is_rolled = false;
};

class Reader {
public:
    Reader(std::string_view text, const ReadLimits& bounds, const Inputs& inputs);
    Circuit read();

private:
    enum class Leave : std::uint8_t { none, break_, continue_, end };
    struct Body {  // what a look ahead over a statement found
        std::uint32_t from = 0, to = 0;
        std::vector<std::uint32_t> assigned = {};  // variables, by symbol
        bool leaves = false;
    };
    struct Undo {
        std::uint32_t symbol;
        Name before;
    };

    // program.cpp: statements in order
    void header();
    void statement();
    void other_statement();
    void name_statement();
    void block();
    void skip_statement();
    void skip_balanced(Mark open, Mark close);
    void open_scope();
    void close_scope();
    void finish();
    [[nodiscard]] std::string shown() const;  // the token, for a complaint
    void expect(Mark mark, std::string_view spelling);
    bool accept(Mark mark);
    bool accept(Word word);
    std::uint32_t fresh_name();
    std::uint32_t at() const { return lexer_.token().at; }

    // declarations.cpp
    void bind(std::uint32_t symbol, std::uint32_t at, const Name& name);
    void declare_qubits();
    void declare_bits(bool is_old_form);
    void declare_variable(bool is_constant);
    void declare_input();
    void declare_stretch();
    Type declared_type();
    void declare_alias();
    std::optional<std::uint32_t> designator();  // [n]
    std::uint32_t size_in_brackets(std::uint32_t size_max, std::string_view of_what);
    void include();
    void refuse_word();

    // operands.cpp: qubits and bits that are named
    Selection selection_of_qubits();
    Selection selected(const Name& name, std::uint32_t at);
    Selection picked(Selection from);
    void pick_one(Selection& into, const Selection& from, std::int64_t index, std::uint32_t at);
    Selection hardware_qubit();
    [[nodiscard]] std::uint32_t element(const Selection& selection, std::uint32_t k) const {
        return selection.list == Selection::no_list ? selection.first + k : lists_[selection.list + k];
    }
    void measure_into(const Selection& qubits, const Selection& bits, std::uint32_t at);
    void measure_statement();
    Selection measured_qubits();
    void reset_statement();
    void barrier_statement();
    void delay_statement();

    // expressions.cpp
    Value expression(int loosest = 0);
    Value unary();
    Value primary();
    Value named_value();
    Value cast();
    Value function_call(std::uint32_t symbol, std::uint32_t at);
    Value indexed(Value value);
    Value combined(Mark op, const Value& a, const Value& b, std::uint32_t at);
    Value combined_numbers(Mark op, const Value& a, const Value& b, std::uint32_t at);
    Value applied_to(Function function, const Value& a, const Value& b, std::uint32_t at);
    Value negated(Mark op, const Value& a, std::uint32_t at);
    std::uint32_t formula_node(const Value& value);
    Value formula(Function function, std::uint32_t lhs, std::uint32_t rhs, std::uint32_t at);
    std::int64_t whole_number(const Value& value, std::string_view what);
    double fraction(const Value& value, std::string_view what);
    Value converted(const Value& value, Type type, std::uint32_t width);

    // literals.cpp
    Value number();
    Value time_value();
    Value bit_string();

    // measured.cpp, numbers.cpp: values that depend on measured bits
    std::uint32_t node(Expression::Kind kind, std::uint32_t lhs = 0, std::uint32_t rhs = 0, std::int64_t value = 0);
    std::uint32_t node_of(const Value& value);
    std::uint32_t node_of_bits(const Selection& bits, std::uint32_t first, std::uint32_t count);
    Value measured(std::uint32_t node, Type type, std::uint32_t width, std::uint32_t at);
    Value combined_measured(Mark op, const Value& a, const Value& b, std::uint32_t at);
    Value compared_wide(Mark op, const Value& a, const Value& b, std::uint32_t at);
    std::uint32_t narrowed(std::uint32_t value, const Value& from, Type type, std::uint32_t width);
    std::uint32_t condition_of(const Value& value);
    Value value_of(const Variable& variable, std::uint32_t symbol, std::uint32_t at);
    void store(Variable& variable);
    void assign(Variable& variable, std::uint32_t symbol, const Value& value);
    void assign_bits(const Selection& bits, const Value& value);
    void assignment(std::uint32_t symbol, std::uint32_t at);

    // gates.cpp: definitions and calls; expand.cpp: what a call becomes
    void define_gate();
    void opaque_gate();
    BodyCall body_call(Definition& definition);
    void body_operands(Definition& definition, BodyCall& call, std::size_t count);
    void gate_call();
    void gate_modifiers();
    void gate_angles();
    void gate_operands();
    const GateName& known_gate(std::uint32_t symbol, std::uint32_t at);
    void hold_counts(const GateName& gate, std::uint32_t symbol, std::uint32_t at, std::size_t angles, std::size_t operands);
    void broadcast(const GateName& gate, std::uint32_t at);
    void apply_modified(const GateName& gate, std::span<const std::uint32_t> operands);
    void apply(const GateName& gate, std::span<const std::uint32_t> operands, std::span<const double> angles, const Controls& controls,
               std::span<const double> exponents);
    void apply_whole(const GateName& gate, std::span<const std::uint32_t> operands, std::span<const double> angles,
                     const Controls& controls, double exponent);
    void apply_fraction(const GateName& gate, std::span<const std::uint32_t> operands, std::span<const double> angles,
                        const Controls& controls, double whole, std::span<const double> fractions);
    void expand(const Definition& definition, std::span<const std::uint32_t> operands, std::span<const double> angles,
                const Controls& controls, double exponent);
    void expand_call(const Definition& definition, const BodyCall& call, std::span<const std::uint32_t> operands,
                     std::span<const double> values, const Controls& controls, bool is_inverse);
    [[nodiscard]] std::size_t angles_of(const GateName& gate) const;
    [[nodiscard]] std::size_t operands_of(const GateName& gate) const;

    // control.cpp
    void if_statement();
    void while_statement();
    void for_statement();
    void switch_statement();
    void leave_statement(Leave how);
    void end_statement();
    Body looked_ahead();
    void pin(const Body& body);
    void region();
    void rolled_while(std::uint32_t condition, const Body& body);
    void unrolled_for(std::uint32_t symbol, Type type, std::uint32_t width, std::span<const Value> listed, const Body& body);
    void rolled_for(std::uint32_t symbol, std::uint32_t width, const Value& first, std::int64_t step, const Value& last, const Body& body);
    void one_case(const Value& chosen, std::vector<std::uint32_t>& to_end, bool& is_decided);
    std::uint32_t jump(Op::Kind kind, std::uint32_t expression = 0);
    void land(std::span<const std::uint32_t> jumps);
    std::uint32_t here() const { return static_cast<std::uint32_t>(circuit_.ops.size()); }

    Circuit circuit_;
    GateWriter writer_;
    GateWriter* out_ = &writer_;  // another one while a power is computed
    Lexer lexer_;
    const Inputs& inputs_;
    std::vector<std::string_view> inputs_declared_;

    std::vector<Name> names_;      // by symbol
    std::vector<GateName> gates_;  // by symbol
    std::vector<Undo> undo_;
    std::vector<std::size_t> scopes_;
    std::vector<Variable> variables_;
    std::uint32_t slots_ = 0;
    std::vector<std::uint32_t> lists_;
    std::vector<Definition> definitions_;
    Definition* defining_ = nullptr;
    std::string_view defining_name_;

    std::unordered_map<std::uint32_t, Selection> bits_at_;  // bits of a declaration inside of a block, by its place
    std::unordered_map<std::uint64_t, std::uint32_t> hardware_;
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> known_nodes_;
    std::vector<std::uint16_t> node_depths_;
    std::vector<std::uint32_t> to_end_;
    std::vector<Loop> loops_;
    std::uint32_t region_ = 0, nesting_ = 0, expression_depth_ = 0;
    Leave leaving_ = Leave::none;
    std::uint32_t barrier_operands_ = 0, barrier_qubits_ = 0;  // those of the last barrier over all qubits

    // The call that is being read.
    struct Modifier {
        enum class Kind : std::uint8_t { control, exponent } kind;
        bool value = true;
        std::uint32_t count = 1;
        Value exponent = {};
    };
    std::vector<Modifier> modifiers_;
    std::vector<Value> angles_;
    std::vector<double> numbers_;
    std::vector<double> exponents_;
    std::vector<Selection> operands_;
    std::vector<std::uint32_t> qubits_;
    Controls controls_;
};

}  // namespace meridian::quantum::openqasm
