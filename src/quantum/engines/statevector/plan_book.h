// The plans of one circuit while it runs, kept over runs where a PlanCache is given.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <tuple>
#include <type_traits>
#include <vector>

#include "quantum/engines/engine.h"
#include "quantum/engines/statevector/plan.h"

namespace meridian::quantum {

struct PlanCache::Body {
    struct Key {
        std::size_t begin, end;
        std::vector<std::uint8_t> positions;
        From from;
        auto operator<=>(const Key&) const = default;
    };
    template <class Real>
    struct Bound {
        Plan<Real> plan;
        std::uint64_t version;  // of the circuit that it is bound to
    };
    struct Entry {
        Circuit circuit;
        std::uint64_t version = 0;  // counts the angles that this structure came with
        std::map<Key, Bound<double>> of_double;
        std::map<Key, Bound<float>> of_float;
    };
    // The entry of the circuit's structure, with its angles; made where there is none. It stays valid until `circuits_max` others came.
    Entry& entry(const Circuit& circuit);

    std::size_t circuits_max = 1;
    std::list<Entry> entries;  // the one used last first
    std::uint64_t hits = 0;
};

template <class Real>
class PlanBook {
public:
    // Without a cache the plans live as long as the book.
    PlanBook(const Circuit& circuit, PlanCache* cache) : entry_((cache != nullptr ? *cache : own_).body().entry(circuit)) {}

    enum class Relabels : bool { no, yes };
    // Of operations [begin, end), for a state with these positions.
    const Plan<Real>& of(std::size_t begin, std::size_t end, const std::vector<std::uint8_t>& positions, Relabels relabels, From from);

private:
    PlanCache own_{1};
    PlanCache::Body::Entry& entry_;
};

extern template class PlanBook<double>;
extern template class PlanBook<float>;

}  // namespace meridian::quantum
