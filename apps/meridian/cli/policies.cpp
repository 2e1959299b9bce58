#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/nouns.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

constexpr std::string_view everywhere = "organization";

struct PolicyOptions {
    std::string policy, description, user, application, group;
    std::vector<std::string> allow;
};

std::vector<std::string> parted(std::string_view text) {
    std::vector<std::string> made;
    for (;;) {
        const auto end = text.find(',');
        made.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return made;
        text.remove_prefix(end + 1);
    }
}

// SET[,SET]@PROJECT[,PROJECT] or SET[,SET]@organization.
Json rule_of(Api& api, const std::string& text) {
    const auto at = text.find('@');
    if (at == std::string::npos || at == 0 || at + 1 == text.size())
        throw Failure{usage, fmt::format("'{}' does not say what is allowed where.", text),
                      "--allow InferenceFullAccess@my-project, or --allow IAMReadOnly@organization"};
    JsonArray sets;
    for (auto& set : parted(std::string_view(text).substr(0, at))) sets.emplace_back(std::move(set));
    JsonObject rule{{"permission_set_names", std::move(sets)}};
    const auto where = text.substr(at + 1);
    if (where == everywhere) {
        rule["organization_id"] = organization(api);
    } else {
        JsonArray projects;
        for (const auto& project : parted(where)) projects.emplace_back(id_of(api, nouns::projects, project));
        rule["project_ids"] = std::move(projects);
    }
    return rule;
}

int create(const Common& common, const PolicyOptions& o) {
    auto api = common.api();
    JsonArray rules;
    for (const auto& text : o.allow) rules.push_back(rule_of(api, text));
    JsonObject wish{{"name", o.policy}, {"description", o.description}, {"rules", std::move(rules)}};
    if (!o.user.empty()) wish["user_id"] = id_of(api, nouns::people, o.user);
    if (!o.application.empty()) wish["application_id"] = id_of(api, nouns::applications, o.application);
    if (!o.group.empty()) wish["group_id"] = id_of(api, nouns::groups, o.group);
    if (o.user.empty() && o.application.empty() && o.group.empty()) wish["no_principal"] = true;
    return show(common, nouns::policies, api.post(std::string(nouns::policies.path), wish));
}

std::string texts(const Json& list) {
    std::vector<std::string> made;
    for (const auto& one : list.as_array()) made.emplace_back(view(one.as_string()));
    return fmt::format("{}", fmt::join(made, ", "));
}

int show_policy(const Common& common, const PolicyOptions& o) {
    auto api = common.api();
    const auto id = id_of(api, nouns::policies, o.policy);
    auto policy = api.get(path_of(nouns::policies, id));
    auto rules = all_of(api, "/iam/v1alpha1/rules?policy_id=" + id, "rules");
    if (common.json) return print(JsonObject{{"policy", std::move(policy)}, {"rules", std::move(rules)}});
    fmt::print("{}", table(nouns::policies, JsonArray{policy}));
    terminal::Table shown({"ALLOWS", "IN"});
    for (const auto& rule : rules) {
        const auto* projects = member(rule, "project_ids");
        shown.row(
            {texts(*member(rule, "permission_set_names")), projects && projects->is_array() ? texts(*projects) : std::string(everywhere)});
    }
    fmt::print("\n{}", shown.str());
    return ok;
}

}  // namespace

void add_policies(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* policies = add_noun(app, nouns::policies, "Policies, which say who may do what: list, show, create, delete");
    add_list(*policies, common, chosen, nouns::policies, "Policies of the organization");
    add_command<PolicyOptions>(*policies, common, chosen, "show", "A policy with its rules", show_policy)
        .needs("POLICY", &PolicyOptions::policy, "Name or id");
    auto make =
        add_command<PolicyOptions>(*policies, common, chosen, "create", "Make a policy for a user, an application or a group", create);
    make.needs("NAME", &PolicyOptions::policy, "1 to 64 letters, digits, blanks and ( ) . _ -");
    make.takes("--allow", &PolicyOptions::allow,
               "SET[,SET]@PROJECT[,PROJECT] or SET[,SET]@organization; the sets: meridian permission-sets list. Repeatable")
        ->required();
    auto* user = make.takes("--user", &PolicyOptions::user, "For this user, by name or id");
    auto* application = make.takes("--application", &PolicyOptions::application, "For this application, by name or id");
    make.takes("--group", &PolicyOptions::group, "For this group, by name or id")->excludes(user)->excludes(application);
    application->excludes(user);
    make.takes("--description", &PolicyOptions::description, "What it is for");
    add_delete(*policies, common, chosen, nouns::policies, "Delete a policy");

    auto* sets = add_noun(app, nouns::permission_sets, "What rules of policies can allow");
    add_list(*sets, common, chosen, nouns::permission_sets, "Permission sets by name");
}

}  // namespace meridian::cli
