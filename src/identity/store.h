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

struct HashedKey {
    Sha256 secret_hash{};
    ApiKey key;
};

// What bootstrap wrote, or nothing in a new store.
struct Defaults {
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
};
std::optional<Defaults> find_defaults(store::Tx& tx);
void insert_defaults(store::Tx& tx, const Defaults& defaults, Timestamp now);

std::vector<HashedKey> all_keys(store::Tx& tx);
std::vector<ApiKey> keys_of(store::Tx& tx, const OrganizationId& organization);  // oldest first
std::optional<ApiKey> find_key(store::Tx& tx, const OrganizationId& organization, std::string_view access_key);
std::int64_t count_keys(store::Tx& tx, const OrganizationId& organization);
void insert_key(store::Tx& tx, const ApiKey& key, const Sha256& secret_hash);
void update_key(store::Tx& tx, const ApiKey& key);
void remove_key(store::Tx& tx, std::string_view access_key);

// Whether it is a user (else an application); nothing where there is none in that organization.
std::optional<bool> find_principal(store::Tx& tx, const OrganizationId& organization, const PrincipalId& id);

std::vector<Project> projects_of(store::Tx& tx, const OrganizationId& organization);  // oldest first
std::optional<Project> find_project(store::Tx& tx, const OrganizationId& organization, const ProjectId& id);
void insert_project(store::Tx& tx, const Project& project);
void update_project(store::Tx& tx, const Project& project);
void remove_project(store::Tx& tx, const ProjectId& id);

std::optional<Organization> find_organization(store::Tx& tx, const OrganizationId& id);

}  // namespace meridian::identity
