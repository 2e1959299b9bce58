// The amplitudes of n qubits, laid out for wide vectors, with a map from the circuit's qubits to positions in the index.
//
// Layout: blocks of 2 x 64 bytes. A block holds `lanes` amplitudes (8 in double, 16 in single precision): first their real parts,
// then their imaginary parts. Amplitude k lies in block k / lanes, lane k % lanes. The layout does not depend on the instruction
// set. A state of fewer qubits than log2(lanes) still has one block; the lanes past 2^n are 0 and stay 0.
//
// `position[q]` is the bit of an index that belongs to qubit q of the circuit: relabelling (swaps, measurement orders) changes the
// map and moves no data.
#pragma once
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quantum/engines/team.h"

namespace meridian::quantum {

template <class Real>  // double or float
class State {
public:
    static constexpr unsigned lane_bits = sizeof(Real) == 8 ? 3 : 4;
    static constexpr std::size_t lanes = std::size_t{1} << lane_bits;
    static constexpr std::size_t bytes_per_amplitude = 2 * sizeof(Real);
    static constexpr std::size_t bytes_mapped_least = std::size_t{32} << 20;  // smaller states get memory that the allocator kept

    // |0...0>, in memory that all members of the team touch first. Throws std::bad_alloc.
    State(unsigned qubits, Team& team);
    void reset(Team& team);

    [[nodiscard]] unsigned qubits() const { return qubits_; }
    [[nodiscard]] std::size_t size() const { return std::size_t{1} << qubits_; }  // amplitudes
    [[nodiscard]] std::size_t blocks() const { return qubits_ > lane_bits ? std::size_t{1} << (qubits_ - lane_bits) : 1; }
    // Block b: lanes real parts, then lanes imaginary parts.
    [[nodiscard]] Real* block(std::size_t b) { return data_.get() + 2 * lanes * b; }
    [[nodiscard]] const Real* block(std::size_t b) const { return data_.get() + 2 * lanes * b; }

    // By index in memory order.
    [[nodiscard]] std::complex<Real> at(std::size_t k) const {
        const Real* here = block(k >> lane_bits) + (k & (lanes - 1));
        return {here[0], here[lanes]};
    }
    void set(std::size_t k, std::complex<Real> value) {
        Real* here = block(k >> lane_bits) + (k & (lanes - 1));
        here[0] = value.real();
        here[lanes] = value.imag();
    }
    // By basis state of the circuit: bit q of `basis` is qubit q.
    [[nodiscard]] std::complex<Real> amplitude(std::size_t basis) const { return at(index_of(basis)); }
    [[nodiscard]] std::size_t index_of(std::size_t basis) const;

    std::vector<std::uint8_t> position;  // qubit of the circuit -> bit of the index; identity at first

private:
    struct Release {
        std::size_t alignment = 4096;
        std::size_t mapped = 0;  // bytes, where the kernel gave them and not the allocator
        void operator()(Real* data) const;
    };
    unsigned qubits_;
    std::unique_ptr<Real[], Release> data_;  // 2 MiB aligned where it is that large, with huge pages advised
};

extern template class State<double>;
extern template class State<float>;

}  // namespace meridian::quantum
