#include "cli/nouns.h"

namespace meridian::cli {
namespace {

struct BudgetOptions {
    std::string limit, name, project, user, key, period = "monthly", time_zone = "Etc/UTC";
    std::vector<std::uint32_t> alerts;
    bool soft = false;
};

int create(const Common& common, const BudgetOptions& o) {
    auto api = common.api();
    JsonObject wish{{"limit", o.limit}, {"name", o.name}, {"period", o.period}, {"time_zone", o.time_zone}, {"hard", !o.soft}};
    const auto over = [&](std::string_view scope, std::string id) { wish["scope"] = scope, wish["scope_id"] = std::move(id); };
    if (!o.project.empty()) over("project", id_of(api, nouns::projects, o.project));
    if (!o.user.empty()) over("user", id_of(api, nouns::people, o.user));
    if (!o.key.empty()) over("api_key", o.key);
    JsonArray alerts;
    for (const auto percent : o.alerts) alerts.emplace_back(percent);
    wish["alerts"] = std::move(alerts);
    return show(common, nouns::budgets, api.post(std::string(nouns::budgets.path), wish));
}

}  // namespace

void add_budgets(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* budgets = add_noun(app, nouns::budgets, "Budgets, which say what runs may cost: list, create, delete");
    add_list(*budgets, common, chosen, nouns::budgets, "Budgets, and what is left of each");
    auto make =
        add_command<BudgetOptions>(*budgets, common, chosen, "create", "Make a budget; of the organization unless more is said", create);
    make.needs("EUROS", &BudgetOptions::limit, "What may be spent, such as 25 or 0.50");
    make.takes("--name", &BudgetOptions::name, "Name of the budget");
    auto* project = make.takes("--project", &BudgetOptions::project, "Of this project, by name or id");
    auto* user = make.takes("--user", &BudgetOptions::user, "Of this user, by name or id")->excludes(project);
    make.takes("--key", &BudgetOptions::key, "Of this key, by its access key")->excludes(project)->excludes(user);
    make.takes("--period", &BudgetOptions::period, "run, daily, monthly or total")
        ->check(CLI::IsMember({"run", "daily", "monthly", "total"}))
        ->capture_default_str();
    make.takes("--time-zone", &BudgetOptions::time_zone, "Whose days and months")->capture_default_str();
    make.takes("--alert", &BudgetOptions::alerts, "Percent of the limit that is told of when it is spent; repeatable");
    make.app->add_flag("--soft", make.o->soft, "Tells, and refuses nothing");
    add_delete(*budgets, common, chosen, nouns::budgets, "Delete a budget");
}

}  // namespace meridian::cli
