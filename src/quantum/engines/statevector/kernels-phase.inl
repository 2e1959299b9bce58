// Kernel of phase polynomials, compiled for each instruction set by kernels.cpp.
//
// The positions above a leaf are walked as a tree, outermost first. At each branch taken, the phases of all positions that it has a term
// with are turned further, so that a leaf knows its own phase and one factor for each of its positions. From these a table of the leaf's
// phases is made, and made again only when a factor has changed: branches that share no term with the leaf lie innermost. A leaf costs one
// or two complex multiplications an amplitude, whatever the number of terms; a leaf that nothing turns is skipped.
#if defined(MERIDIAN_QUANTUM_KERNELS_PHASE) == defined(HWY_TARGET_TOGGLE)
#ifdef MERIDIAN_QUANTUM_KERNELS_PHASE
#undef MERIDIAN_QUANTUM_KERNELS_PHASE
#else
#define MERIDIAN_QUANTUM_KERNELS_PHASE
#endif
#include <hwy/highway.h>

#include "quantum/engines/statevector/kernels-dense.inl"

HWY_BEFORE_NAMESPACE();
namespace meridian::quantum::HWY_NAMESPACE {

template <class Real>
class PhaseWalk {
public:
    using Factor = Phases::Factor;

    PhaseWalk(const Phases& phases, const Real* pool, Real* block, std::uint64_t outer, Real* table)
        : phases_(phases), base_(pool + phases.table), block_(block), table_(table), size_(std::size_t{2} << phases.leaf_bits) {
        std::fill(std::begin(factors_), std::end(factors_), Factor(1));
        for (const Phases::Branch& branch : phases.branches) factors_[branch.position] = branch.factor;
        start_ = phases.constant;
        for (const Phases::Outer& term : phases.outer) {
            if ((outer & term.mask) != term.mask) continue;
            if (term.position == no_wire) {
                start_ *= term.factor;
            } else {
                factors_[term.position] *= term.factor;
                crossings_ += term.position < phases.leaf_bits;
            }
        }
    }
    void run() { walk(0, start_, 0); }

private:
    void walk(std::size_t level, Factor phase, std::size_t amplitude) {
        if (level == phases_.branches.size()) return leaf(phase, block_ + 2 * amplitude);
        const Phases::Branch& branch = phases_.branches[level];
        walk(level + 1, phase, amplitude);
        Factor before[64];
        for (std::size_t k = 0; k < branch.cross.size(); ++k) {
            Factor& factor = factors_[branch.cross[k].position];
            before[k] = factor;
            factor *= branch.cross[k].factor;
        }
        crossings_ += branch.meets_leaf;
        is_stale_ |= branch.meets_leaf;
        walk(level + 1, phase * factors_[branch.position], amplitude | std::size_t{1} << branch.position);
        for (std::size_t k = 0; k < branch.cross.size(); ++k) factors_[branch.cross[k].position] = before[k];
        crossings_ -= branch.meets_leaf;
        is_stale_ |= branch.meets_leaf;
    }

    void leaf(Factor phase, Real* at) {
        if (crossings_ == 0 && !phases_.has_table) {
            if (phase != 1.0) by_scalar(phase, at);
            return;
        }
        const Real* table = base_;
        if (crossings_ != 0) {
            if (is_stale_) fill();
            is_stale_ = false;
            table = table_;
        }
        if (phase == 1.0)
            by_table_alone(table, at);
        else
            by_table(phase, table, at);
    }

    void by_scalar(Factor phase, Real* at) const {
        const Vectors<Real> d;
        constexpr std::size_t imaginary = State<Real>::lanes;
        const auto cr = hn::Set(d, Real(phase.real())), ci = hn::Set(d, Real(phase.imag()));
        for (Real* end = at + size_; at != end; at += 2 * imaginary)
            for (std::size_t k = 0; k < imaginary; k += hn::Lanes(d)) {
                Vector<Real> re, im;
                begin<Real>(re, im, cr, ci, hn::Load(d, at + k), hn::Load(d, at + imaginary + k));
                hn::Store(re, d, at + k);
                hn::Store(im, d, at + imaginary + k);
            }
    }

