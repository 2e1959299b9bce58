#include "quantum/engines/statevector/interaction.h"

#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "quantum/engines/statevector/bell.h"
#include "quantum/ir/turn.h"

namespace meridian::quantum {
namespace {

constexpr std::uint32_t nobody = ~std::uint32_t{0};

// A gate on one wire: phases of its two rows, after a rotation (by its tangent, at most 1, and cosine), after a phase of state 1. The rows
// may have changed places first.
struct Single {
    double before = 0, tangent = 0, cosine = 1;
    std::array<double, 2> after{};
    bool is_flipped = false;
};

Single single(const Matrix2& m) {
    const double c = std::sqrt(std::norm(m[0])), s = std::sqrt(std::norm(m[2]));
    if (s > c) {
        Single flipped = single({m[2], m[3], m[0], m[1]});
        flipped.is_flipped = true;
        return flipped;
    }
    Single out{.tangent = s / c, .cosine = c};
    out.after[0] = std::arg(m[0]);
    if (s == 0) {
        out.after[1] = std::arg(m[3]);
        return out;
    }
    out.after[1] = std::arg(m[2]);
    out.before = std::arg(m[3]) - out.after[1];
    return out;
}

Matrix2 flipped_columns(const Matrix2& m) { return {m[1], m[0], m[3], m[2]}; }

// One plane of the middle, with the phases of its states before it: exp(i phase[p, q]) then the plane of a Bell split.
void fill_plane(Interaction& g, std::size_t plane, double angle, double phase, double phase_p, double phase_q, double cosines) {
    constexpr double quarter = std::numbers::pi / 2;
    Interaction::Plane& out = g.planes[plane];
    const Amplitude turned = turn(angle);
    double c = turned.real(), s = turned.imag();
    // Rows [c, i s] and [i s, c]. Exchanged they are i [s, -i c] and i [-i c, s].
    if (std::abs(s) > std::abs(c)) {
        out.is_exchanged = true;
        std::swap(c, s);
        s = -s;
        phase += quarter;
    }
    const double turns = std::round((phase_q - phase_p) / quarter), rest = phase_q - phase_p - turns * quarter;
    const Amplitude by_rest = turn(rest);
    out.phase = by_rest.imag() / by_rest.real();
    // exp(i (phase_q - phase_p)) is `unit` cos(rest) (1 + i tan(rest)).
    const long k = std::lround(turns) & 3;
    const Amplitude unit = k == 0 ? 1 : k == 1 ? Amplitude(0, 1) : k == 2 ? -1 : Amplitude(0, -1);
    const Amplitude to_p = Amplitude(0, s / c) * unit * by_rest.real(), to_q = Amplitude(0, s / c) * std::conj(unit) / by_rest.real();
    out.is_real = k % 2 == 1;
    out.to_p = out.is_real ? to_p.real() : to_p.imag();
    out.to_q = out.is_real ? to_q.real() : to_q.imag();
    g.scale[plane] = c * cosines * turn(phase + phase_p);
    g.scale[3 - plane] = g.scale[plane] * unit * by_rest.real();
}

// The state that scale[k] belongs to, after the exchanges.
std::size_t output(const Interaction& g, std::size_t k) { return g.planes[k == 1 || k == 2 ? 1 : 0].is_exchanged ? 3 - k : k; }

class Writer {
public:
    explicit Writer(Items& items) : items_(items), next_(items.list.size(), {nobody, nobody}), before_(next_) { connect(); }
    void run() {
        for (std::uint32_t k = 0; k < items_.list.size(); ++k)
            if (fits(k)) write(k);
        for (Interaction& g : items_.interactions) {
            const double magnitude = std::sqrt(std::norm(g.scale[0]));
            items_.phase += std::arg(g.scale[0]);
            const Amplitude back = std::conj(g.scale[0]) / magnitude;
            for (Amplitude& scale : g.scale) scale *= back;
            g.scale[0] = magnitude;
        }
        items_.phase = std::remainder(items_.phase, 2 * std::numbers::pi);
    }

private:
    [[nodiscard]] std::array<Wire, 2> wires(std::uint32_t k) const { return {items_.list[k].a, items_.list[k].b}; }
    [[nodiscard]] bool is_block(std::uint32_t k) const {
        return k != nobody && (items_.list[k].kind == Item::Kind::pair || items_.list[k].kind == Item::Kind::interaction);
    }
    [[nodiscard]] bool fits(std::uint32_t k) const {
        const auto both = [&](const std::array<std::uint32_t, 2>& of) { return is_block(of[0]) && is_block(of[1]); };
        return items_.list[k].kind == Item::Kind::pair && both(next_[k]) && both(before_[k]);
    }
    // For both wires of each block: the movers before it, and those after it unless something is diagonal in the wire before that.
    void connect() {
        std::array<std::uint32_t, 64> mover;
        std::array<bool, 64> is_read{};
        mover.fill(nobody);
        for (std::uint32_t k = 0; k < items_.list.size(); ++k) {
            const Item& item = items_.list[k];
            for (std::uint64_t left = item.reads; left != 0; left &= left - 1) is_read[std::size_t(std::countr_zero(left))] = true;
            for (std::uint64_t left = item.moves; left != 0; left &= left - 1) {
                const auto wire = Wire(std::countr_zero(left));
                const std::uint32_t last = std::exchange(mover[wire], k);
                if (is_block(k)) before_[k][item.a == wire ? 0 : 1] = last;
                if (is_block(last) && !is_read[wire]) next_[last][items_.list[last].a == wire ? 0 : 1] = k;
                is_read[wire] = false;
            }
        }
    }
    void write(std::uint32_t k);
    void give_on(std::uint32_t k, std::size_t side, const Matrix2& gate) {
        const std::uint32_t to = next_[k][side];
        const bool is_low = items_.list[to].a == wires(k)[side];
        constexpr Matrix2 identity{1, 0, 0, 1};
        GateMatrix& m = items_.pairs[items_.list[to].index];
        m = product(m, is_low ? tensor(gate, identity) : tensor(identity, gate));
    }
    // A phase where the wire is 1, to the block before.
    void give_back(std::uint32_t k, std::size_t side, double angle) {
        const Item& to = items_.list[before_[k][side]];
        const std::size_t bit = to.a == wires(k)[side] ? 0 : 1;
        const Amplitude by = turn(angle);
        if (to.kind == Item::Kind::interaction) {
            Interaction& g = items_.interactions[to.index];
            for (std::size_t s = 0; s < 4; ++s)
                if ((output(g, s) >> bit & 1) != 0) g.scale[s] *= by;
        } else {
            for (std::size_t e = 0; e < 16; ++e)
                if ((e / 4 >> bit & 1) != 0) items_.pairs[to.index][e] *= by;
        }
    }

