// account/v3: projects, in Scaleway's form. Contracts and qualifications are left out.
#include <string>
#include <utility>

#include "base/error.h"
#include "http/typed.h"
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/oidc/sign_in.h"
#include "identity/service.h"
#include "resource/fields.h"

namespace meridian::identity {
namespace {

using http::Call;

enum class ProjectOrder { created_at_asc, created_at_desc, name_asc, name_desc };
constexpr auto names(As<ProjectOrder>) {
    return words<ProjectOrder>({{ProjectOrder::created_at_asc, "created_at_asc"},
                                {ProjectOrder::created_at_desc, "created_at_desc"},
                                {ProjectOrder::name_asc, "name_asc"},
                                {ProjectOrder::name_desc, "name_desc"}});
}

struct ProjectView {
    ProjectId id;
    std::string name;
    OrganizationId organization_id;
    Timestamp created_at, updated_at;
    std::string description;
    Json qualification = nullptr;
    std::string status = "active", srn;
};
constexpr auto schema_name(As<ProjectView>) { return std::string_view("account.Project"); }
constexpr auto describe(As<ProjectView>) {
    return fields(field("id", &ProjectView::id), field("name", &ProjectView::name), field("organization_id", &ProjectView::organization_id),
                  field("created_at", &ProjectView::created_at), field("updated_at", &ProjectView::updated_at),
                  field("description", &ProjectView::description), field("qualification", &ProjectView::qualification),
                  field("status", &ProjectView::status), field("srn", &ProjectView::srn));
}

ProjectView view_of(const Project& project) {
    ProjectView view;
    view.id = project.id;
    view.name = project.name;
    view.organization_id = project.organization;
    view.created_at = project.created_at;
    view.updated_at = project.updated_at;
    view.description = project.description;
    return view;
}

struct ProjectFilter {
    std::optional<OrganizationId> organization_id;
    std::string name;
    ProjectOrder order_by = ProjectOrder::created_at_asc;
    std::vector<ProjectId> project_ids;
};
constexpr auto describe(As<ProjectFilter>) {
    return fields(field("organization_id", &ProjectFilter::organization_id), field("name", &ProjectFilter::name, defaulted),
                  field("order_by", &ProjectFilter::order_by, defaulted), field("project_ids", &ProjectFilter::project_ids, at_most{1000}));
}

void narrow(Listing& listing, const ProjectFilter& f, const OrganizationId& own) {
    if (f.organization_id && *f.organization_id != own) listing.where("1 = 0");
    if (!f.name.empty()) listing.where("replace(name, {}, '') <> name", f.name);
    listing.among("id", f.project_ids).order(word(f.order_by));
}

using ProjectList = http::Listed<"projects", ProjectView>;

Task<ProjectList> list_projects(Identity& identity, Call<ProjectFilter> call) {
    const auto by = call.caller_as<Caller>();
    const auto found =
        co_await identity.projects(by, call.page(), [f = call.in, own = by.organization](Listing& listing) { narrow(listing, f, own); });
    co_return ProjectList(mapped(found, view_of));
}

struct CreateProject {
    std::string name;
    std::optional<OrganizationId> organization_id;
    std::string description;
};
constexpr auto schema_name(As<CreateProject>) { return std::string_view("account.CreateProjectRequest"); }
constexpr auto describe(As<CreateProject>) {
    return fields(field("name", &CreateProject::name, length{1, 64}), field("organization_id", &CreateProject::organization_id),
                  field("description", &CreateProject::description, defaulted, length{0, 200}));
}

Task<http::Created<ProjectView>> create_project(Identity& identity, Call<CreateProject> call) {
    const auto by = call.caller_as<Caller>();
    if (call.in.organization_id && *call.in.organization_id != by.organization) {
        throw Error(Fault::not_found, "There is no such organization.").about("organization", call.in.organization_id->str());
    }
    co_return http::Created<ProjectView>{view_of(co_await identity.create_project(by, call.in.name, call.in.description))};
}

Task<ProjectView> get_project(Identity& identity, Call<> call) {
    co_return view_of(co_await identity.project(call.caller_as<Caller>(), http::id_param<ProjectId>(call, "project_id")));
}

}  // namespace

constexpr auto schema_name(As<ProjectChange>) { return std::string_view("account.UpdateProjectRequest"); }
constexpr auto describe(As<ProjectChange>) {
    return fields(field("name", &ProjectChange::name, length{1, 64}), field("description", &ProjectChange::description, length{0, 200}));
}

namespace {

Task<ProjectView> update_project(Identity& identity, Call<ProjectChange> call) {
    const auto id = http::id_param<ProjectId>(call, "project_id");
    co_return view_of(co_await identity.change_project(call.caller_as<Caller>(), id, std::move(call.in)));
}

Task<http::NoContent> delete_project(Identity& identity, Call<> call) {
    co_await identity.remove_project(call.caller_as<Caller>(), http::id_param<ProjectId>(call, "project_id"));
    co_return http::NoContent{};
}

}  // namespace

void add_account_routes(http::Router& router, Identity& identity) {
    using http::doc;
    using http::typed;
    const auto dialect = http::Dialect::scaleway;
    const std::string projects = "/account/v3/projects", project = projects + "/{project_id}";
    router.add(
        typed<ProjectFilter, ProjectList>("GET", projects, {"read", "projects"}, dialect, doc("ListProjects", "List projects", "account"),
                                          [&identity](Call<ProjectFilter> call) { return list_projects(identity, std::move(call)); }));
    router.add(typed<CreateProject, http::Created<ProjectView>>(
        "POST", projects, {"create", "projects"}, dialect, doc("CreateProject", "Make a project", "account"),
        [&identity](Call<CreateProject> call) { return create_project(identity, std::move(call)); }));
    router.add(typed<http::Nothing, ProjectView>("GET", project, {"read", "projects"}, dialect,
                                                 doc("GetProject", "Get a project", "account"),
                                                 [&identity](Call<> call) { return get_project(identity, std::move(call)); }));
    router.add(typed<ProjectChange, ProjectView>(
        "PATCH", project, {"update", "projects"}, dialect, doc("UpdateProject", "Change a project", "account"),
        [&identity](Call<ProjectChange> call) { return update_project(identity, std::move(call)); }));
    router.add(typed<http::Nothing, http::NoContent>("DELETE", project, {"remove", "projects"}, dialect,
                                                     doc("DeleteProject", "Delete an empty project", "account"),
                                                     [&identity](Call<> call) { return delete_project(identity, std::move(call)); }));
}

void add_control_routes(http::Router& router, Identity& identity) {
    add_key_routes(router, identity);
    add_organization_routes(router, identity);
    add_user_routes(router, identity);
    add_application_routes(router, identity);
    add_group_routes(router, identity);
    add_policy_routes(router, identity);
    add_ssh_key_routes(router, identity);
    add_jwt_routes(router, identity);
    add_security_routes(router, identity);
    add_account_routes(router, identity);
}

void add_routes(http::Router& router, Identity& identity) {
    add_control_routes(router, identity);
    add_permission_routes(router, identity);
}

}  // namespace meridian::identity
