// Makes the world match the rows: brings models, starts and stops replicas, publishes what the gateway may serve. Without
// arguments and idempotent, so that recovery after a crash is the ordinary path. Lives on one executor.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/async.h"
#include "catalog/service.h"
#include "fleet/service.h"
#include "geography/types.h"
#include "inference/hours.h"
#include "inference/runtime.h"
#include "inference/scale.h"
#include "inference/service.h"
#include "inference/types.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::inference {

class Reconciler {
public:
    Reconciler(store::Store& store, store::ContentStore& content, catalog::Catalog& catalog, fleet::Driver& driver,
               Deployments& deployments, Serving& serving, Clock& clock, Rng& rng, Executor executor);
    ~Reconciler();
    // Who charges for the hours of replicas; nobody, unless told. Before run().
    void charge_by(Hours& hours) { hours_ = &hours; }

    // Claims replicas that survived and publishes what they serve, then works until stop().
    Task<> run();
    // Ends run() after the pass under way; running downloads are cancelled.
    Task<> stop();

private:
    struct Known {  // one reading of the rows
        std::vector<Deployment> deployments;
        std::vector<ReplicaRow> replicas;
    };
    Task<Known> read();
    Task<> pass();
    Task<> step(Deployment deployment, std::vector<ReplicaRow> replicas, Known& known);
    Task<> bring(Deployment deployment);

    struct Seen {
        std::uint32_t ready = 0;
        std::optional<std::string> failed;  // why, of one that will not come back
    };
    struct Added {
        std::size_t count = 0;
        std::optional<std::string> why_not;  // no more, in words
        bool is_for_money = false;           // a budget holds no more hours
    };
    enum class Drain { no, yes };
    Task<> run_replicas(Deployment deployment, std::vector<ReplicaRow> replicas, Known& known);
    std::size_t wished(const Deployment& deployment, const catalog::Model& model, const std::vector<ReplicaRow>& replicas);
    Task<std::optional<std::string>> look_at_hours(Deployment deployment, std::vector<ReplicaRow> replicas);
    Task<Seen> look_at(Deployment deployment, catalog::Model model, std::vector<ReplicaRow> replicas);
    // What it adds to the rows it adds to `known`.
    Task<Added> add_replicas(Deployment deployment, catalog::Model model, std::size_t missing, Known& known);
    Task<> start(Deployment deployment, catalog::Model model, ReplicaRow row);
    Task<> take_down(Deployment deployment, std::vector<ReplicaRow> replicas);
    // Writes the row, and shows it to the rest of the pass.
    Task<> save(Deployment deployment, Known& known);
    static void show(const Deployment& deployment, Known& known);
    void stop_replica(ReplicaRow row, Drain drain);
    Task<> drained(ReplicaId id);
    [[nodiscard]] int running_at(const ReplicaId& id) const;
    [[nodiscard]] const Runtime* runtime_of(const ReplicaRow& row) const;
    void publish(const Known& known);
    [[nodiscard]] std::vector<fleet::Load> loads(const Known& known) const;
    [[nodiscard]] const fleet::Node* node(const NodeId& id) const;
    // As receipts say it; the id of one that is not here any more.
    [[nodiscard]] std::string node_name(const NodeId& id) const;
    void add_backends(const Deployment& deployment, const catalog::Model& model, const Known& known, Served& served);
    void add_external(const catalog::Model& model, Served& served);

    store::Store& store_;
    store::ContentStore& content_;
    catalog::Catalog& catalog_;
    fleet::Driver& driver_;
    Deployments& deployments_;
    Serving& serving_;
    Hours* hours_ = nullptr;
    Clock& clock_;
    Rng& rng_;
    TaskGroup group_;
    Event wake_;
    bool stopping_ = false;
    std::set<DeploymentId> bringing_;
    std::set<ReplicaId> ending_;
    std::map<DeploymentId, ScaleMemory> scaling_;
    std::map<std::string, std::shared_ptr<BackendLoad>> load_of_;  // by replica id or external URL
    std::shared_ptr<void> listening_;
};

}  // namespace meridian::inference
