#include "quantum/engines/statevector/execute.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "quantum/engines/philox.h"
#include "quantum/engines/statevector/plan_book.h"
#include "quantum/engines/statevector/readout.h"
#include "quantum/engines/statevector/sample.h"

namespace meridian::quantum {
namespace {

constexpr std::uint64_t steps_between_questions = 1 << 16;

Diagnostic endless(const Op& op, std::uint64_t steps) {
    return {fmt::format("A loop did not end within {} operations of one shot", steps), op.at};
}

// Whether to go on, asked from several members; only the one on the calling thread asks the caller.
struct Control {
    const RunOptions& options;
    std::atomic<bool> stopped = false;

    bool goes_on(bool is_caller) {
        if (is_caller && options.cancelled && options.cancelled()) stopped = true;
        return !stopped;
    }
    void tell(bool is_caller, double done) const {
        if (is_caller && options.progress) options.progress(std::clamp(done, 0.0, 1.0));
    }
};

template <class Real>
struct Path {
    State<Real> state;
    ClassicalMemory memory;
    std::vector<std::uint64_t> shots;
    std::size_t at = 0;
    std::uint64_t steps = 0, draws = 0;
    std::vector<Reading> waiting = {};
};

template <class Real>
class Walker {
public:
    Walker(const Prepared& program, Control& control, Team& team, PlanBook<Real>& plans, bool is_caller)
        : program_(program), control_(control), team_(team), plans_(plans), is_caller_(is_caller) {}

    // Shots [first, first + count); `memory` is that of all shots, or empty.
    expected<void> run(std::uint64_t first, std::uint64_t count, Tally& tally, std::span<std::uint64_t> memory);

private:
    expected<void> follow(Path<Real>& path, unsigned copies);
    // The rest of the path's shots leave it for a path of their own; `path` keeps one outcome.
    expected<void> part(Path<Real>& path, const Op& op, unsigned copies);
    expected<void> finish(Path<Real>& path);
    void collapse_to(Path<Real>& path, const Op& op, bool outcome, Chance chances);
    [[nodiscard]] Path<Real> copy_of(const Path<Real>& path) const;
    [[nodiscard]] unsigned copies_max() const {
        return unsigned(std::min<std::uint64_t>(64, control_.options.branch_bytes / state_bytes()));
    }
    [[nodiscard]] std::uint64_t state_bytes() const { return State<Real>::bytes_per_amplitude << program_.circuit.qubits; }

