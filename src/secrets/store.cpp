#include "secrets/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "resource/sql_bind.h"

namespace meridian::secrets::rows {
namespace {

using store::Blob;
using store::Tx;

constexpr std::string_view secrets_table = "secrets", versions_table = "secret_versions", keys_table = "customer_keys",
                           rotations_table = "customer_key_rotations";

template <class T, class... A>
std::vector<T> all(Tx& tx, std::string_view table, std::string_view rest, const A&... values) {
    std::vector<T> made;
    for (const auto& row : tx.query(select_sql<T>(table, rest), values...)) made.push_back(from_row<T>(row));
    return made;
}
template <class T>
std::optional<T> first(std::vector<T> rows) {
    return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
}

bool is_of(Which which, const std::optional<Timestamp>& deletion_requested_at) {
    return which == Which::any || deletion_requested_at.has_value() == (which == Which::scheduled);
}

template <class Row, class TypedId>
Row visible(Tx& tx, const Caller& by, const Ground& ground, const TypedId& id, Which which, std::string_view table, const char* what) {
    auto row = first(all<Row>(tx, table, "where id = $1 and organization_id = $2 and region = $3", id, by.organization,
                              std::string_view(ground.region)));
    if (row) check_reach(by, {row->organization, row->project}, what);
    if (!row || !by.may_see(row->project) || !is_of(which, row->deletion_requested_at))
        throw Error(Fault::not_found, fmt::format("There is no {} with this id.", what)).about(what, id.str());
    return *std::move(row);
}

std::int64_t counted(const std::vector<store::Row>& rows) { return rows.front().get<std::int64_t>("n"); }

}  // namespace

Secret secret(Tx& tx, const Caller& by, const Ground& ground, const SecretId& id, Which which) {
    auto made = visible<Secret>(tx, by, ground, id, which, secrets_table, "secret");
    complete(tx, made);
    return made;
}

Key key(Tx& tx, const Caller& by, const Ground& ground, const KeyId& id, Which which) {
    auto made = visible<Key>(tx, by, ground, id, which, keys_table, "key");
    made.complete();
    return made;
}

Key key(Tx& tx, const KeyId& id) {
    auto made = first(all<Key>(tx, keys_table, "where id = $1", id));
    if (!made) throw Error(Fault::gone, "The key that this secret is sealed under is gone for good.").about("key", id.str());
    made->complete();
    return *std::move(made);
}

void complete(Tx& tx, Secret& secret) { secret.version_count = static_cast<std::uint32_t>(count_versions(tx, secret.id)); }

void insert(Tx& tx, const Secret& secret) {
    insert_row(tx, secrets_table, secret);
    tx.changed(secrets_table, secret.id.str());
}

void update(Tx& tx, const Secret& secret) {
    MERIDIAN_ASSERT(update_row(tx, secrets_table, "id", secret) == 1);
    tx.changed(secrets_table, secret.id.str());
}

void remove(Tx& tx, const Secret& secret) {
    tx.run("delete from secrets where id = $1", secret.id);
    tx.changed(secrets_table, secret.id.str());
}

std::optional<Secret> secret_at(Tx& tx, const ProjectId& project, std::string_view region, std::string_view path, std::string_view name) {
    auto found = first(all<Secret>(tx, secrets_table,
                                   "where project_id = $1 and region = $2 and path = $3 and name = $4 and deletion_requested_at is null",
                                   project, region, path, name));
    if (found) complete(tx, *found);
    return found;
}

void check_place(Tx& tx, const Secret& secret) {
    const auto there = secret_at(tx, secret.project, secret.region, secret.path, secret.name);
    if (there && there->id != secret.id)
        throw Error(Fault::conflict,
                    fmt::format("There is already a secret named '{}' at '{}'. Choose another name or path.", secret.name, secret.path))
            .about("secret", there->id.str());
}

std::int64_t count_in(Tx& tx, std::string_view table, const ProjectId& project) {
    return counted(tx.query(fmt::format("select count(*) as n from {} where project_id = $1", table), project));
}

// --- Versions.

std::uint32_t newest_revision(Tx& tx, const SecretId& secret) {
    return tx.query("select coalesce(max(revision), 0) as n from secret_versions where secret_id = $1", secret)
        .front()
        .get<std::uint32_t>("n");
}

std::optional<std::uint32_t> latest(Tx& tx, const SecretId& secret) {
    const auto found = tx.query("select max(revision) as n from secret_versions where secret_id = $1 and status <> 'deleted'", secret);
    return found.front().is_null("n") ? std::nullopt : std::optional(found.front().get<std::uint32_t>("n"));
}

SecretVersion version(Tx& tx, const Secret& secret, std::string_view revision) {
    std::optional<SecretVersion> found;
    std::uint32_t number = 0;
    if (revision == "latest" || revision == "latest_enabled") {
        found =
            first(all<SecretVersion>(tx, versions_table,
                                     revision == "latest" ? "where secret_id = $1 and status <> 'deleted' order by revision desc limit 1"
                                                          : "where secret_id = $1 and status = 'enabled' order by revision desc limit 1",
                                     secret.id));
    } else if (const auto [end, error] = std::from_chars(revision.data(), revision.data() + revision.size(), number);
               error == std::errc() && end == revision.data() + revision.size()) {
        found = first(all<SecretVersion>(tx, versions_table, "where secret_id = $1 and revision = $2", secret.id, number));
    }
    if (!found)
        throw Error(Fault::not_found, "The secret has no such version: name a revision's number, 'latest' or 'latest_enabled'.")
            .about("secret_version", std::string(revision));
    found->latest = latest(tx, secret.id) == found->revision;
    found->region = secret.region;
    return *std::move(found);
}

void insert(Tx& tx, const SecretVersion& version, const SealedData& data) {
    insert_row(tx, versions_table, version);
    tx.run("update secret_versions set data_key = $2, data = $3 where id = $1", version.id, Blob{data.data_key}, Blob{data.data});
    tx.changed(secrets_table, version.secret.str());
}

void update(Tx& tx, const SecretVersion& version) {
    MERIDIAN_ASSERT(update_row(tx, versions_table, "id", version) == 1);
    tx.changed(secrets_table, version.secret.str());
}

SealedData sealed_data(Tx& tx, const SecretVersion& version) {
    const auto found = tx.query("select data_key, data from secret_versions where id = $1 and data is not null", version.id);
    if (found.empty()) throw Error(Fault::bug, "A version that is not deleted has no data.", version.id);
    return {found.front().get<Blob>("data_key").bytes, found.front().get<Blob>("data").bytes};
}

void forget(Tx& tx, SecretVersion& version, Timestamp now) {
    tx.run("update secret_versions set data_key = null, data = null where id = $1", version.id);
    version.status = VersionStatus::deleted;
    version.deleted_at = version.updated_at = now;
    update(tx, version);
}

std::int64_t count_versions(Tx& tx, const SecretId& secret) {
    return counted(tx.query("select count(*) as n from secret_versions where secret_id = $1 and status <> 'deleted'", secret));
}

// --- Keys.

void insert(Tx& tx, const Key& key) {
    insert_row(tx, keys_table, key);
    tx.changed(keys_table, key.id.str());
}

void update(Tx& tx, const Key& key) {
    MERIDIAN_ASSERT(update_row(tx, keys_table, "id", key) == 1);
    tx.changed(keys_table, key.id.str());
}

void remove(Tx& tx, const Key& key) {
    tx.run("delete from customer_keys where id = $1", key.id);
    tx.changed(keys_table, key.id.str());
}

void add_rotation(Tx& tx, Key& key, std::string sealed, bool is_manual, Timestamp now) {
    const auto place = ++key.newest;
    insert_row(tx, rotations_table,
               KeyRotation{.id = fmt::format("{}/{:06}", key.id.str(), place),
                           .key = key.id,
                           .index = place,
                           .manually_rotated = is_manual,
                           .created_at = now,
                           .updated_at = now,
                           .deleted_at = {}});
    tx.run("update customer_key_rotations set material = $3 where key_id = $1 and place = $2", key.id, place, Blob{std::move(sealed)});
    key.current = place;
    key.updated_at = now;
    if (place > 1) key.rotated_at = now;
    update(tx, key);
    key.complete();
}

std::optional<std::string> sealed_material(Tx& tx, const KeyId& key, std::uint32_t rotation) {
    const auto found =
        tx.query("select material from customer_key_rotations where key_id = $1 and place = $2 and material is not null", key, rotation);
    return found.empty() ? std::nullopt : std::optional(found.front().get<Blob>("material").bytes);
}

bool forget_material(Tx& tx, Key& key, std::optional<std::uint32_t> rotation, Timestamp now) {
    const auto changed = tx.run(
        "update customer_key_rotations set material = null, status = 'deleted', deleted_at = $2, updated_at = $2 where key_id = $1 and "
        "status <> 'deleted' and ($3 = 0 or place = $3)",
        key.id, now, std::int64_t{rotation.value_or(0)});
    key.current =
        tx.query("select coalesce(max(place), 0) as n from customer_key_rotations where key_id = $1 and status <> 'deleted'", key.id)
            .front()
            .get<std::uint32_t>("n");
    key.updated_at = now;
    update(tx, key);
    key.complete();
    return changed > 0;
}

std::optional<std::string> sealed_import_key(Tx& tx, const KeyId& key) {
    const auto found = tx.query("select import_key from customer_keys where id = $1 and import_key is not null", key);
    return found.empty() ? std::nullopt : std::optional(found.front().get<Blob>("import_key").bytes);
}

void keep_import_key(Tx& tx, const KeyId& key, std::optional<std::string> sealed) {
    if (sealed)
        tx.run("update customer_keys set import_key = $2 where id = $1", key, Blob{*std::move(sealed)});
    else
        tx.run("update customer_keys set import_key = null where id = $1", key);
}

bool has_secrets(Tx& tx, const KeyId& key) {
    return counted(tx.query("select count(*) as n from secrets where key_id = $1 and deletion_requested_at is null", key)) > 0;
}

// --- What is due.

std::vector<Secret> secrets_to_purge(Tx& tx, Timestamp asked_until, int most) {
    return all<Secret>(tx, secrets_table, "where deletion_requested_at <= $1 order by deletion_requested_at, id limit $2", asked_until,
                       most);
}

std::vector<SecretVersion> versions_to_purge(Tx& tx, Timestamp asked_until, int most) {
    return all<SecretVersion>(
        tx, versions_table,
        "where status = 'scheduled_for_deletion' and deletion_requested_at <= $1 order by deletion_requested_at, id limit $2", asked_until,
        most);
}

std::vector<SecretVersion> versions_expired(Tx& tx, Timestamp now, int most) {
    return all<SecretVersion>(tx, versions_table, "where status = 'enabled' and expires_at <= $1 order by expires_at, id limit $2", now,
                              most);
}

std::vector<Key> keys_to_purge(Tx& tx, Timestamp asked_until, int most) {
    return all<Key>(tx, keys_table, "where deletion_requested_at <= $1 order by deletion_requested_at, id limit $2", asked_until, most);
}

std::vector<Key> keys_to_rotate(Tx& tx, Timestamp now, int most) {
    return all<Key>(tx, keys_table,
                    "where next_rotation_at <= $1 and disabled = 0 and current_rotation > 0 and deletion_requested_at is null order by "
                    "next_rotation_at, id limit $2",
                    now, most);
}

std::optional<Timestamp> next_due(Tx& tx) {
    struct Part {
        std::string_view sql;
        Duration after;
    };
    constexpr Part parts[] = {
        {"select min(deletion_requested_at) as at from secrets", limits::retention},
        {"select min(deletion_requested_at) as at from secret_versions where status = 'scheduled_for_deletion'", limits::retention},
        {"select min(expires_at) as at from secret_versions where status = 'enabled'", {}},
        {"select min(deletion_requested_at) as at from customer_keys", limits::retention},
        {"select min(next_rotation_at) as at from customer_keys where disabled = 0 and current_rotation > 0 and deletion_requested_at is "
         "null",
         {}}};
    std::optional<Timestamp> next;
    for (const auto& part : parts) {
        const auto at = tx.query(part.sql).front().get<std::optional<Timestamp>>("at");
        if (!at) continue;
        const auto due = *at + std::chrono::duration_cast<std::chrono::microseconds>(part.after);
        next = next ? std::min(*next, due) : due;
    }
    return next;
}

}  // namespace meridian::secrets::rows
