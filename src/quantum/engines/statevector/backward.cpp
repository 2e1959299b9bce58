#include "quantum/engines/statevector/backward.h"

#include <algorithm>

#include "base/error.h"
#include "quantum/engines/statevector/vector.h"

namespace meridian::quantum {
namespace {

constexpr std::size_t lanes = State<double>::lanes;
constexpr unsigned lane_bits = State<double>::lane_bits;

struct Complex {
    Doubles re, im;
};

template <std::size_t flip>
[[gnu::always_inline]] inline void permute(const Doubles& x, Doubles& out) {
    out = __builtin_shufflevector(x, x, 0 ^ flip, 1 ^ flip, 2 ^ flip, 3 ^ flip, 4 ^ flip, 5 ^ flip, 6 ^ flip, 7 ^ flip);
}

template <std::size_t first, std::size_t second>
constexpr std::size_t flip_of(std::size_t low) {
    return (low & 1 ? first : 0) ^ (low & 2 ? second : 0);
}

// The low flips of one vector, all at once.
template <unsigned flips, std::size_t first, std::size_t second>
[[gnu::always_inline]] inline void all_flips(const Complex& x, Complex (&out)[1u << flips]) {
    out[0] = x;
    if constexpr (flips >= 1) {
        permute<first>(x.re, out[1].re);
        permute<first>(x.im, out[1].im);
    }
    if constexpr (flips == 2) {
        permute<second>(x.re, out[2].re);
        permute<second>(x.im, out[2].im);
        permute<first ^ second>(x.re, out[3].re);
        permute<first ^ second>(x.im, out[3].im);
    }
}

struct Work {
    double *psi, *lambda;
    std::size_t begin, end;
    std::size_t low_mask[2];  // of group numbers: what lies below the first and below the second high bit
    std::size_t high_bit[2];
    std::size_t block_mask, block_value;
    const Doubles* coefficients;
    Doubles* sums;  // [r][c][l] re, im
};

template <unsigned high, unsigned flips, std::size_t first, std::size_t second, bool with_sums>
[[gnu::always_inline]] inline void undo(const Work& w) {
    constexpr unsigned rows = 1u << high, lows = 1u << flips;
    Complex acc[rows * rows * lows]{};
    for (std::size_t g = w.begin; g < w.end; ++g) {
        std::size_t base = g;
        if constexpr (high >= 1) base = (base & w.low_mask[0]) | (base & ~w.low_mask[0]) << 1;
        if constexpr (high == 2) base = (base & w.low_mask[1]) | (base & ~w.low_mask[1]) << 1;
        if ((base & w.block_mask) != w.block_value) continue;
        Doubles* at[2][rows];
        for (unsigned r = 0; r < rows; ++r) {
            const std::size_t block = base | (r & 1 ? w.high_bit[0] : 0) | (r & 2 ? w.high_bit[1] : 0);
            at[0][r] = reinterpret_cast<Doubles*>(w.psi + block * 2 * lanes);
            at[1][r] = reinterpret_cast<Doubles*>(w.lambda + block * 2 * lanes);
        }
        Complex x[2][rows][lows];
        for (unsigned s = 0; s < 2; ++s)
            for (unsigned r = 0; r < rows; ++r) {
                const Complex own{at[s][r][0], at[s][r][1]};
                all_flips<flips, first, second>(own, x[s][r]);
            }
        if constexpr (with_sums)
            for (unsigned r = 0; r < rows; ++r)
                for (unsigned c = 0; c < rows; ++c)
                    for (unsigned l = 0; l < lows; ++l) {
                        const Complex &p = x[0][r][0], &q = x[1][c][l];
                        Complex& sum = acc[(r * rows + c) * lows + l];
                        sum.re = sum.re + p.re * q.re;
                        sum.re = sum.re + p.im * q.im;
                        sum.im = sum.im + p.im * q.re;
                        sum.im = sum.im - p.re * q.im;
                    }
        for (unsigned s = 0; s < 2; ++s)
            for (unsigned r = 0; r < rows; ++r) {
                Complex sum{};
                for (unsigned h = 0; h < rows; ++h)
                    for (unsigned l = 0; l < lows; ++l) {
                        const Doubles *c = w.coefficients + 2 * ((r * rows + h) * lows + l), &re = c[0], &im = c[1];
                        const Complex& from = x[s][r ^ h][l];
                        sum.re = sum.re + re * from.re;
                        sum.re = sum.re - im * from.im;
                        sum.im = sum.im + re * from.im;
                        sum.im = sum.im + im * from.re;
                    }
                at[s][r][0] = sum.re;
                at[s][r][1] = sum.im;
            }
    }
    if constexpr (with_sums)
        for (unsigned k = 0; k < rows * rows * lows; ++k) {
            w.sums[2 * k] = w.sums[2 * k] + acc[k].re;
            w.sums[2 * k + 1] = w.sums[2 * k + 1] + acc[k].im;
        }
}

enum Shape : std::uint8_t { none, one_high, low1, low2, low4, two_high, high_low1, high_low2, high_low4, low12, low14, low24 };

template <bool with_sums>
[[gnu::always_inline]] inline void choose(Shape shape, const Work& w) {
    switch (shape) {
        case none:
            return undo<0, 0, 0, 0, with_sums>(w);
        case one_high:
            return undo<1, 0, 0, 0, with_sums>(w);
        case low1:
            return undo<0, 1, 1, 0, with_sums>(w);
        case low2:
            return undo<0, 1, 2, 0, with_sums>(w);
        case low4:
            return undo<0, 1, 4, 0, with_sums>(w);
        case two_high:
            return undo<2, 0, 0, 0, with_sums>(w);
        case high_low1:
            return undo<1, 1, 1, 0, with_sums>(w);
        case high_low2:
            return undo<1, 1, 2, 0, with_sums>(w);
        case high_low4:
            return undo<1, 1, 4, 0, with_sums>(w);
        case low12:
            return undo<0, 2, 1, 2, with_sums>(w);
        case low14:
            return undo<0, 2, 1, 4, with_sums>(w);
        case low24:
            return undo<0, 2, 2, 4, with_sums>(w);
    }
}

#define MERIDIAN_UNDO(name, attribute)                                       \
    attribute void undo_##name(Shape shape, bool with_sums, const Work& w) { \
        if (with_sums)                                                       \
            choose<true>(shape, w);                                          \
        else                                                                 \
            choose<false>(shape, w);                                         \
    }
MERIDIAN_FOR_EACH_TARGET(MERIDIAN_UNDO)
#undef MERIDIAN_UNDO

void undo_here(Shape shape, bool with_sums, const Work& w) {
#if defined(__x86_64__)
    if (target() == Target::avx512) return undo_avx512(shape, with_sums, w);
    if (target() == Target::avx2) return undo_avx2(shape, with_sums, w);
#endif
    undo_base(shape, with_sums, w);
}

Shape shape_of(const Backward& step) {
    const auto low = [&](Shape one, Shape two, Shape four) { return step.first_flip == 1 ? one : step.first_flip == 2 ? two : four; };
    if (step.flips == 0) return step.high == 0 ? none : step.high == 1 ? one_high : two_high;
    if (step.flips == 1) return step.high == 0 ? low(low1, low2, low4) : low(high_low1, high_low2, high_low4);
    return step.first_flip == 2 ? low24 : step.second_flip == 2 ? low12 : low14;
}

}  // namespace

