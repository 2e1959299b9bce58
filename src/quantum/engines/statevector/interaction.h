// Writes two-qubit blocks that have others before and after them as interactions, which take fewer multiplications.
#pragma once
#include "quantum/engines/statevector/items.h"

namespace meridian::quantum {

// Any two-qubit gate is (A x B) N (C x D) with gates on single wires around an N that is diagonal in the Bell basis. Where the next mover
// of both wires is another block, with nothing between, A and B become part of that one; the phases that C and D begin with become part of
// the blocks before. What is left has 9 angles instead of 15: a real rotation of each wire, phases, a rotation in each of the planes {00,
// 11} and {01, 10}, phases. Rotations and phases are applied by their tangents, and their cosines are left to the last phases: 10.5
// multiplications an amplitude, where a matrix takes 16.
void make_interactions(Items& items);

// On wires a (least significant) and b.
GateMatrix matrix_of(const Interaction& g);

}  // namespace meridian::quantum
