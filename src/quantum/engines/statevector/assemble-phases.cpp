#include "quantum/engines/statevector/assemble-phases.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace meridian::quantum {
namespace {

using Factor = Phases::Factor;
constexpr double least_scale = 0x1p-20;  // single precision ends at 2^-126

// The phases of all values of the lowest positions, by doubling: those with a position set are those without it, times its own factors.
std::vector<Factor> leaf_phases(std::span<const double> linear, std::span<const std::vector<double>> quadratic, unsigned leaf_bits) {
    std::vector<Factor> table{1}, turned;
    for (unsigned b = 0; b < leaf_bits; ++b) {
        turned.assign(1, std::polar(1.0, linear[b]));
        for (unsigned a = 0; a < b; ++a) {
            const std::size_t half = turned.size();
            const Factor factor = std::polar(1.0, quadratic[b][a]);
            for (std::size_t k = 0; k < half; ++k) turned.push_back(turned[k] * factor);
        }
        for (std::size_t k = 0; k < turned.size(); ++k) turned[k] *= table[k];
        table.insert(table.end(), turned.begin(), turned.end());
    }
    return table;
}

}  // namespace

Phases gathered(const Items& items, std::span<const std::uint32_t> terms, const BlockMap& block, unsigned leaf_bits, Pending& pending,
                std::vector<Factor>& table) {
    Phases phases;
    phases.leaf_bits = leaf_bits;
    phases.constant = std::polar(1.0, std::exchange(pending.phase, 0));
    std::vector<double> linear(block.bits, 0);
    std::vector<std::vector<double>> quadratic(block.bits, std::vector<double>(block.bits, 0));
    for (const std::uint32_t k : terms) {
        const Item& item = items.list[k];
        auto a = block.position[item.a], b = item.b == no_wire ? no_wire : block.position[item.b];
        const bool is_linear = item.b == no_wire;
        if (is_linear && a != no_wire) {
            linear[a] += item.angle;
        } else if (!is_linear && a != no_wire && b != no_wire) {
            quadratic[std::max(a, b)][std::min(a, b)] += item.angle;
        } else {
            std::uint64_t mask = 0;
            if (a == no_wire) mask |= std::uint64_t{1} << item.a;
            if (!is_linear && b == no_wire) mask |= std::uint64_t{1} << item.b;
            phases.outer.push_back({mask, std::polar(1.0, item.angle), a != no_wire ? a : b});
        }
    }
    for (unsigned b = 0; b < leaf_bits; ++b) {
        phases.has_table |= linear[b] != 0;
        for (unsigned a = 0; a < b; ++a) phases.has_table |= quadratic[b][a] != 0;
    }
    if (phases.has_table) {
        table = leaf_phases(linear, quadratic, leaf_bits);
        for (Factor& factor : table) factor *= pending.scale;
        pending.scale = 1;
    } else if (std::abs(pending.scale) < least_scale) {
        phases.constant *= std::exchange(pending.scale, 1);
    }

    const auto meets_leaf = [&](unsigned b) {
        return std::ranges::any_of(quadratic[b] | std::views::take(leaf_bits), [](double q) { return q != 0; });
    };
    for (const bool meets : {true, false})
        for (unsigned b = leaf_bits; b < block.bits; ++b)
            if (meets_leaf(b) == meets)
                phases.branches.push_back(
                    {.position = std::uint8_t(b), .factor = std::polar(1.0, linear[b]), .cross = {}, .meets_leaf = meets});
    for (std::size_t level = 0; level < phases.branches.size(); ++level) {
        Phases::Branch& branch = phases.branches[level];
        const auto cross = [&](std::uint8_t with) {
            const double angle = quadratic[std::max(branch.position, with)][std::min(branch.position, with)];
            if (angle != 0) branch.cross.push_back({with, std::polar(1.0, angle)});
        };
        for (unsigned p = 0; p < leaf_bits; ++p) cross(std::uint8_t(p));
        for (std::size_t later = level + 1; later < phases.branches.size(); ++later) cross(phases.branches[later].position);
    }
    return phases;
}

}  // namespace meridian::quantum
