#include "inference/reconcile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "inference/store.h"

namespace meridian::inference {
namespace {

constexpr Duration look_again = std::chrono::seconds(5);  // wake-ups come from the feed and the driver; this catches what they miss
constexpr Duration stop_grace = std::chrono::seconds(10);

std::vector<ReplicaRow> of(const DeploymentId& id, const std::vector<ReplicaRow>& all) {
    std::vector<ReplicaRow> out;
    std::ranges::copy_if(all, std::back_inserter(out), [&](const ReplicaRow& r) { return r.deployment == id; });
    return out;
}

std::string words(const catalog::Progress& progress) {
    if (progress.total == 0) return std::string(catalog::name(progress.phase));
    return fmt::format("{} {:.1f} of {:.1f} MB", catalog::name(progress.phase), static_cast<double>(progress.done) / 1e6,
                       static_cast<double>(progress.total) / 1e6);
}

}  // namespace

Reconciler::Reconciler(store::Store& store, store::ContentStore& content, catalog::Catalog& catalog, fleet::Driver& driver,
                       Deployments& deployments, Serving& serving, Clock& clock, Rng& rng, Executor executor, RuntimeOptions runtime)
    : store_(store),
      content_(content),
      catalog_(catalog),
      driver_(driver),
      deployments_(deployments),
      serving_(serving),
      clock_(clock),
      rng_(rng),
      runtime_(std::move(runtime)),
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
    listening_.reset();
}

Task<Reconciler::Known> Reconciler::read() {
    co_return co_await store_.read([](store::Tx& tx) { return Known{rows::all(tx), rows::replicas(tx)}; });
}

Task<> Reconciler::pass() {
    const auto known = co_await read();
    for (const auto& deployment : known.deployments) {
        try {
            co_await step(deployment, of(deployment.id, known.replicas), known);
        } catch (const Error& error) {
            // Somebody changed the row meanwhile (conflict), or the disk is full: the next pass sees the new state.
            log::warn("inference", "deployment {}: {} {}", deployment.id.str(), error.said, error.logged);
        }
    }
    publish(co_await read());
}

Task<> Reconciler::step(Deployment deployment, std::vector<ReplicaRow> replicas, const Known& known) {
    switch (deployment.state) {
        case DeploymentState::creating:
            // What still runs is of the model before, or has failed.
            for (auto& row : replicas) stop_replica(row);
            if (!bringing_.contains(deployment.id)) {
                bringing_.insert(deployment.id);
                group_.spawn("bring " + deployment.model_name, bring(deployment));
            }
            co_return;
        case DeploymentState::deploying:
        case DeploymentState::scaling:
        case DeploymentState::ready:
            co_await run_replicas(std::move(deployment), std::move(replicas), known);
            co_return;
        case DeploymentState::error:
            for (auto& row : replicas) stop_replica(row);
            co_return;
        case DeploymentState::deleting:
            co_await take_down(std::move(deployment), std::move(replicas));
            co_return;
        case DeploymentState::locked:
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
                deployments_.phases().set(id, "verifying");
                co_await catalog_.verify(*model);
            }
            co_await catalog_.ensure_local(*model,
                                           [this, id](catalog::Progress progress) { deployments_.phases().set(id, words(progress)); });
        }
        deployments_.phases().set(id, "starting");
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

const fleet::Node* Reconciler::node(const NodeId& id) const {
    const auto it = std::ranges::find(deployments_.nodes(), id, &fleet::Node::id);
    return it == deployments_.nodes().end() ? nullptr : &*it;
}

std::vector<fleet::Load> Reconciler::loads(const Known& known) const {
    std::vector<fleet::Load> out(deployments_.nodes().size());
    for (const auto& row : known.replicas) {
        const auto d = std::ranges::find(known.deployments, row.deployment, &Deployment::id);
        const auto n = std::ranges::find(deployments_.nodes(), row.node, &fleet::Node::id);
        if (d == known.deployments.end() || n == deployments_.nodes().end()) continue;
        const auto model = catalog_.find(d->model);
        if (!model) continue;
        auto& load = out[static_cast<std::size_t>(n - deployments_.nodes().begin())];
        load.memory_used += need_of(*model, 0).memory_bytes;
        load.gpus_used.insert(load.gpus_used.end(), row.gpus.begin(), row.gpus.end());
    }
    return out;
}

