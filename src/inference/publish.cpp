// From the rows and what runs to the table that the gateway reads.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "inference/reconcile.h"

namespace meridian::inference {

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
        const auto* runtime = runtime_of(row);
        served.backends.push_back(
            {.node = node_name(row.node),
             .target = {.tls = false, .host = "replica", .port = 80, .local = replica->address},
             .path_prefix = "/v1",
             .bearer = replica->secret,
             .model = model.name,
             .running_max = static_cast<int>(std::max<std::uint32_t>(1, model.slots_default)) * limits::waiting_per_slot,
             .counts_tokens = runtime && runtime->counts_tokens,
             .fresh_for_streams = runtime && runtime->closes_after_streams,
             .reports_progress = runtime && runtime->reports_progress,
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
                                   .counts_tokens = false,
                                   .fresh_for_streams = false,
                                   .reports_progress = false,
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
        if (deployment && !model.is_upstream()) served->node_type = deployment->node_type;
        served->waiting_for = deployment ? std::string(name(deployment->state)) : std::string();
        if (const auto phase = deployment ? deployments_.phases().of(deployment->id) : Phase(); !phase.name.empty())
            served->waiting_for += ", " + phase.str();
        if (deployment) {
            served->is_by_the_hour = hours_ && std::ranges::any_of(known.replicas, [&](const ReplicaRow& row) {
                                         return row.deployment == deployment->id && hours_->is_charged(row.id);
                                     });
            served->auth_disabled = std::ranges::any_of(deployment->endpoints, &Endpoint::auth_disabled);
            for (const auto& rule : deployment->acl) served->access.push_back(rule.ip);
            table->any_open = table->any_open || served->auth_disabled;
        }
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
