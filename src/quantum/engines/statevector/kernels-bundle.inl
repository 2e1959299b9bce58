// Kernels of real rotations, compiled for each instruction set by kernels.cpp.
#if defined(MERIDIAN_QUANTUM_KERNELS_BUNDLE) == defined(HWY_TARGET_TOGGLE)
#ifdef MERIDIAN_QUANTUM_KERNELS_BUNDLE
#undef MERIDIAN_QUANTUM_KERNELS_BUNDLE
#else
#define MERIDIAN_QUANTUM_KERNELS_BUNDLE
#endif
#include <hwy/highway.h>

#include "quantum/engines/statevector/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace meridian::quantum::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Real>
using Vectors = hn::CappedTag<Real, State<Real>::lanes>;
template <class Real>
using Vector = hn::Vec<Vectors<Real>>;

// Addresses in order, over all bits that are not in `mask`; the others have `value`.
HWY_INLINE std::size_t after(std::size_t address, std::size_t mask, std::size_t value) { return (((address | mask) + 1) & ~mask) | value; }

// Vectors in a block of 2^bits amplitudes, log2.
template <class Real>
HWY_INLINE unsigned address_bits(unsigned bits) {
    return bits + 1 - unsigned(std::countr_zero(hn::Lanes(Vectors<Real>())));
}

// Exchanges lanes whose numbers differ in one bit. Where there is an instruction for it, it is several times faster than a table.
template <unsigned LaneBit, class Real>
HWY_INLINE Vector<Real> swapped(Vector<Real> x) {
    const Vectors<Real> d;
    if constexpr (LaneBit == 0) {
        return hn::Reverse2(d, x);
    } else if constexpr (!HWY_HAVE_SCALABLE && (std::size_t{2} << LaneBit) == hn::MaxLanes(Vectors<Real>())) {
        return hn::ConcatLowerUpper(d, x, x);
    } else if constexpr (LaneBit == 1 && sizeof(Real) == 4) {
        return hn::Shuffle1032(x);
    } else {
        using Index = hwy::MakeSigned<Real>;
        alignas(64) static constexpr auto table = [] {
            std::array<Index, State<Real>::lanes> partner{};
            for (std::size_t k = 0; k < State<Real>::lanes; ++k)
                partner[k] = Index((k ^ (std::size_t{1} << LaneBit)) & (State<Real>::lanes - 1));
            return partner;
        }();
        return hn::TableLookupLanes(x, hn::SetTableIndices(d, table.data()));
    }
}

// Calls `work` with the lane bit as a constant; bits that no vector of this instruction set has are not compiled.
template <class Real, class Work>
HWY_INLINE void with_lane_bit(unsigned lane_bit, Work work) {
    constexpr std::size_t most = hn::MaxLanes(Vectors<Real>());
    if (lane_bit == 0) {
        if constexpr (most >= 2) work(std::integral_constant<unsigned, 0>());
    } else if (lane_bit == 1) {
        if constexpr (most >= 4) work(std::integral_constant<unsigned, 1>());
    } else if (lane_bit == 2) {
        if constexpr (most >= 8) work(std::integral_constant<unsigned, 2>());
    } else {
        if constexpr (most >= 16) work(std::integral_constant<unsigned, 3>());
    }
}

template <class Real>
HWY_INLINE const Real* set_for(const Coefficients& c, const Real* pool, std::uint64_t outer) {
    return pool + c.at + ((c.outer & outer) != 0 ? c.stride : 0);
}

template <class Real>
HWY_INLINE void turn(Vector<Real>& x, Vector<Real>& y, const Real* set) {
    const Vectors<Real> d;
    const std::size_t lanes = hn::Lanes(d);
    const auto a = hn::Load(d, set), b = hn::Load(d, set + lanes), c = hn::Load(d, set + 2 * lanes), e = hn::Load(d, set + 3 * lanes);
    const auto first = hn::MulAdd(a, x, hn::Mul(b, y));
    y = hn::MulAdd(c, x, hn::Mul(e, y));
    x = first;
}

template <bool Many, class Real>
HWY_INLINE void turn_four(Vector<Real>& a0, Vector<Real>& a1, Vector<Real>& b0, Vector<Real>& b1, Vector<Real>& c0, Vector<Real>& c1,
                          Vector<Real>& d0, Vector<Real>& d1, const Real* set, int pairs) {
    const std::size_t step = Many ? 4 * hn::Lanes(Vectors<Real>()) : 0;
    turn<Real>(a0, a1, set);
    if (pairs >= 2) turn<Real>(b0, b1, set + step);
    if (pairs < 4) return;
    turn<Real>(c0, c1, set + 2 * step);
    turn<Real>(d0, d1, set + 3 * step);
}