    void by_table_alone(const Real* table, Real* at) const {
        const Vectors<Real> d;
        constexpr std::size_t imaginary = State<Real>::lanes;
        for (Real* end = at + size_; at != end; at += 2 * imaginary, table += 2 * imaginary)
            for (std::size_t k = 0; k < imaginary; k += hn::Lanes(d)) {
                Vector<Real> re, im;
                begin<Real>(re, im, hn::Load(d, table + k), hn::Load(d, table + imaginary + k), hn::Load(d, at + k),
                            hn::Load(d, at + imaginary + k));
                hn::Store(re, d, at + k);
                hn::Store(im, d, at + imaginary + k);
            }
    }

    void by_table(Factor phase, const Real* table, Real* at) const {
        const Vectors<Real> d;
        constexpr std::size_t imaginary = State<Real>::lanes;
        const auto cr = hn::Set(d, Real(phase.real())), ci = hn::Set(d, Real(phase.imag()));
        for (Real* end = at + size_; at != end; at += 2 * imaginary, table += 2 * imaginary)
            for (std::size_t k = 0; k < imaginary; k += hn::Lanes(d)) {
                Vector<Real> tr, ti, re, im;
                begin<Real>(tr, ti, cr, ci, hn::Load(d, table + k), hn::Load(d, table + imaginary + k));
                begin<Real>(re, im, tr, ti, hn::Load(d, at + k), hn::Load(d, at + imaginary + k));
                hn::Store(re, d, at + k);
                hn::Store(im, d, at + imaginary + k);
            }
    }

    // table_ = the product of the factors of the leaf's positions, times the terms within the leaf.
    void fill() {
        const Vectors<Real> d;
        constexpr std::size_t imaginary = State<Real>::lanes;
        constexpr unsigned lane_bits = State<Real>::lane_bits;
        Factor lanes[imaginary];
        lanes[0] = 1;
        for (unsigned b = 0; b < lane_bits; ++b)
            for (std::size_t k = 0; k < std::size_t{1} << b; ++k) lanes[k | std::size_t{1} << b] = lanes[k] * factors_[b];
        for (std::size_t k = 0; k < imaginary; ++k) {
            table_[k] = Real(lanes[k].real());
            table_[imaginary + k] = Real(lanes[k].imag());
        }
        for (unsigned b = lane_bits; b < phases_.leaf_bits; ++b) {
            const std::size_t half = std::size_t{2} << b;
            const auto cr = hn::Set(d, Real(factors_[b].real())), ci = hn::Set(d, Real(factors_[b].imag()));
            scaled(table_, table_ + half, half, cr, ci);
        }
        if (!phases_.has_table) return;
        for (std::size_t k = 0; k < size_; k += 2 * imaginary)
            for (std::size_t n = k; n < k + imaginary; n += hn::Lanes(d)) {
                Vector<Real> re, im;
                begin<Real>(re, im, hn::Load(d, base_ + n), hn::Load(d, base_ + imaginary + n), hn::Load(d, table_ + n),
                            hn::Load(d, table_ + imaginary + n));
                hn::Store(re, d, table_ + n);
                hn::Store(im, d, table_ + imaginary + n);
            }
    }

    static void scaled(const Real* from, Real* to, std::size_t size, Vector<Real> cr, Vector<Real> ci) {
        const Vectors<Real> d;
        constexpr std::size_t imaginary = State<Real>::lanes;
        for (std::size_t k = 0; k < size; k += 2 * imaginary)
            for (std::size_t n = k; n < k + imaginary; n += hn::Lanes(d)) {
                Vector<Real> re, im;
                begin<Real>(re, im, cr, ci, hn::Load(d, from + n), hn::Load(d, from + imaginary + n));
                hn::Store(re, d, to + n);
                hn::Store(im, d, to + imaginary + n);
            }
    }

    const Phases& phases_;
    const Real* base_;
    Real* block_;
    Real* table_;
    std::size_t size_;  // reals in a leaf
    Factor start_, factors_[64];
    unsigned crossings_ = 0;  // branches and outer terms now in force that turn a position of the leaf
    bool is_stale_ = true;
};

template <class Real>
void run_phases(const Phases& phases, const Real* pool, Real* block, unsigned, std::uint64_t outer, Workspace<Real>& workspace) {
    if (!phases.branches.empty() || !phases.outer.empty()) workspace.table.resize(std::size_t{2} << phases.leaf_bits);
    PhaseWalk<Real>(phases, pool, block, outer, workspace.table.data()).run();
}

}  // namespace meridian::quantum::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
