#include "quantum/engines/statevector/lower.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "base/error.h"
#include "quantum/engines/statevector/bell.h"
#include "quantum/engines/statevector/interaction.h"
#include "quantum/engines/statevector/real_elements.h"
#include "quantum/engines/statevector/rotations.h"

namespace meridian::quantum {
namespace {

constexpr double nothing = 1e-14;
constexpr std::uint64_t bit(Wire wire) { return std::uint64_t{1} << wire; }

// What a block of one or two wires is made of.
struct Step {
    enum class Kind : std::uint8_t { one, controlled, phases, two } kind = Kind::one;
    unsigned value = 0;             // of the control
    Wire a = no_wire, b = no_wire;  // target; control, or the second wire
    GateMatrix matrix{};            // `one`, `controlled`: 4 elements; `phases`: the diagonal
};

GateMatrix exchanged(const GateMatrix& m) {
    constexpr std::size_t to[] = {0, 2, 1, 3};
    GateMatrix out;
    for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t c = 0; c < 4; ++c) out[4 * to[r] + to[c]] = m[4 * r + c];
    return out;
}
// Multiplies rows p and q of a matrix by a gate that takes them to each other.
void turn_rows(const GateMatrix& gate, std::size_t p, std::size_t q, GateMatrix& m) {
    for (std::size_t c = 0; c < 4; ++c) {
        const Amplitude x = m[4 * p + c], y = m[4 * q + c];
        m[4 * p + c] = gate[0] * x + gate[1] * y;
        m[4 * q + c] = gate[2] * x + gate[3] * y;
    }
}
// Follows a matrix on wires (low, other one) by a step.
void follow(const Step& step, Wire low, GateMatrix& m) {
    const std::size_t moved = step.a == low ? 1 : 2, other = 3 - moved;  // bits of the state's number
    switch (step.kind) {
        case Step::Kind::two:
            m = product(step.a == low ? step.matrix : exchanged(step.matrix), m);
            break;
        case Step::Kind::phases:
            for (std::size_t k = 0; k < 4; ++k) {
                const Amplitude by = step.matrix[step.a == low || k == 0 || k == 3 ? k : 3 - k];
                for (std::size_t c = 0; c < 4; ++c) m[4 * k + c] *= by;
            }
            break;
        case Step::Kind::one:
            turn_rows(step.matrix, 0, moved, m);
            turn_rows(step.matrix, other, 3, m);
            break;
        case Step::Kind::controlled:
            turn_rows(step.matrix, step.value * other, step.value * other + moved, m);
            break;
    }
}

// Lowers through blocks: the gates on one pair of wires with nothing between them. A block whose rotations would cost as much as a dense
// matrix becomes one; the others pass their gates on to the writer of rotations.
class Lowering {
public:
    Lowering(const Circuit& circuit, std::vector<Wire> wires)
        : circuit_(circuit),
          wires_(std::move(wires)),
          blocks_(wires_.size()),
          block_of_(wires_.size(), none),
          writer_(unsigned(wires_.size()), out_) {
        out_.wires_before = wires_;
    }

    void add(const Op& op);
    Items finish(bool relabels) {
        if (!relabels) move_back();
        for (Wire wire = 0; wire < wires_.size(); ++wire) close(wire);
        writer_.finish();
        out_.wires_after = wires_;
        return std::move(out_);
    }

private:
    static constexpr std::uint8_t none = 255;
    // A block is kept under its first wire.
    struct Block {
        Wire a = no_wire, b = no_wire;
        std::vector<Step> steps;
    };

    void add_one(const Op& op, std::span<const Amplitude> m);
    void add_two(const Op& op, std::span<const Amplitude> m);
    void add_large(const Op& op, std::vector<Amplitude> matrix);
    void add_flag(std::uint64_t mask, std::uint64_t value, double angle);
    void step(const Step& step);
    void close(Wire wire);
    void write(const Block& block);
    void move_back();
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> condition(const Op& op) const;

