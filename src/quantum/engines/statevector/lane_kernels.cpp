#include "quantum/engines/statevector/lane_kernels.h"

#include "base/error.h"
#include "quantum/engines/statevector/vector.h"

namespace meridian::quantum {
namespace {

template <class Real, std::size_t bytes>
struct Loops {
    using V [[gnu::vector_size(bytes), gnu::may_alias]] = Real;
    static constexpr std::size_t lanes = bytes / sizeof(Real);
    struct Pair {
        V re, im;
    };
    static Pair* at(Real* state) { return reinterpret_cast<Pair*>(state); }
    static const Pair* at(const Real* state) { return reinterpret_cast<const Pair*>(state); }

    [[gnu::always_inline]] static inline void multiply_add(Pair& sum, const Pair& c, const Pair& x) {
        sum.re = sum.re + c.re * x.re;
        sum.re = sum.re - c.im * x.im;
        sum.im = sum.im + c.re * x.im;
        sum.im = sum.im + c.im * x.re;
    }
    [[gnu::always_inline]] static inline void multiply(Pair& x, const Pair& c) {
        const V re = x.re * c.re - x.im * c.im;
        x.im = x.re * c.im + x.im * c.re;
        x.re = re;
    }

    [[gnu::always_inline]] static inline void start(Real* data, const std::uint16_t* places, std::size_t runs, const Real* columns) {
        Pair* state = at(data);
        const Pair* c = at(columns);
        for (std::size_t run = 0; run < runs; ++run)
            for (std::size_t k = 0; k < std::size_t{1} << run; ++k) {
                Pair zero = state[places[k]], one = zero;
                multiply(zero, c[2 * run]);
                multiply(one, c[2 * run + 1]);
                state[places[k]] = zero;
                state[places[k | std::size_t{1} << run]] = one;
            }
    }

    // The real or the imaginary parts of 2^count places, `apart` bytes of `offsets` from one to the next.
    template <unsigned count, bool by_tangent>
    [[gnu::always_inline]] static inline void turn_some(char* data, std::size_t base, const std::uint32_t* offsets, std::size_t apart,
                                                        const V* c) {
        for (std::size_t part = 0; part < 2; ++part) {
            V x[1u << count];
            for (unsigned m = 0; m < 1u << count; ++m) x[m] = *reinterpret_cast<V*>(data + (base ^ offsets[m * apart]) + part * bytes);
            for (unsigned t = 0; t < count; ++t)
                for (unsigned m = 0; m < 1u << count; ++m) {
                    if ((m >> t & 1) != 0) continue;
                    V &a = x[m], &b = x[m | 1u << t];
                    const V zero = a;
                    if constexpr (by_tangent) {
                        a = a - c[2 * t + 1] * b;
                        b = b + c[2 * t + 1] * zero;
                    } else {
                        a = c[2 * t] * a - c[2 * t + 1] * b;
                        b = c[2 * t] * b + c[2 * t + 1] * zero;
                    }
                }
            for (unsigned m = 0; m < 1u << count; ++m) *reinterpret_cast<V*>(data + (base ^ offsets[m * apart]) + part * bytes) = x[m];
        }
    }

    template <unsigned first, unsigned second, bool by_tangent>
    [[gnu::always_inline]] static inline void turn_all(Real* state, const LanePlan::Step& step, const Real* coefficients) {
        constexpr unsigned size = 1u << (first + second);
        std::uint32_t offsets[size] = {0};
        for (unsigned t = 0; t < first + second; ++t)
            for (unsigned m = 0; m < 1u << t; ++m) offsets[m | 1u << t] = offsets[m] ^ std::uint32_t(step.masks[t] * sizeof(Pair));
        char* data = reinterpret_cast<char*>(state);
        const V* c = reinterpret_cast<const V*>(coefficients);
        for (const std::uint16_t place : step.bases) {
            const std::size_t base = place * sizeof(Pair);
            for (unsigned k = 0; k < 1u << second; ++k) turn_some<first, by_tangent>(data, base, offsets + (k << first), 1, c);
            if constexpr (second > 0)
                for (unsigned k = 0; k < 1u << first; ++k)
                    turn_some<second, by_tangent>(data, base, offsets + k, std::size_t{1} << first, c + 2 * first);
        }
    }

    template <bool by_tangent>
    [[gnu::always_inline]] static inline void turn_by(Real* state, const LanePlan::Step& step, const Real* c) {
        switch (step.masks.size()) {
            case 1:
                return turn_all<1, 0, by_tangent>(state, step, c);
            case 2:
                return turn_all<2, 0, by_tangent>(state, step, c);
            case 3:
                return turn_all<3, 0, by_tangent>(state, step, c);
            case 4:
                return turn_all<2, 2, by_tangent>(state, step, c);
            case 5:
                return turn_all<3, 2, by_tangent>(state, step, c);
            default:
                return turn_all<3, 3, by_tangent>(state, step, c);
        }
    }
    [[gnu::always_inline]] static inline void turn(Real* state, const LanePlan::Step& step, const Real* c, bool by_tangent) {
        if (by_tangent)
            turn_by<true>(state, step, c);
        else
            turn_by<false>(state, step, c);
    }

