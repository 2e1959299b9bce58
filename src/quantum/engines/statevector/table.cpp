#include "quantum/engines/statevector/table.h"

#include <algorithm>
#include <cmath>

namespace meridian::quantum {

Table::Table(std::span<const double> probabilities) : ends_(probabilities.size()), guide_(probabilities.size()) {
    double sum = 0;
    for (std::size_t k = 0; k < ends_.size(); ++k) ends_[k] = sum += probabilities[k];
    std::size_t k = 0;
    for (std::size_t part = 0; part < guide_.size(); ++part) {
        while (k + 1 < ends_.size() && ends_[k] <= double(part) / double(guide_.size()) * sum) ++k;
        guide_[part] = std::uint32_t(k);
    }
}

std::uint64_t Table::at(double number) const {
    const double u = std::min(number * total(), std::nextafter(total(), 0.0));
    std::size_t k = guide_[std::min(guide_.size() - 1, std::size_t(number * double(guide_.size())))];
    while (k > 0 && u < ends_[k - 1]) --k;  // where rounding put the guide too far
    while (ends_[k] <= u) ++k;
    return k;
}

}  // namespace meridian::quantum