    const Circuit& circuit_;
    std::vector<Wire> wires_;
    std::vector<Block> blocks_;
    std::vector<std::uint8_t> block_of_;  // by wire
    Items out_;
    RotationWriter writer_;
};

std::pair<std::uint64_t, std::uint64_t> Lowering::condition(const Op& op) const {
    std::uint64_t mask = 0, value = 0;
    const auto controls = circuit_.controls_of(op);
    for (std::size_t c = 0; c < controls.size(); ++c) {
        mask |= bit(wires_[controls[c]]);
        value |= (op.control_values >> c & 1) << wires_[controls[c]];
    }
    return {mask, value};
}

void Lowering::add(const Op& op) {
    if (op.kind == Op::Kind::barrier || op.kind == Op::Kind::delay) return;
    MERIDIAN_ASSERT(op.kind == Op::Kind::gate || op.kind == Op::Kind::unitary);
    const std::size_t targets = op.operand_count - op.controls;
    if (op.kind == Op::Kind::gate) {
        GateMatrix matrix;
        info(op.gate).matrix(circuit_.angles_of(op), matrix);
        if (targets == 0) {
            const auto [mask, value] = condition(op);
            return add_flag(mask, value, std::arg(matrix[0]));
        }
        return targets == 1 ? add_one(op, matrix) : add_two(op, matrix);
    }
    auto matrix = matrix_of(circuit_, op);
    if (targets == 1) return add_one(op, matrix);
    if (targets == 2) return add_two(op, matrix);
    add_large(op, std::move(matrix));
}

// A phase where every wire of `mask` has its value.
void Lowering::add_flag(std::uint64_t mask, std::uint64_t value, double angle) {
    const auto a = Wire(mask == 0 ? no_wire : std::countr_zero(mask));
    const std::uint64_t rest = mask & (mask - 1);
    const unsigned wanted = mask == 0 ? 0 : unsigned(value >> a & 1);
    if (mask == 0) {
        out_.phase += angle;
    } else if (rest == 0) {
        Step one{.a = a, .matrix = {1, 0, 0, 1}};
        one.matrix[3 * wanted] = std::polar(1.0, angle);
        step(one);
    } else if ((rest & (rest - 1)) == 0) {
        const auto b = Wire(std::countr_zero(rest));
        Step phases{.kind = Step::Kind::phases, .a = a, .b = b, .matrix = {1, 1, 1, 1}};
        phases.matrix[wanted + 2 * unsigned(value >> b & 1)] = std::polar(1.0, angle);
        step(phases);
    } else {
        for (std::uint64_t left = mask; left != 0; left &= left - 1) close(Wire(std::countr_zero(left)));
        writer_.add_item({.kind = Item::Kind::flag, .angle = angle, .mask = mask, .value = value, .reads = mask});
    }
}

void Lowering::add_one(const Op& op, std::span<const Amplitude> m) {
    const Matrix2 matrix{m[0], m[1], m[2], m[3]};
    if (op.kind == Op::Kind::unitary && !is_unitary(matrix)) return add_large(op, {m.begin(), m.begin() + 4});
    const auto [mask, value] = condition(op);
    const Wire target = wires_[circuit_.targets_of(op)[0]];
    if (op.controls <= 1) {
        Step one{.kind = op.controls == 0 ? Step::Kind::one : Step::Kind::controlled, .value = unsigned(value != 0), .a = target};
        if (op.controls == 1) one.b = wires_[circuit_.controls_of(op)[0]];
        std::copy(matrix.begin(), matrix.end(), one.matrix.begin());
        return step(one);
    }
    if (is_diagonal(matrix)) {
        add_flag(mask | bit(target), value, std::arg(matrix[0]));
        return add_flag(mask | bit(target), value | bit(target), std::arg(matrix[3]));
    }
    for (std::uint64_t left = mask | bit(target); left != 0; left &= left - 1) close(Wire(std::countr_zero(left)));
    const auto index = std::uint32_t(out_.conditionals.size());
    out_.conditionals.push_back(matrix);
    writer_.add_item(
        {.kind = Item::Kind::conditional, .a = target, .index = index, .mask = mask, .value = value, .moves = bit(target), .reads = mask});
}

void Lowering::add_two(const Op& op, std::span<const Amplitude> m) {
    const auto targets = circuit_.targets_of(op);
    if (op.controls != 0) return add_large(op, {m.begin(), m.begin() + 16});
    const auto zero = [&](std::initializer_list<int> at) {
        return std::ranges::all_of(at, [&](int k) { return std::norm(m[std::size_t(k)]) < nothing * nothing; });
    };
    const auto is_unit = [&](int k) { return std::abs(std::norm(m[std::size_t(k)]) - 1) < 1e-10; };
    Step two{.kind = Step::Kind::two, .a = wires_[targets[0]], .b = wires_[targets[1]]};
    std::copy(m.begin(), m.begin() + 16, two.matrix.begin());
    if (is_unit(0) && is_unit(15) && zero({1, 2, 3, 4, 7, 8, 11, 12, 13, 14})) {
        if (zero({6, 9}) && is_unit(5) && is_unit(10)) {
            two.kind = Step::Kind::phases;
            two.matrix = {m[0], m[5], m[10], m[15]};
        } else if (zero({5, 10}) && is_unit(6) && is_unit(9)) {
            // Phases, then an exchange, which is another map.
            two.kind = Step::Kind::phases;
            two.matrix = {m[0], m[9], m[6], m[15]};
            std::swap(wires_[targets[0]], wires_[targets[1]]);
        }
    }
    const bool is_exchange =
        two.kind == Step::Kind::phases && std::ranges::all_of(std::span(two.matrix).first(4), [](Amplitude a) { return a == 1.0; });
    if (!is_exchange) step(two);
}

void Lowering::add_large(const Op& op, std::vector<Amplitude> elements) {
    Matrix matrix;
    matrix.elements = std::move(elements);
    std::tie(matrix.mask, matrix.value) = condition(op);
    Item item{.kind = Item::Kind::matrix, .index = std::uint32_t(out_.matrices.size()), .reads = matrix.mask};
    for (const std::uint32_t target : circuit_.targets_of(op)) {
        matrix.wires.push_back(wires_[target]);
        item.moves |= bit(wires_[target]);
    }
    for (std::uint64_t left = item.moves | item.reads; left != 0; left &= left - 1) close(Wire(std::countr_zero(left)));
    out_.matrices.push_back(std::move(matrix));
    writer_.add_item(item);
}

void Lowering::step(const Step& step) {
    if (step.b == no_wire) {
        if (block_of_[step.a] == none) {
            block_of_[step.a] = step.a;
            blocks_[step.a].a = step.a;
        }
        blocks_[block_of_[step.a]].steps.push_back(step);
        return;
    }
    const auto is_pair = [&](Wire wire) { return block_of_[wire] != none && blocks_[block_of_[wire]].b != no_wire; };
    if (!is_pair(step.a) || block_of_[step.a] != block_of_[step.b]) {
        if (is_pair(step.a)) close(step.a);
        if (is_pair(step.b)) close(step.b);
        Block& block = blocks_[step.a];
        block.a = step.a;
        block.b = step.b;
        Block& other = blocks_[step.b];
        block.steps.insert(block.steps.end(), other.steps.begin(), other.steps.end());
        other = {};
        block_of_[step.a] = block_of_[step.b] = step.a;
    }
    blocks_[block_of_[step.a]].steps.push_back(step);
}

void Lowering::close(Wire wire) {
    if (block_of_[wire] == none) return;
    Block& block = blocks_[block_of_[wire]];
    write(block);
    block_of_[block.a] = none;
    if (block.b != no_wire) block_of_[block.b] = none;
    block.steps.clear();
    block.a = block.b = no_wire;
}

// How many rotations the steps of a pair come to, by the rules of the writer; a dense matrix counts as many as it costs.
unsigned rotations_of(std::span<const Step> steps) {
    unsigned count = 0;
    Wire open[2] = {no_wire, no_wire}, under[2] = {no_wire, no_wire};
    const auto slot = [&, first = steps.front().a](Wire wire) { return wire == first ? 0 : 1; };
    for (const Step& step : steps) {
        if (step.kind == Step::Kind::two) return 4;
        const int t = slot(step.a);
        if (step.kind == Step::Kind::one) {
            if (open[t] != no_wire || (step.matrix[1] == 0.0 && step.matrix[2] == 0.0)) continue;
            open[1 - t] = under[1 - t] == step.a ? no_wire : open[1 - t];
        } else if (step.kind == Step::Kind::phases) {
            if (under[t] == no_wire && under[1 - t] == no_wire) open[0] = open[1] = no_wire;
            continue;
        } else {
            open[1 - t] = under[1 - t] = no_wire;
            under[t] = step.b;
            if (open[t] != no_wire) continue;
        }
        open[t] = step.a;
        under[t] = step.kind == Step::Kind::controlled ? step.b : no_wire;
        ++count;
    }
    return count;
}

void Lowering::write(const Block& block) {
    // Three rotations are 12 multiplications an amplitude with phases between them, a dense block 16 with none.
    if (block.b != no_wire && rotations_of(block.steps) >= 3) {
        GateMatrix matrix{};
        for (std::size_t k = 0; k < 4; ++k) matrix[5 * k] = 1;
        for (const Step& step : block.steps) follow(step, block.a, matrix);
        Item item{.kind = Item::Kind::pair, .a = block.a, .b = block.b, .index = std::uint32_t(out_.pairs.size())};
        item.moves = bit(block.a) | bit(block.b);
        out_.pairs.push_back(matrix);
        writer_.add_item(item);
        return;
    }
    for (const Step& step : block.steps) {
        const Matrix2 matrix{step.matrix[0], step.matrix[1], step.matrix[2], step.matrix[3]};
        if (step.kind == Step::Kind::one) writer_.add(step.a, matrix);
        if (step.kind == Step::Kind::controlled) writer_.add_controlled(step.b, step.value, step.a, matrix);
        if (step.kind == Step::Kind::phases)
            writer_.add_phases(step.a, step.b, {std::arg(matrix[0]), std::arg(matrix[1]), std::arg(matrix[2]), std::arg(matrix[3])});
    }
}

// Moves the qubits to the wires they began on, by as few exchanges as cycles need.
void Lowering::move_back() {
    for (std::size_t qubit = 0; qubit < wires_.size(); ++qubit) {
        const Wire home = out_.wires_before[qubit];
        if (wires_[qubit] == home) continue;
        const auto there = std::size_t(std::ranges::find(wires_, home) - wires_.begin());
        step({.kind = Step::Kind::two, .a = wires_[qubit], .b = home, .matrix = {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}});
        std::swap(wires_[qubit], wires_[there]);
    }
}

}  // namespace

bool Items::same_shape(const Items& other) const {
    const auto same = [](const Item& x, const Item& y) {
        return x.kind == y.kind && x.a == y.a && x.b == y.b && x.index == y.index && x.mask == y.mask && x.value == y.value &&
               x.moves == y.moves && x.reads == y.reads;
    };
    return wires_before == other.wires_before && wires_after == other.wires_after && std::ranges::equal(list, other.list, same);
}

Items lower(const Circuit& circuit, std::size_t begin, std::size_t end, std::vector<Wire> wires, bool relabels) {
    Lowering lowering(circuit, std::move(wires));
    for (std::size_t k = begin; k < end; ++k) lowering.add(circuit.ops[k]);
    Items items = lowering.finish(relabels);
    make_interactions(items);
    make_elements_real(items);
    return items;
}

}  // namespace meridian::quantum
