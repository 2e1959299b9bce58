#include "quantum/engines/statevector/plan_book.h"

#include <algorithm>

namespace meridian::quantum {

PlanCache::PlanCache(std::size_t circuits_max) : body_(std::make_unique<Body>()) {
    body_->circuits_max = std::max<std::size_t>(circuits_max, 1);
}
PlanCache::~PlanCache() = default;
PlanCache::PlanCache(PlanCache&&) noexcept = default;
PlanCache& PlanCache::operator=(PlanCache&&) noexcept = default;

std::size_t PlanCache::size() const { return body_->entries.size(); }
std::uint64_t PlanCache::hits() const { return body_->hits; }

PlanCache::Body::Entry& PlanCache::Body::entry(const Circuit& circuit) {
    const auto found = std::ranges::find_if(entries, [&](const Entry& entry) { return same_structure(entry.circuit, circuit); });
    if (found == entries.end()) {
        if (entries.size() >= circuits_max) entries.pop_back();
        entries.emplace_front().circuit = circuit;
        return entries.front();
    }
    ++hits;
    entries.splice(entries.begin(), entries, found);
    if (found->circuit.angles != circuit.angles || found->circuit.matrices != circuit.matrices) {
        ++found->version;
        found->circuit = circuit;
    }
    return *found;
}

template <class Real>
const Plan<Real>& PlanBook<Real>::of(std::size_t begin, std::size_t end, const std::vector<std::uint8_t>& positions, Relabels relabels,
                                     From from) {
    auto& plans = [&]() -> auto& {
        if constexpr (std::is_same_v<Real, double>)
            return entry_.of_double;
        else
            return entry_.of_float;
    }();
    const auto [place, is_new] = [&] {
        PlanCache::Body::Key key{begin, end, positions, from};
        const auto at = plans.find(key);
        if (at != plans.end()) return std::pair(at, false);
        auto plan =
            compile<Real>(entry_.circuit, begin, end, {.relabels = relabels == Relabels::yes, .from = from, .positions = positions});
        return plans.emplace(std::move(key), PlanCache::Body::Bound<Real>{std::move(plan), entry_.version});
    }();
    auto& bound = place->second;
    if (bound.version != entry_.version) bound = {rebind(bound.plan, entry_.circuit), entry_.version};
    return bound.plan;
}

template class PlanBook<double>;
template class PlanBook<float>;

}  // namespace meridian::quantum