    template <unsigned count>
    [[gnu::always_inline]] static inline void multiply_by_tables(Pair* state, const LanePlan::Table* from, const Pair* const* tables) {
        const std::uint8_t* entries[count];
        for (unsigned t = 0; t < count; ++t) entries[t] = from[t].entry.data();
        for (std::size_t p = 0, end = from->entry.size(); p < end; ++p) {
            Pair factor = tables[0][entries[0][p]];
            for (unsigned t = 1; t < count; ++t) multiply(factor, tables[t][entries[t][p]]);
            multiply(state[p], factor);
        }
    }
    [[gnu::always_inline]] static inline void diagonal(Real* data, const LanePlan::Step& step, const Real* coefficients) {
        const Pair* next = at(coefficients);
        for (std::size_t k = 0; k < step.tables.size(); k += 2) {
            const Pair* here[2] = {next, next + (std::size_t{1} << step.tables[k].rows.size())};
            if (k + 1 == step.tables.size()) return multiply_by_tables<1>(at(data), &step.tables[k], here);
            multiply_by_tables<2>(at(data), &step.tables[k], here);
            next = here[1] + (std::size_t{1} << step.tables[k + 1].rows.size());
        }
    }

    template <unsigned targets>
    [[gnu::always_inline]] static inline void mix(Real* data, const LanePlan::Step& step, const Real* matrix) {
        constexpr unsigned rows = 1u << targets;
        Pair* state = at(data);
        const Pair* c = at(matrix);
        for (const std::size_t base : step.bases) {
            Pair x[rows], y[rows]{};
            std::size_t place[rows];
            for (unsigned r = 0; r < rows; ++r) {
                place[r] = base ^ ((r & 1) != 0 ? step.masks[0] : 0) ^ ((r & 2) != 0 ? step.masks[1] : 0);
                x[r] = state[place[r]];
            }
            for (unsigned r = 0; r < rows; ++r)
                for (unsigned column = 0; column < rows; ++column) multiply_add(y[r], c[r * rows + column], x[column]);
            for (unsigned r = 0; r < rows; ++r) state[place[r]] = y[r];
        }
    }
    [[gnu::always_inline]] static inline void dense(Real* data, const LanePlan::Step& step, const Real* matrix) {
        if (step.masks.size() == 1)
            mix<1>(data, step, matrix);
        else
            mix<2>(data, step, matrix);
    }

    [[gnu::always_inline]] static inline void exchange(Real* data, const LanePlan::Step& step) {
        Pair* state = at(data);
        for (const std::size_t base : step.bases) {
            const Pair zero = state[base];
            state[base] = state[base ^ step.masks[0]];
            state[base ^ step.masks[0]] = zero;
        }
    }

    [[gnu::always_inline]] static inline void scale_entries(Real* data, std::size_t entries, std::size_t bits, std::size_t values,
                                                            const Real* factor) {
        Pair* table = at(data);
        const Pair c = *at(factor);
        for (std::size_t e = 0; e < entries; ++e)
            if ((e & bits) == values) multiply(table[e], c);
    }

    [[gnu::always_inline]] static inline void add_to(const V& sum, double* sums) {
        for (std::size_t l = 0; l < lanes; ++l) sums[l] += double(sum[l]);
    }
    static constexpr std::size_t run_length = 64;  // single-precision sums are short; their sum is in double precision

    [[gnu::always_inline]] static inline void sum_squares(const Real* data, const double* weights, std::size_t count, double* sums) {
        const Pair* state = at(data);
        for (std::size_t begin = 0; begin < count; begin += run_length) {
            V sum{};
            for (std::size_t p = begin; p < count && p < begin + run_length; ++p)
                sum = sum + Real(weights[p]) * (state[p].re * state[p].re + state[p].im * state[p].im);
            add_to(sum, sums);
        }
    }

