// Scaleway's inference/v1 as structs: what its SDKs and tools send and read, with field tables.
#pragma once
#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inference/types.h"
#include "resource/fields.h"

namespace meridian::inference::scaleway {

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

inline bool name_characters(std::string_view text) {
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

struct UpdateEndpoint {
    std::optional<bool> disable_auth;
};
constexpr auto describe(As<UpdateEndpoint>) { return fields(field("disable_auth", &UpdateEndpoint::disable_auth)); }

struct AclRuleView {
    std::string id, ip, description;
};
constexpr auto describe(As<AclRuleView>) {
    return fields(field("id", &AclRuleView::id), field("ip", &AclRuleView::ip), field("description", &AclRuleView::description));
}
struct AclRulesView {
    std::vector<AclRuleView> rules;
};
constexpr auto describe(As<AclRulesView>) { return fields(field("rules", &AclRulesView::rules)); }

struct AclRuleSpec {
    std::string ip, description;
};
constexpr auto describe(As<AclRuleSpec>) {
    return fields(field("ip", &AclRuleSpec::ip, length{1, 64}),
                  field("description", &AclRuleSpec::description, length{0, limits::name}, defaulted));
}
struct AclRulesWish {
    std::vector<AclRuleSpec> acls;
};
constexpr auto describe(As<AclRulesWish>) { return fields(field("acls", &AclRulesWish::acls, at_most{limits::acl_rules})); }

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

}  // namespace meridian::inference::scaleway
