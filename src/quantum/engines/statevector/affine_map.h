// Where the amplitudes of a small register lie while X, controlled X and swaps rename places instead of moving amplitudes.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace meridian::quantum {

// An invertible affine map over GF(2): bit q of the index of the amplitude at place p is parity(row(q) & p), inverted where flip(q), and
// mask(q) is what changes in the place when that bit changes.
class AffineMap {
public:
    // Index k lies at place k ^ (k >> 6): amplitudes that differ in high bits alone would else share a set of the first-level cache.
    explicit AffineMap(unsigned qubits) {
        for (unsigned q = 0; q < qubits; ++q) {
            row_.push_back(1u << q | (q + fold < qubits ? 1u << (q + fold) : 0));
            mask_.push_back(1u << q | (q >= fold ? 1u << (q - fold) : 0));
        }
    }

    void x(unsigned qubit) { flips_ ^= 1u << qubit; }
    void x(unsigned control, bool on, unsigned target) {
        row_[target] ^= row_[control];
        flips_ ^= ((flips_ >> control & 1) ^ (on ? 0 : 1)) << target;
        mask_[control] ^= mask_[target];
    }
    void swap(unsigned a, unsigned b) {
        std::swap(row_[a], row_[b]);
        std::swap(mask_[a], mask_[b]);
        const std::uint32_t differ = (flips_ >> a ^ flips_ >> b) & 1;
        flips_ ^= differ << a | differ << b;
    }

    [[nodiscard]] std::uint32_t row(unsigned qubit) const { return row_[qubit]; }
    [[nodiscard]] std::uint32_t mask(unsigned qubit) const { return mask_[qubit]; }
    [[nodiscard]] bool flip(unsigned qubit) const { return (flips_ >> qubit & 1) != 0; }
    [[nodiscard]] std::uint32_t place(std::uint32_t index) const {
        std::uint32_t p = 0;
        for (unsigned q = 0; q < mask_.size(); ++q)
            if (((index ^ flips_) >> q & 1) != 0) p ^= mask_[q];
        return p;
    }

private:
    static constexpr unsigned fold = 6;
    std::vector<std::uint32_t> row_, mask_;
    std::uint32_t flips_ = 0;
};

}  // namespace meridian::quantum
