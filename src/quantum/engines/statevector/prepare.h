// A circuit made ready to run: only qubits that gates touch, no barriers or delays, and measurements that can wait put at the end.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "quantum/engines/engine.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

struct Reading {                         // of a qubit into a classical bit
    std::optional<std::uint32_t> qubit;  // nothing for one that no gate touches: it reads 0
    std::uint32_t bit = 0;
};

struct Prepared {
    Circuit circuit;                                     // over the used qubits
    std::vector<std::optional<std::uint32_t>> qubit_of;  // of the original -> of this circuit
    std::vector<bool> waits;                             // by operation: a measurement whose outcome nothing on its path depends on
    std::vector<Reading> at_end;                         // of every path: measurements that were taken out of a circuit without jumps
    bool is_unitary = true;                              // nothing but gates and unitaries is left in the list
    std::uint32_t branchings = 0;                        // measurements and resets that are left and do not wait
};

// Refuses channels and more qubits than a state vector can have.
expected<Prepared> prepare(const Circuit& circuit);

}  // namespace meridian::quantum