Task<> Reconciler::run_replicas(Deployment deployment, std::vector<ReplicaRow> replicas, const Known& known) {
    const auto model = catalog_.find(deployment.model);
    if (!model) co_return;
    const std::size_t wanted = model->is_upstream() ? 0 : deployment.min_size;
    const bool some_end = std::erase_if(replicas, [&](const ReplicaRow& row) { return ending_.contains(row.id); }) > 0;
    while (replicas.size() > wanted) {
        stop_replica(replicas.back());
        replicas.pop_back();
    }
    std::uint32_t ready = 0;
    std::optional<std::string> failed;
    for (const auto& row : replicas) {
        const auto replica = driver_.find(row.id);
        if (!replica) {
            co_await start(deployment, *model, row);
        } else if (replica->state == fleet::ReplicaState::ready) {
            ++ready;
        } else if (replica->state == fleet::ReplicaState::failed) {
            failed = replica->detail;
        }
    }
    if (failed) {
        deployment.state = DeploymentState::error;
        deployment.error_message = "The runtime does not stay up: " + *failed;
        deployment.size = 0;
        co_await save(std::move(deployment));
        co_return;
    }
    if (replicas.size() < wanted) {
        if (some_end) co_return;  // they hold their memory until they have ended; that wakes us
        co_await add_replicas(std::move(deployment), *model, wanted - replicas.size(), known);
        co_return;
    }
    const auto state = ready >= wanted                              ? DeploymentState::ready
                       : deployment.state == DeploymentState::ready ? DeploymentState::ready
                                                                    : deployment.state;
    if (state != deployment.state || ready != deployment.size) {
        deployment.state = state;
        deployment.size = ready;
        if (state == DeploymentState::ready) deployments_.phases().clear(deployment.id);
        co_await save(std::move(deployment));
    }
}

Task<> Reconciler::add_replicas(Deployment deployment, catalog::Model model, std::size_t missing, const Known& known) {
    auto load = loads(known);
    const auto& nodes = deployments_.nodes();
    const auto need = need_of(model, 0);
    std::vector<ReplicaRow> made;
    for (std::size_t i = 0; i < missing; ++i) {
        // One zone today; the project's policy comes through this same value.
        const auto place = fleet::place(need, geography::Residency::only({deployments_.zone()}), nodes, load);
        if (!place) {
            deployment.state = DeploymentState::error;
            deployment.error_message = place.error().said;
            break;
        }
        deployment.placed_because = place->because;
        const auto index = static_cast<std::size_t>(std::ranges::find(nodes, place->node, &fleet::Node::id) - nodes.begin());
        load[index].memory_used += need.memory_bytes;
        made.push_back({ReplicaId(Uuid::random(rng_)), deployment.id, place->node, place->gpus, clock_.now()});
    }
    deployment.updated_at = clock_.now();
    co_await store_.write([deployment, made, zone = deployments_.zone().str()](store::Tx& tx) mutable {
        for (const auto& row : made) rows::insert(tx, row, zone);
        rows::update(tx, deployment);
    });
    if (deployment.state == DeploymentState::error) co_return;
    for (const auto& row : made) co_await start(deployment, model, row);
}

Task<> Reconciler::start(Deployment deployment, catalog::Model model, ReplicaRow row) {
    if (ending_.contains(row.id)) co_return;
    const auto* on = node(row.node);
    if (!on) co_return;
    const auto path = co_await catalog_.ensure_local(model, {});
    const store::ContentHandle key(deployment.project, deployments_.zone().str());
    auto log_path = content_.path_for(key, fmt::format("replicas/{}/log", row.id.str()));
    co_await driver_.start(launch_of(runtime_, model, path, *on, row.gpus, row.id, std::move(log_path)));
}

void Reconciler::stop_replica(ReplicaRow row) {
    if (!ending_.insert(row.id).second) return;
    auto end = [](Reconciler* self, ReplicaRow ending) -> Task<> {
        bool ended = true;
        try {
            co_await self->driver_.stop(ending.id, stop_grace);
            co_await self->store_.write([id = ending.id](store::Tx& tx) { rows::remove(tx, id); });
            self->load_of_.erase(ending.id.str());
        } catch (const Error& error) {
            log::warn("inference", "replica {} has not ended: {} {}", ending.id.str(), error.said, error.logged);
            ended = false;
        }
        self->ending_.erase(ending.id);
        if (ended) self->wake_.notify();  // otherwise the next look tries again
    };
    group_.spawn("stop replica " + row.id.str(), end(this, row));
}

Task<> Reconciler::take_down(Deployment deployment, std::vector<ReplicaRow> replicas) {
    for (auto& row : replicas) stop_replica(row);
    if (!replicas.empty() || bringing_.contains(deployment.id)) co_return;
    deployments_.phases().clear(deployment.id);
    co_await store_.write([id = deployment.id](store::Tx& tx) { rows::remove(tx, id); });
}

