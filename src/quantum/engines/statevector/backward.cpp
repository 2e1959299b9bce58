#include "quantum/engines/statevector/backward.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "quantum/engines/statevector/vector.h"

namespace meridian::quantum {
namespace {

constexpr unsigned block_bits = State<double>::lane_bits;

// Lane bits of this machine's vectors.
unsigned lane_bits() { return unsigned(std::countr_zero(vector_bytes() / sizeof(double))); }

struct Work {
    double *psi, *lambda;
    std::size_t begin, end;
    std::size_t low_mask[2];  // of group numbers: what lies below the first and below the second high bit
    std::size_t high_bit[2];
    std::size_t vector_mask, vector_value;
    const double* coefficients;  // [r][h][l] re, im vectors
    double* sums;                // [r][c][l] re, im vectors
};

template <std::size_t bytes>
struct Undo {
    using V [[gnu::vector_size(bytes), gnu::may_alias]] = double;
    static constexpr unsigned bits = unsigned(std::countr_zero(bytes / sizeof(double)));
    struct Complex {
        V re, im;
    };

    template <std::size_t flip>
    [[gnu::always_inline]] static inline void permute(const V& x, V& out) {
        if constexpr (bits == 3)
            out = __builtin_shufflevector(x, x, 0 ^ flip, 1 ^ flip, 2 ^ flip, 3 ^ flip, 4 ^ flip, 5 ^ flip, 6 ^ flip, 7 ^ flip);
        else if constexpr (bits == 2)
            out = __builtin_shufflevector(x, x, 0 ^ flip, 1 ^ flip, 2 ^ flip, 3 ^ flip);
        else
            out = __builtin_shufflevector(x, x, 0 ^ flip, 1 ^ flip);
    }

    // The low flips of one vector, all at once.
    template <unsigned flips, std::size_t first, std::size_t second>
    [[gnu::always_inline]] static inline void all_flips(const Complex& x, Complex (&out)[1u << flips]) {
        out[0] = x;
        if constexpr (flips >= 1) {
            permute<first>(x.re, out[1].re);
            permute<first>(x.im, out[1].im);
        }
        if constexpr (flips == 2) {
            permute<second>(x.re, out[2].re);
            permute<second>(x.im, out[2].im);
            permute<(first ^ second)>(x.re, out[3].re);
            permute<(first ^ second)>(x.im, out[3].im);
        }
    }

    // Real parts; imaginary ones lie a half block further.
    [[gnu::always_inline]] static inline V* at(double* state, std::size_t vector) {
        constexpr unsigned split = block_bits - bits;
        return reinterpret_cast<V*>(state + ((vector >> split) << (block_bits + 1)) + ((vector & ((1u << split) - 1)) << bits));
    }
    static constexpr std::size_t half_block = 1u << (block_bits - bits);

    [[gnu::always_inline]] static inline std::size_t spread(const Work& w, std::size_t group, unsigned high) {
        if (high >= 1) group = (group & w.low_mask[0]) | (group & ~w.low_mask[0]) << 1;
        if (high == 2) group = (group & w.low_mask[1]) | (group & ~w.low_mask[1]) << 1;
        return group;
    }

    template <unsigned high, unsigned flips, std::size_t first, std::size_t second, bool with_sums>
    [[gnu::always_inline]] static inline void undo(const Work& w) {
        constexpr unsigned rows = 1u << high, lows = 1u << flips;
        const V* const coefficients = reinterpret_cast<const V*>(w.coefficients);
        Complex acc[rows * rows * lows]{};
        for (std::size_t g = w.begin; g < w.end; ++g) {
            const std::size_t base = spread(w, g, high);
            if ((base & w.vector_mask) != w.vector_value) continue;
            V* from[2][rows];
            Complex x[2][rows][lows];
            for (unsigned r = 0; r < rows; ++r) {
                const std::size_t vector = base | (r & 1 ? w.high_bit[0] : 0) | (r & 2 ? w.high_bit[1] : 0);
                from[0][r] = at(w.psi, vector);
                from[1][r] = at(w.lambda, vector);
                for (unsigned s = 0; s < 2; ++s) all_flips<flips, first, second>({from[s][r][0], from[s][r][half_block]}, x[s][r]);
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
                            const V *c = coefficients + 2 * ((r * rows + h) * lows + l), &re = c[0], &im = c[1];
                            const Complex& x0 = x[s][r ^ h][l];
                            sum.re = sum.re + re * x0.re;
                            sum.re = sum.re - im * x0.im;
                            sum.im = sum.im + re * x0.im;
                            sum.im = sum.im + im * x0.re;
                        }
                    from[s][r][0] = sum.re;
                    from[s][r][half_block] = sum.im;
                }
        }
        if constexpr (with_sums) {
            V* const sums = reinterpret_cast<V*>(w.sums);
            for (unsigned k = 0; k < rows * rows * lows; ++k) {
                sums[2 * k] = sums[2 * k] + acc[k].re;
                sums[2 * k + 1] = sums[2 * k + 1] + acc[k].im;
            }
        }
    }

