// Lowers a run of unitary operations to items: merges neighbours, splits off diagonals, turns exchanges of qubits into another map.
#pragma once
#include <cstddef>
#include <vector>

#include "quantum/engines/statevector/items.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

// `wires`: of each qubit at the start. Without `relabels`, the qubits are moved back to these wires at the end.
Items lower(const Circuit& circuit, std::size_t begin, std::size_t end, std::vector<Wire> wires, bool relabels);

}  // namespace meridian::quantum
