#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <numeric>

#include "base/error.h"
#include "quantum/engines/statevector/observable.h"

namespace meridian::quantum {
namespace {

bool is_odd(std::uint64_t bits) { return std::popcount(bits) % 2 != 0; }

void walsh_hadamard(std::vector<double>& f) {
    for (std::size_t half = 1; half < f.size(); half *= 2)
        for (std::size_t base = 0; base < f.size(); base += 2 * half)
            for (std::size_t k = base; k < base + half; ++k) {
                const double a = f[k], b = f[k + half];
                f[k] = a + b;
                f[k + half] = a - b;
            }
}

// A block of the layout with its lanes permuted by an exclusive or.
template <class Real>
struct Lanes {
    std::array<double, State<Real>::lanes> re, im;
    Lanes(const Real* block, std::size_t flip) {
        for (std::size_t l = 0; l < re.size(); ++l) {
            re[l] = block[l ^ flip];
            im[l] = block[(l ^ flip) + re.size()];
        }
    }
};

template <class Real>
double sum_of_chunk(const State<Real>& state, std::uint64_t x, const Signs& signs, std::size_t begin, std::size_t end) {
    constexpr std::size_t lanes = State<Real>::lanes;
    std::array<double, lanes> sum{};
    for (std::size_t k = begin; k < end; ++k) {
        const Real* own = state.block(k);
        const Lanes<Real> other(state.block(k ^ (x >> State<Real>::lane_bits)), x & (lanes - 1));
        const double *f = signs.real() + (k - begin) * lanes, *g = signs.imaginary();
        for (std::size_t l = 0; l < lanes; ++l) sum[l] += f[l] * (other.re[l] * own[l] + other.im[l] * own[l + lanes]);
        if (g == nullptr) continue;
        g += (k - begin) * lanes;
        for (std::size_t l = 0; l < lanes; ++l) sum[l] -= g[l] * (other.re[l] * own[l + lanes] - other.im[l] * own[l]);
    }
    return std::accumulate(sum.begin(), sum.end(), 0.0);
}

template <class Real>
struct Chunks {
    std::size_t blocks, count;  // blocks of the layout in a chunk, chunks
    explicit Chunks(const State<Real>& state)
        : blocks(std::min(state.blocks(), std::size_t{1} << (Observable::chunk_bits - State<Real>::lane_bits))),
          count(state.blocks() / blocks) {}
};

void run_shares(Team& team, std::size_t count, const std::function<void(std::size_t begin, std::size_t end)>& work) {
    if (count == 1) return work(0, 1);
    team.run([&](unsigned member) {
        const auto [begin, end] = team.share(count, member);
        if (begin != end) work(begin, end);
    });
}

}  // namespace

Observable::Observable(const PauliSum& sum, std::span<const std::optional<std::uint32_t>> position) {
    std::map<std::uint64_t, Group> by_x;
    for (const PauliTerm& term : sum) {
        std::uint64_t x = 0, z = 0;
        bool vanishes = false;
        for (unsigned q = 0; q < 64; ++q) {
            const bool has_x = term.x >> q & 1, has_z = term.z >> q & 1;
            if (!has_x && !has_z) continue;
            MERIDIAN_ASSERT(q < position.size());
            if (!position[q]) {
                vanishes |= has_x;
                continue;
            }
            x |= std::uint64_t{has_x} << *position[q];
            z |= std::uint64_t{has_z} << *position[q];
        }
        if (vanishes) continue;
        if (x == 0 && z == 0) {
            constant_ += term.coefficient;
            continue;
        }
        const int turns = std::popcount(term.x & term.z) % 4;
        Group& group = by_x[x];
        group.x = x;
        group.terms.push_back({z, turns >= 2 ? -term.coefficient : term.coefficient, turns % 2 == 1});
        group.has_imaginary |= turns % 2 == 1;
    }
    for (auto& [x, group] : by_x) groups_.push_back(std::move(group));
}

// A table always fills whole blocks of the layout; what lies past the state's end meets amplitudes that are 0.
Signs::Signs(const Observable::Group& group, unsigned qubits)
    : group_(group), bits_(std::clamp(qubits, State<float>::lane_bits, Observable::chunk_bits)), negative_(group.terms.size()) {
    real_.resize(std::size_t{1} << bits_);
    if (group.has_imaginary) imaginary_.resize(real_.size());
}

void Signs::move_to(std::size_t chunk) {
    bool changes = !is_set_;
    for (std::size_t k = 0; k < negative_.size(); ++k) {
        const bool negative = is_odd(group_.terms[k].z >> bits_ & chunk);
        changes |= negative != negative_[k];
        negative_[k] = negative;
    }
    if (!changes) return;
    is_set_ = true;
    std::ranges::fill(real_, 0);
    std::ranges::fill(imaginary_, 0);
    for (std::size_t k = 0; k < negative_.size(); ++k) {
        const auto& term = group_.terms[k];
        auto& into = term.is_imaginary ? imaginary_ : real_;
        into[term.z & (into.size() - 1)] += negative_[k] ? -term.coefficient : term.coefficient;
    }
    walsh_hadamard(real_);
    walsh_hadamard(imaginary_);
}

template <class Real>
double expectation_of(const Observable& observable, const State<Real>& state, Team& team) {
    const Chunks<Real> chunks(state);
    double total = observable.constant();
    for (const auto& group : observable.groups()) {
        std::vector<double> sums(chunks.count);
        run_shares(team, chunks.count, [&](std::size_t begin, std::size_t end) {
            Signs signs(group, state.qubits());
            for (std::size_t c = begin; c < end; ++c) {
                signs.move_to(c);
                sums[c] = sum_of_chunk(state, group.x, signs, c * chunks.blocks, (c + 1) * chunks.blocks);
            }
        });
        total += std::accumulate(sums.begin(), sums.end(), 0.0);
    }
    return total;
}

void image_of(const Observable& observable, const State<double>& state, State<double>& into, Team& team) {
    constexpr std::size_t lanes = State<double>::lanes;
    const Chunks<double> chunks(state);
    into.position = state.position;
    run_shares(team, chunks.count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin * chunks.blocks; b < end * chunks.blocks; ++b)
            for (std::size_t l = 0; l < 2 * lanes; ++l) into.block(b)[l] = observable.constant() * state.block(b)[l];
        for (const auto& group : observable.groups()) {
            Signs signs(group, state.qubits());
            const std::size_t flip = group.x & (lanes - 1), chunk_flip = (group.x >> State<double>::lane_bits) / chunks.blocks;
            for (std::size_t c = begin; c < end; ++c) {
                signs.move_to(c ^ chunk_flip);
                for (std::size_t b = c * chunks.blocks; b < (c + 1) * chunks.blocks; ++b) {
                    const std::size_t from = b ^ (group.x >> State<double>::lane_bits);
                    const double *f = signs.real() + from % chunks.blocks * lanes, *x = state.block(from);
                    double* out = into.block(b);
                    for (std::size_t l = 0; l < lanes; ++l) {
                        const std::size_t m = l ^ flip;
                        out[l] += f[m] * x[m];
                        out[l + lanes] += f[m] * x[m + lanes];
                        if (signs.imaginary() == nullptr) continue;
                        const double g = signs.imaginary()[from % chunks.blocks * lanes + m];
                        out[l] -= g * x[m + lanes];
                        out[l + lanes] += g * x[m];
                    }
                }
            }
        }
    });
}

template double expectation_of(const Observable&, const State<double>&, Team&);
template double expectation_of(const Observable&, const State<float>&, Team&);

}  // namespace meridian::quantum
