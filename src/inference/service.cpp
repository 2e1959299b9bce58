#include "inference/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "inference/store.h"

namespace meridian::inference {
namespace {

Deployment found(store::Tx& tx, const identity::Caller& caller, const DeploymentId& id) {
    auto deployment = rows::find(tx, id);
    if (deployment) identity::check_reach(caller, {deployment->organization, deployment->project}, "deployment");
    if (!deployment || !caller.may_see(identity::Owner{deployment->organization, deployment->project})) {
        throw Error(Fault::not_found, "There is no deployment with this id.").about("deployment", id.str());
    }
    return std::move(*deployment);
}

// The deployment of one of its parts.
template <class PartId>
Deployment owner_of(store::Tx& tx, const identity::Caller& caller, const PartId& id, const char* what) {
    const auto owner = rows::deployment_of(tx, id);
    if (owner) {
        auto d = rows::find(tx, *owner);
        if (d && caller.may_see(identity::Owner{d->organization, d->project})) return std::move(*d);
    }
    throw Error(Fault::not_found, fmt::format("There is no {} with this id.", what)).about(what, id.str());
}

[[noreturn]] void wrong(std::string field, std::string said) {
    throw Error(Fault::invalid, said).with({std::move(field), FieldProblem::Reason::constraint, said});
}

void check_sizes(std::uint32_t min_size, std::uint32_t max_size) {
    if (min_size < 1 || min_size > limits::deployment_size)
        wrong("min_size", fmt::format("min_size must be between 1 and {}.", limits::deployment_size));
    if (max_size < min_size || max_size > limits::deployment_size) {
        wrong("max_size", fmt::format("max_size must be between min_size and {}.", limits::deployment_size));
    }
}

// What a quote was for stays so while it holds.
void check_quoted(const Deployment& d, const std::optional<catalog::Model>& model) {
    if (d.max_size <= d.quoted->replicas && (!model || model->id == d.model)) return;
    throw Error(Fault::conflict, fmt::format("The quote of this deployment is for {} replicas of {} until its {} hours are over.",
                                             d.quoted->replicas, d.model_name, d.quoted->hours))
        .about("deployment", d.id.str())
        .in_state(std::string(name(d.state)));
}

}  // namespace

std::string Phase::str() const {
    if (total == 0) return name;
    return fmt::format("{} {:.1f} of {:.1f} MB", name, static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6);
}

void Phases::set(const DeploymentId& id, Phase phase) {
    const std::lock_guard lock(mutex_);
    phases_[id] = std::move(phase);
}

void Phases::clear(const DeploymentId& id) {
    const std::lock_guard lock(mutex_);
    phases_.erase(id);
}

Phase Phases::of(const DeploymentId& id) const {
    const std::lock_guard lock(mutex_);
    const auto it = phases_.find(id);
    return it == phases_.end() ? Phase() : it->second;
}

Deployments::Deployments(store::Store& store, const catalog::Catalog& catalog, std::vector<fleet::Node> nodes, geography::Zone zone,
                         Clock& clock, Rng& rng, RuntimeOptions runtimes)
    : store_(store),
      catalog_(catalog),
      nodes_(std::move(nodes)),
      zone_(std::move(zone)),
      clock_(clock),
      rng_(rng),
      runtimes_(std::move(runtimes)) {
    offer({});
}

void Deployments::offer(std::span<const fleet::CatalogueType> catalogue) {
    types_ = fleet::node_types(nodes_, catalogue);
    offered_.clear();
    std::ranges::copy_if(types_, std::back_inserter(offered_), &fleet::NodeType::is_offered);
}

catalog::Model Deployments::model_for(const identity::Caller& caller, const std::string& id_or_name) const {
    const auto id = ModelId::parse(id_or_name);
    auto model = id ? catalog_.find(*id) : catalog_.find(std::string_view(id_or_name));
    if (!model || (model->project && !caller.may_see(identity::Owner{model->organization, *model->project}))) {
        throw Error(Fault::not_found, fmt::format("There is no model '{}' in the catalogue; list it to see the names.", id_or_name))
            .about("model", id_or_name);
    }
    return std::move(*model);
}

std::string Deployments::fitting_node_type(const catalog::Model& model, const std::string& wished) const {
    const auto& types = node_types();
    const auto need = need_of(model, 0);
    std::string names, why_not;
    for (const auto& type : types) {
        names += (names.empty() ? "" : ", ") + type.name;
        if (!wished.empty() && wished != type.name) continue;
        const auto runtime = runtime_for(runtimes_.all, model, type);
        const auto memory = type.gpus > 0 ? std::min(type.memory_bytes, type.vram_bytes) : type.memory_bytes;
        if (runtime && memory >= need.memory_bytes) return type.name;
        if (!runtime) why_not = runtime.error().said;
        if (!wished.empty() && !runtime) wrong("node_type_name", why_not);
        if (!wished.empty()) {
            wrong("node_type_name",
                  fmt::format("The node type {} does not hold the model: it needs about {} MiB of memory, the type has {}.", type.name,
                              need.memory_bytes >> 20, memory >> 20));
        }
    }
    if (wished.empty() && !why_not.empty()) wrong("node_type_name", why_not);
    if (wished.empty()) {
        wrong("node_type_name", fmt::format("No node of this zone holds the model: it needs about {} MiB of memory. The zone offers: {}.",
                                            need.memory_bytes >> 20, names.empty() ? "nothing" : names));
    }
    wrong("node_type_name", fmt::format("This zone has no node type '{}'; it offers: {}.", wished, names.empty() ? "nothing" : names));
}

Task<Deployment> Deployments::create(identity::Caller caller, DeploymentWish wish) {
    check_sizes(wish.min_size, wish.max_size);
    const auto model = model_for(caller, wish.model);
    const auto type = model.is_upstream() ? std::string("external") : fitting_node_type(model, wish.node_type);
    const auto now = clock_.now();
    Deployment made;
    made.id = DeploymentId(Uuid::random(rng_));
    made.name = wish.name.empty() ? model.name : wish.name;
    made.project = wish.project.is_nil() ? caller.project : wish.project;
    made.organization = caller.organization;
    made.principal = caller.principal;
    made.tags = std::move(wish.tags);
    made.node_type = type;
    made.model = model.id;
    made.model_name = model.name;
    made.min_size = wish.min_size;
    made.max_size = wish.max_size;
    for (const bool auth_disabled : wish.endpoints) made.endpoints.push_back({EndpointId(Uuid::random(rng_)), auth_disabled});
    made.created_at = made.updated_at = now;
    made.version = 1;
    std::optional<metering::HeldQuote> held;
    if (wish.quote) held.emplace(co_await hold_quote(caller, *wish.quote, made));
    co_await store_.write(identity::author_of(caller), [&made, caller, zone = zone_.str()](store::Tx& tx) {
        check_project(tx, caller, made.project);
        rows::insert(tx, made, zone);
    });
    if (held) held->began();
    co_return made;
}

void Deployments::hold_to(metering::Quotes& quotes) {
    quotes_ = &quotes;
    for (const auto& each : store_.read_now([](store::Tx& tx) { return rows::all(tx); }))
        if (each.quoted) quotes.keep(each.quoted->quote);
}

Task<metering::HeldQuote> Deployments::hold_quote(identity::Caller caller, QuoteId id, Deployment& made) {
    if (!quotes_) throw metering::no_quote(id.str());
    const auto seen = co_await quotes_->get(caller, id);
    const auto& offers = seen.quote.offers;
    const auto offer = std::ranges::find(offers, made.node_type, &metering::Offer::node_type);
    if (seen.quote.kind != metering::QuoteKind::deployment || offer == offers.end() || made.max_size > offer->nodes) {
        throw Error(Fault::conflict,
                    fmt::format("This quote is not for {} replicas of a model on {}; ask for one that is.", made.max_size, made.node_type))
            .about("quote", id.str())
            .in_state(std::string(word(seen.state)));
    }
    metering::HeldQuote held(*quotes_, id,
                             {.project = made.project, .kind = metering::QuoteKind::deployment, .model = made.model_name, .digest = {}});
    made.quoted = QuotedHours{.quote = id,
                              .per_hour = offer->rates.per_hour,
                              .hours = static_cast<std::uint32_t>(offer->seconds.expected / 3600),
                              .replicas = offer->nodes};
    co_return held;
}

Task<Deployment> Deployments::get(identity::Caller caller, DeploymentId id) {
    co_return co_await store_.read([caller, id](store::Tx& tx) { return found(tx, caller, id); });
}

Task<std::vector<Deployment>> Deployments::list(identity::Caller caller) {
    co_return co_await store_.read([caller](store::Tx& tx) {
        auto all = rows::all(tx);
        std::erase_if(all, [&](const Deployment& d) { return !caller.may_see(identity::Owner{d.organization, d.project}); });
        return all;
    });
}

Task<Deployment> Deployments::update(identity::Caller caller, DeploymentId id, DeploymentChange change) {
    std::optional<catalog::Model> model;
    if (change.model) model = model_for(caller, *change.model);
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, change, model, now](store::Tx& tx) {
        auto d = found(tx, caller, id);
        if (d.state == DeploymentState::deleting) {
            throw Error(Fault::conflict, "The deployment is being deleted.").about("deployment", id.str()).in_state("deleting");
        }
        if (change.name) d.name = *change.name;
        if (change.tags) d.tags = *change.tags;
        if (change.min_size) d.min_size = *change.min_size;
        if (change.max_size) d.max_size = *change.max_size;
        check_sizes(d.min_size, d.max_size);
        if (d.quoted && d.quoted->holds_at(now)) check_quoted(d, model);
        const bool other_model = model && model->id != d.model;
        if (other_model) {
            d.model = model->id;
            d.model_name = model->name;
        }
        if (other_model || d.state == DeploymentState::error || d.state == DeploymentState::locked) {
            d.state = DeploymentState::creating;
            d.error_message.reset();
        } else if ((change.min_size || change.max_size) && d.state == DeploymentState::ready) {
            d.state = DeploymentState::scaling;
        }
        d.updated_at = now;
        rows::update(tx, d);
        return d;
    });
}

