// The rows of secrets and keys, all in the caller's transaction.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secrets/ground.h"
#include "secrets/types.h"

namespace meridian::secrets::rows {

// Whether deletion may have been asked for. What is not of this kind is not_found.
enum class Which { live, scheduled, any };

// Error{not_found} for what is of another organization or region, or out of the caller's sight; Error{denied} out of its reach.
Secret secret(store::Tx& tx, const Caller& by, const Ground& ground, const SecretId& id, Which which = Which::live);
Key key(store::Tx& tx, const Caller& by, const Ground& ground, const KeyId& id, Which which = Which::live);
// For secrets that are sealed under it, whoever asks.
Key key(store::Tx& tx, const KeyId& id);

// With what is counted from the versions.
void complete(store::Tx& tx, Secret& secret);
void insert(store::Tx& tx, const Secret& secret);
void update(store::Tx& tx, const Secret& secret);
// Error{conflict} where a secret that lives has this place.
void check_place(store::Tx& tx, const Secret& secret);
std::optional<Secret> secret_at(store::Tx& tx, const ProjectId& project, std::string_view region, std::string_view path,
                                std::string_view name);

struct SealedData {
    std::string data_key, data;
};
std::uint32_t newest_revision(store::Tx& tx, const SecretId& secret);        // 0: none
std::optional<std::uint32_t> latest(store::Tx& tx, const SecretId& secret);  // that is not deleted
// `revision` is a number, "latest" or "latest_enabled". Error{not_found}.
SecretVersion version(store::Tx& tx, const Secret& secret, std::string_view revision);
void insert(store::Tx& tx, const SecretVersion& version, const SealedData& data);
void update(store::Tx& tx, const SecretVersion& version);
SealedData sealed_data(store::Tx& tx, const SecretVersion& version);
// The data is gone for good, the row says so.
void forget(store::Tx& tx, SecretVersion& version, Timestamp now);
std::int64_t count_versions(store::Tx& tx, const SecretId& secret);  // that are not deleted

void insert(store::Tx& tx, const Key& key);
void update(store::Tx& tx, const Key& key);
// A new rotation with its sealed material; counts it in the key.
void add_rotation(store::Tx& tx, Key& key, std::string sealed, bool is_manual, Timestamp now);
// Nothing where the material was deleted, or never was.
std::optional<std::string> sealed_material(store::Tx& tx, const KeyId& key, std::uint32_t rotation);
// The rotation's, or all. False where there is none to forget.
bool forget_material(store::Tx& tx, Key& key, std::optional<std::uint32_t> rotation, Timestamp now);
std::optional<std::string> sealed_import_key(store::Tx& tx, const KeyId& key);
void keep_import_key(store::Tx& tx, const KeyId& key, std::optional<std::string> sealed);
bool has_secrets(store::Tx& tx, const KeyId& key);  // that live

std::int64_t count_in(store::Tx& tx, std::string_view table, const ProjectId& project);

// --- What is due, at most so many at once.
std::vector<Secret> secrets_to_purge(store::Tx& tx, Timestamp asked_until, int most);
std::vector<SecretVersion> versions_to_purge(store::Tx& tx, Timestamp asked_until, int most);
std::vector<SecretVersion> versions_expired(store::Tx& tx, Timestamp now, int most);
std::vector<Key> keys_to_purge(store::Tx& tx, Timestamp asked_until, int most);
std::vector<Key> keys_to_rotate(store::Tx& tx, Timestamp now, int most);
void remove(store::Tx& tx, const Secret& secret);
void remove(store::Tx& tx, const Key& key);
// When the next of them is.
std::optional<Timestamp> next_due(store::Tx& tx);

}  // namespace meridian::secrets::rows
