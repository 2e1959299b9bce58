// The slow twin: what a circuit does, computed by definition. It is evidently right, shares no code with the engine and judges it.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "quantum/engines/engine.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum::twin {

using Vector = std::vector<Amplitude>;  // by basis state: bit q of an index is qubit q

// The state after all operations of a unitary circuit, from |0...0>, with the global phase.
Vector run(const Circuit& circuit);

// Every outcome of the classical bits (in words, as in Samples) with its probability, by following every outcome of each measurement, reset
// and channel. Outcomes below 1e-14 are left out.
std::map<std::vector<std::uint64_t>, double> distribution(const Circuit& circuit);

// <state| sum |state>, term by term and letter by letter.
double expectation(const Vector& state, const PauliSum& sum);

}  // namespace meridian::quantum::twin