    const Prepared& program_;
    Control& control_;
    Team& team_;
    PlanBook<Real>& plans_;
    bool is_caller_;
    Tally* tally_ = nullptr;
    std::span<std::uint64_t> memory_;
    std::vector<std::vector<std::uint64_t>> later_;  // groups of shots that start again
    std::uint64_t wanted_ = 0, done_ = 0;
};

template <class Real>
expected<void> Walker<Real>::run(std::uint64_t first, std::uint64_t count, Tally& tally, std::span<std::uint64_t> memory) {
    tally_ = &tally;
    memory_ = memory;
    wanted_ = count;
    done_ = 0;
    std::optional<State<Real>> state;
    for (std::uint64_t begin = 0; begin < count; begin += limits::shots_at_once) {
        auto& group = later_.emplace_back(std::min(limits::shots_at_once, count - begin));
        std::iota(group.begin(), group.end(), first + begin);
        while (!later_.empty()) {
            if (state)
                state->reset(team_);
            else
                state.emplace(program_.circuit.qubits, team_);
            Path<Real> path{std::move(*state), ClassicalMemory(program_.circuit), std::move(later_.back())};
            later_.pop_back();
            if (auto went = follow(path, 0); !went) return went;
            state.emplace(std::move(path.state));
        }
    }
    return {};
}

template <class Real>
expected<void> Walker<Real>::follow(Path<Real>& path, unsigned copies) {
    const Circuit& circuit = program_.circuit;
    while (path.at < circuit.ops.size()) {
        const Op& op = circuit.ops[path.at];
        if (++path.steps > control_.options.steps) return unexpected(endless(op, control_.options.steps));
        if (path.steps % steps_between_questions == 0 && !control_.goes_on(is_caller_)) return complaint(std::string(cancelled));
        switch (op.kind) {
            case Op::Kind::gate:
            case Op::Kind::unitary: {
                std::size_t end = path.at;
                while (end < circuit.ops.size() && circuit.ops[end].kind <= Op::Kind::unitary) ++end;
                // One map of positions for every visit: otherwise a loop would meet its body under ever new maps.
                const auto& plan = plans_.of(path.at, end, path.state.position, PlanBook<Real>::Relabels::no,
                                             path.steps == 1 ? From::zero : From::anything);
                if (!apply(plan, path.state, team_, [&](double) { return control_.goes_on(is_caller_); }))
                    return complaint(std::string(cancelled));
                path.steps += end - path.at - 1;
                path.at = end;
                continue;
            }
            case Op::Kind::measure:
                if (program_.waits[path.at]) {
                    path.waiting.push_back({circuit.operands_of(op)[0], op.target});
                    break;
                }
                [[fallthrough]];
            case Op::Kind::reset:
                if (auto went = part(path, op, copies); !went) return went;
                break;
            case Op::Kind::set_bit:
                path.memory.set_bit(op.target, evaluate(circuit, op.first, path.memory) != 0);
                break;
            case Op::Kind::set:
                path.memory.variables[op.target] = evaluate(circuit, op.first, path.memory);
                break;
            case Op::Kind::jump:
                path.at = op.target;
                continue;
            case Op::Kind::branch:
                if (evaluate(circuit, op.first, path.memory) != 0) break;
                path.at = op.target;
                continue;
            case Op::Kind::channel:
            case Op::Kind::barrier:
            case Op::Kind::delay:
                MERIDIAN_ASSERT(!"a prepared program has none");
        }
        ++path.at;
    }
    return finish(path);
}

template <class Real>
expected<void> Walker<Real>::part(Path<Real>& path, const Op& op, unsigned copies) {
    if (!control_.goes_on(is_caller_)) return complaint(std::string(cancelled));
    const unsigned position = path.state.position[program_.circuit.operands_of(op)[0]];
    const Chance chances = chance(path.state, position, team_);
    const double total = chances.zero + chances.one;
    if (!(total > 0) || !std::isfinite(total)) return complaint("The state lost its norm: a matrix of the circuit is not unitary", op.at);
    std::vector<std::uint64_t> zeros, ones;
    const std::uint64_t draw = path.draws++;
    for (const std::uint64_t shot : path.shots) {
        // A sure outcome stays sure, whatever the rounding.
        const bool one = chances.zero <= 0 || uniform(control_.options.seed, shot, draw) * total < chances.one;
        (one ? ones : zeros).push_back(shot);
    }
    const bool keeps_one = ones.size() > zeros.size();
    auto& leaving = keeps_one ? zeros : ones;
    path.shots = std::move(keeps_one ? ones : zeros);
    if (!leaving.empty()) {
        if (copies >= copies_max()) {
            later_.push_back(std::move(leaving));
        } else {
            Path<Real> other = copy_of(path);
            other.shots = std::move(leaving);
            collapse_to(other, op, !keeps_one, chances);
            ++other.at;
            if (auto went = follow(other, copies + 1); !went) return went;
        }
    }
    collapse_to(path, op, keeps_one, chances);
    return {};
}

template <class Real>
void Walker<Real>::collapse_to(Path<Real>& path, const Op& op, bool outcome, Chance chances) {
    const unsigned position = path.state.position[program_.circuit.operands_of(op)[0]];
    const bool is_reset = op.kind == Op::Kind::reset;
    if (!is_reset) path.memory.set_bit(op.target, outcome);
    const double other = outcome ? chances.zero : chances.one, own = outcome ? chances.one : chances.zero;
    if (other <= 0 && !(is_reset && outcome) && std::abs(own - 1) < 1e-9) return;  // nothing would change
    collapse(path.state, position, outcome, 1 / std::sqrt(own), is_reset ? Collapse::cleared : Collapse::kept, team_);
}

template <class Real>
Path<Real> Walker<Real>::copy_of(const Path<Real>& path) const {
    Path<Real> copy{State<Real>(program_.circuit.qubits, team_), path.memory, {}, path.at, path.steps, path.draws, path.waiting};
    copy.state.position = path.state.position;
    team_.run([&](unsigned member) {
        const auto [begin, end] = team_.share(path.state.blocks(), member);
        std::copy(path.state.block(begin), path.state.block(end), copy.state.block(begin));
    });
    return copy;
}

template <class Real>
expected<void> Walker<Real>::finish(Path<Real>& path) {
    std::vector<Reading> readings = std::move(path.waiting);
    readings.insert(readings.end(), program_.at_end.begin(), program_.at_end.end());
    Readout<Real> readout(path.state, readings, path.memory, team_);
    if (!readout.is_sound()) return complaint("The state lost its norm: a matrix of the circuit is not unitary");
    readout.draw(path.shots, control_.options.seed, path.draws, *tally_, memory_);
    done_ += path.shots.size();
    control_.tell(is_caller_, double(done_) / double(wanted_));
    return {};
}

// A circuit whose measurements all wait: one state, one plan, and shots as many at once as memory allows.
template <class Real>
expected<void> run_once(const Prepared& program, Control& control, Team& team, PlanBook<Real>& plans, Tally& tally,
                        std::span<std::uint64_t> memory) {
    State<Real> state(program.circuit.qubits, team);
    if (!program.circuit.ops.empty()) {
        const auto& plan = plans.of(0, program.circuit.ops.size(), state.position, PlanBook<Real>::Relabels::yes, From::zero);
        const auto between = [&](double done) {
            control.tell(true, 0.95 * done);
            return control.goes_on(true);
        };
        if (!apply(plan, state, team, between)) return complaint(std::string(cancelled));
    }
    Readout<Real> readout(state, program.at_end, ClassicalMemory(program.circuit), team);
    if (!readout.is_sound()) return complaint("The state lost its norm: a matrix of the circuit is not unitary");
    const std::uint64_t wanted = control.options.shots;
    std::vector<std::uint64_t> shots;
    for (std::uint64_t begin = 0; begin < wanted; begin += limits::shots_at_once) {
        if (!control.goes_on(true)) return complaint(std::string(cancelled));
        shots.resize(std::min(limits::shots_at_once, wanted - begin));
        std::iota(shots.begin(), shots.end(), begin);
        readout.draw(shots, control.options.seed, 0, tally, memory);
        control.tell(true, 0.95 + 0.05 * double(begin + shots.size()) / double(wanted));
    }
    return {};
}

// Small states: each member runs its share of the shots alone. A shot's numbers are its own, so the shares do not matter.
template <class Real>
expected<void> run_shared(const Prepared& program, Control& control, Team& team, Tally& tally, std::span<std::uint64_t> memory) {
    std::vector<expected<void>> ended(team.size());
    std::vector<Tally> tallies(team.size(), Tally(ClassicalMemory(program.circuit).words.size()));
    team.run([&](unsigned member) {
        const auto [begin, end] = team.share(control.options.shots, member);
        if (begin == end) return;
        Team alone(1);
        PlanBook<Real> plans(program.circuit, nullptr);
        ended[member] = Walker<Real>(program, control, alone, plans, member == 0).run(begin, end - begin, tallies[member], memory);
        if (!ended[member]) control.stopped = true;
    });
    // A complaint of the program goes before those of members that were stopped by it.
    for (const bool own : {true, false})
        for (auto& went : ended)
            if (!went && (went.error().said != cancelled) == own) return went;
    for (const Tally& part : tallies) tally.add(part);
    return {};
}

}  // namespace

template <class Real>
expected<Samples> execute(const Prepared& program, const RunOptions& options, Team& team, PlanCache* plans) {
    Samples samples;
    samples.bits = program.circuit.bits;
    samples.shots = options.shots;
    if (options.memory) samples.memory.resize(options.shots * samples.words());
    Tally tally(samples.words());
    Control control{options};
    expected<void> went;
    if (program.is_unitary) {
        PlanBook<Real> book(program.circuit, plans);
        went = run_once<Real>(program, control, team, book, tally, samples.memory);
    } else if (program.circuit.qubits <= limits::qubits_per_member && team.size() > 1) {
        went = run_shared<Real>(program, control, team, tally, samples.memory);
    } else {
        PlanBook<Real> book(program.circuit, plans);
        went = Walker<Real>(program, control, team, book, true).run(0, options.shots, tally, samples.memory);
    }
    if (!went) return unexpected(went.error());
    tally.finish(samples);
    return samples;
}

template expected<Samples> execute<double>(const Prepared&, const RunOptions&, Team&, PlanCache*);
template expected<Samples> execute<float>(const Prepared&, const RunOptions&, Team&, PlanCache*);

}  // namespace meridian::quantum
