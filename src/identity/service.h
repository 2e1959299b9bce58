// Who calls: organizations, projects, API keys, and the authorizer that the router asks. A key in use is known without SQL.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/id.h"
#include "base/rng.h"
#include "http/route.h"
#include "identity/grants.h"
#include "identity/reach.h"
#include "identity/role.h"
#include "resource/page.h"
#include "store/store.h"

namespace meridian::identity {

class Listing;

// To whom a thing belongs.
struct Owner {
    OrganizationId organization;
    ProjectId project;
};

// Who asks for something that needs a right, and where that right holds.
struct Caller final : http::Principal {
    OrganizationId organization;
    ProjectId project;  // the key's default project
    PrincipalId principal;
    std::string access_key;  // empty: signed in without one
    std::string policy;      // version of the rules that say what the caller may
    std::shared_ptr<const Grants> grants;
    // Where the right that was asked for holds, and where the right to read the same does. What is out of reach is not_found, or, where it
    // is in sight, denied: see check_reach.
    Reach reach, sight;
    // Of a project of the caller's own organization.
    [[nodiscard]] bool may_see(const ProjectId& p) const { return reach.holds_in(p); }
    [[nodiscard]] bool may_see(const Owner& o) const { return o.organization == organization && may_see(o.project); }
    // Whether another right holds anywhere, or in a project.
    [[nodiscard]] bool may(std::string_view action, std::string_view scope) const;
    [[nodiscard]] bool may(std::string_view action, std::string_view scope, const ProjectId& in) const;
};
// For what the program does on its owner's behalf: every right, everywhere.
Caller everything(OrganizationId organization, ProjectId project, PrincipalId principal);
// Error{denied} where the caller may read something of that owner and not do to it what was asked. Says nothing of what is out of sight:
// `may_see` does.
void check_reach(const Caller& caller, const Owner& owner, std::string_view what);

// Error{not_found} for a project that is not of the caller's organization, or that the caller may not see; Error{denied} out of reach.
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
    std::optional<ProjectId> only_project;  // where its rights end; nullopt: where its bearer's do
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
    // Makes organization, default project and first key in a new store. Blocking; before serving.
    Bootstrap bootstrap();
    // Forgets what others change, by the change feed.
    void follow(Executor executor);

    // With a project the key is good for that one only.
    Task<NewKey> create_key(Caller by, Role role, std::string description, std::optional<ProjectId> project,
                            std::optional<Timestamp> expires_at);
    Task<NewKey> create_key(Caller by, KeyWish wish);
    // Blocking twin for the local CLI with a data directory and no running server.
    NewKey create_key_now(Role role, std::string description);
    // Lists are made narrower, and get another order, by `narrow`.
    using Narrowing = std::function<void(Listing&)>;
    Task<Paged<ApiKey>> keys(Caller by, Page page = {}, Narrowing narrow = {});
    Task<ApiKey> key(Caller by, std::string access_key);
    Task<ApiKey> change_key(Caller by, std::string access_key, KeyChange change);
    Task<> remove_key(Caller by, std::string access_key);

    // What a caller may not see is not_found.
    Task<std::vector<Project>> projects(Caller by);
    Task<Paged<Project>> projects(Caller by, Page page, Narrowing narrow);
    Task<Project> project(Caller by, ProjectId id);
    Task<Project> create_project(Caller by, std::string name, std::string description);
    Task<Project> change_project(Caller by, ProjectId id, ProjectChange change);
    Task<> remove_project(Caller by, ProjectId id);  // Error{precondition} while something is in it
    Task<Organization> organization(Caller by, OrganizationId id);

    // Whether it is a user or an application of the caller's organization.
    Task<bool> has_principal(Caller by, PrincipalId id);

    [[nodiscard]] Timestamp now() const;  // by the clock that expiry is judged with
    // X-Auth-Token or Authorization: Bearer with a secret key. One SHA-256 and one look-up among what is known.
    // On a public route the caller is null.
    http::Authorizer& authorizer();

    struct State;
    State& state() { return *state_; }  // for the files of this room

private:
    std::unique_ptr<State> state_;
};

// Adds iam/v1alpha1 and account/v3.
void add_routes(http::Router& router, Identity& identity);

}  // namespace meridian::identity
