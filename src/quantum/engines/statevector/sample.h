// Probabilities of a state: drawing basis states, the chance of one qubit, and the collapse onto an outcome.
//
// Drawing many shots costs one pass over the state and a second look at the parts that were hit: the first pass sums the probabilities of
// blocks of 4096 amplitudes, then the uniform numbers are walked in ascending order along the sums. No table of the size of the state is
// made. All sums are in double precision and taken block by block in a fixed order, so that nothing depends on the team's size.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "quantum/engines/statevector/state.h"
#include "quantum/engines/statevector/table.h"
#include "quantum/engines/team.h"

namespace meridian::quantum {

template <class Real>
class Drawer {
public:
    static constexpr unsigned block_bits = 12;

    // The pass over the state, which must not change while this is used.
    Drawer(const State<Real>& state, Team& team);

    // For each number in [0, 1) the index, in memory order, of the basis state that it falls on. An index of probability 0 never comes out.
    // The numbers must ascend.
    void draw(std::span<const double> ascending, std::span<std::uint64_t> indices, Team& team) const;

    [[nodiscard]] double total() const { return ends_.back(); }  // 1, but for rounding

private:
    const State<Real>& state_;
    std::vector<double> ends_;  // sums of the probabilities up to the end of each block
};

// All probabilities by basis state, whatever the positions: for small states, whose samples then do not depend on the plan.
template <class Real>
Table table_of(const State<Real>& state);

// The probabilities of 0 and of 1 of the qubit at a position.
struct Chance {
    double zero = 0, one = 0;
};
template <class Real>
Chance chance(const State<Real>& state, unsigned position, Team& team);

// Keeps the part of the state where the qubit at `position` is `outcome`, times `scale`. With `cleared`, that qubit then is 0.
enum class Collapse : std::uint8_t { kept, cleared };
template <class Real>
void collapse(State<Real>& state, unsigned position, bool outcome, double scale, Collapse how, Team& team);

extern template class Drawer<double>;
extern template class Drawer<float>;

}  // namespace meridian::quantum