    template <bool with_imaginary>
    [[gnu::always_inline]] static inline void sum_pairs_of(const Real* data, const std::uint16_t* bases, std::size_t count,
                                                           std::size_t mask, const double* f, const double* g, double* sums) {
        const Pair* state = at(data);
        for (std::size_t begin = 0; begin < count; begin += run_length) {
            V sum{};
            for (std::size_t k = begin; k < count && k < begin + run_length; ++k) {
                const Pair &own = state[bases[k]], &other = state[bases[k] ^ mask];
                sum = sum + Real(f[k]) * (other.re * own.re + other.im * own.im);
                if constexpr (with_imaginary) sum = sum - Real(g[k]) * (other.re * own.im - other.im * own.re);
            }
            add_to(sum, sums);
        }
    }
    [[gnu::always_inline]] static inline void sum_pairs(const Real* data, const std::uint16_t* bases, std::size_t count, std::size_t mask,
                                                        const double* f, const double* g, double* sums) {
        if (g == nullptr)
            sum_pairs_of<false>(data, bases, count, mask, f, g, sums);
        else
            sum_pairs_of<true>(data, bases, count, mask, f, g, sums);
    }
};

// Each loop compiled for each instruction set, found by overloading on Real.
#define MERIDIAN_LANE_LOOPS_OF(name, attribute, Real)                                                                                      \
    attribute void start_##name(Real* s, const std::uint16_t* p, std::size_t n, const Real* c) {                                           \
        Loops<Real, vector_bytes_##name>::start(s, p, n, c);                                                                               \
    }                                                                                                                                      \
    attribute void turn_##name(Real* s, const LanePlan::Step& step, const Real* c, bool t) {                                               \
        Loops<Real, vector_bytes_##name>::turn(s, step, c, t);                                                                             \
    }                                                                                                                                      \
    attribute void diagonal_##name(Real* s, const LanePlan::Step& step, const Real* c) {                                                   \
        Loops<Real, vector_bytes_##name>::diagonal(s, step, c);                                                                            \
    }                                                                                                                                      \
    attribute void dense_##name(Real* s, const LanePlan::Step& step, const Real* c) {                                                      \
        Loops<Real, vector_bytes_##name>::dense(s, step, c);                                                                               \
    }                                                                                                                                      \
    attribute void exchange_##name(Real* s, const LanePlan::Step& step) { Loops<Real, vector_bytes_##name>::exchange(s, step); }           \
    attribute void scale_entries_##name(Real* t, std::size_t n, std::size_t b, std::size_t v, const Real* c) {                             \
        Loops<Real, vector_bytes_##name>::scale_entries(t, n, b, v, c);                                                                    \
    }                                                                                                                                      \
    attribute void sum_squares_##name(const Real* s, const double* w, std::size_t n, double* sums) {                                       \
        Loops<Real, vector_bytes_##name>::sum_squares(s, w, n, sums);                                                                      \
    }                                                                                                                                      \
    attribute void sum_pairs_##name(const Real* s, const std::uint16_t* b, std::size_t n, std::size_t m, const double* f, const double* g, \
                                    double* sums) {                                                                                        \
        Loops<Real, vector_bytes_##name>::sum_pairs(s, b, n, m, f, g, sums);                                                               \
    }
#define MERIDIAN_LANE_LOOPS(name, attribute)        \
    MERIDIAN_LANE_LOOPS_OF(name, attribute, double) \
    MERIDIAN_LANE_LOOPS_OF(name, attribute, float)
MERIDIAN_FOR_EACH_TARGET(MERIDIAN_LANE_LOOPS)
#undef MERIDIAN_LANE_LOOPS
#undef MERIDIAN_LANE_LOOPS_OF

}  // namespace

template <class Real>
void LaneLoops<Real>::start(Real* state, std::span<const std::uint16_t> places, std::size_t runs, const Real* columns) {
    MERIDIAN_ASSERT(places.size() == std::size_t{1} << runs);
    MERIDIAN_BEST(start, state, places.data(), runs, columns)
}
template <class Real>
void LaneLoops<Real>::turn(Real* state, const LanePlan::Step& step, const Real* coefficients, bool by_tangent) {
    MERIDIAN_BEST(turn, state, step, coefficients, by_tangent)
}
template <class Real>
void LaneLoops<Real>::diagonal(Real* state, const LanePlan::Step& step, const Real* tables) {
    MERIDIAN_BEST(diagonal, state, step, tables)
}
template <class Real>
void LaneLoops<Real>::dense(Real* state, const LanePlan::Step& step, const Real* matrix) {
    MERIDIAN_BEST(dense, state, step, matrix)
}
template <class Real>
void LaneLoops<Real>::exchange(Real* state, const LanePlan::Step& step) {
    MERIDIAN_BEST(exchange, state, step)
}
template <class Real>
void LaneLoops<Real>::scale_entries(Real* table, std::size_t entries, std::size_t bits, std::size_t values, const Real* factor) {
    MERIDIAN_BEST(scale_entries, table, entries, bits, values, factor)
}
template <class Real>
void LaneLoops<Real>::sum_squares(const Real* state, std::span<const double> weights, double* sums) {
    MERIDIAN_BEST(sum_squares, state, weights.data(), weights.size(), sums)
}
template <class Real>
void LaneLoops<Real>::sum_pairs(const Real* state, std::span<const std::uint16_t> bases, std::size_t mask, const double* f, const double* g,
                                double* sums) {
    MERIDIAN_BEST(sum_pairs, state, bases.data(), bases.size(), mask, f, g, sums)
}
template struct LaneLoops<double>;
template struct LaneLoops<float>;

}  // namespace meridian::quantum
