#include "quantum/engines/statevector/plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

#include <unistd.h>

#include "base/error.h"
#include "quantum/engines/statevector/assemble.h"
#include "quantum/engines/statevector/kernels.h"
#include "quantum/engines/statevector/lower.h"
#include "quantum/engines/statevector/schedule.h"

namespace meridian::quantum {
namespace {

constexpr unsigned block_bits_least = 12, block_bits_most = 17;
// Up to so many qubits, planning would be a part of the time that is felt, and a sweep costs little beside its kernels.
constexpr unsigned quickly_planned = 18, soon_planned = 21;
constexpr unsigned starts_of_small_states = 4, starts_of_middle_states = 10, starts_of_large_states = 24;
constexpr std::size_t run_bytes = 512;  // at least, of neighbours that are gathered; shorter ones cost bandwidth

// Half a megabyte where the second-level cache has it, more where that is less than its half. A block that fills the cache costs its
// kernels a little, and saves passes over memory that cost more (Zen 3, QAOA of 22 qubits: 8 % less than with half of it).
template <class Real>
unsigned block_bits_of_this_cpu() {
    static const long cache = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
    constexpr auto usual = std::size_t{512} << 10;
    const std::size_t bytes = cache > 0 ? std::min(std::size_t(cache), std::max(usual, std::size_t(cache) / 2)) : usual;
    return std::clamp(unsigned(std::bit_width(bytes / State<Real>::bytes_per_amplitude)) - 1, block_bits_least, block_bits_most);
}

// A small state that begins as |0...0> is cut into some blocks although it would fit into one: those that are still 0 cost nothing, and
// members of a team can share the others.
unsigned block_bits_from_zero(unsigned wires) { return std::max(block_bits_least, wires < 16 ? wires - 2 : wires - 3); }

template <class Real>
BlockShape shape_for(const Items& items, unsigned wires, const PlanOptions& options) {
    int widest = 2;
    for (const Item& item : items.list) widest = std::max(widest, std::popcount(item.moves));
    unsigned bits = options.block_bits;
    if (bits == 0) bits = block_bits_of_this_cpu<Real>();
    if (options.block_bits == 0 && options.from == From::zero && wires > block_bits_least)
        bits = std::min(bits, block_bits_from_zero(wires));
    bits = std::max(bits, State<Real>::lane_bits + unsigned(widest));
    constexpr auto lowest = unsigned(std::bit_width(run_bytes / State<Real>::bytes_per_amplitude)) - 1;
    if (bits >= wires) return {.wires = wires, .block_bits = wires, .lowest = wires};
    return {.wires = wires,
            .block_bits = bits,
            .lowest = std::max(State<Real>::lane_bits, std::min(lowest, bits - unsigned(widest))),
            .starts = wires <= quickly_planned ? starts_of_small_states
                      : wires <= soon_planned  ? starts_of_middle_states
                                               : starts_of_large_states,
            .zero = options.from == From::zero ? (std::uint64_t{1} << wires) - 1 : 0};
}

std::size_t next_in(std::size_t k, std::size_t fixed) { return ((k | fixed) + 1) & ~fixed; }

// The `number`-th index whose bits under `fixed` are 0.
std::size_t index_outside(std::size_t number, std::uint64_t fixed) {
    std::size_t index = 0;
    for (unsigned bit = 0; number != 0; ++bit) {
        if ((fixed >> bit & 1) != 0) continue;
        index |= (number & 1) << bit;
        number >>= 1;
    }
    return index;
}

}  // namespace

template <class Real>
struct Plan<Real>::Body {
    std::size_t begin = 0, end = 0;
    PlanOptions options;
    Items items;
    std::vector<Segment> segments;
    unsigned lane_bits = 0;  // that the programs were made for
    std::vector<Program> programs;
    Pool<Real> pool;
    std::uint64_t kernels = 0, flops = 0, bytes_moved = 0;
    PlanWork work;
};

namespace {

template <class Real>
using Body = typename Plan<Real>::Body;

// Operations of one kernel on a state of 2^wires amplitudes: a complex multiplication 8, a real rotation 3 for each of the two parts.
double flops_of(const Program& program, Kernel kernel) {
    switch (kernel.kind) {
        case Kernel::Kind::bundle:
            return (program.bundles[kernel.index].by_tangent ? 4.0 : 6.0) * program.bundles[kernel.index].count +
                   6.0 * program.bundles[kernel.index].inside_count;
        case Kernel::Kind::dense:
            return 30;
        case Kernel::Kind::interaction:
            return 20;
        case Kernel::Kind::phases:
            return 14;
        case Kernel::Kind::large:
            return std::ldexp(8.0, int(program.larges[kernel.index].positions.size()) - std::popcount(program.larges[kernel.index].mask));
        case Kernel::Kind::conditional:
            return std::ldexp(14.0, -std::popcount(program.conditionals[kernel.index].mask));
    }
    return 0;
}

void add_work(const Program& program, Kernel kernel, double amplitudes, PlanWork& work) {
    switch (kernel.kind) {
        case Kernel::Kind::bundle: {
            const Bundle& bundle = program.bundles[kernel.index];
            if (bundle.count + bundle.inside_count == 1) {
                work.lone += amplitudes;
                return;
            }
            (bundle.by_tangent ? work.tangents : work.rotations) += amplitudes * bundle.count;
            work.rotations += amplitudes * bundle.inside_count;
            return;
        }
        case Kernel::Kind::dense:
            work.dense += amplitudes;
            return;
        case Kernel::Kind::interaction:
            work.interactions += amplitudes;
            return;
        case Kernel::Kind::phases:
            work.phases += amplitudes;
            return;
        case Kernel::Kind::large:
        case Kernel::Kind::conditional:
            work.others += amplitudes * flops_of(program, kernel);
            return;
    }
}

template <class Real>
void assemble_all(Body<Real>& body) {
    const auto wires = unsigned(body.items.wires_before.size());
    body.lane_bits = vector_lane_bits<Real>();
    body.programs.clear();
    body.pool.clear();
    Pending pending{.phase = body.items.phase, .scale = 1};
    for (const Segment& segment : body.segments) body.programs.push_back(assemble(body.items, segment, body.lane_bits, body.pool, pending));
    if (pending.phase != 0 || pending.scale != 1) {
        Program& last = body.programs.back();
        last.order.push_back({Kernel::Kind::phases, std::uint32_t(last.phases.size())});
        Phases& constant = last.phases.emplace_back();
        constant.leaf_bits = last.bits;
        constant.constant = pending.scale * std::polar(1.0, pending.phase);
    }
    double flops = 0, passed = 0;
    body.kernels = 0;
    body.work = {};
    for (std::size_t k = 0; k < body.programs.size(); ++k) {
        const Program& program = body.programs[k];
        const double amplitudes = std::ldexp(1.0, int(wires) - std::popcount(body.segments[k].zero));
        body.kernels += program.order.size();
        passed += amplitudes;
        for (const Kernel kernel : program.order) {
            flops += amplitudes * flops_of(program, kernel);
            add_work(program, kernel, amplitudes, body.work);
        }
    }
    body.flops = std::uint64_t(flops);
    body.bytes_moved = std::uint64_t(passed) * 2 * State<Real>::bytes_per_amplitude;
}

template <class Real>
std::vector<Segment> segments_of(const Items& items, const PlanOptions& options) {
    return schedule(items, shape_for<Real>(items, unsigned(items.wires_before.size()), options));
}

// The same plan on other wires, or for other vectors.
template <class Real>
Plan<Real> adapted(const Body<Real>& body, const std::vector<Wire>& wires) {
    auto other = std::make_shared<Body<Real>>(body);
    std::vector<Wire> to(wires.size());
    for (std::size_t q = 0; q < wires.size(); ++q) to[body.items.wires_before[q]] = wires[q];
    const auto moved = [&](std::uint64_t mask) {
        std::uint64_t result = 0;
        for (std::uint64_t left = mask; left != 0; left &= left - 1) result |= std::uint64_t{1} << to[std::size_t(std::countr_zero(left))];
        return result;
    };
    for (Item& item : other->items.list) {
        if (item.a != no_wire) item.a = to[item.a];
        if (item.b != no_wire) item.b = to[item.b];
        for (std::uint64_t* mask : {&item.mask, &item.value, &item.moves, &item.reads}) *mask = moved(*mask);
    }
    for (Matrix& matrix : other->items.matrices) {
        for (Wire& wire : matrix.wires) wire = to[wire];
        matrix.mask = moved(matrix.mask);
        matrix.value = moved(matrix.value);
    }
    for (auto* map : {&other->items.wires_before, &other->items.wires_after})
        for (Wire& wire : *map) wire = to[wire];
    other->segments = segments_of<Real>(other->items, other->options);
    assemble_all<Real>(*other);
    return Plan<Real>(std::move(other));
}

}  // namespace

template <class Real>
unsigned Plan<Real>::qubits() const {
    return unsigned(body_->items.wires_before.size());
}
template <class Real>
const std::vector<std::uint8_t>& Plan<Real>::positions_before() const {
    return body_->items.wires_before;
}
template <class Real>
const std::vector<std::uint8_t>& Plan<Real>::positions_after() const {
    return body_->items.wires_after;
}
template <class Real>
std::uint64_t Plan<Real>::sweeps() const {
    return body_->programs.size();
}
template <class Real>
std::uint64_t Plan<Real>::fused_gates() const {
    return body_->kernels;
}
template <class Real>
std::uint64_t Plan<Real>::flops() const {
    return body_->flops;
}
template <class Real>
const PlanWork& Plan<Real>::work() const {
    return body_->work;
}
template <class Real>
std::uint64_t Plan<Real>::bytes_moved() const {
    return body_->bytes_moved;
}

template <class Real>
Plan<Real> compile(const Circuit& circuit, std::size_t begin, std::size_t end, const PlanOptions& options) {
    MERIDIAN_ASSERT(begin <= end && end <= circuit.ops.size() && circuit.qubits < 48);
    auto body = std::make_shared<Body<Real>>();
    body->begin = begin;
    body->end = end;
    body->options = options;
    std::vector<Wire> wires = options.positions;
    if (wires.empty()) {
        wires.resize(circuit.qubits);
        std::iota(wires.begin(), wires.end(), Wire{0});
    }
    MERIDIAN_ASSERT(wires.size() == circuit.qubits);
    body->items = lower(circuit, begin, end, std::move(wires), options.relabels);
    body->segments = segments_of<Real>(body->items, options);
    assemble_all<Real>(*body);
    return Plan<Real>(std::move(body));
}

template <class Real>
Plan<Real> rebind(const Plan<Real>& plan, const Circuit& circuit) {
    const Body<Real>& old = plan.body();
    auto body = std::make_shared<Body<Real>>();
    body->begin = old.begin;
    body->end = old.end;
    body->options = old.options;
    body->items = lower(circuit, old.begin, old.end, old.items.wires_before, old.options.relabels);
    // Special angles (a rotation by 0 is nothing) can change what there is to do.
    body->segments = body->items.same_shape(old.items) ? old.segments : segments_of<Real>(body->items, old.options);
    if (body->segments.empty() && body->items.phase != 0) body->segments = segments_of<Real>(body->items, old.options);
    assemble_all<Real>(*body);
    return Plan<Real>(std::move(body));
}

namespace {

constexpr std::size_t runs_ahead = 3;  // the processor does not foresee a jump to the next run of amplitudes

void fetch_ahead(const void* run, std::size_t bytes) {
    for (std::size_t k = 0; k < bytes; k += 64) __builtin_prefetch(static_cast<const char*>(run) + k);
}

// Blocks are gathered into memory of the member that works on them, run, and scattered back. Numbers count the blocks in which all wires of
// `zero` are 0.
template <class Real>
void run_blocks(const Program& program, std::uint64_t zero, const Pool<Real>& pool, State<Real>& state, std::size_t begin, std::size_t end,
                Pool<Real>& buffer, Workspace<Real>& workspace) {
    const std::size_t inner = std::countr_one(program.wires);
    const std::size_t run_reals = std::size_t{2} << inner, runs = std::size_t{1} << (program.bits - inner);
    const std::uint64_t not_upper = ~program.wires | ((std::uint64_t{1} << inner) - 1);
    buffer.resize(std::size_t{2} << program.bits);
    const std::uint64_t fixed = program.wires | zero;
    std::size_t outer = index_outside(begin, fixed);
    for (std::size_t number = begin; number < end; ++number, outer = next_in(outer, fixed)) {
        Real* base = state.block(0) + 2 * outer;
        std::size_t upper = 0, ahead = 0;
        for (std::size_t k = 0; k < runs + runs_ahead; ++k) {
            if (k < runs) fetch_ahead(base + 2 * ahead, run_reals * sizeof(Real));
            ahead = next_in(ahead, not_upper);
            if (k < runs_ahead) continue;
            std::memcpy(buffer.data() + (k - runs_ahead) * run_reals, base + 2 * upper, run_reals * sizeof(Real));
            upper = next_in(upper, not_upper);
        }
        run(program, pool.data(), buffer.data(), outer, workspace);
        upper = ahead = 0;
        for (std::size_t k = 0; k < runs + runs_ahead; ++k) {
            if (k < runs) fetch_ahead(base + 2 * ahead, run_reals * sizeof(Real));
            ahead = next_in(ahead, not_upper);
            if (k < runs_ahead) continue;
            std::memcpy(base + 2 * upper, buffer.data() + (k - runs_ahead) * run_reals, run_reals * sizeof(Real));
            upper = next_in(upper, not_upper);
        }
    }
}

}  // namespace

template <class Real>
bool apply(const Plan<Real>& plan, State<Real>& state, Team& team, const Between& between) {
    const Body<Real>& body = plan.body();
    MERIDIAN_ASSERT(plan.qubits() == state.qubits());
    if (state.position != body.items.wires_before || body.lane_bits != vector_lane_bits<Real>())
        return apply(adapted<Real>(body, state.position), state, team, between);
    std::vector<Pool<Real>> buffers(team.size());
    std::vector<Workspace<Real>> workspaces(team.size());
    double done = 0;
    for (std::size_t k = 0; k < body.programs.size(); ++k) {
        const Program& program = body.programs[k];
        if (between && !between(done++ / double(body.programs.size()))) return false;
        if (program.bits >= state.qubits()) {
            run(program, body.pool.data(), state.block(0), 0, workspaces[0]);
            continue;
        }
        team.run([&](unsigned member) {
            const std::size_t blocks = state.size() >> (program.bits + unsigned(std::popcount(body.segments[k].zero)));
            const auto [begin, end] = team.share(blocks, member);
            run_blocks(program, body.segments[k].zero, body.pool, state, begin, end, buffers[member], workspaces[member]);
        });
    }
    state.position = body.items.wires_after;
    return true;
}

template class Plan<double>;
template class Plan<float>;
template Plan<double> compile(const Circuit&, std::size_t, std::size_t, const PlanOptions&);
template Plan<float> compile(const Circuit&, std::size_t, std::size_t, const PlanOptions&);
template Plan<double> rebind(const Plan<double>&, const Circuit&);
template Plan<float> rebind(const Plan<float>&, const Circuit&);
template bool apply(const Plan<double>&, State<double>&, Team&, const Between&);
template bool apply(const Plan<float>&, State<float>&, Team&, const Between&);

}  // namespace meridian::quantum