    Items& items_;
    std::vector<std::array<std::uint32_t, 2>> next_, before_;  // by item, then wire a and b
};

void Writer::write(std::uint32_t k) {
    Item& item = items_.list[k];
    auto split = bell_split(items_.pairs[item.index]);
    if (!split) return;
    std::array<Single, 2> singles;
    for (std::size_t side = 0; side < 2; ++side) {
        singles[side] = single(split->before[side]);
        give_back(k, side, singles[side].before);
        if (!singles[side].is_flipped) continue;
        // A flip before the middle exchanges its planes, and is another flip after it.
        split->after[side] = flipped_columns(split->after[side]);
        std::swap(split->angle[0], split->angle[1]);
        std::swap(split->phase[0], split->phase[1]);
    }
    for (std::size_t side = 0; side < 2; ++side) give_on(k, side, split->after[side]);
    Interaction g;
    const auto phase = [&](std::size_t state) { return singles[0].after[state & 1] + singles[1].after[state >> 1]; };
    g.turn = {singles[0].tangent, singles[1].tangent};
    for (std::size_t plane = 0; plane < 2; ++plane)
        fill_plane(g, plane, split->angle[plane], split->phase[plane], phase(plane), phase(3 - plane),
                   singles[0].cosine * singles[1].cosine);
    item.kind = Item::Kind::interaction;
    item.index = std::uint32_t(items_.interactions.size());
    items_.interactions.push_back(g);
}

}  // namespace

void make_interactions(Items& items) { Writer(items).run(); }

GateMatrix matrix_of(const Interaction& g) {
    const auto turn = [](double t) { return Matrix2{1, -t, t, 1}; };
    GateMatrix phases{}, mix{}, scale{};
    for (std::size_t plane = 0; plane < 2; ++plane) {
        const Interaction::Plane& from = g.planes[plane];
        const std::size_t p = plane, q = 3 - plane;
        const Amplitude unit = from.is_real ? 1 : Amplitude(0, 1);
        phases[5 * p] = 1;
        phases[5 * q] = {1, from.phase};
        mix[5 * p] = mix[5 * q] = 1;
        mix[4 * p + q] = unit * from.to_p;
        mix[4 * q + p] = unit * from.to_q;
    }
    for (std::size_t k = 0; k < 4; ++k) scale[4 * output(g, k) + k] = g.scale[k];
    return product(product(scale, mix), product(phases, tensor(turn(g.turn[0]), turn(g.turn[1]))));
}

}  // namespace meridian::quantum
