// Deployments: the verbs. A handler writes what is wished and answers; the reconciler makes it so.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/rng.h"
#include "catalog/service.h"
#include "fleet/node_catalogue.h"
#include "fleet/service.h"
#include "geography/types.h"
#include "identity/service.h"
#include "inference/phase.h"
#include "inference/runtime.h"
#include "inference/types.h"
#include "metering/quote/quotes.h"
#include "store/store.h"

namespace meridian::inference {

struct DeploymentWish {
    std::string name;
    ProjectId project;
    std::string model;  // a model's id or its name
    std::string node_type;
    std::vector<std::string> tags;
    std::uint32_t min_size = 1, max_size = 1;
    std::vector<bool> endpoints = {false};  // one each: whether it needs no key
    std::optional<QuoteId> quote = {};      // that its hours are held to
};

struct AclWish {
    std::string ip;  // a network or one address
    std::string description;
};

struct DeploymentChange {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> tags;
    std::optional<std::uint32_t> min_size, max_size;
    std::optional<std::string> model;
};

// What deployments are doing right now; kept in memory, read by any loop.
class Phases {
public:
    void set(const DeploymentId& id, Phase phase);
    void clear(const DeploymentId& id);
    [[nodiscard]] Phase of(const DeploymentId& id) const;  // without a name when there is none

private:
    mutable std::mutex mutex_;
    std::map<DeploymentId, Phase> phases_;
};

class Deployments {
public:
    // `nodes` are this zone's; neither they nor the runtimes change while the program runs.
    Deployments(store::Store& store, const catalog::Catalog& catalog, std::vector<fleet::Node> nodes, geography::Zone zone, Clock& clock,
                Rng& rng, RuntimeOptions runtimes);
    // What may be offered beside what the nodes are themselves. Before serving.
    void offer(std::span<const fleet::CatalogueType> catalogue);
    // Whose quotes deployments are held to. Those of before stay used. Blocking; before serving.
    void hold_to(metering::Quotes& quotes);

    Task<Deployment> create(identity::Caller caller, DeploymentWish wish);
    // Another project's deployment is not_found.
    Task<Deployment> get(identity::Caller caller, DeploymentId id);
    Task<std::vector<Deployment>> list(identity::Caller caller);
    Task<Deployment> update(identity::Caller caller, DeploymentId id, DeploymentChange change);
    // Marks it `deleting`; it turns into not_found when its replicas have ended.
    Task<Deployment> remove(identity::Caller caller, DeploymentId id);
    Task<Endpoint> add_endpoint(identity::Caller caller, DeploymentId id, bool auth_disabled);
    Task<Endpoint> change_endpoint(identity::Caller caller, EndpointId id, std::optional<bool> auth_disabled);
    Task<> remove_endpoint(identity::Caller caller, EndpointId id);
    // Returns the new ones.
    enum class Before { kept, removed };
    Task<std::vector<AclRule>> add_rules(identity::Caller caller, DeploymentId id, std::vector<AclWish> wishes, Before before);
    Task<> remove_rule(identity::Caller caller, AclRuleId id);

    [[nodiscard]] const std::vector<fleet::Node>& nodes() const { return nodes_; }
    // What a node of this zone holds, and what could be had elsewhere as well.
    [[nodiscard]] const std::vector<fleet::NodeType>& node_types() const { return offered_; }
    [[nodiscard]] const std::vector<fleet::NodeType>& all_node_types() const { return types_; }
    [[nodiscard]] const RuntimeOptions& runtimes() const { return runtimes_; }
    [[nodiscard]] const geography::Zone& zone() const { return zone_; }
    [[nodiscard]] Phases& phases() { return phases_; }

private:
    [[nodiscard]] catalog::Model model_for(const identity::Caller& caller, const std::string& id_or_name) const;
    Task<metering::HeldQuote> hold_quote(identity::Caller caller, QuoteId id, Deployment& made);
    [[nodiscard]] std::string fitting_node_type(const catalog::Model& model, const std::string& wished) const;

    store::Store& store_;
    const catalog::Catalog& catalog_;
    std::vector<fleet::Node> nodes_;
    std::vector<fleet::NodeType> types_, offered_;
    geography::Zone zone_;
    Clock& clock_;
    Rng& rng_;
    RuntimeOptions runtimes_;
    Phases phases_;
    metering::Quotes* quotes_ = nullptr;
};

}  // namespace meridian::inference