template <unsigned LaneBit, class Real>
HWY_INLINE void turn_inside(Vector<Real>& x, Vector<Real> own, Vector<Real> other) {
    x = hn::MulAdd(own, x, hn::Mul(other, swapped<LaneBit, Real>(x)));
}

// The same rotation inside all registers, or each with its own set `step` further on.
template <unsigned LaneBit, int Count, class Real>
HWY_INLINE void turn_all(Vector<Real>& x0, Vector<Real>& x1, Vector<Real>& x2, Vector<Real>& x3, Vector<Real>& x4, Vector<Real>& x5,
                         Vector<Real>& x6, Vector<Real>& x7, const Real* set, std::size_t step) {
    const Vectors<Real> d;
    const std::size_t lanes = hn::Lanes(d);
    auto own = hn::Load(d, set), other = hn::Load(d, set + lanes);
    const auto next = [&](Vector<Real>& x) HWY_ATTR {
        if (step != 0) own = hn::Load(d, set += step), other = hn::Load(d, set + lanes);
        turn_inside<LaneBit, Real>(x, own, other);
    };
    turn_inside<LaneBit, Real>(x0, own, other);
    if constexpr (Count >= 1) next(x1);
    if constexpr (Count >= 2) next(x2), next(x3);
    if constexpr (Count == 3) next(x4), next(x5), next(x6), next(x7);
}

// One set of addresses of a bundle: `p` and those at the offsets of its targets. Not Turned: four addresses of no target.
template <int Count, bool M0, bool M1, bool M2, bool Inside, bool Turned, class Real>
HWY_INLINE void bundle_at(const Bundle& b, const Real* HWY_RESTRICT const (&sets)[7], Real* HWY_RESTRICT p,
                          const std::size_t (&offset)[3]) {
    const Vectors<Real> d;
    const std::size_t lanes = hn::Lanes(d);
    Real *q = p + offset[2], *p2 = p + offset[1], *q2 = q + offset[1];
    Vector<Real> x0 = hn::Load(d, p), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0;
    if constexpr (Count >= 1) x1 = hn::Load(d, p + offset[0]);
    if constexpr (Count >= 2) x2 = hn::Load(d, p2), x3 = hn::Load(d, p2 + offset[0]);
    if constexpr (Count == 3) {
        x4 = hn::Load(d, q), x5 = hn::Load(d, q + offset[0]);
        x6 = hn::Load(d, q2), x7 = hn::Load(d, q2 + offset[0]);
    }
    for (unsigned k = 0; Inside && k < b.inside_count; ++k) {
        const Real* set = sets[3 + k];
        const std::size_t step = b.inside[k].coefficients.by_register ? 2 * lanes : 0;
        with_lane_bit<Real>(b.inside[k].lane_bit, [&](auto lane_bit) HWY_ATTR {
            if (step == 0)
                turn_all<lane_bit.value, Count, Real>(x0, x1, x2, x3, x4, x5, x6, x7, set, 0);
            else
                turn_all<lane_bit.value, Count, Real>(x0, x1, x2, x3, x4, x5, x6, x7, set, step);
        });
    }
    if constexpr (!Turned) {
        hn::Store(x0, d, p), hn::Store(x1, d, p + offset[0]), hn::Store(x2, d, p2), hn::Store(x3, d, p2 + offset[0]);
        return;
    }
    constexpr int pairs = Count == 3 ? 4 : Count;
    if constexpr (Count >= 1) turn_four<M0, Real>(x0, x1, x2, x3, x4, x5, x6, x7, sets[0], pairs);
    if constexpr (Count >= 2) turn_four<M1, Real>(x0, x2, x1, x3, x4, x6, x5, x7, sets[1], pairs);
    if constexpr (Count == 3) turn_four<M2, Real>(x0, x4, x1, x5, x2, x6, x3, x7, sets[2], pairs);
    hn::Store(x0, d, p);
    if constexpr (Count >= 1) hn::Store(x1, d, p + offset[0]);
    if constexpr (Count >= 2) hn::Store(x2, d, p2), hn::Store(x3, d, p2 + offset[0]);
    if constexpr (Count == 3) {
        hn::Store(x4, d, q), hn::Store(x5, d, q + offset[0]);
        hn::Store(x6, d, q2), hn::Store(x7, d, q2 + offset[0]);
    }
}

