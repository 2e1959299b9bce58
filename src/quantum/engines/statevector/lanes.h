// Many parameter sets of one small circuit at once, a set in each lane of the vectors.
//
// Problem: a small state is left waiting for kernels to begin and for permutations within vectors. Idea: lay out amplitude k of all sets
// next to each other. Then every qubit is far from the lanes, a gate is the same loop for each of them, and each set brings its own
// coefficients.
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "quantum/engines/statevector/lane_plan.h"
#include "quantum/engines/statevector/observable.h"
#include "quantum/engines/statevector/table.h"

namespace meridian::quantum {

// A Pauli sum over the places of a plan.
class LaneObservable {
public:
    LaneObservable(const LanePlan& plan, const Observable& observable);

    // Terms that flip the same qubits. Z alone: a weight for each place. Else a place and its partner are taken together: weights of the
    // real and of the imaginary part of conj(partner) x amplitude.
    struct Group {
        std::size_t mask = 0;
        std::vector<std::uint16_t> bases;  // of the pairs
        std::vector<double> real, imaginary;
    };
    [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
    [[nodiscard]] double constant() const { return constant_; }

private:
    std::vector<Group> groups_;
    double constant_;
};

template <class Real>
class LaneStates {
public:
    static constexpr std::size_t lanes_max = 64 / sizeof(Real);
    // Of this machine's vectors.
    static std::size_t lanes();
    static std::size_t bytes(unsigned qubits) { return (2 * lanes() * sizeof(Real)) << qubits; }

    explicit LaneStates(const LanePlan& plan);
    // From |0...0>, with the angles of up to `lanes()` circuits of the plan's structure.
    void run(std::span<const Circuit* const> circuits);
    [[nodiscard]] Table table(std::size_t lane) const;
    // One value a circuit.
    void expectations(const LaneObservable& observable, std::span<double> out) const;

private:
    struct Release {
        void operator()(Real* data) const;
    };
    using Block = std::unique_ptr<Real[], Release>;
    static Block room(std::size_t vectors);

    // Lanes without a circuit repeat the last one.
    [[nodiscard]] const Circuit& circuit_in(std::size_t lane) const { return *circuits_[std::min(lane, circuits_.size() - 1)]; }
    void bind_runs();
    void start();
    void fill_tables(const LanePlan::Step& step, Real* out);
    void multiply_by_op(const LanePlan::Phases& phases, Real* table, std::size_t entries);
    void bind_dense(const LanePlan::Step& step, Real* out);
    bool bind_turns(const LanePlan::Step& step);  // false: by sine and cosine

    const LanePlan& plan_;
    std::span<const Circuit* const> circuits_;
    std::size_t width_;          // lanes
    Block state_;                // at each place a vector of real and one of imaginary parts
    Block coefficients_;         // of the step at hand
    Block turns_, ends_;         // by run: cosine and sine, then one and tangent; phases before and after
    std::vector<double> scale_;  // by lane: what the amplitudes are still to be multiplied by
};

extern template class LaneStates<double>;
extern template class LaneStates<float>;

}  // namespace meridian::quantum
