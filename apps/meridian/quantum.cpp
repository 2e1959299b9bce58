#include "quantum.h"

#include <algorithm>

#include "catalog/platforms.h"
#include "fleet/energy.h"
#include "quantum/service/emulator.h"
#include "shipped_models.h"

namespace meridian::app {

using namespace quantum::service;

NodeFacts quantum_facts(const fleet::Node& node) { return {.zone = node.zone.str(), .cpus = node.cpus, .memory_bytes = node.memory_bytes}; }

std::vector<Platform> shipped_platforms_of(const fleet::Node& node) {
    const auto facts = catalog::parse_platforms_yaml(shipped_platforms);
    if (!facts) throw Error(Fault::bug, "The platforms that come with the program cannot be read.", facts.error().said);
    return platforms_of(*facts, quantum_facts(node));
}

Offer shipped_offer_of(const fleet::Node& node, const Keeping& keeping) {
    const auto facts = catalog::parse_applications_yaml(shipped_applications);
    if (!facts) throw Error(Fault::bug, "The applications that come with the program cannot be read.", facts.error().said);
    return {shipped_platforms_of(node), applications_of(*facts, node.zone.str()), keeping};
}

namespace {

Offer offer_of(const QuantumParts& parts, const fleet::Node& node, SessionHours& hours) {
    auto offer = shipped_offer_of(node, parts.keeping);
    offer.prices = parts.prices;
    offer.quotes = parts.quotes;
    offer.hours = &hours;
    return offer;
}

}  // namespace

QuantumSide::QuantumSide(const QuantumParts& parts, const fleet::Node& node)
    : reading_(quantum::service::limits::readers),
      small_lane_(1),
      large_lane_(1),
      computer_(emulator(parts.content, parts.clock, parts.rng, reading_, small_lane_, large_lane_,
                         {.zone = node.zone.str(),
                          .memory_bytes = engine_memory(quantum_facts(node)),
                          .threads = parts.threads,
                          .cpus = node.cpus,
                          .watts = parts.watts,
                          .energy_counter = fleet::energy_counter()})),
      links_(parts.key, parts.clock),
      hours_(parts.meter, parts.clock, node.name),
      quantum_(parts.store, parts.content, parts.files, offer_of(parts, node, hours_), node.zone, parts.clock, parts.rng),
      reconciler_(parts.store, parts.content, parts.files, parts.meter, *computer_, quantum_, node.name, parts.clock, parts.rng,
                  parts.home),
      estimates_(quantum_, *computer_, node.name, parts.rng, parts.home) {
    quantum_.keep_quotes();
}

std::string QuantumSide::platform() const {
    const auto& all = quantum_.platforms();
    const auto aer = std::ranges::find(all, "aer", [](const Platform& platform) { return platform.facts.backend; });
    return aer == all.end() ? "" : aer->name;
}

}  // namespace meridian::app
