// What expectation values and gradients begin with: a circuit of unitary operations and a sum that fits it.
#pragma once
#include "base/expected.h"
#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/prepare.h"

namespace meridian::quantum {

// The circuit without its final measurements; a complaint where it has others, or where the sum names qubits that it has not.
expected<Prepared> unitary_part(const Circuit& circuit, const PauliSum& sum);

}  // namespace meridian::quantum
