#include "identity/policies.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "identity/permission_sets.h"
#include "identity/quotas.h"
#include "identity/rows.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

constexpr std::size_t rules_of_policy_max = 50, sets_of_rule_max = 100, projects_of_rule_max = 1000;

// The right to run the installation is given on by those who have it: by a rule, by a key of who has it, and by a group that has it.
void check_may_give(const Caller& by, const PermissionSet& set) {
    if ((rights_of(set) & rights_of(Level::platform)).any() && !by.may("admin", "system"))
        throw Error(Fault::denied, fmt::format("Only who runs the installation may give '{}' to others.", set.name)).about("policies", "");
}

void check_rule(store::Tx& tx, const Caller& by, const PolicyRow& policy, const PolicyRule& rule, std::size_t place) {
    const auto refuse_here = [&](std::string_view field, std::string help) {
        refuse(fmt::format("rules.{}.{}", place, field), std::move(help));
    };
    if (rule.permission_sets.empty() || rule.permission_sets.size() > sets_of_rule_max)
        refuse_here("permission_set_names", fmt::format("A rule has 1 to {} permission sets.", sets_of_rule_max));
    if (rule.projects && (rule.projects->empty() || rule.projects->size() > projects_of_rule_max))
        refuse_here("project_ids", fmt::format("A rule names 1 to {} projects, or the organization.", projects_of_rule_max));
    for (const auto& name : rule.permission_sets) {
        const auto* const set = permission_set(name);
        if (set == nullptr) refuse_here("permission_set_names", fmt::format("There is no permission set '{}'.", name));
        if (set->scope == Level::organization && rule.projects)
            refuse_here("permission_set_names", fmt::format("'{}' is for the organization: give organization_id, not project_ids.", name));
        check_may_give(by, *set);
    }
    for (const auto& project : rule.projects.value_or(std::vector<ProjectId>()))
        if (!find_project(tx, policy.organization, project)) no_such("project", project.str());
}

Rights rights_of(const PolicyRule& rule) {
    Rights made;
    for (const auto& name : rule.permission_sets)
        if (const auto* const set = permission_set(name)) made |= rights_of(*set);  // a set of another version allows nothing
    return made;
}

}  // namespace

PolicyRow visible_policy(store::Tx& tx, const Caller& by, const PolicyId& id) {
    return row_of<PolicyRow>(tx, by, "policies", "policy", id);
}

void insert_policy(store::Tx& tx, const PolicyRow& policy) {
    check_room(tx, "policies", policy.organization, limits::policies, "policies", "iam_policy");
    named("policy", policy.name, [&] { insert_row(tx, "policies", policy); });
    tx.changed("policies", policy.id.str());
}

void update_policy(store::Tx& tx, const PolicyRow& policy) {
    named("policy", policy.name, [&] { update_row(tx, "policies", "id", policy); });
    tx.changed("policies", policy.id.str());
}

void remove_policy(store::Tx& tx, const PolicyId& id) {
    tx.changed("policies", id.str());
    tx.run("delete from policies where id = $1", id);
}

std::vector<PolicyRule> rules_of(store::Tx& tx, const PolicyId& policy) {
    std::vector<PolicyRule> made;
    for (const auto& row : tx.query(select_sql<PolicyRule>("policy_rules", "where policy_id = $1 order by place"), policy))
        made.push_back(from_row<PolicyRule>(row));
    return made;
}

std::vector<PolicyRow> policies_of(store::Tx& tx, const PrincipalId& principal) {
    std::vector<PolicyRow> made;
    for (const auto& row : tx.query(select_sql<PolicyRow>("policies",
                                                          "where principal_id = $1 or group_id in (select group_id from group_members "
                                                          "where principal_id = $1) order by name"),
                                    principal))
        made.push_back(from_row<PolicyRow>(row));
    return made;
}

std::vector<PolicyRow> policies_of(store::Tx& tx, const GroupId& group) {
    std::vector<PolicyRow> made;
    for (const auto& row : tx.query(select_sql<PolicyRow>("policies", "where group_id = $1 order by name"), group))
        made.push_back(from_row<PolicyRow>(row));
    return made;
}

void check_may_give(store::Tx& tx, const Caller& by, const std::vector<PolicyRow>& policies) {
    for (const auto& policy : policies)
        for (const auto& rule : rules_of(tx, policy.id))
            for (const auto& name : rule.permission_sets)
                if (const auto* const set = permission_set(name)) check_may_give(by, *set);
}

void set_rules(store::Tx& tx, const Caller& by, const PolicyRow& policy, std::vector<PolicyRule> rules, Rng& rng) {
    if (rules.size() > rules_of_policy_max) refuse("rules", fmt::format("A policy has at most {} rules.", rules_of_policy_max));
    for (std::size_t i = 0; i < rules.size(); ++i) check_rule(tx, by, policy, rules[i], i);
    tx.run("delete from policy_rules where policy_id = $1", policy.id);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        rules[i].id = RuleId::random(rng);
        rules[i].policy = policy.id;
        rules[i].place = static_cast<std::int64_t>(i);
        insert_row(tx, "policy_rules", rules[i]);
    }
    tx.changed("policies", policy.id.str());
}

Access::Access(store::Tx& tx, const OrganizationId& platform) : platform_(platform) {
    for (const auto& row : tx.query("select id, type, locked from users")) {
        const auto id = store::id_in<PrincipalId>(row, "id");
        if (row.get<std::string>("type") == "owner") owners_.insert(id);
        if (row.get<bool>("locked")) locked_.insert(id);
    }
    std::unordered_map<GroupId, std::vector<PrincipalId>> members;
    for (const auto& row : tx.query("select group_id, principal_id from group_members"))
        members[store::id_in<GroupId>(row, "group_id")].push_back(store::id_in<PrincipalId>(row, "principal_id"));
    std::unordered_map<PolicyId, PolicyRow> policies;
    for (const auto& row : tx.query(select_sql<PolicyRow>("policies", "where principal_id is not null or group_id is not null"))) {
        auto policy = from_row<PolicyRow>(row);
        policies.emplace(policy.id, std::move(policy));
    }
    for (const auto& row : tx.query(select_sql<PolicyRule>("policy_rules"))) {
        const auto rule = from_row<PolicyRule>(row);
        const auto found = policies.find(rule.policy);
        if (found == policies.end()) continue;
        auto rights = rights_of(rule);
        if (found->second.organization != platform_) rights &= ~identity::rights_of(Level::platform);
        const auto where = rule.projects ? Reach::of(*rule.projects) : Reach::everywhere();
        const auto give = [&](const PrincipalId& to) { granted_[to].add(rights, where); };
        if (found->second.principal) give(*found->second.principal);
        if (found->second.group)
            for (const auto& member : members[*found->second.group]) give(member);
    }
}

Grants Access::of(const PrincipalId& principal, const OrganizationId& organization) const {
    Grants made;
    if (const auto found = granted_.find(principal); found != granted_.end()) made = found->second;
    if (owners_.contains(principal)) {
        made.add(identity::rights_of(Level::project) | identity::rights_of(Level::organization), Reach::everywhere());
        if (organization == platform_) made.add(identity::rights_of(Level::platform), Reach::everywhere());
    }
    made.add(rights_of_everybody(), Reach::everywhere());
    made.add_sight();
    return made;
}

}  // namespace meridian::identity
