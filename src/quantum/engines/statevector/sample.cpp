#include "quantum/engines/statevector/sample.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace meridian::quantum {
namespace {

template <class Real>
using LaneSums = std::array<double, State<Real>::lanes>;

// Probabilities of one block of the layout.
template <class Real>
inline LaneSums<Real> probabilities(const Real* block) {
    constexpr std::size_t lanes = State<Real>::lanes;
    LaneSums<Real> p;
    for (std::size_t l = 0; l < lanes; ++l) {
        const double re = block[l], im = block[lanes + l];
        p[l] = re * re + im * im;
    }
    return p;
}

// Always in the same order.
template <std::size_t lanes>
inline double sum_of(std::array<double, lanes> p) {
    for (std::size_t half = lanes / 2; half > 0; half /= 2)
        for (std::size_t l = 0; l < half; ++l) p[l] += p[l + half];
    return p[0];
}

// Blocks of the layout per block of sums.
template <class Real>
constexpr std::size_t inner = std::size_t{1} << (Drawer<Real>::block_bits - State<Real>::lane_bits);

}  // namespace

template <class Real>
Drawer<Real>::Drawer(const State<Real>& state, Team& team) : state_(state) {
    ends_.resize((state.blocks() + inner<Real> - 1) / inner<Real>);
    const auto sums = [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) {
            LaneSums<Real> acc{};
            const std::size_t last = std::min(state.blocks(), (b + 1) * inner<Real>);
            for (std::size_t k = b * inner<Real>; k < last; ++k) {
                const auto p = probabilities(state.block(k));
                for (std::size_t l = 0; l < p.size(); ++l) acc[l] += p[l];
            }
            ends_[b] = sum_of(acc);
        }
    };
    if (ends_.size() == 1) {
        sums(0, 1);
    } else {
        team.run([&](unsigned member) {
            const auto [begin, end] = team.share(ends_.size(), member);
            sums(begin, end);
        });
    }
    for (std::size_t b = 1; b < ends_.size(); ++b) ends_[b] += ends_[b - 1];
}

template <class Real>
void Drawer<Real>::draw(std::span<const double> ascending, std::span<std::uint64_t> indices, Team& team) const {
    MERIDIAN_ASSERT(ascending.size() == indices.size());
    const auto serve = [&](std::size_t begin, std::size_t end) {
        std::size_t block = 0, k = 0, last_block = ~std::size_t{0};  // k: block of the layout
        double before = 0;                                           // sum of everything before k
        std::uint64_t possible = 0;                                  // the last index with a probability so far
        for (std::size_t shot = begin; shot < end; ++shot) {
            // Rounding may not lead past the last block that has a probability.
            const double u = std::min(ascending[shot] * total(), std::nextafter(total(), 0.0));
            block = std::size_t(std::upper_bound(ends_.begin() + std::ptrdiff_t(block), ends_.end(), u) - ends_.begin());
            MERIDIAN_ASSERT(block < ends_.size());
            if (block != last_block) {
                k = block * inner<Real>;
                before = block == 0 ? 0 : ends_[block - 1];
                last_block = block;
            }
            const std::size_t end_of_block = std::min(state_.blocks(), (block + 1) * inner<Real>);
            for (bool found = false; !found;) {
                if (k == end_of_block) {  // the block's sum was rounded up
                    indices[shot] = possible;
                    break;
                }
                const auto p = probabilities(state_.block(k));
                const double here = sum_of(p);
                double sum = before;
                if (u < before + here)
                    for (std::size_t l = 0; l < p.size() && !found; ++l) {
                        sum += p[l];
                        if (p[l] > 0) indices[shot] = possible = k * p.size() + l;
                        found = u < sum && p[l] > 0;
                    }
                if (found) break;
                for (std::size_t l = 0; l < p.size(); ++l)
                    if (p[l] > 0) possible = k * p.size() + l;
                before += here;
                ++k;
            }
        }
    };
    team.run([&](unsigned member) {
        const auto [begin, end] = team.share(ascending.size(), member);
        serve(begin, end);
    });
}

