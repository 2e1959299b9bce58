#include "quantum/engines/statevector/assemble.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "quantum/engines/statevector/assemble-phases.h"
#include "quantum/engines/statevector/interaction.h"
#include "quantum/engines/statevector/real_elements.h"
#include "quantum/engines/statevector/state.h"

namespace meridian::quantum {
namespace {

constexpr unsigned leaf_bits_over_lanes = 5;  // a leaf's table of phases takes 4 KiB
constexpr std::size_t bundle_window = 64;     // rotations looked at for room in a bundle

template <class Real>
class Assembler {
public:
    Assembler(const Items& items, const Segment& segment, unsigned lane_bits, Pool<Real>& pool, Pending& pending)
        : items_(items), segment_(segment), lane_bits_(lane_bits), lanes_(std::size_t{1} << lane_bits), pool_(pool), pending_(pending) {
        block_.position.assign(64, no_wire);
        for (std::uint64_t left = segment.wires; left != 0; left &= left - 1)
            block_.position[std::size_t(std::countr_zero(left))] = std::uint8_t(block_.bits++);
        block_.bits = std::max(block_.bits, State<Real>::lane_bits);
        program_.wires = segment.wires;
        program_.bits = block_.bits;
    }

    Program run();

private:
    enum class Place : std::uint8_t { nowhere, outside, inside, addressed };  // outside the block; inside a vector; in the address
    [[nodiscard]] Place place(Wire wire) const {
        if (wire == no_wire) return Place::nowhere;
        const std::uint8_t position = block_.position[wire];
        return position == no_wire ? Place::outside : position < lane_bits_ ? Place::inside : Place::addressed;
    }
    [[nodiscard]] std::uint8_t address_bit(Wire wire) const {
        const unsigned position = block_.position[wire];
        return std::uint8_t(position + (position >= State<Real>::lane_bits) - lane_bits_);
    }

    std::uint32_t here() const { return std::uint32_t(pool_.size()); }
    // One vector; element(k) is that of lane k.
    template <class Element>
    void vector(Element element) {
        for (std::size_t k = 0; k < lanes_; ++k) pool_.push_back(Real(element(k)));
    }
    template <class Element>
    void complex_vector(Element element) {
        vector([&](std::size_t k) { return element(k).real(); });
        vector([&](std::size_t k) { return element(k).imag(); });
    }
    void align() { pool_.resize((pool_.size() + 15) / 16 * 16); }

    void bundles(std::span<const std::uint32_t> run);
    void tangents(Bundle& bundle, std::span<const Item* const> turns);
    void add(const Bundle& shape, std::span<const Item* const> turns, std::span<const Item* const> inside);
    template <class Set>
    Coefficients coefficients(const Item& item, std::span<const Item* const> turns, std::size_t registers, std::size_t self, Set set);
    void pair(const Item& item, GateMatrix m);
    void interaction(const Item& item);
    void conditional(const Item& item);
    void flag(const Item& item);
    void large(const Item& item);
    void phases(std::span<const std::uint32_t> terms);
    struct Condition {
        std::uint64_t address = 0, address_value = 0, lane = 0, lane_value = 0, outer = 0, outer_value = 0;
    };
    [[nodiscard]] Condition condition(const Item& item) const;
    void push(Kernel::Kind kind, std::size_t index) { program_.order.push_back({kind, std::uint32_t(index)}); }