    [[gnu::always_inline]] static inline void exchange(const Work& w) {
        for (std::size_t g = w.begin; g < w.end; ++g) {
            const std::size_t base = spread(w, g, 1);
            if ((base & w.vector_mask) != w.vector_value) continue;
            for (double* state : {w.psi, w.lambda}) {
                V *zero = at(state, base), *one = at(state, base | w.high_bit[0]);
                for (const std::size_t part : {std::size_t{0}, half_block}) {
                    const V was = zero[part];
                    zero[part] = one[part];
                    one[part] = was;
                }
            }
        }
    }
};

enum Shape : std::uint8_t { none, one_high, low1, low2, low4, two_high, high_low1, high_low2, high_low4, low12, low14, low24 };

// Shapes with a flip that vectors of so many bytes have not never come up.
template <std::size_t bytes, bool with_sums>
[[gnu::always_inline]] inline void choose(Shape shape, const Work& w) {
    using U = Undo<bytes>;
    switch (shape) {
        case none:
            return U::template undo<0, 0, 0, 0, with_sums>(w);
        case one_high:
            return U::template undo<1, 0, 0, 0, with_sums>(w);
        case two_high:
            return U::template undo<2, 0, 0, 0, with_sums>(w);
        case low1:
            return U::template undo<0, 1, 1, 0, with_sums>(w);
        case high_low1:
            return U::template undo<1, 1, 1, 0, with_sums>(w);
        case low2:
            if constexpr (U::bits >= 2) U::template undo<0, 1, 2, 0, with_sums>(w);
            return;
        case high_low2:
            if constexpr (U::bits >= 2) U::template undo<1, 1, 2, 0, with_sums>(w);
            return;
        case low12:
            if constexpr (U::bits >= 2) U::template undo<0, 2, 1, 2, with_sums>(w);
            return;
        case low4:
            if constexpr (U::bits == 3) U::template undo<0, 1, 4, 0, with_sums>(w);
            return;
        case high_low4:
            if constexpr (U::bits == 3) U::template undo<1, 1, 4, 0, with_sums>(w);
            return;
        case low14:
            if constexpr (U::bits == 3) U::template undo<0, 2, 1, 4, with_sums>(w);
            return;
        case low24:
            if constexpr (U::bits == 3) U::template undo<0, 2, 2, 4, with_sums>(w);
            return;
    }
}

#define MERIDIAN_UNDO(name, attribute)                                                       \
    attribute void undo_##name(Shape shape, bool exchanges, bool with_sums, const Work& w) { \
        if (exchanges)                                                                       \
            Undo<vector_bytes_##name>::exchange(w);                                          \
        else if (with_sums)                                                                  \
            choose<vector_bytes_##name, true>(shape, w);                                     \
        else                                                                                 \
            choose<vector_bytes_##name, false>(shape, w);                                    \
    }
MERIDIAN_FOR_EACH_TARGET(MERIDIAN_UNDO)
#undef MERIDIAN_UNDO

void undo_here(Shape shape, bool exchanges, bool with_sums, const Work& w){MERIDIAN_BEST(undo, shape, exchanges, with_sums, w)}

Shape shape_of(const Backward& step) {
    const auto low = [&](Shape one, Shape two, Shape four) { return step.first_flip == 1 ? one : step.first_flip == 2 ? two : four; };
    if (step.flips == 0) return step.high == 0 ? none : step.high == 1 ? one_high : two_high;
    if (step.flips == 1) return step.high == 0 ? low(low1, low2, low4) : low(high_low1, high_low2, high_low4);
    return step.first_flip == 2 ? low24 : step.second_flip == 2 ? low12 : low14;
}

}  // namespace

std::size_t Backward::vectors(std::size_t blocks) { return blocks << (block_bits - lane_bits()); }

void Backward::ready() {
    const unsigned lane_bits = meridian::quantum::lane_bits();
    const std::size_t lanes = std::size_t{1} << lane_bits;
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
    vector_mask = control_mask >> lane_bits;
    vector_value = control_value >> lane_bits;
    is_exchange = !wants_sums && high == 1 && flips == 0 && (control_mask & (lanes - 1)) == 0 && undo[1] == 1.0 && undo[2] == 1.0 &&
                  undo[0] == 0.0 && undo[3] == 0.0;
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
    const std::size_t rows = std::size_t{1} << step.high, lows = std::size_t{1} << step.flips, lanes = std::size_t{1} << lane_bits();
    alignas(64) double coefficients[2 * 16 << block_bits], parts[2 * 16 << block_bits]{};
    std::copy_n(step.coefficients.data(), step.coefficients.size(), coefficients);
    Work work{psi.block(0), lambda.block(0), begin, end, {}, {}, step.vector_mask, step.vector_value, coefficients, parts};
    for (std::size_t k = 0; k < step.high; ++k) {
        work.high_bit[k] = step.high_bits[k];
        work.low_mask[k] = step.high_bits[k] - 1;
    }
    undo_here(shape_of(step), step.is_exchange, step.wants_sums, work);
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
                    sums[row * 4 + column] += Amplitude(parts[at * lanes + lane], parts[(at + 1) * lanes + lane]);
                }
}

}  // namespace meridian::quantum