template <class Real>
Table table_of(const State<Real>& state) {
    std::vector<double> all(state.size());
    for (std::size_t basis = 0; basis < all.size(); ++basis) all[basis] = std::norm(std::complex<double>(state.amplitude(basis)));
    return Table(all);
}

template <class Real>
Chance chance(const State<Real>& state, unsigned position, Team& team) {
    MERIDIAN_ASSERT(position < state.qubits());
    constexpr unsigned lane_bits = State<Real>::lane_bits;
    const std::size_t count = (state.blocks() + inner<Real> - 1) / inner<Real>;
    std::vector<Chance> parts(count);
    const auto sums = [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) {
            LaneSums<Real> acc[2]{};
            const std::size_t last = std::min(state.blocks(), (b + 1) * inner<Real>);
            for (std::size_t k = b * inner<Real>; k < last; ++k) {
                auto& into = acc[position >= lane_bits ? k >> (position - lane_bits) & 1 : 0];
                const auto p = probabilities(state.block(k));
                for (std::size_t l = 0; l < p.size(); ++l) into[l] += p[l];
            }
            if (position < lane_bits)
                for (std::size_t l = 0; l < acc[0].size(); ++l)
                    if (l >> position & 1) std::swap(acc[0][l], acc[1][l]);
            parts[b] = {sum_of(acc[0]), sum_of(acc[1])};
        }
    };
    if (count == 1) {
        sums(0, 1);
    } else {
        team.run([&](unsigned member) {
            const auto [begin, end] = team.share(count, member);
            sums(begin, end);
        });
    }
    Chance total;
    for (const Chance& part : parts) total = {total.zero + part.zero, total.one + part.one};
    return total;
}

template <class Real>
void collapse(State<Real>& state, unsigned position, bool outcome, double scale, Collapse how, Team& team) {
    MERIDIAN_ASSERT(position < state.qubits());
    constexpr std::size_t lanes = State<Real>::lanes, width = 2 * lanes;
    constexpr unsigned lane_bits = State<Real>::lane_bits;
    const bool moved = how == Collapse::cleared && outcome;
    const Real by = Real(scale);
    const auto within = [&](Real* x) {  // the qubit lies in the lanes
        for (std::size_t l = 0; l < width; ++l) {
            const bool one = l >> position & 1;
            if (one == outcome) x[l] *= by;
        }
        for (std::size_t l = 0; l < width; ++l) {
            if (bool(l >> position & 1) == outcome) continue;
            Real& kept = x[l ^ (std::size_t{1} << position)];
            x[l] = moved ? kept : Real(0);
            if (moved) kept = 0;
        }
    };
    const auto across = [&](Real* zero, Real* one) {
        Real *kept = outcome ? one : zero, *into = outcome && !moved ? one : zero, *gone = into == zero ? one : zero;
        for (std::size_t l = 0; l < width; ++l) {
            const Real value = kept[l] * by;
            gone[l] = 0;
            into[l] = value;
        }
    };
    const auto serve = [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) {
            if (position < lane_bits) {
                within(state.block(k));
            } else {
                const unsigned bit = position - lane_bits;
                const std::size_t low = k & ((std::size_t{1} << bit) - 1), zero = (k ^ low) << 1 | low;
                across(state.block(zero), state.block(zero | std::size_t{1} << bit));
            }
        }
    };
    const std::size_t count = position < lane_bits ? state.blocks() : state.blocks() / 2;
    if (state.blocks() <= inner<Real>) {
        serve(0, count);
    } else {
        team.run([&](unsigned member) {
            const auto [begin, end] = team.share(count, member);
            serve(begin, end);
        });
    }
}

template class Drawer<double>;
template class Drawer<float>;
template Table table_of(const State<double>&);
template Table table_of(const State<float>&);
template Chance chance(const State<double>&, unsigned, Team&);
template Chance chance(const State<float>&, unsigned, Team&);
template void collapse(State<double>&, unsigned, bool, double, Collapse, Team&);
template void collapse(State<float>&, unsigned, bool, double, Collapse, Team&);

}  // namespace meridian::quantum
