#include "quantum/engines/statevector/lane_plan.h"

#include <algorithm>
#include <bit>
#include <deque>

#include "base/error.h"
#include "quantum/engines/statevector/affine_map.h"

namespace meridian::quantum {
namespace {

using Kind = LanePlan::Kind;

bool is_plain(const Op& op, Gate gate) { return op.kind == Op::Kind::gate && op.gate == gate; }
bool is_diagonal(const Op& op) { return op.kind == Op::Kind::gate && info(op.gate).is_diagonal; }
bool is_x(const Op& op) {
    using enum Gate;
    return op.kind == Op::Kind::gate && (op.gate == x || op.gate == cx || op.gate == ccx || op.gate == c3x || op.gate == c4x);
}

// What is scheduled as one: a run of gates on one qubit, or one other gate.
struct Item {
    enum class Class : std::uint8_t { renaming, diagonal, run, dense };
    Class kind = Class::dense;
    std::vector<std::uint32_t> ops;
    std::vector<std::size_t> followers{};
    std::size_t waits_for = 0;
};

Item::Class class_of(const Circuit& circuit, const Item& item) {
    const Op& first = circuit.ops[item.ops[0]];
    const auto all = [&](auto test) { return std::ranges::all_of(item.ops, [&](std::uint32_t k) { return test(circuit.ops[k]); }); };
    if (all(is_diagonal)) return Item::Class::diagonal;
    if (first.operand_count <= 2 && all(is_x)) return Item::Class::renaming;
    if (first.controls == 0 && (is_plain(first, Gate::swap) || is_plain(first, Gate::dcx))) return Item::Class::renaming;
    return first.controls == 0 && first.operand_count == 1 ? Item::Class::run : Item::Class::dense;
}

std::vector<Item> items_of(const Circuit& circuit) {
    std::vector<Item> items;
    std::vector<std::size_t> last(circuit.qubits, SIZE_MAX);  // item of each qubit
    std::vector<bool> is_open(circuit.qubits);
    for (std::uint32_t k = 0; k < circuit.ops.size(); ++k) {
        const Op& op = circuit.ops[k];
        const auto operands = circuit.operands_of(op);
        if (operands.empty()) continue;  // a global phase
        const bool is_single = operands.size() == 1 && op.controls == 0;
        if (is_single && is_open[operands[0]]) {
            items[last[operands[0]]].ops.push_back(k);
            continue;
        }
        for (const std::uint32_t qubit : operands) {
            if (last[qubit] != SIZE_MAX && (items[last[qubit]].followers.empty() || items[last[qubit]].followers.back() != items.size())) {
                items[last[qubit]].followers.push_back(items.size());
            }
            last[qubit] = items.size();
            is_open[qubit] = is_single;
        }
        items.push_back({.ops = {k}});
    }
    for (Item& item : items) {
        item.kind = class_of(circuit, item);
        for (const std::size_t next : item.followers) ++items[next].waits_for;
    }
    return items;
}

LanePlan::Run run_of(const Circuit& circuit, const std::vector<std::uint32_t>& ops) {
    LanePlan::Run run{.qubit = circuit.operands_of(circuit.ops[ops[0]])[0]};
    const auto diagonal = [&](std::uint32_t k) { return is_diagonal(circuit.ops[k]); };
    const auto first = std::ranges::find_if_not(ops, diagonal);
    const auto last = std::find_if_not(ops.rbegin(), ops.rend(), diagonal).base();
    run.before.assign(ops.begin(), first);
    run.turn.assign(first, last);
    run.after.assign(last, ops.end());
    run.is_real = run.turn.size() == 1 && is_plain(circuit.ops[run.turn[0]], Gate::ry);
    return run;
}

// Turns items into steps, as late as their order allows: names first, then phases, then what mixes amplitudes.
class Scheduler {
public:
    Scheduler(const Circuit& circuit, LanePlan& plan) : circuit_(circuit), plan_(plan), map_(circuit.qubits), items_(items_of(circuit)) {}

    // False where the plan became too large.
    bool run() {
        for (std::size_t k = 0; k < items_.size(); ++k)
            if (items_[k].waits_for == 0) ready(k);
        while (next())
            if (bytes_ > limits::lane_plan_bytes) return false;
        flush_phases();
        for (std::uint32_t k = 0; k < 1u << circuit_.qubits; ++k) plan_.place.push_back(std::uint16_t(map_.place(k)));
        return true;
    }

private:
    std::deque<std::size_t>& queue(Item::Class kind) { return ready_[std::size_t(kind)]; }
    void ready(std::size_t item) { queue(items_[item].kind).push_back(item); }
    void done(std::size_t item) {
        for (const std::size_t k : items_[item].followers)
            if (--items_[k].waits_for == 0) ready(k);
    }
    std::optional<std::size_t> take(Item::Class kind) {
        if (queue(kind).empty()) return std::nullopt;
        const std::size_t item = queue(kind).front();
        queue(kind).pop_front();
        return item;
    }

