#include "metering/books/sight.h"

#include <algorithm>
#include <iterator>

namespace meridian::metering {

Scope Sight::scope_of(const identity::Caller& caller, const std::optional<ProjectId>& project) {
    if (project) {
        check_project(caller, *project);
        return *project;
    }
    return caller.organization;
}

std::vector<Scope> Sight::scopes_of(const identity::Caller& caller, const std::optional<ProjectId>& project) {
    if (project || caller.reach.is_everywhere()) return {scope_of(caller, project)};
    return {caller.reach.projects().begin(), caller.reach.projects().end()};
}

Task<std::vector<UsageRow>> Sight::rows(identity::Caller caller, std::optional<ProjectId> project, std::vector<Timestamp> edges) {
    const auto scopes = scopes_of(caller, project);
    auto found = co_await on(parts_.pool, [&meter = parts_.meter, &scopes, &edges] {
        std::vector<UsageRow> rows;
        for (const auto& scope : scopes) std::ranges::move(meter.usage({scope, edges}), std::back_inserter(rows));
        return rows;
    });
    std::erase_if(found, [&](const UsageRow& row) { return row.organization != caller.organization; });
    co_return found;
}

Task<std::optional<Timestamp>> Sight::first_run(identity::Caller caller) {
    std::optional<Timestamp> first;
    for (const auto& scope : scopes_of(caller, std::nullopt)) {
        const auto run = parts_.meter.first_run(scope);
        if (run && (!first || *run < *first)) first = run;
    }
    co_return first;
}

void Sight::check_organization(const identity::Caller& caller, const std::optional<OrganizationId>& asked) {
    if (asked && *asked != caller.organization)
        throw Error(Fault::not_found, "There is no organization with this id.").about("organization", asked->str());
}

void Sight::check_project(const identity::Caller& caller, const ProjectId& project) {
    if (!caller.may_see(project)) throw Error(Fault::not_found, "There is no project with this id.").about("project", project.str());
}

std::string Sight::Names::project(const ProjectId& id) const {
    const auto found = projects.find(id);
    return found == projects.end() ? "" : found->second;
}

Task<Sight::Names> Sight::names(identity::Caller caller) {
    Names made;
    made.organization = (co_await parts_.identity.organization(caller, caller.organization)).name;
    for (const auto& project : co_await parts_.identity.projects(caller)) made.projects[project.id] = project.name;
    co_return made;
}

Json money_json(Money amount) {
    constexpr std::int64_t nanos = 1'000'000'000;
    return JsonObject{{"currency_code", "EUR"}, {"units", amount.count() / nanos}, {"nanos", amount.count() % nanos}};
}

void add_book_routes(http::Router& router, const BookParts& parts) {
    add_usage_routes(router, parts);
    add_billing_routes(router, parts);
    add_footprint_routes(router, parts);
    add_event_routes(router, parts);
    add_audit_routes(router, parts);
}

}  // namespace meridian::metering
