#include "quantum/engines/statevector/rotations.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace meridian::quantum {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double nothing = 1e-14;  // a matrix element that is rounding
constexpr Matrix2 identity{1, 0, 0, 1};

// Phases of which a whole pi is left to the sign of a real element, so that real gates need no phases at all.
double half_turn(double angle) {
    const double rest = angle - pi * std::round(angle / pi);
    return std::abs(rest) < nothing ? 0 : rest;
}

// m = diag(e^(i after)) x real x diag(1, e^(i before))
struct Split {
    RealMatrix2 real;
    std::array<double, 2> after;
    double before;
};
Split split(const Matrix2& m) {
    Split s{};
    const double cosine = std::sqrt(std::norm(m[0])), sine = std::sqrt(std::norm(m[2]));
    if (sine < nothing) {
        s = {{1, 0, 0, 1}, {std::arg(m[0]), std::arg(m[3])}, 0};
        return s;
    }
    if (cosine >= nothing) s.before = half_turn(std::arg(m[1]) - std::arg(m[0]));
    s.after = {half_turn(std::arg(cosine < nothing ? m[1] : m[0])), half_turn(std::arg(m[2]))};
    const Amplitude column = std::polar(1.0, -s.before);
    for (int row = 0; row < 2; ++row) {
        const Amplitude turn = std::polar(1.0, -s.after[std::size_t(row)]);
        s.real[std::size_t(2 * row)] = (m[std::size_t(2 * row)] * turn).real();
        s.real[std::size_t(2 * row + 1)] = (m[std::size_t(2 * row + 1)] * turn * column).real();
    }
    return s;
}

bool is_identity(const RealMatrix2& m) { return m[0] == 1 && m[1] == 0 && m[2] == 0 && m[3] == 1; }

}  // namespace

bool is_diagonal(const Matrix2& m) { return std::norm(m[1]) < nothing * nothing && std::norm(m[2]) < nothing * nothing; }

Matrix2 product(const Matrix2& l, const Matrix2& e) {
    return {l[0] * e[0] + l[1] * e[2], l[0] * e[1] + l[1] * e[3], l[2] * e[0] + l[3] * e[2], l[2] * e[1] + l[3] * e[3]};
}

bool is_unitary(const Matrix2& m) {
    const double flaw = std::abs(std::norm(m[0]) + std::norm(m[2]) - 1) + std::abs(std::norm(m[1]) + std::norm(m[3]) - 1) +
                        std::sqrt(std::norm(std::conj(m[0]) * m[1] + std::conj(m[2]) * m[3]));
    return flaw < 1e-10;
}

void RotationWriter::term(Wire a, Wire b, double angle) {
    angle = std::remainder(angle, 2 * pi);
    if (std::abs(angle) < nothing) return;
    Item item{.kind = Item::Kind::phase, .a = a, .b = b, .angle = angle};
    item.reads = std::uint64_t{1} << a | (b == no_wire ? 0 : std::uint64_t{1} << b);
    out_.list.push_back(item);
}

// angles[control][target]
void RotationWriter::terms(Wire control, Wire target, const std::array<std::array<double, 2>, 2>& angles) {
    out_.phase += angles[0][0];
    term(target, no_wire, angles[0][1] - angles[0][0]);
    if (control == no_wire) return;
    term(control, no_wire, angles[1][0] - angles[0][0]);
    term(control, target, angles[1][1] - angles[1][0] - angles[0][1] + angles[0][0]);
}

void RotationWriter::write(Wire target) {
    Open& open = open_[target];
    if (!open.is_open) return;
    open.is_open = false;
    if (open.control != no_wire) readers_[open.control] &= ~(std::uint64_t{1} << target);
    const Split zero = split(open.by_control[0]);
    const Split one = open.control == no_wire ? zero : split(open.by_control[1]);
    terms(open.control, target, {{{0, zero.before}, {0, one.before}}});
    if (!is_identity(zero.real) || !is_identity(one.real)) {
        Item item{.kind = Item::Kind::rotation, .a = target, .b = open.control, .index = std::uint32_t(out_.rotations.size())};
        item.moves = std::uint64_t{1} << target;
        item.reads = open.control == no_wire ? 0 : std::uint64_t{1} << open.control;
        out_.rotations.push_back({zero.real, one.real});
        out_.list.push_back(item);
    }
    terms(open.control, target, {zero.after, one.after});
}

void RotationWriter::write_readers(Wire control) {
    for (std::uint64_t left = readers_[control]; left != 0; left &= left - 1) write(Wire(std::countr_zero(left)));
}

void RotationWriter::add(Wire target, const Matrix2& matrix) {
    Open& open = open_[target];
    if (open.is_open) {
        open.by_control[0] = product(matrix, open.by_control[0]);
        if (open.control != no_wire) open.by_control[1] = product(matrix, open.by_control[1]);
        return;
    }
    if (is_diagonal(matrix)) {
        terms(no_wire, target, {{{std::arg(matrix[0]), std::arg(matrix[3])}, {}}});
        return;
    }
    write_readers(target);
    open = {true, no_wire, {matrix, identity}};
}

void RotationWriter::add_controlled(Wire control, unsigned value, Wire target, const Matrix2& matrix) {
    if (is_diagonal(matrix)) {
        std::array<double, 4> angles{};
        angles[value] = std::arg(matrix[0]);
        angles[value + 2] = std::arg(matrix[3]);
        add_phases(control, target, angles);
        return;
    }
    write(control);
    write_readers(target);
    Open& open = open_[target];
    if (open.is_open && open.control != control && open.control != no_wire) write(target);
    if (!open.is_open) open = {true, no_wire, {identity, identity}};
    if (open.control == no_wire) {
        open.control = control;
        open.by_control[1] = open.by_control[0];
        readers_[control] |= std::uint64_t{1} << target;
    }
    open.by_control[value] = product(matrix, open.by_control[value]);
}

void RotationWriter::add_phase(Wire wire, double angle) { add(wire, {1, 0, 0, std::polar(1.0, angle)}); }

void RotationWriter::add_phases(Wire a, Wire b, const std::array<double, 4>& angles) {
    if (open_[a].is_open && open_[a].control == b) return add_phases(b, a, {angles[0], angles[2], angles[1], angles[3]});
    if (open_[b].is_open && open_[b].control == a) {
        for (unsigned value = 0; value < 2; ++value)
            open_[b].by_control[value] =
                product({std::polar(1.0, angles[value]), 0, 0, std::polar(1.0, angles[value + 2])}, open_[b].by_control[value]);
        return;
    }
    write(a);
    write(b);
    terms(a, b, {{{angles[0], angles[2]}, {angles[1], angles[3]}}});
}

void RotationWriter::add_item(Item item) {
    for (std::uint64_t left = item.moves | item.reads; left != 0; left &= left - 1) write(Wire(std::countr_zero(left)));
    for (std::uint64_t left = item.moves; left != 0; left &= left - 1) write_readers(Wire(std::countr_zero(left)));
    out_.list.push_back(item);
}

void RotationWriter::finish() {
    for (std::size_t wire = 0; wire < open_.size(); ++wire) write(Wire(wire));
}

}  // namespace meridian::quantum
