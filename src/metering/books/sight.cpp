#include "metering/books/sight.h"

#include <algorithm>

namespace meridian::metering {

Scope Sight::scope_of(const identity::Caller& caller, const std::optional<ProjectId>& project) {
    if (project) {
        check_project(caller, *project);
        return *project;
    }
    if (caller.only_project) return *caller.only_project;
    return caller.organization;
}

Task<std::vector<UsageRow>> Sight::rows(identity::Caller caller, std::optional<ProjectId> project, std::vector<Timestamp> edges) {
    const UsageQuery query{scope_of(caller, project), std::move(edges)};
    auto found = co_await on(parts_.pool, [&meter = parts_.meter, &query] { return meter.usage(query); });
    std::erase_if(found, [&](const UsageRow& row) { return row.organization != caller.organization; });
    co_return found;
}

Task<std::optional<Timestamp>> Sight::first_run(identity::Caller caller) {
    co_return parts_.meter.first_run(scope_of(caller, std::nullopt));
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
