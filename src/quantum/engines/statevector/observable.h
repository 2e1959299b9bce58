// A Pauli sum over the positions of a state: its expectation value and its image, without a copy of the state.
//
// Terms that flip the same qubits share one pass: P |k> = i^(number of Y) (-1)^(parity of k & z) |k ^ x>, so a group with one x is a
// permutation times a function f(k) = sum of c (-1)^(parity of k & z). Over 4096 neighbouring amplitudes f is the Walsh-Hadamard transform
// of the coefficients by their low part of z, twelve additions an amplitude however many terms there are, and it only changes from one
// neighbourhood to the next where a term's sign does.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/state.h"

namespace meridian::quantum {

class Observable {
public:
    static constexpr unsigned chunk_bits = 12;

    // `position[q]` is the bit of an index for qubit q, or nothing for a qubit that is |0> and not in the state: Z on it is 1, X and Y make
    // the term's value 0.
    Observable(const PauliSum& sum, std::span<const std::optional<std::uint32_t>> position);

    struct Term {
        std::uint64_t z = 0;
        double coefficient = 0;     // with the sign of i^(number of Y)
        bool is_imaginary = false;  // an odd number of Y
    };
    struct Group {
        std::uint64_t x = 0;
        std::vector<Term> terms;
        bool has_imaginary = false;
    };
    [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
    [[nodiscard]] double constant() const { return constant_; }  // the terms without letters

private:
    std::vector<Group> groups_;
    double constant_ = 0;
};

// f of one group over chunk after chunk of the indices.
class Signs {
public:
    Signs(const Observable::Group& group, unsigned qubits);
    void move_to(std::size_t chunk);
    [[nodiscard]] const double* real() const { return real_.data(); }
    [[nodiscard]] const double* imaginary() const { return imaginary_.empty() ? nullptr : imaginary_.data(); }

private:
    const Observable::Group& group_;
    unsigned bits_;  // of a chunk
    std::vector<bool> negative_;
    bool is_set_ = false;
    std::vector<double> real_, imaginary_;
};

template <class Real>
double expectation_of(const Observable& observable, const State<Real>& state, Team& team);
// `into` = observable |state>
void image_of(const Observable& observable, const State<double>& state, State<double>& into, Team& team);

}  // namespace meridian::quantum
