// Scaleway's inference/v1: deployments with their endpoints and access rules, models and node types, for its SDKs and tools.
#include <algorithm>
#include <tuple>

#include "fleet/lifecycle.h"
#include "http/typed.h"
#include "inference/api.h"
#include "inference/runtime.h"
#include "inference/scaleway_views.h"

namespace meridian::inference {
namespace scaleway {

using http::Call;
using http::Dialect;
using http::doc;
using http::Listed;
using http::Nothing;
using http::Permission;

namespace {

enum class Order { created_at_desc, created_at_asc, name_asc, name_desc, display_rank_asc };

Order order_of(const http::Called& call) {
    const auto word = http::query_text(call, "order_by").value_or("");
    if (word == "created_at_asc") return Order::created_at_asc;
    if (word == "name_asc") return Order::name_asc;
    if (word == "name_desc") return Order::name_desc;
    return Order::created_at_desc;
}

template <class View>
void sort_views(std::vector<View>& views, Order order) {
    std::ranges::sort(views, [order](const View& a, const View& b) {
        switch (order) {
            case Order::created_at_asc:
                return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
            case Order::name_asc:
                return std::tie(a.name, a.id) < std::tie(b.name, b.id);
            case Order::name_desc:
                return std::tie(b.name, a.id) < std::tie(a.name, b.id);
            case Order::created_at_desc:
            case Order::display_rank_asc:
                return std::tie(b.created_at, a.id) < std::tie(a.created_at, b.id);
        }
        return false;
    });
}

template <class View>
void keep_matching(std::vector<View>& views, const http::Called& call) {
    const auto name = http::query_text(call, "name");
    const auto tags = http::query_list(call, "tags");
    std::erase_if(views, [&](const View& v) {
        if (name && v.name.find(*name) == std::string::npos) return true;
        return std::ranges::any_of(tags, [&](const std::string& tag) { return std::ranges::find(v.tags, tag) == v.tags.end(); });
    });
}

class Api {
public:
    Api(Deployments& deployments, const catalog::Catalog& catalog, std::string public_url)
        : deployments_(deployments), catalog_(catalog), public_url_(std::move(public_url)), region_(deployments.zone().region()) {}

    Task<Listed<"deployments", DeploymentView>> list(Call<> call) {
        check_region(call);
        std::vector<DeploymentView> views;
        const auto project = http::query_id<ProjectId>(call, "project_id");
        for (const auto& d : co_await deployments_.list(call.caller_as<identity::Caller>())) {
            if (!project || d.project == *project) views.push_back(view(d));
        }
        keep_matching(views, call);
        sort_views(views, order_of(call));
        co_return page_of(std::move(views), call.page());
    }

