// The only SQL about deployments, endpoints and replicas.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "inference/types.h"
#include "store/store.h"

namespace meridian::inference::rows {

void insert(store::Tx& tx, const Deployment& deployment, std::string_view zone);
// Writes state, sizes, texts and endpoints-independent columns if the row still has `deployment.version`; Error{conflict} otherwise.
// Raises `version`. Asserts that the move of state is allowed.
void update(store::Tx& tx, Deployment& deployment);
void remove(store::Tx& tx, const DeploymentId& id);
std::optional<Deployment> find(store::Tx& tx, const DeploymentId& id);
std::vector<Deployment> all(store::Tx& tx);

void insert(store::Tx& tx, const DeploymentId& deployment, const Endpoint& endpoint, Timestamp now);
void remove(store::Tx& tx, const DeploymentId& deployment, const EndpointId& id);
std::optional<DeploymentId> deployment_of(store::Tx& tx, const EndpointId& id);
void update(store::Tx& tx, const DeploymentId& deployment, const Endpoint& endpoint, Timestamp now);

void insert(store::Tx& tx, const DeploymentId& deployment, const AclRule& rule, Timestamp now);
void remove(store::Tx& tx, const DeploymentId& deployment, const AclRuleId& id);
std::optional<DeploymentId> deployment_of(store::Tx& tx, const AclRuleId& id);

void insert(store::Tx& tx, const ReplicaRow& replica, std::string_view zone);
void remove(store::Tx& tx, const ReplicaId& id);
std::vector<ReplicaRow> replicas(store::Tx& tx);

}  // namespace meridian::inference::rows
