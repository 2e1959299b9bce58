#include "quantum/engines/statevector/readout.h"

#include <algorithm>
#include <cmath>

#include "quantum/engines/philox.h"

namespace meridian::quantum {
namespace {

template <class Real>
bool is_small(const State<Real>& state) {
    return state.qubits() <= Drawer<Real>::block_bits;
}

}  // namespace

Bits::Bits(std::span<const Reading> readings, std::span<const std::uint8_t> position, const ClassicalMemory& memory)
    : known_(memory.words) {
    std::vector<bool> seen(known_.size() * 64);
    for (std::size_t k = readings.size(); k-- > 0;) {
        const Reading& reading = readings[k];
        if (seen[reading.bit]) continue;
        seen[reading.bit] = true;
        known_[reading.bit / 64] &= ~(std::uint64_t{1} << (reading.bit % 64));
        if (reading.qubit) read_.push_back({position.empty() ? *reading.qubit : position[*reading.qubit], reading.bit});
    }
}

std::span<const std::uint64_t> Bits::of(std::uint64_t index) {
    words_ = known_;
    for (const Read& read : read_) words_[read.bit / 64] |= (index >> read.position & 1) << (read.bit % 64);
    return words_;
}

void note(Bits& bits, std::span<const std::uint64_t> shots, std::vector<std::uint64_t> indices, Tally& tally,
          std::span<std::uint64_t> memory) {
    if (!memory.empty())
        for (std::size_t k = 0; k < shots.size(); ++k) {
            const auto words = bits.of(indices[k]);
            std::ranges::copy(words, memory.begin() + std::ptrdiff_t(shots[k] * words.size()));
        }
    if (!std::ranges::is_sorted(indices)) std::ranges::sort(indices);
    for (std::size_t k = 0; k < indices.size();) {
        std::size_t end = k + 1;
        while (end < indices.size() && indices[end] == indices[k]) ++end;
        tally.add(bits.of(indices[k]), end - k);
        k = end;
    }
}

template <class Real>
Readout<Real>::Readout(const State<Real>& state, std::span<const Reading> readings, const ClassicalMemory& memory, Team& team)
    : team_(team),
      bits_(readings, is_small(state) ? std::span<const std::uint8_t>() : std::span<const std::uint8_t>(state.position), memory) {
    if (bits_.are_known()) return;
    if (is_small(state))
        table_ = table_of(state);
    else
        drawer_.emplace(state, team);
}

template <class Real>
bool Readout<Real>::is_sound() const {
    const double total = table_ ? table_->total() : drawer_ ? drawer_->total() : 1;
    return total > 0 && std::isfinite(total);
}

template <class Real>
void Readout<Real>::draw(std::span<const std::uint64_t> shots, std::uint64_t seed, std::uint64_t draw, Tally& tally,
                         std::span<std::uint64_t> memory) {
    std::vector<std::uint64_t> indices(shots.size());
    if (table_) {
        for (std::size_t k = 0; k < shots.size(); ++k) indices[k] = table_->at(uniform(seed, shots[k], draw));
    } else if (drawer_) {
        struct Number {
            double number;
            std::uint64_t shot;
        };
        std::vector<Number> numbers(shots.size());
        for (std::size_t k = 0; k < shots.size(); ++k) numbers[k] = {uniform(seed, shots[k], draw), k};
        std::ranges::sort(numbers, {}, &Number::number);
        std::vector<double> ascending(shots.size());
        for (std::size_t k = 0; k < shots.size(); ++k) ascending[k] = numbers[k].number;
        if (memory.empty()) {
            drawer_->draw(ascending, indices, team_);
        } else {
            std::vector<std::uint64_t> drawn(shots.size());
            drawer_->draw(ascending, drawn, team_);
            for (std::size_t k = 0; k < shots.size(); ++k) indices[numbers[k].shot] = drawn[k];
        }
    }
    note(bits_, shots, std::move(indices), tally, memory);
}

template class Readout<double>;
template class Readout<float>;

}  // namespace meridian::quantum