    bool next() {
        if (const auto names = take(Item::Class::renaming)) {
            for (const std::uint32_t k : items_[*names].ops) rename(circuit_.ops[k]);
            done(*names);
        } else if (const auto phase = take(Item::Class::diagonal)) {
            for (const std::uint32_t k : items_[*phase].ops) add_phases(k);
            done(*phase);
        } else if (!queue(Item::Class::run).empty()) {
            std::deque<std::size_t> now;
            std::swap(now, queue(Item::Class::run));
            layer(now);
            for (const std::size_t k : now) done(k);
        } else if (const auto item = take(Item::Class::dense)) {
            flush_phases();
            mix(items_[*item].ops);
            done(*item);
        } else {
            return false;
        }
        return true;
    }

    void rename(const Op& op) {
        const auto operands = circuit_.operands_of(op);
        if (is_plain(op, Gate::swap)) return map_.swap(operands[0], operands[1]);
        if (is_plain(op, Gate::dcx)) {
            map_.x(operands[0], true, operands[1]);
            map_.x(operands[1], true, operands[0]);
            return;
        }
        if (op.controls == 0) return map_.x(operands[0]);
        map_.x(operands[0], (op.control_values & 1) != 0, operands[1]);
    }

    void layer(const std::deque<std::size_t>& items) {
        std::vector<LanePlan::Run> runs;
        for (const std::size_t k : items) runs.push_back(run_of(circuit_, items_[k].ops));
        if (plan_.steps.empty() && tables_.empty() && plan_.runs.empty()) return start(runs);
        const auto is_cheap = [](const LanePlan::Run& run) { return run.before.empty() && run.is_real; };
        if (runs.size() < 3 && !std::ranges::all_of(runs, is_cheap)) {
            flush_phases();
            for (const std::size_t k : items) mix(items_[k].ops);
            return;
        }
        const std::uint32_t first = std::uint32_t(plan_.runs.size());
        for (std::uint32_t k = 0; k < runs.size(); ++k)
            if (!is_cheap(runs[k])) add_phases(LanePlan::Phases::Of::run_before, first + k, {&runs[k].qubit, 1});
        flush_phases();
        const std::size_t parts = (runs.size() + limits::turns_at_once - 1) / limits::turns_at_once;
        for (std::size_t part = 0, begin = 0; part < parts; ++part) {
            const std::size_t end = runs.size() * (part + 1) / parts;
            LanePlan::Step step{.kind = Kind::turns, .first_run = first + std::uint32_t(begin)};
            std::vector<std::uint32_t> targets;
            for (; begin < end; ++begin) targets.push_back(runs[begin].qubit);
            place(step, targets, {}, 0);
            plan_.steps.push_back(std::move(step));
        }
        for (std::uint32_t k = 0; k < runs.size(); ++k)
            if (!runs[k].after.empty() || !runs[k].is_real) add_phases(LanePlan::Phases::Of::run_after, first + k, {&runs[k].qubit, 1});
        std::ranges::move(runs, std::back_inserter(plan_.runs));
    }

    void start(std::vector<LanePlan::Run>& runs) {
        plan_.starting_runs = std::uint32_t(runs.size());
        for (std::size_t r = 0; r < runs.size(); ++r) {
            plan_.starting_values |= std::uint64_t{map_.flip(runs[r].qubit)} << r;
            for (std::size_t k = 0, count = plan_.starting_places.size(); k < count; ++k)
                plan_.starting_places.push_back(std::uint16_t(plan_.starting_places[k] ^ map_.mask(runs[r].qubit)));
        }
        plan_.runs = std::move(runs);
    }

    void mix(const std::vector<std::uint32_t>& ops) {
        const Op& op = circuit_.ops[ops[0]];
        const auto targets = circuit_.targets_of(op);
        LanePlan::Step step{.kind = is_x(op) && ops.size() == 1 ? Kind::exchange : targets.size() == 1 ? Kind::one : Kind::two, .ops = ops};
        place(step, targets, circuit_.controls_of(op), op.control_values);
        plan_.steps.push_back(std::move(step));
    }

    void place(LanePlan::Step& step, std::span<const std::uint32_t> targets, std::span<const std::uint32_t> controls,
               std::uint64_t control_values) {
        std::vector<std::uint32_t> echelon;  // the same space, each with a leading bit that no other has
        for (const std::uint32_t target : targets) {
            step.masks.push_back(std::uint16_t(map_.mask(target)));
            std::uint32_t left = map_.mask(target);
            for (const std::uint32_t other : echelon) left = std::min(left, left ^ other);
            const std::uint32_t lead = std::bit_floor(left);
            for (std::uint32_t& other : echelon)
                if ((other & lead) != 0) other ^= left;
            echelon.push_back(left);
        }
        std::uint32_t leads = 0;
        for (const std::uint32_t one : echelon) leads |= std::bit_floor(one);
        // By doubling: what a place's own bits add to its base (itself, less its targets) and to the values of its controls.
        struct Place {
            std::uint32_t base = 0, controls = 0;
        };
        std::vector<Place> places(1);
        for (const std::uint32_t target : targets)
            if (map_.flip(target)) places[0].base ^= map_.mask(target);
        for (std::size_t k = 0; k < controls.size(); ++k) places[0].controls |= std::uint32_t{map_.flip(controls[k])} << k;
        for (std::uint32_t bit = 1; bit < 1u << circuit_.qubits; bit *= 2) {
            if ((leads & bit) != 0) continue;
            Place more{.base = bit};
            for (const std::uint32_t target : targets)
                if ((map_.row(target) & bit) != 0) more.base ^= map_.mask(target);
            for (std::size_t k = 0; k < controls.size(); ++k)
                if ((map_.row(controls[k]) & bit) != 0) more.controls |= 1u << k;
            for (std::size_t k = 0, count = places.size(); k < count; ++k)
                places.push_back({places[k].base ^ more.base, places[k].controls ^ more.controls});
        }
        for (const Place& place : places)
            if (place.controls == control_values) step.bases.push_back(std::uint16_t(place.base));
        bytes_ += step.bases.size() * sizeof(std::uint16_t);
    }

