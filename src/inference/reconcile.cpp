#include "inference/reconcile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "inference/store.h"

namespace meridian::inference {
namespace {

constexpr Duration look_again =
    std::chrono::seconds(5);  // wake-ups come from the feed and the driver; this sees the load, and what they miss

std::vector<ReplicaRow> of(const DeploymentId& id, const std::vector<ReplicaRow>& all) {
    std::vector<ReplicaRow> out;
    std::ranges::copy_if(all, std::back_inserter(out), [&](const ReplicaRow& r) { return r.deployment == id; });
    return out;
}

Phase phase_of(const catalog::Progress& progress) { return {std::string(catalog::name(progress.phase)), progress.done, progress.total}; }

}  // namespace

Reconciler::Reconciler(store::Store& store, store::ContentStore& content, catalog::Catalog& catalog, fleet::Driver& driver,
                       Deployments& deployments, Serving& serving, Clock& clock, Rng& rng, Executor executor)
    : store_(store),
      content_(content),
      catalog_(catalog),
      driver_(driver),
      deployments_(deployments),
      serving_(serving),
      clock_(clock),
      rng_(rng),
      group_(executor),
      wake_(executor) {}

Reconciler::~Reconciler() = default;

Task<> Reconciler::run() {
    listening_ = store_.feed().listen(group_.executor(), {"deployments", "models"}, [this](store::Revision) { wake_.notify(); });
    driver_.on_change([wake = wake_](const fleet::Replica&) mutable { wake.notify(); });  // the driver outlives us
    const auto known = co_await read();
    std::vector<ReplicaId> wanted;
    for (const auto& row : known.replicas) wanted.push_back(row.id);
    const auto survivors = co_await driver_.adopt(wanted);
    if (!survivors.empty()) log::info("inference", "claimed {} replica(s) of the last run", survivors.size());
    while (!stopping_) {
        try {
            co_await pass();
        } catch (const Error& error) {
            log::error("inference", "the rows cannot be read now: {} {}", error.said, error.logged);
        }
        if (!stopping_) co_await wake_.wait(clock_, look_again);
    }
}

Task<> Reconciler::stop() {
    stopping_ = true;
    wake_.notify();
    group_.cancel();
    co_await group_.join();
    if (hours_) hours_->end_all();
    listening_.reset();
}

Task<Reconciler::Known> Reconciler::read() {
    co_return co_await store_.read([](store::Tx& tx) { return Known{rows::all(tx), rows::replicas(tx)}; });
}

Task<> Reconciler::pass() {
    auto known = co_await read();
    for (std::size_t i = 0; i < known.deployments.size(); ++i) {
        const auto deployment = known.deployments[i];
        try {
            co_await step(deployment, of(deployment.id, known.replicas), known);
        } catch (const Error& error) {
            // Somebody changed the row meanwhile (conflict), or the disk is full: the next pass sees the new state.
            log::warn("inference", "deployment {}: {} {}", deployment.id.str(), error.said, error.logged);
        }
    }
    // Of the same reading and what was written since: what others changed wakes us, and a row's old name goes with its old replicas.
    publish(known);
    std::erase_if(scaling_, [&known](const auto& each) {
        return std::ranges::find(known.deployments, each.first, &Deployment::id) == known.deployments.end();
    });
}

Task<> Reconciler::step(Deployment deployment, std::vector<ReplicaRow> replicas, Known& known) {
    switch (deployment.state) {
        case DeploymentState::creating:
            // What still runs is of the model before, or has failed.
            for (auto& row : replicas) stop_replica(row, Drain::no);
            if (!bringing_.contains(deployment.id)) {
                bringing_.insert(deployment.id);
                group_.spawn("bring " + deployment.model_name, bring(deployment));
            }
            co_return;
        case DeploymentState::deploying:
        case DeploymentState::scaling:
        case DeploymentState::ready:
        case DeploymentState::locked:
            co_await run_replicas(std::move(deployment), std::move(replicas), known);
            co_return;
        case DeploymentState::error:
            for (auto& row : replicas) stop_replica(row, Drain::no);
            co_return;
        case DeploymentState::deleting:
            co_await take_down(std::move(deployment), std::move(replicas));
            co_return;
    }
}

Task<> Reconciler::bring(Deployment deployment) {
    const auto id = deployment.id;
    auto next = DeploymentState::deploying;
    std::optional<std::string> failure;
    bool put_off = false;
    try {
        const auto model = catalog_.find(deployment.model);
        if (!model) throw Error(Fault::not_found, "The model has left the catalogue.");
        if (!model->is_upstream()) {
            if (catalog_.is_local(*model)) {
                deployments_.phases().set(id, {"verifying"});
                co_await catalog_.verify(*model);
            }
            co_await catalog_.ensure_local(*model,
                                           [this, id](catalog::Progress progress) { deployments_.phases().set(id, phase_of(progress)); });
        }
        deployments_.phases().set(id, {"starting"});
    } catch (const Error& error) {
        log::error("inference", "deployment {}: {} {}", id.str(), error.said, error.logged);
        failure = error.said;
        next = DeploymentState::error;
        put_off = stopping_ || error.code == "stopping";  // a clean end is no failure: the next start goes on
    }
    bringing_.erase(id);
    if (put_off) co_return;
    const auto now = clock_.now();
    co_await store_.write([id, model = deployment.model, next, failure, now](store::Tx& tx) {
        auto d = rows::find(tx, id);
        if (!d || d->state != DeploymentState::creating || d->model != model) return;  // deleted or changed meanwhile
        d->state = next;
        d->error_message = failure;
        d->updated_at = now;
        rows::update(tx, *d);
    });
    wake_.notify();
}

Task<> Reconciler::take_down(Deployment deployment, std::vector<ReplicaRow> replicas) {
    for (auto& row : replicas) stop_replica(row, Drain::no);
    if (!replicas.empty() || bringing_.contains(deployment.id)) co_return;
    deployments_.phases().clear(deployment.id);
    co_await store_.write([id = deployment.id](store::Tx& tx) { rows::remove(tx, id); });
}

Task<> Reconciler::save(Deployment deployment, Known& known) {
    deployment.updated_at = clock_.now();
    co_await store_.write([deployment](store::Tx& tx) mutable { rows::update(tx, deployment); });
    show(deployment, known);
}

void Reconciler::show(const Deployment& deployment, Known& known) {
    *std::ranges::find(known.deployments, deployment.id, &Deployment::id) = deployment;
}

}  // namespace meridian::inference