// Count: rotations on addressed wires. M0..M2: whether each has a set for every pair of registers. Inside: whether any lies inside the
// vectors. Addresses below the lowest bit that means something to the bundle are run through in a plain loop.
template <int Count, bool M0, bool M1, bool M2, bool Inside, class Real>
void bundle_of(const Bundle& b, const Real* HWY_RESTRICT pool, Real* HWY_RESTRICT block, unsigned bits, std::uint64_t outer) {
    const std::size_t lanes = hn::Lanes(Vectors<Real>()), addresses = std::size_t{1} << address_bits<Real>(bits);
    std::size_t mask = 0, meant = addresses, offset[3] = {0, 0, 0};
    const Real* sets[7] = {pool, pool, pool, pool, pool, pool, pool};
    const Real* bases[7];
    const Coefficients* choices[7];
    const int choosing = 3 + (Inside ? b.inside_count : 0);
    for (int k = 0; k < choosing; ++k) {
        choices[k] = k < 3 ? &b.turns[k] : &b.inside[k - 3].coefficients;
        bases[k] = set_for(*choices[k], pool, outer);
        meant |= choices[k]->address;
    }
    for (int k = 0; k < Count; ++k) {
        mask |= std::size_t{1} << b.bits[k];
        offset[k] = lanes << b.bits[k];
    }
    meant |= mask;
    const std::size_t run = meant & (~meant + 1), stepped = mask | (run - 1);
    for (std::size_t address = 0; address < addresses; address = after(address, stepped, 0)) {
        for (int k = 0; k < choosing; ++k) sets[k] = bases[k] + ((choices[k]->address & address) != 0 ? choices[k]->stride : 0);
        Real* p = block + address * lanes;
        Real* const end = p + run * lanes;
        if (Count == 0 && run >= 4) {
            const std::size_t neighbours[3] = {lanes, 2 * lanes, 0};
            for (; p != end; p += 4 * lanes) bundle_at<2, false, false, false, true, false, Real>(b, sets, p, neighbours);
            continue;
        }
        for (; p != end; p += lanes) bundle_at<Count, M0, M1, M2, Inside, true, Real>(b, sets, p, offset);
    }
}

// x + u y and y + v x.
template <class Real>
HWY_INLINE void tangent(Vector<Real>& x, Vector<Real>& y, Vector<Real> u, Vector<Real> v) {
    const auto first = hn::MulAdd(u, y, x);
    y = hn::MulAdd(v, x, y);
    x = first;
}

// Rotations by their tangents, all on addressed wires without controls, after any inside the vectors.
template <int Count, bool Inside, class Real>
void tangents_of(const Bundle& b, const Real* HWY_RESTRICT pool, Real* HWY_RESTRICT block, unsigned bits, std::uint64_t outer) {
    const Vectors<Real> d;
    const std::size_t lanes = hn::Lanes(d), addresses = std::size_t{1} << address_bits<Real>(bits);
    std::size_t mask = 0, meant = addresses, to[3] = {0, 0, 0}, first = 0;
    std::ptrdiff_t from[3] = {0, 0, 0};
    const Real *sets[4] = {pool, pool, pool, pool}, *bases[4] = {pool, pool, pool, pool};
    const Real* const signs = pool + b.signs;
    const auto coefficient = [&](int k, std::size_t part) HWY_ATTR { return hn::Load(d, pool + b.turns[k].at + part); };
    const auto u0 = coefficient(0, 0), v0 = coefficient(0, lanes), u1 = coefficient(Count >= 2, 0), v1 = coefficient(Count >= 2, lanes),
               u2 = coefficient(Count == 3 ? 2 : 0, 0), v2 = coefficient(Count == 3 ? 2 : 0, lanes);
    for (int k = 0; k < Count; ++k) {
        mask |= std::size_t{1} << b.bits[k];
        to[k] = lanes << b.bits[k];
        from[k] = (b.exchanged >> k & 1) != 0 ? -std::ptrdiff_t(to[k]) : std::ptrdiff_t(to[k]);
        if ((b.exchanged >> k & 1) != 0) first += to[k];
    }
    for (unsigned k = 0; Inside && k < b.inside_count; ++k) {
        bases[k] = set_for(b.inside[k].coefficients, pool, outer);
        meant |= b.inside[k].coefficients.address;
    }
    meant |= mask;
    const std::size_t run = meant & (~meant + 1), stepped = mask | (run - 1);
    for (std::size_t address = 0; address < addresses; address = after(address, stepped, 0)) {
        for (unsigned k = 0; Inside && k < b.inside_count; ++k) {
            const Coefficients& c = b.inside[k].coefficients;
            sets[k] = bases[k] + ((c.address & address) != 0 ? c.stride : 0);
        }
        Real* p = block + address * lanes;
        for (Real* const end = p + run * lanes; p != end; p += lanes) {
            const Real *f = p + first, *f2 = f + from[1], *g = f + from[2], *g2 = f2 + from[2];
            Vector<Real> x0 = hn::Load(d, f), x1 = hn::Load(d, f + from[0]), x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0;
            if constexpr (Count >= 2) x2 = hn::Load(d, f2), x3 = hn::Load(d, f2 + from[0]);
            if constexpr (Count == 3) {
                x4 = hn::Load(d, g), x5 = hn::Load(d, g + from[0]);
                x6 = hn::Load(d, g2), x7 = hn::Load(d, g2 + from[0]);
            }
            for (unsigned k = 0; Inside && k < b.inside_count; ++k)
                with_lane_bit<Real>(b.inside[k].lane_bit, [&](auto lane_bit) HWY_ATTR {
                    turn_all<lane_bit.value, Count, Real>(x0, x1, x2, x3, x4, x5, x6, x7, sets[k], 0);
                });
            tangent<Real>(x0, x1, u0, v0);
            if constexpr (Count >= 2) tangent<Real>(x2, x3, u0, v0);
            if constexpr (Count == 3) tangent<Real>(x4, x5, u0, v0), tangent<Real>(x6, x7, u0, v0);
            if constexpr (Count >= 2) tangent<Real>(x0, x2, u1, v1), tangent<Real>(x1, x3, u1, v1);
            if constexpr (Count == 3) {
                tangent<Real>(x4, x6, u1, v1), tangent<Real>(x5, x7, u1, v1);
                tangent<Real>(x0, x4, u2, v2), tangent<Real>(x1, x5, u2, v2);
                tangent<Real>(x2, x6, u2, v2), tangent<Real>(x3, x7, u2, v2);
            }
            const auto store = [&](Vector<Real> x, Real* at, std::size_t k)
                                   HWY_ATTR { hn::Store(hn::Xor(x, hn::Load(d, signs + k * lanes)), d, at); };
            Real *t2 = p + to[1], *q = p + to[2], *q2 = t2 + to[2];
            store(x0, p, 0), store(x1, p + to[0], 1);
            if constexpr (Count >= 2) store(x2, t2, 2), store(x3, t2 + to[0], 3);
            if constexpr (Count == 3) store(x4, q, 4), store(x5, q + to[0], 5), store(x6, q2, 6), store(x7, q2 + to[0], 7);
        }
    }
}

