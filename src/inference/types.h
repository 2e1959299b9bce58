// The nouns of serving: deployments with their endpoints, and what the gateway sees of them.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/snapshot.h"
#include "base/time.h"
#include "catalog/service.h"
#include "http/client.h"
#include "identity/service.h"
#include "inference/access.h"
#include "metering/service.h"

namespace meridian::inference {

// creating (bytes of the model are brought) -> deploying (replicas start) -> ready; scaling -> ready; deleting -> gone; error. locked: no
// budget holds its next hours; it goes on when one does.
enum class DeploymentState { creating, deploying, ready, error, deleting, locked, scaling };
std::string_view name(DeploymentState state);
std::optional<DeploymentState> deployment_state(std::string_view name);
// The moves that may happen; asserted where a state is written.
bool may_move(DeploymentState from, DeploymentState to);

struct Endpoint {
    EndpointId id;
    bool auth_disabled = false;
};

// Whose addresses are let in. A deployment without rules is open to all addresses.
struct AclRule {
    AclRuleId id;
    IpNetwork ip;
    std::string description;
};

// Held to a quote: the price of a replica's hour, for so many replicas and so many hours from when the first of them is ready.
struct QuotedHours {
    QuoteId quote;
    Money per_hour;
    std::uint32_t hours = 0, replicas = 0;
    std::optional<Timestamp> until = std::nullopt;
    [[nodiscard]] bool holds_at(Timestamp t) const { return !until || t < *until; }
    bool operator==(const QuotedHours&) const = default;
};

struct Deployment {
    DeploymentId id;
    std::string name;
    ProjectId project;
    OrganizationId organization;
    PrincipalId principal = {};  // who made it, and pays for its hours; nil: made before that was noted
    DeploymentState state = DeploymentState::creating;
    std::vector<std::string> tags;
    std::string node_type;
    ModelId model;
    std::string model_name;
    std::uint32_t min_size = 1, max_size = 1, size = 0;  // size: replicas that are ready now
    std::vector<Endpoint> endpoints;
    std::vector<AclRule> acl;
    std::optional<std::string> error_message;  // of a ready one: why there are no more replicas
    std::string placed_because;
    std::optional<std::uint32_t> quantization_bits;
    std::optional<QuotedHours> quoted;
    Timestamp created_at, updated_at;
    std::int64_t version = 0;  // grows with every change of the row
};

struct ReplicaRow {
    ReplicaId id;
    DeploymentId deployment;
    NodeId node;
    std::vector<int> gpus;
    Timestamp created_at;
    std::vector<int> cpu_ids = {};
    std::uint64_t memory_bytes = 0;
    std::string runtime = {};  // its name
};

namespace limits {
inline constexpr std::uint32_t deployment_size = 50;
inline constexpr std::size_t name = 255;
inline constexpr std::size_t tags = 50;
inline constexpr std::size_t acl_rules = 100;
inline constexpr std::size_t endpoints = 10;
inline constexpr int waiting_per_slot = 16;          // requests that may queue behind one slot of a replica
inline constexpr int running_per_upstream = 16'384;  // requests under way at one external endpoint
inline constexpr std::size_t chat_body_bytes = 32 * 1024 * 1024;
}  // namespace limits

// How many requests a backend is answering; shared by all loops.
struct BackendLoad {
    std::atomic<int> running{0};
};

// One place an answer can come from: a replica of ours, or an external endpoint.
struct Backend {
    std::string node;  // for the receipt
    http::Target target;
    std::string path_prefix;  // "/v1", or what the endpoint's URL says
    std::string bearer;
    std::string model;  // the name it knows the model by
    int running_max = 0;
    bool counts_tokens = false;      // it says how many tokens a prompt has
    bool fresh_for_streams = false;  // llama-server closes silently after a streamed answer
    bool reports_progress = false;   // it can say how many tokens a prompt has before it answers
    std::shared_ptr<BackendLoad> load;
};

// A deployment (or an external model) as the data path sees it. Immutable.
struct Served {
    DeploymentId deployment;               // nil for an external model without a deployment
    std::optional<identity::Owner> owner;  // nullopt: everybody's
    std::string model;
    std::string digest;     // "sha256:..." or "upstream:<host>"
    std::string node_type;  // "" for an external model
    std::vector<catalog::Capability> capabilities;
    std::uint32_t context = 0;
    metering::Price price;
    Timestamp created_at;
    bool is_external = false;
    bool is_by_the_hour = false;  // its tokens are paid for with its hours
    bool auth_disabled = false;   // answers whoever is let in, at the cost of its project
    AccessRules access;
    std::string waiting_for;  // when there is no backend: what it waits for, in words
    std::vector<Backend> backends;
    [[nodiscard]] bool can(catalog::Capability c) const;
};

// Everything that is served, by model name. Replaced as a whole, read by every loop without a lock.
struct ServingTable {
    std::unordered_map<std::string, std::vector<std::shared_ptr<const Served>>> by_model;
    bool any_open = false;  // one of them needs no key
};

using Serving = Snapshot<ServingTable>;

}  // namespace meridian::inference
