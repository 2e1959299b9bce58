// Kernels of complex matrices, compiled for each instruction set by kernels.cpp.
#if defined(MERIDIAN_QUANTUM_KERNELS_DENSE) == defined(HWY_TARGET_TOGGLE)
#ifdef MERIDIAN_QUANTUM_KERNELS_DENSE
#undef MERIDIAN_QUANTUM_KERNELS_DENSE
#else
#define MERIDIAN_QUANTUM_KERNELS_DENSE
#endif
#include <hwy/highway.h>

#include "quantum/engines/statevector/kernels-bundle.inl"

HWY_BEFORE_NAMESPACE();
namespace meridian::quantum::HWY_NAMESPACE {

// (re, im) += c x, with c as two vectors.
template <class Real>
HWY_INLINE void accumulate(Vector<Real>& re, Vector<Real>& im, Vector<Real> cr, Vector<Real> ci, Vector<Real> xr, Vector<Real> xi) {
    re = hn::NegMulAdd(ci, xi, hn::MulAdd(cr, xr, re));
    im = hn::MulAdd(ci, xr, hn::MulAdd(cr, xi, im));
}
template <class Real>
HWY_INLINE void begin(Vector<Real>& re, Vector<Real>& im, Vector<Real> cr, Vector<Real> ci, Vector<Real> xr, Vector<Real> xi) {
    re = hn::NegMulAdd(ci, xi, hn::Mul(cr, xr));
    im = hn::MulAdd(ci, xr, hn::Mul(cr, xi));
}

// The same with a real c.
template <class Real>
HWY_INLINE void begin_real(Vector<Real>& re, Vector<Real>& im, Vector<Real> c, Vector<Real> xr, Vector<Real> xi) {
    re = hn::Mul(c, xr);
    im = hn::Mul(c, xi);
}

// Both wires in the address: coefficients are scalars.
template <bool RealElements, class Real>
void dense_addressed(const Dense& m, const Real* coefficients, Real* block, unsigned bits) {
    const Vectors<Real> d;
    constexpr std::size_t imaginary = State<Real>::lanes;
    const std::size_t lanes = hn::Lanes(d), addresses = std::size_t{1} << address_bits<Real>(bits);
    const std::size_t mask = std::size_t{1} << m.bits[0] | std::size_t{1} << m.bits[1] | imaginary / lanes;
    const std::size_t first = lanes << m.bits[0], second = lanes << m.bits[1];
    const std::size_t run = mask & (~mask + 1), stepped = mask | (run - 1);
    for (std::size_t address = 0; address < addresses; address = after(address, stepped, 0)) {
        Real* HWY_RESTRICT p = block + address * lanes;
        for (Real* const end = p + run * lanes; p != end; p += lanes) {
            Real* out[4] = {p, p + first, p + second, p + first + second};
            const auto r0 = hn::Load(d, out[0]), i0 = hn::Load(d, out[0] + imaginary), r1 = hn::Load(d, out[1]),
                       i1 = hn::Load(d, out[1] + imaginary), r2 = hn::Load(d, out[2]), i2 = hn::Load(d, out[2] + imaginary),
                       r3 = hn::Load(d, out[3]), i3 = hn::Load(d, out[3] + imaginary);
            // Two rows at a time: their chains of additions overlap.
            const Real* HWY_RESTRICT c = coefficients;
            for (int row = 0; row < 4; row += 2, c += 16) {
                Vector<Real> re, im, re2, im2;
                if (RealElements)
                    begin_real<Real>(re, im, hn::Set(d, c[0]), r0, i0);
                else
                    begin<Real>(re, im, hn::Set(d, c[0]), hn::Set(d, c[1]), r0, i0);
                if (RealElements && row == 0)
                    begin_real<Real>(re2, im2, hn::Set(d, c[8]), r0, i0);
                else
                    begin<Real>(re2, im2, hn::Set(d, c[8]), hn::Set(d, c[9]), r0, i0);
                accumulate<Real>(re, im, hn::Set(d, c[2]), hn::Set(d, c[3]), r1, i1);
                accumulate<Real>(re2, im2, hn::Set(d, c[10]), hn::Set(d, c[11]), r1, i1);
                accumulate<Real>(re, im, hn::Set(d, c[4]), hn::Set(d, c[5]), r2, i2);
                accumulate<Real>(re2, im2, hn::Set(d, c[12]), hn::Set(d, c[13]), r2, i2);
                accumulate<Real>(re, im, hn::Set(d, c[6]), hn::Set(d, c[7]), r3, i3);
                accumulate<Real>(re2, im2, hn::Set(d, c[14]), hn::Set(d, c[15]), r3, i3);
                hn::Store(re, d, out[row]);
                hn::Store(im, d, out[row] + imaginary);
                hn::Store(re2, d, out[row + 1]);
                hn::Store(im2, d, out[row + 1] + imaginary);
            }
        }
    }
}

// One wire inside the vectors, one in the address: two outputs, each from the two vectors and their swapped forms.
template <unsigned LaneBit, class Real>
void dense_mixed(const Dense& m, const Real* coefficients, Real* block, unsigned bits) {
    const Vectors<Real> d;
    constexpr std::size_t imaginary = State<Real>::lanes;
    const std::size_t lanes = hn::Lanes(d), addresses = std::size_t{1} << address_bits<Real>(bits);
    const std::size_t mask = std::size_t{1} << m.bits[1] | imaginary / lanes;
    for (std::size_t left = addresses >> 2, address = 0; left != 0; --left, address = after(address, mask, 0)) {
        Real* p = block + address * lanes;
        Real* out[2] = {p, p + (lanes << m.bits[1])};
        const auto r0 = hn::Load(d, out[0]), i0 = hn::Load(d, out[0] + imaginary), r1 = hn::Load(d, out[1]),
                   i1 = hn::Load(d, out[1] + imaginary);
        const auto s0 = swapped<LaneBit, Real>(r0), t0 = swapped<LaneBit, Real>(i0), s1 = swapped<LaneBit, Real>(r1),
                   t1 = swapped<LaneBit, Real>(i1);
        const Real* c = coefficients;
        for (int row = 0; row < 2; ++row, c += 8 * lanes) {
            Vector<Real> re, im;
            begin<Real>(re, im, hn::Load(d, c), hn::Load(d, c + lanes), r0, i0);
            accumulate<Real>(re, im, hn::Load(d, c + 2 * lanes), hn::Load(d, c + 3 * lanes), s0, t0);
            accumulate<Real>(re, im, hn::Load(d, c + 4 * lanes), hn::Load(d, c + 5 * lanes), r1, i1);
            accumulate<Real>(re, im, hn::Load(d, c + 6 * lanes), hn::Load(d, c + 7 * lanes), s1, t1);
            hn::Store(re, d, out[row]);
            hn::Store(im, d, out[row] + imaginary);
        }
    }
}

// Both wires inside the vectors.
template <unsigned First, unsigned Second, class Real>
void dense_inside(const Real* c, Real* block, unsigned bits) {
    const Vectors<Real> d;
    constexpr std::size_t imaginary = State<Real>::lanes;
    const std::size_t lanes = hn::Lanes(d), addresses = std::size_t{1} << address_bits<Real>(bits), mask = imaginary / lanes;
    for (std::size_t left = addresses >> 1, address = 0; left != 0; --left, address = after(address, mask, 0)) {
        Real* p = block + address * lanes;
        const auto r = hn::Load(d, p), i = hn::Load(d, p + imaginary);
        const auto r1 = swapped<First, Real>(r), i1 = swapped<First, Real>(i);
        Vector<Real> re, im;
        begin<Real>(re, im, hn::Load(d, c), hn::Load(d, c + lanes), r, i);
        accumulate<Real>(re, im, hn::Load(d, c + 2 * lanes), hn::Load(d, c + 3 * lanes), r1, i1);
        accumulate<Real>(re, im, hn::Load(d, c + 4 * lanes), hn::Load(d, c + 5 * lanes), swapped<Second, Real>(r),
                         swapped<Second, Real>(i));
        accumulate<Real>(re, im, hn::Load(d, c + 6 * lanes), hn::Load(d, c + 7 * lanes), swapped<Second, Real>(r1),
                         swapped<Second, Real>(i1));
        hn::Store(re, d, p);
        hn::Store(im, d, p + imaginary);
    }
}

template <class Real>
void run_dense(const Dense& m, const Real* pool, Real* block, unsigned bits) {
    if (m.inside == 0 && m.has_real_elements) return dense_addressed<true>(m, pool + m.at, block, bits);
    if (m.inside == 0) return dense_addressed<false>(m, pool + m.at, block, bits);
    with_lane_bit<Real>(m.bits[0], [&](auto first) HWY_ATTR {
        if (m.inside == 1) return dense_mixed<first.value>(m, pool + m.at, block, bits);
        with_lane_bit<Real>(m.bits[1], [&](auto second) HWY_ATTR { dense_inside<first.value, second.value>(pool + m.at, block, bits); });
    });
}

template <class Real>
void run_conditional(const Conditional& g, const Real* pool, Real* block, unsigned bits, std::uint64_t outer) {
    if ((outer & g.outer_mask) != g.outer_value) return;
    using Kind = Conditional::Kind;
    const Vectors<Real> d;
    constexpr std::size_t imaginary = State<Real>::lanes;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t target = g.kind == Kind::addressed ? std::size_t{1} << g.bit : 0, mask = g.mask | target | imaginary / lanes;
    const Real* c = pool + g.at;
    std::size_t left = (std::size_t{1} << address_bits<Real>(bits)) >> std::popcount(mask);
    for (std::size_t address = g.value; left != 0; --left, address = after(address, mask, g.value)) {
        Real *p = block + address * lanes, *q = p + target * lanes;
        const auto r0 = hn::Load(d, p), i0 = hn::Load(d, p + imaginary);
        Vector<Real> re, im;
        begin<Real>(re, im, hn::Load(d, c), hn::Load(d, c + lanes), r0, i0);
        if (g.kind == Kind::inside)
            with_lane_bit<Real>(g.bit, [&](auto lane_bit) HWY_ATTR {
                accumulate<Real>(re, im, hn::Load(d, c + 2 * lanes), hn::Load(d, c + 3 * lanes), swapped<lane_bit.value, Real>(r0),
                                 swapped<lane_bit.value, Real>(i0));
            });
        if (g.kind == Kind::addressed) {
            const auto r1 = hn::Load(d, q), i1 = hn::Load(d, q + imaginary);
            accumulate<Real>(re, im, hn::Load(d, c + 2 * lanes), hn::Load(d, c + 3 * lanes), r1, i1);
            Vector<Real> other_re, other_im;
            begin<Real>(other_re, other_im, hn::Load(d, c + 4 * lanes), hn::Load(d, c + 5 * lanes), r0, i0);
            accumulate<Real>(other_re, other_im, hn::Load(d, c + 6 * lanes), hn::Load(d, c + 7 * lanes), r1, i1);
            hn::Store(other_re, d, q);
            hn::Store(other_im, d, q + imaginary);
        }
        hn::Store(re, d, p);
        hn::Store(im, d, p + imaginary);
    }
}

// Any number of wires: columns are gathered for as many places at once as a vector has lanes, multiplied, and scattered.
template <class Real>
void run_large(const Large& m, const Real* pool, Real* block, unsigned bits, std::uint64_t outer, Workspace<Real>& workspace) {
    if ((outer & m.outer_mask) != m.outer_value) return;
    const Vectors<Real> d;
    constexpr std::size_t group = State<Real>::lanes;
    const std::size_t lanes = hn::Lanes(d), side = std::size_t{1} << m.positions.size();
    std::size_t mask = m.mask;
    for (const std::uint8_t position : m.positions) mask |= std::size_t{1} << position;
    workspace.columns.resize(4 * side * group);
    Real *in = workspace.columns.data(), *out = in + 2 * side * group;
    const auto place = [&](std::size_t k, std::size_t row) HWY_ATTR {
        for (std::size_t t = 0; t < m.positions.size(); ++t) k |= (row >> t & 1) << m.positions[t];
        return block + (k / group * 2 * group + k % group);
    };
    std::size_t left = (std::size_t{1} << bits) >> std::popcount(mask);
    for (std::size_t k = m.value; left != 0;) {
        std::size_t at[group], count = 0;
        for (; count < group && left != 0; --left, ++count, k = after(k, mask, m.value)) at[count] = k;
        for (std::size_t row = 0; row < side; ++row)
            for (std::size_t n = 0; n < group; ++n) {
                const Real* from = n < count ? place(at[n], row) : nullptr;
                in[2 * row * group + n] = from != nullptr ? from[0] : 0;
                in[(2 * row + 1) * group + n] = from != nullptr ? from[group] : 0;
            }
        for (std::size_t row = 0; row < side; ++row)
            for (std::size_t part = 0; part < group; part += lanes) {
                const Real* c = pool + m.at + 2 * side * row;
                Vector<Real> re = hn::Zero(d), im = re;
                for (std::size_t column = 0; column < side; ++column)
                    accumulate<Real>(re, im, hn::Set(d, c[2 * column]), hn::Set(d, c[2 * column + 1]),
                                     hn::Load(d, in + 2 * column * group + part), hn::Load(d, in + (2 * column + 1) * group + part));
                hn::Store(re, d, out + 2 * row * group + part);
                hn::Store(im, d, out + (2 * row + 1) * group + part);
            }
        for (std::size_t row = 0; row < side; ++row)
            for (std::size_t n = 0; n < count; ++n) {
                Real* to = place(at[n], row);
                to[0] = out[2 * row * group + n];
                to[group] = out[(2 * row + 1) * group + n];
            }
    }
}

}  // namespace meridian::quantum::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
