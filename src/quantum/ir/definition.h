// What operations do, by definition: a matrix on amplitudes. Slow and evidently right; for small circuits, and for judging engines.
#pragma once
#include <span>
#include <vector>

#include "quantum/ir/circuit.h"

namespace meridian::quantum {

// A gate, unitary, barrier or delay on the amplitudes of one state, or of several that lie one after the other. Bit q of an index is qubit
// q.
void apply(const Circuit& circuit, const Op& op, std::span<Amplitude> amplitudes);

// The matrix of a circuit of such operations, row-major, global phase included. Each operation costs 4^qubits.
std::vector<Amplitude> unitary_of(const Circuit& circuit);

}  // namespace meridian::quantum