    void add_phases(std::uint32_t op) {
        add_phases(LanePlan::Phases::Of::op, op, circuit_.operands_of(circuit_.ops[op]), circuit_.ops[op].controls,
                   circuit_.ops[op].control_values);
    }
    void add_phases(LanePlan::Phases::Of of, std::uint32_t number, std::span<const std::uint32_t> operands, std::size_t controls = 0,
                    std::uint64_t control_values = 0) {
        LanePlan::Phases phases{.of = of, .number = number, .control_values = control_values, .controls = controls};
        for (std::size_t k = 0; k < operands.size(); ++k) phases.flips |= std::uint64_t{map_.flip(operands[k])} << k;
        const auto missing = [&](const LanePlan::Table& table) {
            return std::ranges::count_if(operands,
                                         [&](std::uint32_t q) { return std::ranges::find(table.rows, map_.row(q)) == table.rows.end(); });
        };
        auto table = std::ranges::find_if(
            tables_, [&](const LanePlan::Table& t) { return t.rows.size() + std::size_t(missing(t)) <= limits::table_bits; });
        if (table == tables_.end()) table = tables_.insert(tables_.end(), LanePlan::Table{});
        for (const std::uint32_t q : operands) {
            auto row = std::ranges::find(table->rows, map_.row(q));
            if (row == table->rows.end()) row = table->rows.insert(table->rows.end(), map_.row(q));
            phases.bits.push_back(std::uint8_t(row - table->rows.begin()));
        }
        table->phases.push_back(std::move(phases));
    }

    void flush_phases() {
        if (tables_.empty()) return;
        for (LanePlan::Table& table : tables_) {
            table.entry.assign(1, 0);
            for (std::uint32_t bit = 1; bit < 1u << circuit_.qubits; bit *= 2) {
                std::uint8_t flipped = 0;
                for (std::size_t b = 0; b < table.rows.size(); ++b) flipped |= std::uint8_t(((table.rows[b] & bit) != 0 ? 1 : 0) << b);
                for (std::size_t k = 0; k < bit; ++k) table.entry.push_back(table.entry[k] ^ flipped);
            }
        }
        bytes_ += tables_.size() << circuit_.qubits;
        plan_.steps.push_back({.kind = Kind::diagonal, .tables = std::exchange(tables_, {})});
    }

    const Circuit& circuit_;
    LanePlan& plan_;
    AffineMap map_;
    std::vector<Item> items_;
    std::deque<std::size_t> ready_[4];
    std::vector<LanePlan::Table> tables_;  // of phases that wait for a step
    std::size_t bytes_ = 0;                // of places in the plan so far
};

}  // namespace

std::optional<LanePlan> LanePlan::of(const Prepared& program) {
    const Circuit& circuit = program.circuit;
    if (!program.is_unitary || circuit.qubits > limits::lane_qubits) return std::nullopt;
    for (const Op& op : circuit.ops)
        if (op.operand_count - op.controls > gate_targets_max || (is_diagonal(op) && op.operand_count > limits::table_bits))
            return std::nullopt;
    LanePlan plan;
    plan.qubits = circuit.qubits;
    plan.ops = circuit.ops;
    if (!Scheduler(circuit, plan).run()) return std::nullopt;
    return plan;
}

double LanePlan::passes(std::size_t lanes) const {
    const double size = double(place.size());
    // Binding is paid by operation and set; then the state is cleared and the first layer made.
    double sum = 45.0 * double(lanes * ops.size()) + 2 * size;
    for (const Step& step : steps) {
        const double mixed = double(step.bases.size() << step.masks.size());
        switch (step.kind) {
            case Kind::diagonal:
                sum += size * (0.6 + 0.4 * double(step.tables.size()));
                break;
            case Kind::turns:
                sum += mixed * (0.05 + 0.35 * double(step.masks.size()));
                break;
            case Kind::exchange:
                sum += mixed * 0.5;
                break;
            case Kind::one:
                sum += mixed;
                break;
            case Kind::two:
                sum += mixed * 2;
                break;
        }
    }
    return sum;
}

}  // namespace meridian::quantum
