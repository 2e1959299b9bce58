// Who calls: organizations, projects, API keys, and the authorizer that the router asks. The data path reads a snapshot, never SQL.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/id.h"
#include "base/rng.h"
#include "http/route.h"
#include "store/store.h"

namespace meridian::identity {

// A key's rights. Deny by default; `admin` implies all.
enum class Role { admin, inference, observer };

// To whom a thing belongs.
struct Owner {
    OrganizationId organization;
    ProjectId project;
};

struct Caller final : http::Principal {
    OrganizationId organization;
    ProjectId project;  // the key's default project
    PrincipalId principal;
    std::string access_key;
    Role role = Role::observer;
    std::string policy;  // version of the rules that say what the role may
    // One project only, or every project of the organization (nullopt).
    std::optional<ProjectId> only_project;
    // Of a project of the caller's own organization.
    [[nodiscard]] bool may_see(const ProjectId& p) const { return !only_project || *only_project == p; }
    [[nodiscard]] bool may_see(const Owner& o) const { return o.organization == organization && may_see(o.project); }
};
// Error{not_found} for a project that is not of the caller's organization, or that the caller may not see.
void check_project(store::Tx& tx, const Caller& caller, const ProjectId& project);
// For writes of what somebody changes through a route of the control plane.
store::Author author_of(const Caller& caller);
// The caller of an authorized exchange; asserts on a public route.
const Caller& caller_of(const http::Exchange& exchange);

struct ApiKey {
    std::string access_key;  // "SCW" + 17 of A-Z0-9
    OrganizationId organization;
    ProjectId default_project;
    PrincipalId principal;
    Role role = Role::admin;
    std::string description;
    Timestamp created_at;
    std::optional<Timestamp> expires_at;
    std::optional<ProjectId> only_project;  // where its rights end; nullopt: every project of the organization
    bool is_users = true;                   // the principal is a user; else an application
    Timestamp updated_at;
};
struct KeyWish {
    Role role = Role::admin;
    std::string description;
    std::optional<PrincipalId> principal;      // nullopt: the caller's
    std::optional<ProjectId> default_project;  // nullopt: the caller's
    std::optional<ProjectId> only_project;
    std::optional<Timestamp> expires_at;
};
// Only what is given changes.
struct KeyChange {
    std::optional<std::string> description;
    std::optional<ProjectId> default_project;
    std::optional<Timestamp> expires_at;
};
struct NewKey {
    ApiKey key;
    std::string secret;  // a UUID; shown once, stored as a hash only
};

struct Project {
    ProjectId id;
    OrganizationId organization;
    std::string name, description;
    Timestamp created_at, updated_at;
};

struct ProjectChange {
    std::optional<std::string> name, description;
};

struct Organization {
    OrganizationId id;
    std::string name;
    Timestamp created_at, updated_at;
};

struct Bootstrap {
    OrganizationId organization;
    ProjectId project;
    std::optional<NewKey> first_key;  // only when the store was new
};

class Identity {
public:
    Identity(store::Store& store, Clock& clock, Rng& rng);
    ~Identity();
    // Makes organization, default project and first key in a new store; loads the snapshot. Blocking; before serving.
    Bootstrap bootstrap();
    // Keeps the snapshot fresh from the change feed.
    void follow(Executor executor);

    // With a project the key is good for that one only.
    Task<NewKey> create_key(Caller by, Role role, std::string description, std::optional<ProjectId> project,
                            std::optional<Timestamp> expires_at);
    Task<NewKey> create_key(Caller by, KeyWish wish);
    // Blocking twin for the local CLI with a data directory and no running server.
    NewKey create_key_now(Role role, std::string description);
    Task<std::vector<ApiKey>> keys(Caller by);
    Task<ApiKey> key(Caller by, std::string access_key);
    Task<ApiKey> change_key(Caller by, std::string access_key, KeyChange change);
    Task<> remove_key(Caller by, std::string access_key);

    // What a caller may not see is not_found.
    Task<std::vector<Project>> projects(Caller by);
    Task<Project> project(Caller by, ProjectId id);
    Task<Project> create_project(Caller by, std::string name, std::string description);
    Task<Project> change_project(Caller by, ProjectId id, ProjectChange change);
    Task<> remove_project(Caller by, ProjectId id);  // Error{precondition} while something is in it
    Task<Organization> organization(Caller by, OrganizationId id);

    [[nodiscard]] Timestamp now() const;  // by the clock that expiry is judged with
    // X-Auth-Token or Authorization: Bearer with a secret key. One SHA-256 and one look-up in the snapshot; no comparison of secrets.
    // On a public route the caller is null.
    http::Authorizer& authorizer();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Adds iam/v1alpha1 api-keys and account/v3 projects as far as this room has them.
void add_routes(http::Router& router, Identity& identity);

}  // namespace meridian::identity