Task<> Reconciler::save(Deployment deployment) {
    deployment.updated_at = clock_.now();
    co_await store_.write([deployment](store::Tx& tx) mutable { rows::update(tx, deployment); });
}

void Reconciler::add_backends(const Deployment& deployment, const catalog::Model& model, const Known& known, Served& served) {
    if (deployment.state == DeploymentState::creating) return;  // what still runs is of the model before
    for (const auto& row : known.replicas) {
        if (row.deployment != deployment.id || ending_.contains(row.id)) continue;
        const auto replica = driver_.find(row.id);
        if (!replica) continue;
        if (replica->state != fleet::ReplicaState::ready) {
            served.waiting_for = fmt::format("replica {} ({})", fleet::name(replica->state), replica->detail);
            continue;
        }
        auto& load = load_of_[row.id.str()];
        if (!load) load = std::make_shared<BackendLoad>();
        const auto* on = node(row.node);
        served.backends.push_back(
            {.node = on ? on->name : row.node.str(),
             .target = {.tls = false, .host = "replica", .port = 80, .local = replica->address},
             .path_prefix = "/v1",
             .bearer = replica->secret,
             .model = model.name,
             .running_max = static_cast<int>(std::max<std::uint32_t>(1, model.slots_default)) * limits::waiting_per_slot,
             .fresh_for_streams = true,
             .load = load});
    }
}

void Reconciler::add_external(const catalog::Model& model, Served& served) {
    served.is_external = true;
    for (const auto& upstream : model.upstreams) {
        auto url = http::parse_url(upstream.url);
        if (!url) continue;
        // An address that the operator wrote as numbers is declared by that; names go through DNS and the egress guard.
        boost::system::error_code bad;
        const auto ip = asio::ip::make_address(url->target.host == "localhost" ? "127.0.0.1" : url->target.host, bad);
        if (!bad) url->target.local = Address{ip, url->target.port, {}};
        if (served.digest.empty()) served.digest = "upstream:" + url->target.host;
        std::string bearer;
        try {
            bearer = catalog_.upstream_key(upstream);
        } catch (const Error& error) {  // one endpoint's lost key must not take the others away
            log::warn("inference", "model {}: {} {}", model.name, error.said, error.logged);
            served.waiting_for = "the key of its endpoint";
            continue;
        }
        auto& load = load_of_[upstream.url];
        if (!load) load = std::make_shared<BackendLoad>();
        std::string prefix = url->path;
        while (prefix.ends_with('/')) prefix.pop_back();
        served.backends.push_back({.node = "",
                                   .target = url->target,
                                   .path_prefix = prefix,
                                   .bearer = std::move(bearer),
                                   .model = upstream.upstream_model,
                                   .running_max = limits::running_per_upstream,
                                   .fresh_for_streams = false,
                                   .load = load});
    }
}

void Reconciler::publish(const Known& known) {
    auto table = std::make_shared<ServingTable>();
    const auto add = [&](const catalog::Model& model, const Deployment* deployment) {
        auto served = std::make_shared<Served>();
        served->model = model.name;
        served->capabilities = model.capabilities;
        served->context = model.context_default;
        served->price = {model.input_per_million, model.output_per_million};
        if (deployment) {
            served->owner = {deployment->organization, deployment->project};
        } else if (model.project) {
            served->owner = {model.organization, *model.project};
        }
        served->created_at = deployment ? deployment->created_at : model.created_at;
        if (deployment) served->deployment = deployment->id;
        served->waiting_for = deployment ? std::string(name(deployment->state)) : std::string();
        if (deployment && !deployments_.phases().of(deployment->id).empty())
            served->waiting_for += ", " + deployments_.phases().of(deployment->id);
        if (!model.artifacts.empty()) served->digest = "sha256:" + hex(model.artifacts.front().digest);
        if (model.is_upstream()) {
            add_external(model, *served);
        } else if (deployment) {
            add_backends(*deployment, model, known, *served);
        }
        table->by_model[model.name].push_back(std::move(served));
    };
    std::set<ModelId> deployed;
    for (const auto& deployment : known.deployments) {
        if (deployment.state == DeploymentState::deleting || deployment.state == DeploymentState::error) continue;
        const auto model = catalog_.find(deployment.model);
        if (!model) continue;
        deployed.insert(model->id);
        add(*model, &deployment);
    }
    // External endpoints need no machine of ours: they answer as soon as they are in the catalogue.
    for (const auto& model : catalog_.models(std::nullopt)) {
        if (model.is_upstream() && !deployed.contains(model.id)) add(model, nullptr);
    }
    serving_.publish(std::move(table));
}

}  // namespace meridian::inference