Task<Deployment> Deployments::remove(identity::Caller caller, DeploymentId id) {
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, now](store::Tx& tx) {
        auto d = found(tx, caller, id);
        if (d.state == DeploymentState::deleting) return d;
        d.state = DeploymentState::deleting;
        d.updated_at = now;
        rows::update(tx, d);
        return d;
    });
}

Task<Endpoint> Deployments::add_endpoint(identity::Caller caller, DeploymentId id, bool auth_disabled) {
    const Endpoint made{EndpointId(Uuid::random(rng_)), auth_disabled};
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, made, now](store::Tx& tx) {
        if (found(tx, caller, id).endpoints.size() >= limits::endpoints) {
            throw Error(Fault::quota, fmt::format("A deployment has at most {} endpoints.", limits::endpoints)).about("endpoint", "");
        }
        rows::insert(tx, id, made, now);
        return made;
    });
}

Task<Endpoint> Deployments::change_endpoint(identity::Caller caller, EndpointId id, std::optional<bool> auth_disabled) {
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, auth_disabled, now](store::Tx& tx) {
        const auto d = owner_of(tx, caller, id, "endpoint");
        auto endpoint = *std::ranges::find(d.endpoints, id, &Endpoint::id);
        if (auth_disabled) endpoint.auth_disabled = *auth_disabled;
        rows::update(tx, d.id, endpoint, now);
        return endpoint;
    });
}