void Backward::ready() {
    MERIDIAN_ASSERT(targets.size() <= gate_targets_max);
    for (std::size_t t = 0; t < targets.size(); ++t) (targets[t] >= lane_bits ? high_target : low_target).push_back(t);
    const auto by_position = [&](std::size_t a, std::size_t b) { return targets[a] < targets[b]; };
    std::ranges::sort(high_target, by_position);
    std::ranges::sort(low_target, by_position);
    high = unsigned(high_target.size());
    flips = unsigned(low_target.size());
    if (flips >= 1) first_flip = std::size_t{1} << targets[low_target[0]];
    if (flips == 2) second_flip = std::size_t{1} << targets[low_target[1]];
    for (const std::size_t t : high_target) high_bits.push_back(std::size_t{1} << (targets[t] - lane_bits));
    block_mask = control_mask >> lane_bits;
    block_value = control_value >> lane_bits;
    const std::size_t rows = std::size_t{1} << high, lows = std::size_t{1} << flips, side = std::size_t{1} << targets.size();
    coefficients.assign(rows * rows * lows * 2 * lanes, 0);
    const auto spread = [](std::size_t value, const std::vector<std::size_t>& over) {
        std::size_t out = 0;
        for (std::size_t k = 0; k < over.size(); ++k) out |= (value >> k & 1) << over[k];
        return out;
    };
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t h = 0; h < rows; ++h)
            for (std::size_t l = 0; l < lows; ++l)
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    std::size_t row = spread(r, high_target);
                    for (const std::size_t t : low_target) row |= (lane >> targets[t] & 1) << t;
                    const std::size_t column = row ^ spread(h, high_target) ^ spread(l, low_target);
                    const bool acts = (lane & control_mask & (lanes - 1)) == (control_value & (lanes - 1));
                    const Amplitude value = acts ? undo[row * side + column] : Amplitude(row == column ? 1 : 0);
                    double* out = coefficients.data() + ((r * rows + h) * lows + l) * 2 * lanes + lane;
                    out[0] = value.real();
                    out[lanes] = value.imag();
                }
}

void step_back(const Backward& step, State<double>& psi, State<double>& lambda, std::size_t begin, std::size_t end, BackwardSums& sums) {
    const std::size_t rows = std::size_t{1} << step.high, lows = std::size_t{1} << step.flips;
    alignas(64) Doubles coefficients[2 * 16], parts[2 * 16]{};
    std::copy_n(step.coefficients.data(), step.coefficients.size(), reinterpret_cast<double*>(coefficients));
    Work work{psi.block(0), lambda.block(0), begin, end, {}, {}, step.block_mask, step.block_value, coefficients, parts};
    for (std::size_t k = 0; k < step.high; ++k) {
        work.high_bit[k] = step.high_bits[k];
        work.low_mask[k] = step.high_bits[k] - 1;
    }
    undo_here(shape_of(step), step.wants_sums, work);
    if (!step.wants_sums) return;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < rows; ++c)
            for (std::size_t l = 0; l < lows; ++l)
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    if ((lane & step.control_mask & (lanes - 1)) != (step.control_value & (lanes - 1))) continue;
                    std::size_t row = 0, column = 0;
                    for (std::size_t k = 0; k < step.high; ++k) {
                        row |= (r >> k & 1) << step.high_target[k];
                        column |= (c >> k & 1) << step.high_target[k];
                    }
                    for (std::size_t k = 0; k < step.flips; ++k) {
                        const std::size_t t = step.low_target[k], bit = lane >> step.targets[t] & 1;
                        row |= bit << t;
                        column |= (bit ^ (l >> k & 1)) << t;
                    }
                    const std::size_t at = 2 * ((r * rows + c) * lows + l);
                    sums[row * 4 + column] += Amplitude(parts[at][lane], parts[at + 1][lane]);
                }
}

}  // namespace meridian::quantum
