// Scaleway's inference/v1: a view of deployments, models and node types in the shape that its SDKs and tools read.
#include <algorithm>
#include <tuple>

#include "http/typed.h"
#include "inference/api.h"
#include "inference/runtime.h"

namespace meridian::inference {
namespace scaleway {

using http::Call;
using http::Dialect;
using http::doc;
using http::Listed;
using http::Nothing;
using http::Permission;

struct EndpointView {
    std::string id, url;
    std::optional<Json> public_network, private_network;
    bool disable_auth = false;
};
constexpr auto describe(As<EndpointView>) {
    return fields(field("id", &EndpointView::id), field("url", &EndpointView::url), field("public_network", &EndpointView::public_network),
                  field("private_network", &EndpointView::private_network), field("disable_auth", &EndpointView::disable_auth));
}

struct Quantization {
    std::uint32_t bits = 0;
};
constexpr auto describe(As<Quantization>) { return fields(field("bits", &Quantization::bits, range{0, 32})); }

struct DeploymentView {
    std::string id, name, project_id, status;
    std::vector<std::string> tags;
    std::string node_type_name;
    std::vector<EndpointView> endpoints;
    std::uint32_t size = 0, min_size = 1, max_size = 1;
    std::optional<std::string> error_message;
    std::string model_id;
    std::optional<Quantization> quantization;
    std::string model_name;
    std::optional<Timestamp> created_at, updated_at;
    std::string region;
};
constexpr auto describe(As<DeploymentView>) {
    using D = DeploymentView;
    return fields(field("id", &D::id), field("name", &D::name), field("project_id", &D::project_id), field("status", &D::status),
                  field("tags", &D::tags), field("node_type_name", &D::node_type_name), field("endpoints", &D::endpoints),
                  field("size", &D::size), field("min_size", &D::min_size), field("max_size", &D::max_size),
                  field("error_message", &D::error_message), field("model_id", &D::model_id), field("quantization", &D::quantization),
                  field("model_name", &D::model_name), field("created_at", &D::created_at), field("updated_at", &D::updated_at),
                  field("region", &D::region));
}

struct EndpointSpec {
    std::optional<Json> public_network, private_network;
    bool disable_auth = false;
};
constexpr auto describe(As<EndpointSpec>) {
    return fields(field("public_network", &EndpointSpec::public_network), field("private_network", &EndpointSpec::private_network),
                  field("disable_auth", &EndpointSpec::disable_auth, defaulted));
}

bool name_characters(std::string_view text) {
    return std::ranges::all_of(text,
                               [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.'; });
}

struct CreateDeployment {
    std::string name;
    std::optional<ProjectId> project_id;
    std::string model_id;
    std::optional<bool> accept_eula;
    std::string node_type_name;
    std::vector<std::string> tags;
    std::optional<std::uint32_t> min_size, max_size;
    std::vector<EndpointSpec> endpoints;
    std::optional<Quantization> quantization;
};
constexpr auto describe(As<CreateDeployment>) {
    using C = CreateDeployment;
    return fields(
        field("name", &C::name, length{0, limits::name}, matches{"letters, digits, '-', '_' and '.'", name_characters}, defaulted),
        field("project_id", &C::project_id), field("model_id", &C::model_id, length{1, limits::name}),
        field("accept_eula", &C::accept_eula), field("node_type_name", &C::node_type_name, length{0, 64}, defaulted),
        field("tags", &C::tags, at_most{limits::tags}), field("min_size", &C::min_size, range{1, limits::deployment_size}),
        field("max_size", &C::max_size, range{1, limits::deployment_size}), field("endpoints", &C::endpoints),
        field("quantization", &C::quantization));
}

struct UpdateDeployment {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> tags;
    std::optional<std::uint32_t> min_size, max_size;
    std::optional<std::string> model_id;
    std::optional<Quantization> quantization;
};
constexpr auto describe(As<UpdateDeployment>) {
    using U = UpdateDeployment;
    return fields(field("name", &U::name, length{1, limits::name}, matches{"letters, digits, '-', '_' and '.'", name_characters}),
                  field("tags", &U::tags, at_most{limits::tags}), field("min_size", &U::min_size, range{1, limits::deployment_size}),
                  field("max_size", &U::max_size, range{1, limits::deployment_size}), field("model_id", &U::model_id),
                  field("quantization", &U::quantization));
}

struct CreateEndpoint {
    DeploymentId deployment_id;
    std::optional<EndpointSpec> endpoint;
};
constexpr auto describe(As<CreateEndpoint>) {
    return fields(field("deployment_id", &CreateEndpoint::deployment_id), field("endpoint", &CreateEndpoint::endpoint));
}

struct SupportedQuantization {
    std::uint32_t quantization_bits = 0;
    bool allowed = true;
    std::uint32_t max_context_size = 0;
};
constexpr auto describe(As<SupportedQuantization>) {
    using Q = SupportedQuantization;
    return fields(field("quantization_bits", &Q::quantization_bits), field("allowed", &Q::allowed),
                  field("max_context_size", &Q::max_context_size));
}
struct SupportedNode {
    std::string node_type_name;
    std::vector<SupportedQuantization> quantizations;
};
constexpr auto describe(As<SupportedNode>) {
    return fields(field("node_type_name", &SupportedNode::node_type_name), field("quantizations", &SupportedNode::quantizations));
}
struct SupportInfo {
    std::vector<SupportedNode> nodes;
};
constexpr auto describe(As<SupportInfo>) { return fields(field("nodes", &SupportInfo::nodes)); }

struct ModelView {
    std::string id, name, project_id;
    std::vector<std::string> tags;
    std::string status, description;
    std::optional<std::string> error_message;
    bool has_eula = false;
    std::optional<Timestamp> created_at, updated_at;
    std::string region;
    std::vector<SupportInfo> nodes_support;
    std::uint32_t parameter_size_bits = 0;
    std::uint64_t size_bytes = 0;
};
constexpr auto describe(As<ModelView>) {
    using M = ModelView;
    return fields(field("id", &M::id), field("name", &M::name), field("project_id", &M::project_id), field("tags", &M::tags),
                  field("status", &M::status), field("description", &M::description), field("error_message", &M::error_message),
                  field("has_eula", &M::has_eula), field("created_at", &M::created_at), field("updated_at", &M::updated_at),
                  field("region", &M::region), field("nodes_support", &M::nodes_support),
                  field("parameter_size_bits", &M::parameter_size_bits), field("size_bytes", &M::size_bytes));
}

struct NodeTypeView {
    std::string name, stock_status, description;
    std::uint32_t vcpus = 0;
    std::uint64_t memory = 0, vram = 0;
    bool disabled = false, beta = false;
    std::optional<Timestamp> created_at, updated_at;
    std::uint32_t gpus = 0;
    std::string region;
};
constexpr auto describe(As<NodeTypeView>) {
    using N = NodeTypeView;
    return fields(field("name", &N::name), field("stock_status", &N::stock_status), field("description", &N::description),
                  field("vcpus", &N::vcpus), field("memory", &N::memory), field("vram", &N::vram), field("disabled", &N::disabled),
                  field("beta", &N::beta), field("created_at", &N::created_at), field("updated_at", &N::updated_at),
                  field("gpus", &N::gpus), field("region", &N::region));
}

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
        co_return view(co_await deployments_.add_endpoint(call.caller_as<identity::Caller>(), call.in.deployment_id));
    }

    Task<http::NoContent> remove_endpoint(Call<> call) {
        check_region(call);
        co_await deployments_.remove_endpoint(call.caller_as<identity::Caller>(), http::id_param<EndpointId>(call, "endpoint_id"));
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
        for (const auto& type : deployments_.node_types()) {
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
            if (endpoint.disable_auth) {
                throw Error(Fault::invalid, "Endpoints always need a key here; leave disable_auth false.")
                    .with({"endpoints.disable_auth", FieldProblem::Reason::constraint, "must be false"});
            }
        }
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
            support.nodes.push_back({type.name, {{m.quantization_bits, type.memory_bytes >= need.memory_bytes, m.context_max}}});
        }
        v.nodes_support.push_back(std::move(support));
        return v;
    }