Task<> Deployments::remove_endpoint(identity::Caller caller, EndpointId id) {
    co_await store_.write(identity::author_of(caller),
                          [caller, id](store::Tx& tx) { rows::remove(tx, owner_of(tx, caller, id, "endpoint").id, id); });
}

Task<std::vector<AclRule>> Deployments::add_rules(identity::Caller caller, DeploymentId id, std::vector<AclWish> wishes, Before before) {
    std::vector<AclRule> made;
    for (const auto& wish : wishes) {
        const auto ip = parse_network(wish.ip);
        if (!ip) wrong("acls.ip", fmt::format("'{}' is no address or network; they look like 192.0.2.7 or 10.1.0.0/16.", wish.ip));
        made.push_back({AclRuleId(Uuid::random(rng_)), *ip, wish.description});
    }
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, made, before, now](store::Tx& tx) {
        const auto d = found(tx, caller, id);
        const auto kept = before == Before::kept ? d.acl.size() : 0;
        if (kept + made.size() > limits::acl_rules) {
            throw Error(Fault::quota, fmt::format("A deployment has at most {} access rules.", limits::acl_rules)).about("acl", "");
        }
        if (before == Before::removed) {
            for (const auto& rule : d.acl) rows::remove(tx, id, rule.id);
        }
        for (const auto& rule : made) rows::insert(tx, id, rule, now);
        return made;
    });
}

Task<> Deployments::remove_rule(identity::Caller caller, AclRuleId id) {
    co_await store_.write(identity::author_of(caller),
                          [caller, id](store::Tx& tx) { rows::remove(tx, owner_of(tx, caller, id, "acl").id, id); });
}

}  // namespace meridian::inference
