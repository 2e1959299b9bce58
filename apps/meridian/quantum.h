// The quantum side of one installation: platforms of this node, the computer on threads of its own, routes, and the reconciler.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/real/real.h"
#include "fleet/service.h"
#include "http/route.h"
#include "quantum/service/api.h"
#include "quantum/service/computer.h"
#include "quantum/service/estimates.h"
#include "quantum/service/reconcile.h"

namespace meridian::app {

// What the shipped catalogue offers on a node. A catalogue that cannot be read is our mistake: Error{bug}.
std::vector<quantum::service::Platform> shipped_platforms_of(const fleet::Node& node);
quantum::service::Offer shipped_offer_of(const fleet::Node& node, const quantum::service::Keeping& keeping = {});
quantum::service::NodeFacts quantum_facts(const fleet::Node& node);

struct QuantumParts {
    store::Store& store;
    store::ContentStore& content;
    Pool& files;
    metering::Meter& meter;
    const keys::SealingKey& key;  // marks links
    Clock& clock;
    Rng& rng;
    Executor home;
    unsigned threads;  // of a large job; 0: one a CPU
    const metering::Prices* prices = nullptr;
    metering::Quotes* quotes = nullptr;
    std::optional<double> watts = {};  // of the node, as declared
    quantum::service::Keeping keeping = {};
};

class QuantumSide {
public:
    QuantumSide(const QuantumParts& parts, const fleet::Node& node);
    void add_routes(http::Router& router) { quantum::service::add_routes(router, quantum_, links_); }
    metering::Estimator& estimates() { return estimates_; }
    Task<> run() { return reconciler_.run(); }
    Task<> stop() { return reconciler_.stop(); }
    [[nodiscard]] const std::vector<quantum::service::Platform>& platforms() const { return quantum_.platforms(); }
    // For the screen: the platform that a Qiskit user would take.
    [[nodiscard]] std::string platform() const;

private:
    real::ThreadPool reading_, small_lane_, large_lane_;
    std::unique_ptr<quantum::service::Computer> computer_;
    quantum::service::Links links_;
    quantum::service::SessionHours hours_;
    quantum::service::Quantum quantum_;
    quantum::service::Reconciler reconciler_;
    quantum::service::Estimates estimates_;
};

}  // namespace meridian::app