    Task<DeploymentView> get(Call<> call) {
        check_region(call);
        co_return view(co_await deployments_.get(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id")));
    }

    Task<http::Created<DeploymentView>> create(Call<CreateDeployment> call) {
        check_region(call);
        check_endpoints(call.in.endpoints);
        DeploymentWish wish;
        wish.name = call.in.name;
        if (call.in.project_id) wish.project = *call.in.project_id;
        wish.model = call.in.model_id;
        wish.node_type = call.in.node_type_name;
        wish.tags = call.in.tags;
        wish.min_size = call.in.min_size.value_or(1);
        wish.max_size = call.in.max_size.value_or(wish.min_size);
        if (!call.in.endpoints.empty()) wish.endpoints.clear();
        for (const auto& endpoint : call.in.endpoints) wish.endpoints.push_back(endpoint.disable_auth);
        if (const auto quote = call.exchange->request().headers.get("x-meridian-quote"); !quote.empty())
            wish.quote = metering::quote_named(quote);
        co_return http::Created<DeploymentView>{view(co_await deployments_.create(call.caller_as<identity::Caller>(), std::move(wish)))};
    }

    Task<DeploymentView> update(Call<UpdateDeployment> call) {
        check_region(call);
        DeploymentChange change{call.in.name, call.in.tags, call.in.min_size, call.in.max_size, call.in.model_id};
        if (change.min_size && !change.max_size) {
            const auto before =
                co_await deployments_.get(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id"));
            change.max_size = std::max(before.max_size, *change.min_size);
        }
        co_return view(co_await deployments_.update(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id"),
                                                    std::move(change)));
    }

    Task<DeploymentView> remove(Call<> call) {
        check_region(call);
        co_return view(
            co_await deployments_.remove(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id")));
    }

    Task<EndpointView> create_endpoint(Call<CreateEndpoint> call) {
        check_region(call);
        if (call.in.endpoint) check_endpoints({*call.in.endpoint});
        const bool open = call.in.endpoint && call.in.endpoint->disable_auth;
        co_return view(co_await deployments_.add_endpoint(call.caller_as<identity::Caller>(), call.in.deployment_id, open));
    }

    Task<EndpointView> update_endpoint(Call<UpdateEndpoint> call) {
        check_region(call);
        co_return view(co_await deployments_.change_endpoint(call.caller_as<identity::Caller>(),
                                                             http::id_param<EndpointId>(call, "endpoint_id"), call.in.disable_auth));
    }

    Task<http::NoContent> remove_endpoint(Call<> call) {
        check_region(call);
        co_await deployments_.remove_endpoint(call.caller_as<identity::Caller>(), http::id_param<EndpointId>(call, "endpoint_id"));
        co_return http::NoContent{};
    }

    Task<Listed<"rules", AclRuleView>> rules(Call<> call) {
        check_region(call);
        const auto d = co_await deployments_.get(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id"));
        co_return page_of(views(d.acl), call.page());
    }

    Task<AclRulesView> add_rules(Call<AclRulesWish> call, Deployments::Before before) {
        check_region(call);
        std::vector<AclWish> wishes;
        for (const auto& rule : call.in.acls) wishes.push_back({rule.ip, rule.description});
        co_return AclRulesView{views(co_await deployments_.add_rules(
            call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id"), std::move(wishes), before))};
    }

    Task<http::NoContent> remove_rule(Call<> call) {
        check_region(call);
        co_await deployments_.remove_rule(call.caller_as<identity::Caller>(), http::id_param<AclRuleId>(call, "acl_id"));
        co_return http::NoContent{};
    }

    // The shared catalogue plus the project's own models, under any project filter: clients put their default project in.
    Listed<"models", ModelView> models(const Call<>& call) {
        check_region(call);
        const auto caller = call.caller_as<identity::Caller>();
        std::vector<ModelView> views;
        for (const auto& model : catalog_.models(http::query_id<ProjectId>(call, "project_id").value_or(caller.project))) {
            if (!model.project || caller.may_see(identity::Owner{model.organization, *model.project})) views.push_back(view(model));
        }
        keep_matching(views, call);
        sort_views(views, order_of(call));
        return page_of(std::move(views), call.page());
    }

    ModelView model(const Call<>& call) {
        check_region(call);
        const auto id = http::id_param<ModelId>(call, "model_id");
        const auto found = catalog_.find(id);
        const auto& caller = call.caller_as<identity::Caller>();
        if (!found || (found->project && !caller.may_see(identity::Owner{found->organization, *found->project}))) {
            throw Error(Fault::not_found, "There is no model with this id.").about("model", id.str());
        }
        return view(*found);
    }

    Listed<"node_types", NodeTypeView> node_types(const Call<>& call) {
        check_region(call);
        const bool disabled_too = http::query_bool(call, "include_disabled_types").value_or(false);
        std::vector<NodeTypeView> views;
        for (const auto& type : deployments_.all_node_types()) {
            if (!type.disabled || disabled_too) views.push_back(view(type));
        }
        return page_of(std::move(views), call.page());
    }

private:
    void check_region(const http::Called& call) const {
        if (call.param("region") == region_) return;
        throw Error(Fault::invalid, "This installation serves region '" + region_ + "'.")
            .with({"region", FieldProblem::Reason::constraint, "use " + region_});
    }

    static void check_endpoints(const std::vector<EndpointSpec>& endpoints) {
        for (const auto& endpoint : endpoints) {
            if (endpoint.private_network) {
                throw Error(Fault::invalid, "Private networks are not offered here; leave private_network out.")
                    .with({"endpoints.private_network", FieldProblem::Reason::constraint, "not offered"});
            }
        }
    }

    static std::vector<AclRuleView> views(const std::vector<AclRule>& rules) {
        std::vector<AclRuleView> out;
        for (const auto& rule : rules) out.push_back({rule.id.str(), rule.ip.str(), rule.description});
        return out;
    }

    [[nodiscard]] EndpointView view(const Endpoint& endpoint) const {
        return {endpoint.id.str(), public_url_, Json(JsonObject()), std::nullopt, endpoint.auth_disabled};
    }

    [[nodiscard]] DeploymentView view(const Deployment& d) const {
        DeploymentView v;
        v.id = d.id.str();
        v.name = d.name;
        v.project_id = d.project.str();
        v.status = name(d.state);
        v.tags = d.tags;
        v.node_type_name = d.node_type;
        for (const auto& endpoint : d.endpoints) v.endpoints.push_back(view(endpoint));
        v.size = d.size;
        v.min_size = d.min_size;
        v.max_size = d.max_size;
        v.error_message = d.error_message;
        v.model_id = d.model.str();
        v.model_name = d.model_name;
        v.created_at = d.created_at;
        v.updated_at = d.updated_at;
        v.region = region_;
        return v;
    }

    [[nodiscard]] ModelView view(const catalog::Model& m) const {
        ModelView v;
        v.id = m.id.str();
        v.name = m.name;
        v.project_id = m.project ? m.project->str() : "";
        for (const auto capability : m.capabilities) v.tags.emplace_back(catalog::name(capability));
        v.status = "ready";
        v.description = m.description;
        v.created_at = m.created_at;
        v.updated_at = m.updated_at;
        v.region = region_;
        v.parameter_size_bits = m.quantization_bits;
        v.size_bytes = m.bytes();
        SupportInfo support;
        const auto need = need_of(m, 0);
        for (const auto& type : deployments_.node_types()) {
            const auto memory = type.gpus > 0 ? std::min(type.memory_bytes, type.vram_bytes) : type.memory_bytes;
            const bool allowed = memory >= need.memory_bytes && runtime_for(deployments_.runtimes().all, m, type).has_value();
            support.nodes.push_back({type.name, {{m.quantization_bits, allowed, m.context_max}}});
        }
        v.nodes_support.push_back(std::move(support));
        return v;
    }

    [[nodiscard]] NodeTypeView view(const fleet::NodeType& t) const {
        NodeTypeView v;
        v.name = t.name;
        v.stock_status = word(t.is_offered() ? fleet::Stock::available : fleet::Stock::out_of_stock);
        v.description = t.description;
        v.vcpus = t.vcpus;
        v.memory = t.memory_bytes;
        v.vram = t.vram_bytes;
        v.disabled = t.disabled;
        v.beta = t.about && (t.about->lifecycle == fleet::Lifecycle::preview || t.about->lifecycle == fleet::Lifecycle::public_beta);
        v.gpus = t.gpus;
        v.region = region_;
        return v;
    }

    Deployments& deployments_;
    const catalog::Catalog& catalog_;
    std::string public_url_, region_;
};

void add_acl_routes(http::Router& router, const std::shared_ptr<Api>& api, const std::string& version) {
    const std::string base = "/inference/" + version + "/regions/{region}", acls = base + "/deployments/{deployment_id}/acls";
    const std::string suffix = version == "v1" ? "" : "_" + version;
    const auto s = Dialect::scaleway;
    const Permission read{"read", "deployments"}, update{"update", "deployments"};
    using Before = Deployments::Before;
    router.add(http::typed<Nothing, Listed<"rules", AclRuleView>>(
        "GET", acls, read, s, doc("ListDeploymentACLRules" + suffix, "Networks whose clients are let in", "inference"),
        [api](Call<> c) { return api->rules(std::move(c)); }));
    router.add(http::typed<AclRulesWish, AclRulesView>("POST", acls, update, s,
                                                       doc("AddDeploymentACLRules" + suffix, "Let more networks in", "inference"),
                                                       [api](Call<AclRulesWish> c) { return api->add_rules(std::move(c), Before::kept); }));
    router.add(http::typed<AclRulesWish, AclRulesView>(
        "PUT", acls, update, s, doc("SetDeploymentACLRules" + suffix, "Let in these networks and no others", "inference"),
        [api](Call<AclRulesWish> c) { return api->add_rules(std::move(c), Before::removed); }));
    router.add(http::typed<Nothing, http::NoContent>("DELETE", base + "/acls/{acl_id}", update, s,
                                                     doc("DeleteDeploymentACLRule" + suffix, "Remove a rule", "inference"),
                                                     [api](Call<> c) { return api->remove_rule(std::move(c)); }));
}

}  // namespace
}  // namespace scaleway

void add_scaleway_routes(http::Router& router, Deployments& deployments, const catalog::Catalog& catalog, std::string public_url) {
    using namespace scaleway;
    auto api = std::make_shared<Api>(deployments, catalog, std::move(public_url));
    const std::string base = "/inference/v1/regions/{region}";
    const auto s = Dialect::scaleway;
    const Permission read{"read", "deployments"}, create{"create", "deployments"}, update{"update", "deployments"},
        remove{"remove", "deployments"}, models{"read", "models"}, nodes{"read", "nodes"};
    router.add(http::typed<Nothing, Listed<"deployments", DeploymentView>>("GET", base + "/deployments", read, s,
                                                                           doc("ListDeployments", "Deployments of the region", "inference"),
                                                                           [api](Call<> c) { return api->list(std::move(c)); }));
    router.add(http::typed<CreateDeployment, http::Created<DeploymentView>>(
        "POST", base + "/deployments", create, s, doc("CreateDeployment", "Deploy a model", "inference"),
        [api](Call<CreateDeployment> c) { return api->create(std::move(c)); }));
    router.add(http::typed<Nothing, DeploymentView>("GET", base + "/deployments/{deployment_id}", read, s,
                                                    doc("GetDeployment", "One deployment", "inference"),
                                                    [api](Call<> c) { return api->get(std::move(c)); }));
    router.add(http::typed<UpdateDeployment, DeploymentView>("PATCH", base + "/deployments/{deployment_id}", update, s,
                                                             doc("UpdateDeployment", "Change name, tags, sizes or model", "inference"),
                                                             [api](Call<UpdateDeployment> c) { return api->update(std::move(c)); }));
    router.add(http::typed<Nothing, DeploymentView>("DELETE", base + "/deployments/{deployment_id}", remove, s,
                                                    doc("DeleteDeployment", "Stop and delete a deployment", "inference"),
                                                    [api](Call<> c) { return api->remove(std::move(c)); }));
    router.add(http::typed<CreateEndpoint, EndpointView>("POST", base + "/endpoints", update, s,
                                                         doc("CreateEndpoint", "Add an endpoint", "inference"),
                                                         [api](Call<CreateEndpoint> c) { return api->create_endpoint(std::move(c)); }));
    router.add(http::typed<Nothing, http::NoContent>("DELETE", base + "/endpoints/{endpoint_id}", update, s,
                                                     doc("DeleteEndpoint", "Remove an endpoint", "inference"),
                                                     [api](Call<> c) { return api->remove_endpoint(std::move(c)); }));
    router.add(http::typed<UpdateEndpoint, EndpointView>("PATCH", base + "/endpoints/{endpoint_id}", update, s,
                                                         doc("UpdateEndpoint", "Whether the endpoint needs a key", "inference"),
                                                         [api](Call<UpdateEndpoint> c) { return api->update_endpoint(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"models", ModelView>>(
        "GET", base + "/models", models, s, doc("ListModels", "The catalogue", "inference"), [api](Call<> c) { return api->models(c); }));
    router.add(http::typed<Nothing, ModelView>("GET", base + "/models/{model_id}", models, s, doc("GetModel", "One model", "inference"),
                                               [api](Call<> c) { return api->model(c); }));
    router.add(http::typed<Nothing, Listed<"node_types", NodeTypeView>>("GET", base + "/node-types", nodes, s,
                                                                        doc("ListNodeTypes", "Node types of the region", "inference"),
                                                                        [api](Call<> c) { return api->node_types(c); }));
    // Scaleway had them in v1beta1 only; they are the same under v1.
    for (const std::string version : {"v1", "v1beta1"}) add_acl_routes(router, api, version);
}

}  // namespace meridian::inference
