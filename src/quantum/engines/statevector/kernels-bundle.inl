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

// The permutation that exchanges lanes whose numbers differ in one bit.
template <class Real>
HWY_INLINE auto partner(unsigned lane_bit) {
    using Index = hwy::MakeSigned<Real>;
    alignas(64) static constexpr auto table = [] {
        std::array<std::array<Index, State<Real>::lanes>, 4> all{};
        for (std::size_t b = 0; b < 4; ++b)
            for (std::size_t k = 0; k < State<Real>::lanes; ++k) all[b][k] = Index((k ^ (std::size_t{1} << b)) & (State<Real>::lanes - 1));
        return all;
    }();
    return hn::SetTableIndices(Vectors<Real>(), table[lane_bit].data());
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

template <class Real>
HWY_INLINE void turn_inside(Vector<Real>& x, const Real* set, Vector<Real> swapped) {
    const Vectors<Real> d;
    x = hn::MulAdd(hn::Load(d, set), x, hn::Mul(hn::Load(d, set + hn::Lanes(d)), swapped));
}

// Count: rotations on addressed wires. M0..M2: whether each has a set for every pair of registers. Inside: whether any lies inside the
// vectors.
template <int Count, bool M0, bool M1, bool M2, bool Inside, class Real>
void bundle_of(const Bundle& b, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
    const Vectors<Real> d;
    const std::size_t lanes = hn::Lanes(d), addresses = std::size_t{1} << address_bits<Real>(bits);
    std::size_t mask = 0, offset[3] = {0, 0, 0};
    const Real* sets[3] = {pool, pool, pool};
    for (int k = 0; k < Count; ++k) {
        mask |= std::size_t{1} << b.bits[k];
        offset[k] = lanes << b.bits[k];
        sets[k] = set_for(b.turns[k], pool, outer);
    }
    const auto chosen = [](const Coefficients& c, const Real* set, std::size_t address)
                            HWY_ATTR { return set + ((c.address & address) != 0 ? c.stride : 0); };
    for (std::size_t left = addresses >> Count, address = 0; left != 0; --left, address = after(address, mask, 0)) {
        Real* p0 = block + address * lanes;
        Real *p1 = p0 + offset[0], *p2 = p0 + offset[1], *p3 = p1 + offset[1];
        Real *p4 = p0 + offset[2], *p5 = p1 + offset[2], *p6 = p2 + offset[2], *p7 = p3 + offset[2];
        Vector<Real> x0 = hn::Load(d, p0), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0;
        if constexpr (Count >= 1) x1 = hn::Load(d, p1);
        if constexpr (Count >= 2) x2 = hn::Load(d, p2), x3 = hn::Load(d, p3);
        if constexpr (Count == 3) x4 = hn::Load(d, p4), x5 = hn::Load(d, p5), x6 = hn::Load(d, p6), x7 = hn::Load(d, p7);
        for (unsigned k = 0; Inside && k < b.inside_count; ++k) {
            const Bundle::Inside& inside = b.inside[k];
            const Real* set = chosen(inside.coefficients, set_for(inside.coefficients, pool, outer), address);
            const std::size_t step = inside.coefficients.by_register ? 2 * lanes : 0;
            const auto swap = partner<Real>(inside.lane_bit);
            turn_inside<Real>(x0, set, hn::TableLookupLanes(x0, swap));
            if constexpr (Count >= 1) turn_inside<Real>(x1, set + step, hn::TableLookupLanes(x1, swap));
            if constexpr (Count >= 2) {
                turn_inside<Real>(x2, set + 2 * step, hn::TableLookupLanes(x2, swap));
                turn_inside<Real>(x3, set + 3 * step, hn::TableLookupLanes(x3, swap));
            }
            if constexpr (Count == 3) {
                turn_inside<Real>(x4, set + 4 * step, hn::TableLookupLanes(x4, swap));
                turn_inside<Real>(x5, set + 5 * step, hn::TableLookupLanes(x5, swap));
                turn_inside<Real>(x6, set + 6 * step, hn::TableLookupLanes(x6, swap));
                turn_inside<Real>(x7, set + 7 * step, hn::TableLookupLanes(x7, swap));
            }
        }
        constexpr int pairs = Count == 3 ? 4 : Count;
        if constexpr (Count >= 1) turn_four<M0, Real>(x0, x1, x2, x3, x4, x5, x6, x7, chosen(b.turns[0], sets[0], address), pairs);
        if constexpr (Count >= 2) turn_four<M1, Real>(x0, x2, x1, x3, x4, x6, x5, x7, chosen(b.turns[1], sets[1], address), pairs);
        if constexpr (Count == 3) turn_four<M2, Real>(x0, x4, x1, x5, x2, x6, x3, x7, chosen(b.turns[2], sets[2], address), pairs);
        hn::Store(x0, d, p0);
        if constexpr (Count >= 1) hn::Store(x1, d, p1);
        if constexpr (Count >= 2) hn::Store(x2, d, p2), hn::Store(x3, d, p3);
        if constexpr (Count == 3) hn::Store(x4, d, p4), hn::Store(x5, d, p5), hn::Store(x6, d, p6), hn::Store(x7, d, p7);
    }
}

template <int Count, bool M0, bool M1, bool M2, class Real>
void bundle(const Bundle& b, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
    if (b.inside_count != 0) return bundle_of<Count, M0, M1, M2, true>(b, pool, block, bits, outer);
    bundle_of<Count, M0, M1, M2, false>(b, pool, block, bits, outer);
}

template <class Real>
void run_bundle(const Bundle& b, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
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
