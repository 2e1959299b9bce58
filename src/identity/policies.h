// Policies: which permission sets a principal or a group has, and where. Rows and rules, all in the caller's transaction.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "identity/service.h"
#include "resource/fields.h"

namespace meridian::identity {

struct PolicyRow {
    PolicyId id;
    OrganizationId organization;
    std::string name, description;
    std::vector<std::string> tags;
    // At most one; a policy without any is kept and allows nothing.
    std::optional<PrincipalId> principal;
    std::optional<GroupId> group;
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<PolicyRow>) {
    return fields(field("id", &PolicyRow::id), field("organization_id", &PolicyRow::organization), field("name", &PolicyRow::name),
                  field("description", &PolicyRow::description), field("tags", &PolicyRow::tags),
                  field("principal_id", &PolicyRow::principal), field("group_id", &PolicyRow::group),
                  field("created_at", &PolicyRow::created_at), field("updated_at", &PolicyRow::updated_at));
}

struct PolicyRule {
    RuleId id;
    PolicyId policy;
    std::int64_t place = 0;
    std::vector<std::string> permission_sets;
    std::optional<std::vector<ProjectId>> projects;  // nullopt: the whole organization
};
constexpr auto describe(As<PolicyRule>) {
    return fields(field("id", &PolicyRule::id), field("policy_id", &PolicyRule::policy), field("place", &PolicyRule::place),
                  field("permission_sets", &PolicyRule::permission_sets), field("projects", &PolicyRule::projects));
}

PolicyRow visible_policy(store::Tx& tx, const Caller& by, const PolicyId& id);
// Error{conflict} where the name is taken, Error{quota} where there are too many.
void insert_policy(store::Tx& tx, const PolicyRow& policy);
void update_policy(store::Tx& tx, const PolicyRow& policy);
void remove_policy(store::Tx& tx, const PolicyRow& policy);

std::vector<PolicyRule> rules_of(store::Tx& tx, const PolicyId& policy);
// Checks them all before it replaces what was there: known sets, projects of the organization, sets of the organization only for all of it,
// and none that runs the installation from somebody who may not.
void set_rules(store::Tx& tx, const Caller& by, const PolicyRow& policy, std::vector<PolicyRule> rules, Rng& rng);

// By name; a principal's with those of its groups.
std::vector<PolicyRow> policies_of(store::Tx& tx, const PrincipalId& principal);
std::vector<PolicyRow> policies_of(store::Tx& tx, const GroupId& group);
// Error{denied} where one of them runs the installation, which the caller may not give on: by a key of its bearer, or by its group.
void check_may_give(store::Tx& tx, const Caller& by, const std::vector<PolicyRow>& policies);

// What a principal may before any limit of a key: an owner all of its organization, others what their policies and their groups' say.
struct Standing {
    Grants grants;
    bool is_locked = false;
    std::vector<std::string> sources;  // ids of the groups and policies that it comes from
};
Standing standing_of(store::Tx& tx, const PrincipalId& principal, const OrganizationId& organization);

}  // namespace meridian::identity
