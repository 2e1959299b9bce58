// Merges gates on one target under at most one control and writes them as phases and real rotations.
#pragma once
#include <cstdint>
#include <vector>

#include "quantum/engines/statevector/items.h"

namespace meridian::quantum {

// Gates come in the order of the circuit; items go out in an order that means the same.
class RotationWriter {
public:
    RotationWriter(unsigned wires, Items& out) : open_(wires), readers_(wires, 0), out_(out) {}

    void add(Wire target, const Matrix2& matrix);
    // Acts where `control` has `value`.
    void add_controlled(Wire control, unsigned value, Wire target, const Matrix2& matrix);
    // Diagonal of two wires; the phase of basis state (x_a, x_b) is angles[x_a + 2 x_b].
    void add_phases(Wire a, Wire b, const std::array<double, 4>& angles);
    void add_phase(Wire wire, double angle);  // where the wire is 1
    // Anything else, over these wires; whatever it must not overtake is written first.
    void add_item(Item item);
    void finish();

private:
    struct Open {
        bool is_open = false;
        Wire control = no_wire;
        std::array<Matrix2, 2> by_control;
    };
    void write(Wire target);
    void write_readers(Wire control);
    void term(Wire a, Wire b, double angle);
    void terms(Wire control, Wire target, const std::array<std::array<double, 2>, 2>& angles);

    std::vector<Open> open_;
    std::vector<std::uint64_t> readers_;  // by control: the targets of open gates under it
    Items& out_;
};

bool is_diagonal(const Matrix2& m);
Matrix2 product(const Matrix2& later, const Matrix2& earlier);
// Within rounding; what is not unitary cannot be written as rotations.
bool is_unitary(const Matrix2& m);

}  // namespace meridian::quantum
