// The replicas of one deployment: as many as are wished, where they have a place, started and stopped.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "inference/reconcile.h"
#include "inference/store.h"

namespace meridian::inference {
namespace {

constexpr Duration stop_grace = std::chrono::seconds(10);
// A replica that is not needed any more ends the answers it has begun, for so long.
constexpr Duration drain_limit = std::chrono::seconds(60), drain_look = std::chrono::milliseconds(100);

}  // namespace

const fleet::Node* Reconciler::node(const NodeId& id) const {
    const auto it = std::ranges::find(deployments_.nodes(), id, &fleet::Node::id);
    return it == deployments_.nodes().end() ? nullptr : &*it;
}

std::string Reconciler::node_name(const NodeId& id) const {
    const auto* found = node(id);
    return found ? found->name : id.str();
}

const Runtime* Reconciler::runtime_of(const ReplicaRow& row) const {
    const auto& all = deployments_.runtimes().all;
    const auto it = std::ranges::find(all, row.runtime, &Runtime::name);
    return it == all.end() ? nullptr : &*it;
}

int Reconciler::running_at(const ReplicaId& id) const {
    const auto it = load_of_.find(id.str());
    return it == load_of_.end() ? 0 : it->second->running.load(std::memory_order_relaxed);
}

std::vector<fleet::Load> Reconciler::loads(const Known& known) const {
    std::vector<fleet::Load> out(deployments_.nodes().size());
    for (const auto& row : known.replicas) {
        const auto n = std::ranges::find(deployments_.nodes(), row.node, &fleet::Node::id);
        if (n == deployments_.nodes().end()) continue;
        auto& load = out[static_cast<std::size_t>(n - deployments_.nodes().begin())];
        load.memory_used += row.memory_bytes;
        load.gpus_used.insert(load.gpus_used.end(), row.gpus.begin(), row.gpus.end());
        load.cpu_ids_used.insert(load.cpu_ids_used.end(), row.cpu_ids.begin(), row.cpu_ids.end());
    }
    return out;
}

std::size_t Reconciler::wished(const Deployment& deployment, const catalog::Model& model, const std::vector<ReplicaRow>& replicas) {
    ScaleReading now{.min_size = deployment.min_size,
                     .max_size = deployment.max_size,
                     .replicas = static_cast<std::uint32_t>(replicas.size()),
                     .slots = std::max<std::uint32_t>(1, model.slots_default)};
    for (const auto& row : replicas) {
        const auto replica = driver_.find(row.id);
        if (replica && replica->state == fleet::ReplicaState::ready) ++now.ready;
        now.running += static_cast<std::uint32_t>(std::max(0, running_at(row.id)));
    }
    return wished_size(now, scaling_[deployment.id], clock_.steady());
}

// Charges them for their time. Those whose next hours no budget holds are told of, and end when theirs are over.
Task<std::optional<std::string>> Reconciler::look_at_hours(Deployment deployment, std::vector<ReplicaRow> replicas) {
    std::optional<std::string> notice;
    if (!hours_) co_return notice;
    for (const auto& row : replicas) {
        if (ending_.contains(row.id)) continue;
        const auto seen = co_await hours_->look(deployment, row.id, node_name(row.node));
        if (seen.notice) notice = seen.notice;
        if (seen.is_over) stop_replica(row, Drain::yes);
    }
    co_return notice;
}

// Starts what is not there, and says how the others are.
Task<Reconciler::Seen> Reconciler::look_at(Deployment deployment, catalog::Model model, std::vector<ReplicaRow> replicas) {
    Seen seen;
    for (const auto& row : replicas) {
        const auto replica = driver_.find(row.id);
        if (!replica && !runtime_of(row)) {
            seen.failed = fmt::format("its runtime '{}' is not among those that Meridian was started with", row.runtime);
        } else if (!replica) {
            co_await start(deployment, model, row);
        } else if (replica->state == fleet::ReplicaState::ready) {
            ++seen.ready;
            if (hours_) hours_->count(row.id);
        } else if (replica->state == fleet::ReplicaState::failed) {
            seen.failed = replica->detail;
        }
    }
    co_return seen;
}

Task<> Reconciler::run_replicas(Deployment deployment, std::vector<ReplicaRow> replicas, Known& known) {
    const auto model = catalog_.find(deployment.model);
    if (!model) co_return;
    const auto notice = co_await look_at_hours(deployment, replicas);
    const bool some_end = std::erase_if(replicas, [&](const ReplicaRow& row) { return ending_.contains(row.id); }) > 0;
    const std::size_t size = model->is_upstream() ? 0 : wished(deployment, *model, replicas);
    while (replicas.size() > size) {
        stop_replica(replicas.back(), Drain::yes);
        replicas.pop_back();
    }
    const auto seen = co_await look_at(deployment, *model, replicas);
    if (seen.failed) {
        deployment.state = DeploymentState::error;
        deployment.error_message = "The runtime does not stay up: " + *seen.failed;
        deployment.size = 0;
        co_await save(std::move(deployment), known);
        co_return;
    }
    std::optional<std::string> no_more = notice;
    if (replicas.size() < size) {
        if (some_end) co_return;  // they hold their memory until they have ended; that wakes us
        const auto added = co_await add_replicas(deployment, *model, size - replicas.size(), known);
        if (added.count > 0 || replicas.empty()) co_return;
        no_more = fmt::format("{} of {} replicas run. {}", replicas.size(), size, added.why_not.value_or(""));
    }
    const bool all_ready = seen.ready >= replicas.size();
    const auto before = deployment;
    if (all_ready) deployment.state = DeploymentState::ready;
    if (deployment.quoted && !deployment.quoted->until && seen.ready > 0)
        deployment.quoted->until = clock_.now() + std::chrono::hours(deployment.quoted->hours);
    if (deployment.state == DeploymentState::ready) deployment.error_message = no_more;
    deployment.size = seen.ready;
    if (deployment.state == before.state && deployment.size == before.size && deployment.error_message == before.error_message &&
        deployment.quoted == before.quoted)
        co_return;
    if (deployment.state == DeploymentState::ready) deployments_.phases().clear(deployment.id);
    co_await save(std::move(deployment), known);
}

// As many as have a place. With none at all the deployment is in error: nobody would answer for it.
Task<Reconciler::Added> Reconciler::add_replicas(Deployment deployment, catalog::Model model, std::size_t missing, Known& known) {
    const bool any_before = std::ranges::any_of(known.replicas, [&](const ReplicaRow& row) { return row.deployment == deployment.id; });
    Added added;
    auto load = loads(known);
    const auto& nodes = deployments_.nodes();
    std::vector<ReplicaRow> made;
    const auto& types = deployments_.node_types();
    const auto type = std::ranges::find(types, deployment.node_type, &fleet::NodeType::name);
    if (type == types.end()) added.why_not = fmt::format("This zone has no node type '{}' any more.", deployment.node_type);
    const auto runtime = type == types.end() ? expected<Runtime>(complaint("")) : runtime_for(deployments_.runtimes().all, model, *type);
    if (type != types.end() && !runtime) added.why_not = runtime.error().said;
    while (runtime && made.size() < missing) {
        const auto need = need_on(model, *type, deployments_.runtimes());
        // One zone today; the project's policy comes through this same value.
        const auto place = fleet::place(need, geography::Residency::only({deployments_.zone()}), nodes, load);
        if (!place) {
            added.why_not = fmt::format("{} (node type {})", place.error().said, type->name);
            break;
        }
        const auto id = ReplicaId(Uuid::random(rng_));
        if (const auto refusal = hours_ ? co_await hours_->begin(deployment, id, node_name(place->node)) : std::nullopt) {
            added.why_not = refusal->said;
            added.is_for_money = true;
            break;
        }
        deployment.placed_because = place->because;
        const auto index = static_cast<std::size_t>(std::ranges::find(nodes, place->node, &fleet::Node::id) - nodes.begin());
        made.push_back({.id = id,
                        .deployment = deployment.id,
                        .node = place->node,
                        .gpus = place->gpus,
                        .created_at = clock_.now(),
                        .cpu_ids = place->cpu_ids,
                        .memory_bytes = need.memory_bytes,
                        .runtime = runtime->name});
        load[index].memory_used += need.memory_bytes;
        load[index].gpus_used.insert(load[index].gpus_used.end(), place->gpus.begin(), place->gpus.end());
        load[index].cpu_ids_used.insert(load[index].cpu_ids_used.end(), place->cpu_ids.begin(), place->cpu_ids.end());
    }
    added.count = made.size();
    if (made.empty() && any_before) co_return added;
    if (made.empty()) {
        const auto state = added.is_for_money ? DeploymentState::locked : DeploymentState::error;
        if (deployment.state == state && deployment.error_message == added.why_not) co_return added;
        deployment.state = state;
        deployment.error_message = added.why_not;
        deployment.size = 0;
    } else if (deployment.state == DeploymentState::ready) {
        deployment.state = DeploymentState::scaling;
    } else if (deployment.state == DeploymentState::locked) {
        deployment.state = DeploymentState::deploying;
        deployment.error_message.reset();
    }
    deployment.updated_at = clock_.now();
    try {
        co_await store_.write([deployment, made, zone = deployments_.zone().str()](store::Tx& tx) mutable {
            for (const auto& row : made) rows::insert(tx, row, zone);
            rows::update(tx, deployment);
        });
    } catch (...) {
        for (const auto& row : made)
            if (hours_) hours_->end(row.id);
        throw;
    }
    show(deployment, known);
    known.replicas.insert(known.replicas.end(), made.begin(), made.end());  // the next deployment of this pass finds less
    for (const auto& row : made) co_await start(deployment, model, row);
    co_return added;
}

Task<> Reconciler::start(Deployment deployment, catalog::Model model, ReplicaRow row) {
    if (ending_.contains(row.id)) co_return;
    const auto* on = node(row.node);
    const auto* runtime = runtime_of(row);
    if (!on || !runtime) co_return;
    const auto path = co_await catalog_.ensure_local(model, {});
    const store::ContentHandle key(deployment.project, deployments_.zone().str());
    auto log_path = content_.path_for(key, fmt::format("replicas/{}/log", row.id.str()));
    co_await driver_.start(launch_of(*runtime, deployments_.runtimes(), model, path, *on, row, std::move(log_path)));
}

Task<> Reconciler::drained(ReplicaId id) {
    // The first look comes after the table without it is out.
    for (Duration waited{}; waited < drain_limit; waited += drain_look) {
        co_await clock_.sleep(drain_look);
        if (running_at(id) == 0) co_return;
    }
    log::warn("inference", "replica {} is stopped with {} requests under way: they took longer than {} s", id.str(), running_at(id),
              drain_limit / std::chrono::seconds(1));
}

void Reconciler::stop_replica(ReplicaRow row, Drain drain) {
    if (!ending_.insert(row.id).second) return;
    if (hours_) hours_->end(row.id);
    auto end = [](Reconciler* self, ReplicaRow ending, Drain how) -> Task<> {
        bool ended = true;
        try {
            if (how == Drain::yes) co_await self->drained(ending.id);
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
    group_.spawn("stop replica " + row.id.str(), end(this, row, drain));
}

}  // namespace meridian::inference
