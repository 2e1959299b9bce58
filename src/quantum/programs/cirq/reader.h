// The state of reading one circuit of Cirq. Qubits get numbers as they are met and their places in Cirq's sorted order at the end.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "quantum/programs/cirq.h"
#include "quantum/programs/gate_writer.h"

namespace meridian::quantum::cirq {

// Thrown inside of this folder only; `read_cirq` returns it.
struct Complaint {
    std::string said;
};
[[noreturn]] void complain(std::string said);

// Complains unless all of them are different.
void hold_distinct(std::vector<std::uint32_t> qubits);
std::string_view type_of(const Json& value);  // its cirq_type, or nothing
const Json& needed(const Json& object, std::string_view key);
const JsonArray& needed_array(const Json& object, std::string_view key);
std::string needed_text(const Json& object, std::string_view key);
std::int64_t whole(const Json& value, std::string_view what);
std::int64_t whole_or(const Json& object, std::string_view key, std::int64_t otherwise);

// Symbols of a sub-circuit with their values.
using Symbols = std::map<std::string, double, std::less<>>;

struct Key {
    std::vector<std::string> path;
    std::string name;
    [[nodiscard]] std::string text() const;
    static Key parse(std::string_view text);  // "path:path:name"
};

// A sub-circuit that is being written: what it renames.
struct Frame {
    std::unordered_map<std::uint32_t, std::uint32_t> qubits;
    std::map<std::string, std::string, std::less<>> keys;
    std::vector<std::string> path;
    Symbols symbols;
};

class Reader {
public:
    explicit Reader(const ReadLimits& bounds) : writer_(circuit_, bounds.operations), steps_left_(bounds.steps) {}
    Circuit read(const Json& top);
    [[nodiscard]] std::string place() const;  // "moment 3, operation 1", or nothing

private:
    // circuit.cpp
    void find_shared(const Json& value);
    const Json& shared(const Json& value);
    void moments(const Json& circuit);
    void operation(const Json& op, const Controls& controls);
    void controlled(const Json& op, const Controls& controls);
    void sub_circuit(const Json& op);
    void invert(std::size_t first_op, double phase_before);
    void charge(std::size_t steps);
    std::uint32_t qubit(const Json& value);
    std::uint32_t named_qubit(const Json& value);
    std::vector<std::uint32_t> qubits(const JsonArray& list);
    void touch(std::uint32_t qubit);
    void sort_qubits();

    // measure.cpp: measurements, and what depends on them
    void measure(const Json& gate, std::span<const std::uint32_t> qubits);
    void measure_pauli(const Json& gate, std::span<const std::uint32_t> qubits);
    std::uint32_t new_register(Key key, std::uint32_t size);
    void confuse(const Json& map, std::span<const std::uint32_t> qubits);
    void classically_controlled(const Json& op, const Controls& controls);
    std::uint32_t condition(const Json& value);
    std::uint32_t sympy_condition(const Json& value, unsigned depth);
    const Register& measured(Key key, std::int64_t index);
    std::uint32_t number_of(const Register& bits);
    std::uint32_t node(Expression::Kind kind, std::uint32_t lhs = 0, std::uint32_t rhs = 0, std::int64_t value = 0);
    Key renamed(Key key) const;

    // gates.cpp; more_gates.cpp: those on Pauli strings and whole registers
    void gate(const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls);
    bool power_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls);
    bool fixed_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls);
    bool register_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls);
    bool pauli_gate(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls);
    void controlled_gate(const Json& value, std::span<const std::uint32_t> qubits, const Controls& controls);
    void turn(std::string_view axis, double exponent, std::span<const std::uint32_t> qubits, const Controls& controls);
    // Rows and columns count as Cirq does: the first qubit is the most significant.
    void matrix(const Matrix& elements, std::span<const std::uint32_t> qubits, const Controls& controls);
    void diagonal(const JsonArray& angles, std::span<const std::uint32_t> qubits, const Controls& controls);
    void paulis(std::span<const int> letters, std::span<const std::uint32_t> qubits, const Json* coefficient, const Controls& controls);
    void pauli_phasor(std::span<const int> letters, std::span<const std::uint32_t> qubits, const Json& coefficient, const Json& value,
                      const Controls& controls);
    void pauli_string(const Json& op, const Controls& controls);
    std::vector<int> letters_of(const Json& dense);
    void to_z_basis(int letter, std::uint32_t qubit, bool is_back);

    // channels.cpp
    bool channel(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits);
    void add_channel(std::span<const Matrix> kraus, std::span<const std::uint32_t> qubits);

    // numbers.cpp
    double number(const Json& value, unsigned depth = 0) const;
    double number_of(const Json& object, std::string_view key) const;
    double number_or(const Json& object, std::string_view key, double otherwise) const;
    double symbol(std::string_view name) const;

    struct Qubit {
        std::string type;
        std::int64_t a = 0, b = 0;
        std::string name;  // with its digits padded, so that q2 stands before q10
        auto operator<=>(const Qubit&) const = default;
        bool is_used = false, is_inverted = false, is_confused = false;
    };

    Circuit circuit_;
    GateWriter writer_;
    std::unordered_map<std::string, std::uint32_t> numbers_;
    std::vector<Qubit> qubits_;
    std::unordered_map<std::int64_t, const Json*> shared_;
    std::vector<Frame> frames_;
    std::unordered_map<std::string, std::vector<std::uint32_t>> measured_;  // registers of a key
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> nodes_;
    std::size_t steps_left_;                         // operations visited, repetitions counted
    std::optional<std::size_t> moment_, operation_;  // of the outermost circuit
    unsigned depth_ = 0;
};

namespace limits {
inline constexpr unsigned depth = 64;  // operations in operations
}  // namespace limits

}  // namespace meridian::quantum::cirq