template <int Count, class Real>
void tangents(const Bundle& b, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
    if (b.inside_count != 0) return tangents_of<Count, true>(b, pool, block, bits, outer);
    tangents_of<Count, false>(b, pool, block, bits, outer);
}

template <int Count, bool M0, bool M1, bool M2, class Real>
void bundle(const Bundle& b, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
    if (b.inside_count != 0) return bundle_of<Count, M0, M1, M2, true>(b, pool, block, bits, outer);
    bundle_of<Count, M0, M1, M2, false>(b, pool, block, bits, outer);
}

template <class Real>
void run_bundle(const Bundle& b, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
    if (b.by_tangent && b.count == 1) return tangents<1>(b, pool, block, bits, outer);
    if (b.by_tangent && b.count == 2) return tangents<2>(b, pool, block, bits, outer);
    if (b.by_tangent) return tangents<3>(b, pool, block, bits, outer);
    const int sets = int(b.turns[0].by_register) + 2 * int(b.turns[1].by_register) + 4 * int(b.turns[2].by_register);
    switch (8 * b.count + sets) {
        case 0:
            return bundle<0, false, false, false>(b, pool, block, bits, outer);
        case 8:
            return bundle<1, false, false, false>(b, pool, block, bits, outer);
        case 16:
            return bundle<2, false, false, false>(b, pool, block, bits, outer);
        case 17:
            return bundle<2, true, false, false>(b, pool, block, bits, outer);
        case 18:
            return bundle<2, false, true, false>(b, pool, block, bits, outer);
        case 19:
            return bundle<2, true, true, false>(b, pool, block, bits, outer);
        case 24:
            return bundle<3, false, false, false>(b, pool, block, bits, outer);
        case 25:
            return bundle<3, true, false, false>(b, pool, block, bits, outer);
        case 26:
            return bundle<3, false, true, false>(b, pool, block, bits, outer);
        case 27:
            return bundle<3, true, true, false>(b, pool, block, bits, outer);
        case 28:
            return bundle<3, false, false, true>(b, pool, block, bits, outer);
        case 29:
            return bundle<3, true, false, true>(b, pool, block, bits, outer);
        case 30:
            return bundle<3, false, true, true>(b, pool, block, bits, outer);
        default:
            return bundle<3, true, true, true>(b, pool, block, bits, outer);
    }
}

}  // namespace meridian::quantum::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