    const Items& items_;
    const Segment& segment_;
    unsigned lane_bits_;
    std::size_t lanes_;
    Pool<Real>& pool_;
    Pending& pending_;
    BlockMap block_;
    Program program_;
};

template <class Real>
Program Assembler<Real>::run() {
    const std::span<const std::uint32_t> all = segment_.items;
    const auto kind = [&](std::size_t k) { return items_.list[all[k]].kind; };
    for (std::size_t k = 0; k < all.size();) {
        std::size_t end = k + 1;
        const Item& item = items_.list[all[k]];
        if (item.kind == Item::Kind::rotation || item.kind == Item::Kind::phase)
            while (end < all.size() && kind(end) == item.kind) ++end;
        switch (item.kind) {
            case Item::Kind::rotation:
                bundles(all.subspan(k, end - k));
                break;
            case Item::Kind::phase:
                phases(all.subspan(k, end - k));
                break;
            case Item::Kind::pair:
                pair(item, items_.pairs[item.index]);
                break;
            case Item::Kind::interaction:
                interaction(item);
                break;
            case Item::Kind::conditional:
                conditional(item);
                break;
            case Item::Kind::flag:
                flag(item);
                break;
            case Item::Kind::matrix:
                large(item);
                break;
        }
        k = end;
    }
    return std::move(program_);
}

// Rotations of a run, by bundles. A later one may join before those that wait if it commutes with them.
template <class Real>
void Assembler<Real>::bundles(std::span<const std::uint32_t> run) {
    std::vector<std::uint32_t> waiting(run.begin(), run.end()), rest;
    while (!waiting.empty()) {
        const Item *turns[3], *inside[4];
        Bundle shape;
        std::uint64_t passed_moves = 0, passed_reads = 0, turned = 0, turns_read = 0;
        rest.clear();
        for (std::size_t k = 0; k < waiting.size(); ++k) {
            const Item& item = items_.list[waiting[k]];
            const auto free = [&](std::uint64_t moves, std::uint64_t reads) {
                return (item.moves & (moves | reads)) == 0 && (item.reads & moves) == 0;
            };
            const bool may_join = k < bundle_window && free(passed_moves, passed_reads);
            if (may_join && place(item.a) == Place::inside && shape.inside_count < 4 && free(turned, turns_read)) {
                inside[shape.inside_count++] = &item;
            } else if (may_join && place(item.a) == Place::addressed && shape.count < 3 && (item.moves & turned) == 0) {
                shape.bits[shape.count] = address_bit(item.a);
                turns[shape.count++] = &item;
                turned |= item.moves;
                turns_read |= item.reads;
            } else {
                rest.push_back(waiting[k]);
                passed_moves |= item.moves;
                passed_reads |= item.reads;
            }
        }
        add(shape, std::span(turns).first(shape.count), std::span(inside).first(shape.inside_count));
        std::swap(waiting, rest);
    }
}

// The sets of one rotation. `set(value of the control by lane)` writes one set; `self`: its own number among the turns, or past them.
template <class Real>
template <class Set>
Coefficients Assembler<Real>::coefficients(const Item& item, std::span<const Item* const> turns, std::size_t registers, std::size_t self,
                                           Set set) {
    Coefficients c{.at = here()};
    const auto write = [&](auto control) {
        set(control);
        if (c.stride == 0) c.stride = here() - c.at;
    };
    const auto constant = [](unsigned value) { return [value](std::size_t) { return value; }; };
    const auto among = std::size_t(std::ranges::find(turns, item.b, [](const Item* turn) { return turn->a; }) - turns.begin());
    switch (place(item.b)) {
        case Place::nowhere:
            write(constant(0));
            break;
        case Place::inside:
            write([bit = block_.position[item.b]](std::size_t lane) { return unsigned(lane >> bit & 1); });
            break;
        case Place::outside:
            c.outer = std::uint64_t{1} << item.b;
            write(constant(0));
            write(constant(1));
            break;
        case Place::addressed:
            if (among == turns.size()) {
                c.address = std::uint64_t{1} << address_bit(item.b);
                write(constant(0));
                write(constant(1));
                break;
            }
            c.by_register = true;
            // Registers are numbered by the targets' values; those of a rotation's own target are paired.
            for (std::size_t r = 0; r < registers; ++r)
                if (self >= turns.size() || (r >> self & 1) == 0) write(constant(unsigned(r >> among & 1)));
            break;
    }
    if (c.by_register || (c.outer == 0 && c.address == 0)) c.stride = 0;
    return c;
}

// Of [a b; c d] the larger row-mates are taken out: a and d, which differ in sign at most, or b and c, which do so too.
template <class Real>
void Assembler<Real>::tangents(Bundle& bundle, std::span<const Item* const> turns) {
    std::size_t negative = 0;
    for (std::size_t t = 0; t < turns.size(); ++t) {
        const auto& [a, b, c, d] = items_.rotations[turns[t]->index][0];
        const bool is_exchanged = std::abs(a) < std::abs(b);
        bundle.exchanged |= std::uint8_t(is_exchanged << t);
        bundle.turns[t].at = here();
        const double first = is_exchanged ? b : a, second = is_exchanged ? c : d;
        vector([&, u = (is_exchanged ? a : b) / first](std::size_t) { return u; });
        vector([&, v = (is_exchanged ? d : c) / second](std::size_t) { return v; });
        pending_.scale *= first;
        negative |= std::size_t(first * second < 0) << t;
    }
    bundle.signs = here();
    for (std::size_t r = 0; r < std::size_t{1} << turns.size(); ++r)
        vector([&](std::size_t) { return std::popcount(r & negative) % 2 == 1 ? -0.0 : 0.0; });
}

template <class Real>
void Assembler<Real>::add(const Bundle& shape, std::span<const Item* const> turns, std::span<const Item* const> inside) {
    Bundle bundle = shape;
    const std::size_t registers = std::size_t{1} << turns.size();
    const auto is_turned = [&](Wire wire) { return std::ranges::any_of(turns, [&](const Item* turn) { return turn->a == wire; }); };
    bundle.by_tangent = !turns.empty() && std::ranges::all_of(turns, [](const Item* turn) { return turn->b == no_wire; }) &&
                        std::ranges::none_of(inside, [&](const Item* turn) { return is_turned(turn->b); });
    align();
    if (bundle.by_tangent) tangents(bundle, turns);
    for (std::size_t t = 0; !bundle.by_tangent && t < turns.size(); ++t) {
        const auto& by_control = items_.rotations[turns[t]->index];
        const double scale = std::exchange(pending_.scale, 1);
        bundle.turns[t] = coefficients(*turns[t], turns, registers, t, [&](auto control) {
            for (std::size_t e = 0; e < 4; ++e) vector([&](std::size_t lane) { return scale * by_control[control(lane)][e]; });
        });
    }
    for (std::size_t t = 0; t < inside.size(); ++t) {
        const auto& by_control = items_.rotations[inside[t]->index];
        const std::uint8_t bit = block_.position[inside[t]->a];
        const double scale = std::exchange(pending_.scale, 1);
        bundle.inside[t].lane_bit = bit;
        bundle.inside[t].coefficients = coefficients(*inside[t], turns, registers, turns.size(), [&](auto control) {
            for (std::size_t other = 0; other < 2; ++other)
                vector([&](std::size_t lane) {
                    const std::size_t row = lane >> bit & 1;
                    return scale * by_control[control(lane)][2 * row + (row ^ other)];
                });
        });
    }
    push(Kernel::Kind::bundle, program_.bundles.size());
    program_.bundles.push_back(bundle);
}

template <class Real>
void Assembler<Real>::pair(const Item& item, GateMatrix m) {
    if (pending_.phase != 0 || pending_.scale != 1)
        for (Amplitude& element : m) element *= pending_.scale * std::polar(1.0, pending_.phase);
    pending_ = {};
    align();
    Dense dense{.at = here()};
    const Wire wires[2] = {item.a, item.b};
    const bool first_inside = place(item.a) == Place::inside, second_inside = place(item.b) == Place::inside;
    dense.inside = std::uint8_t(first_inside + second_inside);
    if (dense.inside == 0) {
        dense.bits[0] = address_bit(item.a);
        dense.bits[1] = address_bit(item.b);
        dense.has_real_elements = has_real_elements(m);
        for (const Amplitude element : m) pool_.insert(pool_.end(), {Real(element.real()), Real(element.imag())});
    } else if (dense.inside == 1) {
        const int in = first_inside ? 0 : 1;
        dense.bits[0] = block_.position[wires[in]];
        dense.bits[1] = address_bit(wires[1 - in]);
        const auto index = [&](std::size_t lane_value, std::size_t other) { return lane_value << in | other << (1 - in); };
        for (std::size_t row = 0; row < 2; ++row)
            for (std::size_t column = 0; column < 2; ++column)
                for (std::size_t swapped = 0; swapped < 2; ++swapped)
                    complex_vector([&](std::size_t lane) {
                        const std::size_t value = lane >> dense.bits[0] & 1;
                        return m[4 * index(value, row) + index(value ^ swapped, column)];
                    });
    } else {
        dense.bits[0] = block_.position[item.a];
        dense.bits[1] = block_.position[item.b];
        for (std::size_t swapped = 0; swapped < 4; ++swapped)
            complex_vector([&](std::size_t lane) {
                const std::size_t row = (lane >> dense.bits[0] & 1) | (lane >> dense.bits[1] & 1) << 1;
                return m[4 * row + (row ^ swapped)];
            });
    }
    push(Kernel::Kind::dense, program_.denses.size());
    program_.denses.push_back(dense);
}

template <class Real>
void Assembler<Real>::interaction(const Item& item) {
    const Interaction& g = items_.interactions[item.index];
    if (place(item.a) == Place::inside || place(item.b) == Place::inside) return pair(item, matrix_of(g));
    align();
    Interacting out{.bits = {address_bit(item.a), address_bit(item.b)}, .is_real = {}, .is_exchanged = {}, .at = here()};
    const auto put = [&](std::initializer_list<double> values) {
        for (const double value : values) pool_.push_back(Real(value));
    };
    put({g.turn[0], g.turn[1], g.planes[0].phase, g.planes[1].phase});
    for (std::size_t plane = 0; plane < 2; ++plane) {
        out.is_real[plane] = g.planes[plane].is_real;
        out.is_exchanged[plane] = g.planes[plane].is_exchanged;
        put({g.planes[plane].to_p, g.planes[plane].to_q});
    }
    for (const Amplitude scale : g.scale) put({pending_.scale * scale.real(), pending_.scale * scale.imag()});
    pending_.scale = 1;
    push(Kernel::Kind::interaction, program_.interactions.size());
    program_.interactions.push_back(out);
}

template <class Real>
typename Assembler<Real>::Condition Assembler<Real>::condition(const Item& item) const {
    Condition c;
    for (std::uint64_t left = item.mask; left != 0; left &= left - 1) {
        const auto wire = Wire(std::countr_zero(left));
        const std::uint64_t one = item.value >> wire & 1;
        switch (place(wire)) {
            case Place::nowhere:
                break;
            case Place::outside:
                c.outer |= std::uint64_t{1} << wire;
                c.outer_value |= one << wire;
                break;
            case Place::inside:
                c.lane |= std::uint64_t{1} << block_.position[wire];
                c.lane_value |= one << block_.position[wire];
                break;
            case Place::addressed:
                c.address |= std::uint64_t{1} << address_bit(wire);
                c.address_value |= one << address_bit(wire);
                break;
        }
    }
    return c;
}

template <class Real>
void Assembler<Real>::conditional(const Item& item) {
    const Matrix2& m = items_.conditionals[item.index];
    const Condition c = condition(item);
    align();
    Conditional out{.mask = c.address, .value = c.address_value, .outer_mask = c.outer, .outer_value = c.outer_value, .at = here()};
    const auto element = [&](std::size_t lane, std::size_t row, std::size_t column) {
        return (lane & c.lane) == c.lane_value ? m[2 * row + column] : Amplitude(row == column);
    };
    if (place(item.a) == Place::inside) {
        out.kind = Conditional::Kind::inside;
        out.bit = block_.position[item.a];
        for (std::size_t other = 0; other < 2; ++other)
            complex_vector([&](std::size_t lane) { return element(lane, lane >> out.bit & 1, (lane >> out.bit & 1) ^ other); });
    } else {
        out.kind = Conditional::Kind::addressed;
        out.bit = address_bit(item.a);
        for (std::size_t e = 0; e < 4; ++e) complex_vector([&](std::size_t lane) { return element(lane, e / 2, e % 2); });
    }
    push(Kernel::Kind::conditional, program_.conditionals.size());
    program_.conditionals.push_back(out);
}

template <class Real>
void Assembler<Real>::flag(const Item& item) {
    const Condition c = condition(item);
    align();
    Conditional out{.mask = c.address, .value = c.address_value, .outer_mask = c.outer, .outer_value = c.outer_value, .at = here()};
    complex_vector([&](std::size_t lane) { return (lane & c.lane) == c.lane_value ? std::polar(1.0, item.angle) : Amplitude(1); });
    push(Kernel::Kind::conditional, program_.conditionals.size());
    program_.conditionals.push_back(out);
}

template <class Real>
void Assembler<Real>::large(const Item& item) {
    const Matrix& m = items_.matrices[item.index];
    align();
    Large out;
    out.at = here();
    for (const Wire wire : m.wires) out.positions.push_back(block_.position[wire]);
    for (std::uint64_t left = m.mask; left != 0; left &= left - 1) {
        const auto wire = Wire(std::countr_zero(left));
        const std::uint8_t position = block_.position[wire];
        const std::uint64_t one = m.value >> wire & 1;
        (position == no_wire ? out.outer_mask : out.mask) |= std::uint64_t{1} << (position == no_wire ? wire : position);
        (position == no_wire ? out.outer_value : out.value) |= one << (position == no_wire ? wire : position);
    }
    for (const Amplitude element : m.elements) pool_.insert(pool_.end(), {Real(element.real()), Real(element.imag())});
    push(Kernel::Kind::large, program_.larges.size());
    program_.larges.push_back(std::move(out));
}

template <class Real>
void Assembler<Real>::phases(std::span<const std::uint32_t> terms) {
    std::vector<std::complex<double>> table;
    const unsigned leaf_bits = std::min(block_.bits, State<Real>::lane_bits + leaf_bits_over_lanes);
    Phases out = gathered(items_, terms, block_, leaf_bits, pending_, table);
    align();
    out.table = here();
    constexpr std::size_t lanes = State<Real>::lanes;
    for (std::size_t k = 0; k < table.size(); k += lanes) {
        for (std::size_t n = 0; n < lanes; ++n) pool_.push_back(Real(table[k + n].real()));
        for (std::size_t n = 0; n < lanes; ++n) pool_.push_back(Real(table[k + n].imag()));
    }
    push(Kernel::Kind::phases, program_.phases.size());
    program_.phases.push_back(std::move(out));
}

}  // namespace

template <class Real>
Program assemble(const Items& items, const Segment& segment, unsigned lane_bits, Pool<Real>& pool, Pending& pending) {
    return Assembler<Real>(items, segment, lane_bits, pool, pending).run();
}

template Program assemble(const Items&, const Segment&, unsigned, Pool<double>&, Pending&);
template Program assemble(const Items&, const Segment&, unsigned, Pool<float>&, Pending&);

}  // namespace meridian::quantum
