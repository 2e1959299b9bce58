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
    add_count(tx, "policies", policy.organization, 1);
    tx.changed("policies", policy.id.str());
}

void update_policy(store::Tx& tx, const PolicyRow& policy) {
    named("policy", policy.name, [&] { update_row(tx, "policies", "id", policy); });
    tx.changed("policies", policy.id.str());
}

void remove_policy(store::Tx& tx, const PolicyRow& policy) {
    tx.changed("policies", policy.id.str());
    tx.run("delete from policies where id = $1", policy.id);
    add_count(tx, "policies", policy.organization, -1);
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

Standing standing_of(store::Tx& tx, const PrincipalId& principal, const OrganizationId& organization) {
    const auto defaults = find_defaults(tx);
    const bool is_platforms = defaults && defaults->organization == organization;
    Standing made;
    const auto user = tx.query("select type, locked from users where id = $1", principal);
    if (!user.empty()) made.is_locked = user.front().get<bool>("locked");
    if (!user.empty() && user.front().get<std::string>("type") == "owner") {
        made.grants.add(identity::rights_of(Level::project) | identity::rights_of(Level::organization), Reach::everywhere());
        if (is_platforms) made.grants.add(identity::rights_of(Level::platform), Reach::everywhere());
    }
    for (const auto& row : tx.query("select group_id from group_members where principal_id = $1", principal))
        made.sources.push_back(row.get<std::string>("group_id"));
    const auto sql = fmt::format(
        "select {0} from policies p join policy_rules r on r.policy_id = p.id where p.principal_id = $1 union all "
        "select {0} from group_members m join policies p on p.group_id = m.group_id join policy_rules r on r.policy_id = p.id "
        "where m.principal_id = $1",
        columns<PolicyRule>("r."));
    for (const auto& row : tx.query(sql, principal)) {
        const auto rule = from_row<PolicyRule>(row);
        auto rights = rights_of(rule);
        if (!is_platforms) rights &= ~identity::rights_of(Level::platform);
        made.grants.add(rights, rule.projects ? Reach::of(*rule.projects) : Reach::everywhere());
        made.sources.push_back(rule.policy.str());
    }
    made.grants.add(rights_of_everybody(), Reach::everywhere());
    made.grants.add_sight();
    return made;
}

}  // namespace meridian::identity