    [[nodiscard]] NodeTypeView view(const fleet::NodeType& t) const {
        NodeTypeView v;
        v.name = t.name;
        v.stock_status = t.disabled ? "out_of_stock" : "available";
        v.description = t.description;
        v.vcpus = t.vcpus;
        v.memory = t.memory_bytes;
        v.vram = t.vram_bytes;
        v.disabled = t.disabled;
        v.gpus = t.gpus;
        v.region = region_;
        return v;
    }

    Deployments& deployments_;
    const catalog::Catalog& catalog_;
    std::string public_url_, region_;
};

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
    router.add(http::typed<Nothing, Listed<"models", ModelView>>(
        "GET", base + "/models", models, s, doc("ListModels", "The catalogue", "inference"), [api](Call<> c) { return api->models(c); }));
    router.add(http::typed<Nothing, ModelView>("GET", base + "/models/{model_id}", models, s, doc("GetModel", "One model", "inference"),
                                               [api](Call<> c) { return api->model(c); }));
    router.add(http::typed<Nothing, Listed<"node_types", NodeTypeView>>("GET", base + "/node-types", nodes, s,
                                                                        doc("ListNodeTypes", "Node types of the region", "inference"),
                                                                        [api](Call<> c) { return api->node_types(c); }));
}

}  // namespace meridian::inference
