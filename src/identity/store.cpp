#include "identity/store.h"

#include <fmt/format.h>

#include "base/error.h"
#include "identity/people.h"
#include "resource/sql_bind.h"

namespace meridian::identity {

constexpr auto describe(As<Organization>) {
    return fields(field("id", &Organization::id), field("name", &Organization::name), field("created_at", &Organization::created_at),
                  field("updated_at", &Organization::updated_at));
}

namespace {

using store::Row;
using store::Tx;

constexpr std::string_view default_organization = "default_organization", default_project = "default_project",
                           default_principal = "default_principal";

// The kind of the principal comes from its own table.
std::string keys_where(std::string_view rest) { return fmt::format("select {} from {} {}", key_columns, keys_table, rest); }

std::string part_of_keys(bool is_users) { return is_users ? "api_keys:user" : "api_keys:application"; }

template <class TypedId>
std::optional<TypedId> setting(Tx& tx, std::string_view name) {
    const auto rows = tx.query("select value from settings where name = $1", name);
    if (rows.empty()) return std::nullopt;
    return store::id_in<TypedId>(rows.front(), "value");
}

}  // namespace

std::optional<Defaults> find_defaults(Tx& tx) {
    const auto organization = setting<OrganizationId>(tx, default_organization);
    const auto project = setting<ProjectId>(tx, default_project);
    const auto principal = setting<PrincipalId>(tx, default_principal);
    if (!organization || !project || !principal) return std::nullopt;
    return Defaults{*organization, *project, *principal};
}

void insert_defaults(Tx& tx, const Defaults& d, Timestamp now) {
    insert_row(tx, "organizations", Organization{.id = d.organization, .name = "default", .created_at = now, .updated_at = now});
    insert_project(
        tx, {.id = d.project, .organization = d.organization, .name = "default", .description = "", .created_at = now, .updated_at = now});
    User owner;
    owner.id = d.principal;
    owner.organization = d.organization;
    owner.type = UserType::owner;
    owner.username = "owner";
    owner.created_at = owner.updated_at = now;
    insert_user(tx, owner);
    const auto set = [&](std::string_view name, const std::string& value) {
        tx.run("insert into settings (name, value) values ($1, $2)", name, value);
    };
    set(default_organization, d.organization.str());
    set(default_project, d.project.str());
    set(default_principal, d.principal.str());
    tx.changed("organizations", d.organization.str());
}

std::optional<ApiKey> find_key_of(Tx& tx, const Sha256& secret_hash) {
    const auto rows = tx.query(keys_where("where k.secret_hash = $1"), hex(secret_hash));
    if (rows.empty()) return std::nullopt;
    return key_from(rows.front());
}

ApiKey key_from(const Row& row) {
    ApiKey key;
    key.access_key = row.get<std::string>("access_key");
    key.organization = store::id_in<OrganizationId>(row, "organization_id");
    key.default_project = store::id_in<ProjectId>(row, "default_project_id");
    if (!row.is_null("only_project_id")) key.only_project = store::id_in<ProjectId>(row, "only_project_id");
    key.principal = store::id_in<PrincipalId>(row, "principal_id");
    key.is_users = row.get<std::string>("kind") == "user";
    const auto role = from_word<Role>(row.get<std::string>("role"));
    if (!role) throw Error(Fault::bug, "A stored key is damaged.", "role of " + key.access_key);
    key.role = *role;
    key.description = row.get<std::string>("description");
    key.created_at = row.get<Timestamp>("created_at");
    key.updated_at = row.get<Timestamp>("updated_at");
    key.expires_at = row.get<std::optional<Timestamp>>("expires_at");
    return key;
}

std::optional<ApiKey> find_key(Tx& tx, const OrganizationId& organization, std::string_view access_key) {
    const auto rows = tx.query(keys_where("where k.organization_id = $1 and k.access_key = $2"), organization, access_key);
    if (rows.empty()) return std::nullopt;
    return key_from(rows.front());
}

bool has_other_way_in(Tx& tx, const ApiKey& than, Timestamp now) {
    return !tx.query(
                  "select 1 as one from users u join api_keys k on k.principal_id = u.id where u.organization_id = $1 and "
                  "u.type = 'owner' and u.locked = 0 and k.role = 'admin' and k.only_project_id is null and "
                  "(k.expires_at is null or k.expires_at > $2) and k.access_key <> $3 limit 1",
                  than.organization, now, than.access_key)
                .empty();
}

std::int64_t count_of(Tx& tx, std::string_view kind, const OrganizationId& organization) {
    const auto rows = tx.query("select n from row_counts where kind = $1 and organization_id = $2", kind, organization);
    return rows.empty() ? 0 : rows.front().get<std::int64_t>("n");
}

void add_count(Tx& tx, std::string_view kind, const OrganizationId& organization, std::int64_t more) {
    tx.run(
        "insert into row_counts (kind, organization_id, n) values ($1, $2, $3) "
        "on conflict (kind, organization_id) do update set n = row_counts.n + $3",
        kind, organization, more);
}

void insert_key(Tx& tx, const ApiKey& key, const Sha256& secret_hash) {
    tx.run(
        "insert into api_keys (access_key, secret_hash, organization_id, default_project_id, only_project_id, principal_id, role, "
        "description, "
        "created_at, updated_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        key.access_key, hex(secret_hash), key.organization, key.default_project, key.only_project, key.principal, word(key.role),
        key.description, key.created_at, key.updated_at, key.expires_at);
    add_count(tx, "api_keys", key.organization, 1);
    add_count(tx, part_of_keys(key.is_users), key.organization, 1);
    tx.changed("api_keys", key.access_key);
}

void update_key(Tx& tx, const ApiKey& key) {
    const auto changed =
        tx.run("update api_keys set description = $2, default_project_id = $3, expires_at = $4, updated_at = $5 where access_key = $1",
               key.access_key, key.description, key.default_project, key.expires_at, key.updated_at);
    MERIDIAN_ASSERT(changed == 1);
    tx.changed("api_keys", key.access_key);
}

void remove_key(Tx& tx, const ApiKey& key) {
    if (tx.run("delete from api_keys where access_key = $1", key.access_key) == 0) return;
    add_count(tx, "api_keys", key.organization, -1);
    add_count(tx, part_of_keys(key.is_users), key.organization, -1);
    tx.changed("api_keys", key.access_key);
}

std::vector<ApiKey> keys_of(Tx& tx, const PrincipalId& principal) {
    std::vector<ApiKey> keys;
    for (const auto& row : tx.query(keys_where("where k.principal_id = $1"), principal)) keys.push_back(key_from(row));
    return keys;
}

std::optional<bool> find_principal(Tx& tx, const OrganizationId& organization, const PrincipalId& id) {
    const auto rows = tx.query("select kind from principals where organization_id = $1 and id = $2", organization, id);
    if (rows.empty()) return std::nullopt;
    return rows.front().get<std::string>("kind") == "user";
}

std::vector<Project> projects_of(Tx& tx, const OrganizationId& organization) {
    std::vector<Project> projects;
    for (const auto& row : tx.query(select_sql<Project>("projects", "where organization_id = $1 order by created_at, id"), organization)) {
        projects.push_back(from_row<Project>(row));
    }
    return projects;
}

std::optional<Project> find_project(Tx& tx, const OrganizationId& organization, const ProjectId& id) {
    const auto rows = tx.query(select_sql<Project>("projects", "where organization_id = $1 and id = $2"), organization, id);
    if (rows.empty()) return std::nullopt;
    return from_row<Project>(rows.front());
}

void insert_project(Tx& tx, const Project& project) {
    insert_row(tx, "projects", project);
    add_count(tx, "projects", project.organization, 1);
    tx.changed("projects", project.id.str());
}

void update_project(Tx& tx, const Project& project) {
    MERIDIAN_ASSERT(update_row(tx, "projects", "id", project) == 1);
    tx.changed("projects", project.id.str());
}

void remove_project(Tx& tx, const Project& project) {
    tx.run("delete from projects where id = $1", project.id);
    add_count(tx, "projects", project.organization, -1);
    tx.changed("projects", project.id.str());
}

std::optional<Organization> find_organization(Tx& tx, const OrganizationId& id) {
    const auto rows = tx.query(select_sql<Organization>("organizations", "where id = $1"), id);
    if (rows.empty()) return std::nullopt;
    return from_row<Organization>(rows.front());
}

}  // namespace meridian::identity
