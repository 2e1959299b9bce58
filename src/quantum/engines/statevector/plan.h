// Compiles a run of unitary operations into a plan of cache-blocked kernels, and applies plans to a state.
//
// A plan is bound to one circuit's angles and matrices and can be applied any number of times; `rebind` gives the plan of a circuit of
// the same structure with other angles without scheduling again. A plan is compiled for a map from qubits to positions and may end with
// another one (a swap moves no data): chain plans by compiling each for the positions that the one before ends with.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "quantum/engines/statevector/state.h"
#include "quantum/engines/team.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

// What a plan is applied to.
enum class From : std::uint8_t {
    anything,
    zero,  // |0...0>, as `State::reset` leaves it: blocks that no gate has reached yet are passed over
};

struct PlanOptions {
    unsigned block_bits = 0;  // log2 of the amplitudes that a segment works on at once; 0 takes what fits the second-level cache
    bool relabels = true;     // false: the plan ends with the positions it began with
    From from = From::anything;
    std::vector<std::uint8_t> positions{};  // of the state that it will be applied to; empty means that qubit q lies at position q
};

// Amplitudes that kernels of each sort pass over in one application: what its time depends on, once a node was measured.
struct PlanWork {
    double rotations = 0, tangents = 0;  // times rotations on them, and those that go by their tangents
    double lone = 0;                     // rotations with nothing beside them in their kernel, which wait for the cache
    double dense = 0, interactions = 0, phases = 0;
    double others = 0;  // in floating-point operations
};

template <class Real>  // double or float
class Plan {
public:
    struct Body;
    explicit Plan(std::shared_ptr<const Body> body) : body_(std::move(body)) {}

    [[nodiscard]] unsigned qubits() const;
    [[nodiscard]] const std::vector<std::uint8_t>& positions_before() const;
    [[nodiscard]] const std::vector<std::uint8_t>& positions_after() const;

    // What one application costs; the base of every estimate.
    [[nodiscard]] std::uint64_t sweeps() const;       // passes over the state, or over what is not 0 of it
    [[nodiscard]] std::uint64_t fused_gates() const;  // kernels
    [[nodiscard]] std::uint64_t flops() const;
    [[nodiscard]] std::uint64_t bytes_moved() const;  // to and from memory
    [[nodiscard]] const PlanWork& work() const;

    [[nodiscard]] const Body& body() const { return *body_; }

private:
    std::shared_ptr<const Body> body_;
};

// The operations [begin, end) of a circuit without flaw; all of them gates, unitaries, barriers or delays. The circuit's `global_phase`
// is not among them.
template <class Real>
Plan<Real> compile(const Circuit& circuit, std::size_t begin, std::size_t end, const PlanOptions& options = {});

// The plan of a circuit with the same structure (`same_structure`) and other angles or matrix elements.
template <class Real>
Plan<Real> rebind(const Plan<Real>& plan, const Circuit& circuit);

// Called between sweeps on the calling thread, with the share of the plan that is done. False ends the application there; the state is
// then of no use.
using Between = std::function<bool(double done)>;

// Applies the plan and leaves `state.position` as `positions_after`. A state whose positions differ from `positions_before` is served
// too, at the price of compiling again. False when `between` ended it.
template <class Real>
bool apply(const Plan<Real>& plan, State<Real>& state, Team& team, const Between& between = {});

extern template class Plan<double>;
extern template class Plan<float>;

}  // namespace meridian::quantum
