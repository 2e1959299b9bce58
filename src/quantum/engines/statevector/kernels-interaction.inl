// Kernel of two-qubit interactions, compiled for each instruction set by kernels.cpp.
#if defined(MERIDIAN_QUANTUM_KERNELS_INTERACTION) == defined(HWY_TARGET_TOGGLE)
#ifdef MERIDIAN_QUANTUM_KERNELS_INTERACTION
#undef MERIDIAN_QUANTUM_KERNELS_INTERACTION
#else
#define MERIDIAN_QUANTUM_KERNELS_INTERACTION
#endif
#include <hwy/highway.h>

#include "quantum/engines/statevector/kernels-dense.inl"

HWY_BEFORE_NAMESPACE();
namespace meridian::quantum::HWY_NAMESPACE {

// A rotation by its tangent, of a real or imaginary part: 0 becomes 0 - t 1, 1 becomes 1 + t 0.
template <class Real>
HWY_INLINE void turn_by_tangent(Vector<Real>& x, Vector<Real>& y, Vector<Real> t) {
    const auto first = hn::NegMulAdd(t, y, x);
    y = hn::MulAdd(t, x, y);
    x = first;
}

// p + to_p q and q + to_q p, with real or imaginary numbers.
template <bool IsReal, class Real>
HWY_INLINE void mix(Vector<Real>& pr, Vector<Real>& pi, Vector<Real>& qr, Vector<Real>& qi, Vector<Real> to_p, Vector<Real> to_q) {
    const auto r = pr, i = pi;
    if constexpr (IsReal) {
        pr = hn::MulAdd(to_p, qr, pr), pi = hn::MulAdd(to_p, qi, pi);
        qr = hn::MulAdd(to_q, r, qr), qi = hn::MulAdd(to_q, i, qi);
    } else {
        pr = hn::NegMulAdd(to_p, qi, pr), pi = hn::MulAdd(to_p, qr, pi);
        qr = hn::NegMulAdd(to_q, i, qr), qi = hn::MulAdd(to_q, r, qi);
    }
}

// Both wires in the address.
template <bool FirstIsReal, bool SecondIsReal, class Real>
void interaction_of(const Interacting& g, const Real* c, Real* block, unsigned bits) {
    const Vectors<Real> d;
    constexpr std::size_t imaginary = State<Real>::lanes;
    const std::size_t lanes = hn::Lanes(d), addresses = std::size_t{1} << address_bits<Real>(bits);
    const std::size_t mask = std::size_t{1} << g.bits[0] | std::size_t{1} << g.bits[1] | imaginary / lanes;
    const std::size_t first = lanes << g.bits[0], second = lanes << g.bits[1];
    const std::size_t to[4] = {g.is_exchanged[0] ? first + second : 0, g.is_exchanged[1] ? second : first,
                               g.is_exchanged[1] ? first : second, g.is_exchanged[0] ? 0 : first + second};
    const auto turn_a = hn::Set(d, c[0]), turn_b = hn::Set(d, c[1]), phase3 = hn::Set(d, c[2]), phase2 = hn::Set(d, c[3]);
    const auto to0 = hn::Set(d, c[4]), to3 = hn::Set(d, c[5]), to1 = hn::Set(d, c[6]), to2 = hn::Set(d, c[7]);
    const auto scale0 = hn::Set(d, c[8]), re1 = hn::Set(d, c[10]), im1 = hn::Set(d, c[11]), re2 = hn::Set(d, c[12]),
               im2 = hn::Set(d, c[13]), re3 = hn::Set(d, c[14]), im3 = hn::Set(d, c[15]);
    const std::size_t run = mask & (~mask + 1), stepped = mask | (run - 1);
    for (std::size_t address = 0; address < addresses; address = after(address, stepped, 0)) {
        Real* HWY_RESTRICT p = block + address * lanes;
        for (Real* const end = p + run * lanes; p != end; p += lanes) {
            Real* const q = p + imaginary;
            auto r0 = hn::Load(d, p), i0 = hn::Load(d, q), r1 = hn::Load(d, p + first), i1 = hn::Load(d, q + first),
                 r2 = hn::Load(d, p + second), i2 = hn::Load(d, q + second), r3 = hn::Load(d, p + first + second),
                 i3 = hn::Load(d, q + first + second);
            turn_by_tangent<Real>(r0, r1, turn_a), turn_by_tangent<Real>(i0, i1, turn_a);
            turn_by_tangent<Real>(r2, r3, turn_a), turn_by_tangent<Real>(i2, i3, turn_a);
            turn_by_tangent<Real>(r0, r2, turn_b), turn_by_tangent<Real>(i0, i2, turn_b);
            turn_by_tangent<Real>(r1, r3, turn_b), turn_by_tangent<Real>(i1, i3, turn_b);
            turn_by_tangent<Real>(r3, i3, phase3), turn_by_tangent<Real>(r2, i2, phase2);
            mix<FirstIsReal, Real>(r0, i0, r3, i3, to0, to3);
            mix<SecondIsReal, Real>(r1, i1, r2, i2, to1, to2);
            const auto store = [&](std::size_t k, Vector<Real> cr, Vector<Real> ci, Vector<Real> xr, Vector<Real> xi) HWY_ATTR {
                Vector<Real> re, im;
                begin<Real>(re, im, cr, ci, xr, xi);
                hn::Store(re, d, p + to[k]);
                hn::Store(im, d, q + to[k]);
            };
            hn::Store(hn::Mul(scale0, r0), d, p + to[0]);
            hn::Store(hn::Mul(scale0, i0), d, q + to[0]);
            store(1, re1, im1, r1, i1);
            store(2, re2, im2, r2, i2);
            store(3, re3, im3, r3, i3);
        }
    }
}

template <class Real>
void run_interaction(const Interacting& g, const Real* pool, Real* block, unsigned bits) {
    const Real* c = pool + g.at;
    if (g.is_real[0] && g.is_real[1]) return interaction_of<true, true>(g, c, block, bits);
    if (g.is_real[0]) return interaction_of<true, false>(g, c, block, bits);
    if (g.is_real[1]) return interaction_of<false, true>(g, c, block, bits);
    interaction_of<false, false>(g, c, block, bits);
}

}  // namespace meridian::quantum::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
