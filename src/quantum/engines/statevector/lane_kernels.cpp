#include "quantum/engines/statevector/lane_kernels.h"

#include "quantum/engines/statevector/vector.h"

namespace meridian::quantum {
namespace {

template <class Real>
using Vector = typename VectorOf<Real>::Type;

template <class Real>
struct Pair {
    Vector<Real> re, im;
};

template <class Real>
[[gnu::always_inline]] inline void multiply_add(Pair<Real>& sum, const Vector<Real>* c, const Pair<Real>& x) {
    sum.re = sum.re + c[0] * x.re;
    sum.re = sum.re - c[1] * x.im;
    sum.im = sum.im + c[0] * x.im;
    sum.im = sum.im + c[1] * x.re;
}

template <class Real, unsigned targets>
[[gnu::always_inline]] inline void dense(const LaneStep<Real>& step, Pair<Real>* state, std::size_t begin, std::size_t end) {
    constexpr unsigned rows = 1u << targets;
    const auto* c = reinterpret_cast<const Vector<Real>*>(step.coefficients);
    for (std::size_t g = begin >> targets; g < end >> targets; ++g) {
        std::size_t k = (g & (step.bits[0] - 1)) | (g & ~(step.bits[0] - 1)) << 1;
        if constexpr (targets == 2) k = (k & (step.bits[1] - 1)) | (k & ~(step.bits[1] - 1)) << 1;
        if ((k & step.control_mask) != step.control_value) continue;
        Pair<Real> x[rows], y[rows]{};
        for (unsigned r = 0; r < rows; ++r) x[r] = state[k | step.offset[r]];
        for (unsigned r = 0; r < rows; ++r)
            for (unsigned column = 0; column < rows; ++column) multiply_add<Real>(y[r], c + 2 * (r * rows + column), x[column]);
        for (unsigned r = 0; r < rows; ++r) state[k | step.offset[r]] = y[r];
    }
}

template <class Real>
[[gnu::always_inline]] inline void exchange(const LaneStep<Real>& step, Pair<Real>* state, std::size_t begin, std::size_t end) {
    for (std::size_t g = begin >> 1; g < end >> 1; ++g) {
        const std::size_t k = (g & (step.bits[0] - 1)) | (g & ~(step.bits[0] - 1)) << 1;
        if ((k & step.control_mask) != step.control_value) continue;
        const Pair<Real> zero = state[k];
        state[k] = state[k | step.bits[0]];
        state[k | step.bits[0]] = zero;
    }
}

template <class Real>
[[gnu::always_inline]] inline void diagonal(const LaneStep<Real>& step, Pair<Real>* state, std::size_t begin, std::size_t end) {
    const auto* c = reinterpret_cast<const Vector<Real>*>(step.coefficients);
    const std::size_t first = step.target_count > 0 ? step.offset[1] : 0, second = step.target_count > 1 ? step.offset[2] : 0;
    for (std::size_t k = begin; k < end; ++k) {
        if ((k & step.control_mask) != step.control_value) continue;
        const std::size_t row = ((k & first) != 0 ? 1 : 0) | ((k & second) != 0 ? 2 : 0);
        Pair<Real> y{};
        multiply_add<Real>(y, c + 2 * row, state[k]);
        state[k] = y;
    }
}

template <class Real>
[[gnu::always_inline]] inline void step_of(const LaneStep<Real>& step, Real* data, std::size_t begin, std::size_t end) {
    auto* state = reinterpret_cast<Pair<Real>*>(data);
    switch (step.kind) {
        case LanePlan::Kind::exchange:
            return exchange<Real>(step, state, begin, end);
        case LanePlan::Kind::diagonal:
            return diagonal<Real>(step, state, begin, end);
        case LanePlan::Kind::one:
            return dense<Real, 1>(step, state, begin, end);
        case LanePlan::Kind::two:
            return dense<Real, 2>(step, state, begin, end);
    }
}

template <class Real>
[[gnu::always_inline]] inline void sum_of(const Real* data, std::size_t size, std::size_t x, const double* f, const double* g,
                                          double* sums) {
    constexpr std::size_t lanes = 64 / sizeof(Real), run = 64;
    const auto* state = reinterpret_cast<const Pair<Real>*>(data);
    // Single-precision sums are short; their sum is in double precision.
    for (std::size_t begin = 0; begin < size; begin += run) {
        Vector<Real> sum{};
        const std::size_t end = begin + run < size ? begin + run : size;
        for (std::size_t k = begin; k < end; ++k) {
            const Pair<Real>&own = state[k], &other = state[k ^ x];
            const Vector<Real> re = other.re * own.re + other.im * own.im;
            sum = sum + Real(f[k]) * re;
            if (g == nullptr) continue;
            const Vector<Real> im = other.re * own.im - other.im * own.re;
            sum = sum - Real(g[k]) * im;
        }
        for (std::size_t l = 0; l < lanes; ++l) sums[l] += double(sum[l]);
    }
}

#define MERIDIAN_LANES(name, attribute)                                                                                               \
    attribute void step_##name(const LaneStep<double>& step, double* state, std::size_t begin, std::size_t end) {                     \
        step_of<double>(step, state, begin, end);                                                                                     \
    }                                                                                                                                 \
    attribute void step_##name(const LaneStep<float>& step, float* state, std::size_t begin, std::size_t end) {                       \
        step_of<float>(step, state, begin, end);                                                                                      \
    }                                                                                                                                 \
    attribute void sum_##name(const double* state, std::size_t size, std::size_t x, const double* f, const double* g, double* sums) { \
        sum_of<double>(state, size, x, f, g, sums);                                                                                   \
    }                                                                                                                                 \
    attribute void sum_##name(const float* state, std::size_t size, std::size_t x, const double* f, const double* g, double* sums) {  \
        sum_of<float>(state, size, x, f, g, sums);                                                                                    \
    }
MERIDIAN_FOR_EACH_TARGET(MERIDIAN_LANES)
#undef MERIDIAN_LANES

}  // namespace

template <class Real>
void lane_step(const LaneStep<Real>& step, Real* state, std::size_t begin, std::size_t end) {
#if defined(__x86_64__)
    if (target() == Target::avx512) return step_avx512(step, state, begin, end);
    if (target() == Target::avx2) return step_avx2(step, state, begin, end);
#endif
    step_base(step, state, begin, end);
}

template <class Real>
void lane_sum(const Real* state, std::size_t size, std::size_t x, const double* f, const double* g, double* sums) {
#if defined(__x86_64__)
    if (target() == Target::avx512) return sum_avx512(state, size, x, f, g, sums);
    if (target() == Target::avx2) return sum_avx2(state, size, x, f, g, sums);
#endif
    sum_base(state, size, x, f, g, sums);
}

template void lane_step(const LaneStep<double>&, double*, std::size_t, std::size_t);
template void lane_step(const LaneStep<float>&, float*, std::size_t, std::size_t);
template void lane_sum(const double*, std::size_t, std::size_t, const double*, const double*, double*);
template void lane_sum(const float*, std::size_t, std::size_t, const double*, const double*, double*);

}  // namespace meridian::quantum
