#include "quantum/engines/statevector/real_elements.h"

#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

namespace meridian::quantum {
namespace {

constexpr std::uint32_t nobody = ~std::uint32_t{0};
constexpr double least = 1e-6;  // of a magnitude whose phase means something

void turn_rows(GateMatrix& m, std::size_t bit, Amplitude turn) {
    for (std::size_t k = 0; k < 16; ++k)
        if ((k / 4 >> bit & 1) != 0) m[k] *= turn;
}
void turn_columns(GateMatrix& m, std::size_t bit, Amplitude turn) {
    for (std::size_t k = 0; k < 16; ++k)
        if ((k % 4 >> bit & 1) != 0) m[k] *= turn;
}

}  // namespace

void make_elements_real(Items& items) {
    // For both wires of each dense block: the item that mixes the wire next.
    std::vector<std::array<std::uint32_t, 2>> next(items.pairs.size());
    std::array<std::uint32_t, 64> mover;
    mover.fill(nobody);
    for (std::size_t k = items.list.size(); k-- > 0;) {
        const Item& item = items.list[k];
        if (item.kind == Item::Kind::pair) next[item.index] = {mover[item.a], mover[item.b]};
        for (std::uint64_t left = item.moves; left != 0; left &= left - 1) mover[std::size_t(std::countr_zero(left))] = std::uint32_t(k);
    }
    for (const Item& item : items.list) {
        if (item.kind != Item::Kind::pair) continue;
        GateMatrix& m = items.pairs[item.index];
        const double magnitude = std::abs(m[0]);
        if (magnitude < least) continue;
        items.phase += std::arg(m[0]);
        const Amplitude back = std::conj(m[0]) / magnitude;
        for (Amplitude& element : m) element *= back;
        m[0] = magnitude;
        for (std::size_t bit = 0; bit < 2; ++bit) {
            Amplitude& element = m[4 << bit];
            const std::uint32_t to = next[item.index][bit];
            if (to == nobody || items.list[to].kind != Item::Kind::pair) continue;
            const double size = std::abs(element);
            if (size < least) continue;
            const Amplitude turn = element / size;
            turn_rows(m, bit, std::conj(turn));
            element = size;
            turn_columns(items.pairs[items.list[to].index], items.list[to].a == (bit == 0 ? item.a : item.b) ? 0 : 1, turn);
        }
    }
    items.phase = std::remainder(items.phase, 2 * std::numbers::pi);
}

bool has_real_elements(const GateMatrix& m) { return m[0].imag() == 0 && m[4].imag() == 0 && m[8].imag() == 0; }

}  // namespace meridian::quantum
