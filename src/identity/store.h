// The only SQL about organizations, projects, principals and keys.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "identity/service.h"
#include "resource/fields.h"
#include "store/store.h"

namespace meridian::identity {

// What bootstrap wrote, or nothing in a new store.
struct Defaults {
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
};
std::optional<Defaults> find_defaults(store::Tx& tx);
void insert_defaults(store::Tx& tx, const Defaults& defaults, Timestamp now);

std::optional<ApiKey> find_key_of(store::Tx& tx, const Sha256& secret_hash);
std::optional<ApiKey> find_key(store::Tx& tx, const OrganizationId& organization, std::string_view access_key);
// A key from a row of `key_columns` of `keys_table`.
inline constexpr std::string_view keys_table = "api_keys k join principals p on p.id = k.principal_id";
inline constexpr std::string_view key_columns =
    "k.access_key, k.organization_id, k.default_project_id, k.only_project_id, k.principal_id, k.role, k.description, k.created_at, "
    "k.updated_at, k.expires_at, p.kind";
ApiKey key_from(const store::Row& row);
// Another key that opens everything for an owner who is not locked.
bool has_other_way_in(store::Tx& tx, const ApiKey& than, Timestamp now);
void insert_key(store::Tx& tx, const ApiKey& key, const Sha256& secret_hash);
void update_key(store::Tx& tx, const ApiKey& key);
void remove_key(store::Tx& tx, const ApiKey& key);
std::vector<ApiKey> keys_of(store::Tx& tx, const PrincipalId& principal);

// How many rows of a kind an organization has, kept by the transactions that make and remove them: a table, or a part of it,
// "users:member".
std::int64_t count_of(store::Tx& tx, std::string_view kind, const OrganizationId& organization);
void add_count(store::Tx& tx, std::string_view kind, const OrganizationId& organization, std::int64_t more);

// Whether it is a user (else an application); nothing where there is none in that organization.
std::optional<bool> find_principal(store::Tx& tx, const OrganizationId& organization, const PrincipalId& id);

constexpr auto describe(As<Project>) {
    return fields(field("id", &Project::id), field("organization_id", &Project::organization), field("name", &Project::name),
                  field("description", &Project::description), field("created_at", &Project::created_at),
                  field("updated_at", &Project::updated_at));
}
std::vector<Project> projects_of(store::Tx& tx, const OrganizationId& organization);  // oldest first
std::optional<Project> find_project(store::Tx& tx, const OrganizationId& organization, const ProjectId& id);
void insert_project(store::Tx& tx, const Project& project);
void update_project(store::Tx& tx, const Project& project);
void remove_project(store::Tx& tx, const Project& project);

std::optional<Organization> find_organization(store::Tx& tx, const OrganizationId& id);

}  // namespace meridian::identity
