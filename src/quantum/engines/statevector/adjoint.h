// The pass back of a gradient: what it consists of, for estimates, and the pass itself.
#pragma once
#include <cstdint>
#include <vector>

#include "quantum/engines/statevector/state.h"
#include "quantum/engines/team.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

// A pass over both states, as far as it needs them.
struct PassBack {
    double products = 0;  // of an amplitude with a complex number, in both states and for the sums
    double moved = 0;     // bytes, to and from memory
};
// Of a circuit of unitary operations.
std::vector<PassBack> passes_back(const Circuit& circuit);
// Held beside the states.
std::uint64_t bytes_of_sums(unsigned qubits);

namespace limits {
inline constexpr unsigned qubits_of_a_part = 13;  // of both states, taken together by one member
}  // namespace limits

// Takes |psi> and |lambda> back to before the circuit and adds the derivatives by its angles; all but those of gates without any.
void go_back(const Circuit& circuit, State<double>& psi, State<double>& lambda, Team& team, std::vector<double>& by_angle);

}  // namespace meridian::quantum
