#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "identity/listing.h"
#include "identity/quotas.h"
#include "identity/rows.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

constexpr std::size_t project_name_max = 64;

void check_project_name(std::string_view name) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == ' ';
    };
    if (name.empty() || name.size() > project_name_max || !std::ranges::all_of(name, is_allowed)) {
        refuse("name", fmt::format("A project's name has 1 to {} letters, digits, blanks and . _ -", project_name_max));
    }
}
[[noreturn]] void still_in_use(const Project& project, std::string why) {
    throw Error(Fault::precondition, std::move(why)).with_code("resource_still_in_use").about("project", project.id.str());
}

}  // namespace

void check_project(store::Tx& tx, const Caller& caller, const ProjectId& project) {
    const auto found = tx.query("select id from projects where id = $1 and organization_id = $2", project, caller.organization);
    if (!found.empty()) check_reach(caller, {caller.organization, project}, "project");
    if (found.empty() || !caller.may_see(project))
        throw Error(Fault::not_found, "There is no project with this id.").about("project", project.str());
}

Project visible_project(store::Tx& tx, const Caller& by, const ProjectId& id) {
    auto project = find_project(tx, by.organization, id);
    if (project) check_reach(by, {by.organization, id}, "project");
    if (!project || !by.may_see(id)) no_such("project", id.str());
    return *std::move(project);
}

Organization visible_organization(store::Tx& tx, const Caller& by, const OrganizationId& id) {
    auto found = id == by.organization ? find_organization(tx, id) : std::nullopt;
    if (!found) no_such("organization", id.str());
    return *std::move(found);
}

void check_organization(const Caller& by, const std::optional<OrganizationId>& asked) {
    if (asked && *asked != by.organization) no_such("organization", asked->str());
}

Task<std::vector<Project>> Identity::projects(Caller by) {
    co_return co_await state_->store.read([by](store::Tx& tx) {
        auto projects = projects_of(tx, by.organization);
        std::erase_if(projects, [&](const Project& p) { return !by.may_see(p.id); });
        return projects;
    });
}

Task<Paged<Project>> Identity::projects(Caller by, Page page, Narrowing narrow) {
    Listing listing("projects");
    listing.of("projects", by.organization).order("created_at_asc");
    if (by.reach.is_nowhere()) listing.where("1 = 0");
    if (!by.reach.is_everywhere()) listing.among("id", std::vector(by.reach.projects().begin(), by.reach.projects().end()));
    narrow(listing);
    co_return co_await state_->store.read([listing, page](store::Tx& tx) { return listing.page<Project>(tx, page); });
}

Task<Project> Identity::project(Caller by, ProjectId id) {
    co_return co_await state_->store.read([by, id](store::Tx& tx) { return visible_project(tx, by, id); });
}

Task<Project> Identity::create_project(Caller by, std::string name, std::string description) {
    need(by, "create", "projects");
    check_project_name(name);
    check_description(description);
    State& s = *state_;
    co_return co_await s.change(by, [&s, by, name, description](store::Tx& tx) {
        check_room(tx, "projects", by.organization, limits::projects, "projects", "project");
        const auto now = s.clock.now();
        Project made{.id = ProjectId::random(s.rng),
                     .organization = by.organization,
                     .name = name,
                     .description = description,
                     .created_at = now,
                     .updated_at = now};
        named("project", name, [&] { insert_project(tx, made); });
        return made;
    });
}

Task<Project> Identity::change_project(Caller by, ProjectId id, ProjectChange change) {
    need(by, "update", "projects");
    if (change.name) check_project_name(*change.name);
    if (change.description) check_description(*change.description);
    State& s = *state_;
    co_return co_await s.change(by, [&s, by, id, change](store::Tx& tx) {
        auto project = visible_project(tx, by, id);
        project.name = change.name.value_or(project.name);
        project.description = change.description.value_or(project.description);
        project.updated_at = s.clock.now();
        named("project", project.name, [&] { update_project(tx, project); });
        return project;
    });
}

Task<> Identity::remove_project(Caller by, ProjectId id) {
    need(by, "remove", "projects");
    State& s = *state_;
    co_await s.change(by, [by, id](store::Tx& tx) {
        const auto project = visible_project(tx, by, id);
        const auto defaults = find_defaults(tx);
        if (defaults && defaults->project == id) still_in_use(project, "The default project cannot be deleted.");
        try {
            identity::remove_project(tx, project);
        } catch (const Error& e) {
            if (e.fault != Fault::conflict) throw;
            still_in_use(project, fmt::format("The project '{}' still has keys, models or deployments. Delete them first.", project.name));
        }
    });
}

Task<Organization> Identity::organization(Caller by, OrganizationId id) {
    co_return co_await state_->store.read([by, id](store::Tx& tx) { return visible_organization(tx, by, id); });
}

}  // namespace meridian::identity
