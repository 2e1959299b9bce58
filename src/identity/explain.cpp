#include "identity/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "identity/permission_sets.h"
#include "identity/policies.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

bool covers(const PolicyRule& rule, std::size_t right, const std::optional<ProjectId>& project) {
    const bool has_set = std::ranges::any_of(rule.permission_sets, [&](const std::string& name) {
        const auto* const set = permission_set(name);
        return set != nullptr && rights_of(*set)[right];
    });
    return has_set && (!project || !rule.projects || std::ranges::find(*rule.projects, *project) != rule.projects->end());
}

}  // namespace

Explained explain(store::Tx& tx, const ApiKey& key, std::size_t right, const std::optional<ProjectId>& project) {
    Explained made;
    const auto& wanted = rights()[right];
    const auto say = [&](std::string sentence) { made.because.push_back(std::move(sentence)); };
    const auto defaults = find_defaults(tx);
    const auto bearer = standing_of(tx, key.principal, key.organization);
    const auto left = bearer.grants.limited(rights_for(key.role), key.only_project);
    const auto where = left.reach(right);
    made.is_allowed = !bearer.is_locked &&
                      (wanted.level == Level::project ? (project ? where.holds_in(*project) : !where.is_nowhere()) : where.is_everywhere());

    if (bearer.is_locked) say("The user of this key is locked.");
    if (rights_of_everybody()[right]) say("Every key may do this.");
    if (!tx.query("select id from users where id = $1 and type = 'owner'", key.principal).empty())
        say("Its bearer is an owner of the organization.");
    for (const auto& policy : policies_of(tx, key.principal)) {
        const auto rules = rules_of(tx, policy.id);
        const auto rule = std::ranges::find_if(rules, [&](const PolicyRule& r) { return covers(r, right, project); });
        if (rule != rules.end())
            say(fmt::format("The policy '{}' allows it{}: {}.", policy.name, policy.group ? " through a group" : "",
                            fmt::join(rule->permission_sets, ", ")));
    }
    if (made.because.empty()) say("No policy of its bearer allows it.");
    if (!rights_for(key.role)[right])
        say(fmt::format("The key is limited to the role '{}', which may not {} {}.", word(key.role), wanted.action, wanted.scope));
    if (key.only_project && project && *key.only_project != *project) say("The key is limited to another project.");
    if (key.only_project && wanted.level != Level::project) say("The key is limited to one project, and this is the organization's.");
    if (wanted.level == Level::platform && (!defaults || key.organization != defaults->organization))
        say("This is for the organization that runs the installation.");
    return made;
}

}  // namespace meridian::identity
