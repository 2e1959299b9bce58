// Who seals what: material of keys under the control plane's key; the data of each version under a key of its own, and that under a
// customer's key or the control plane's. What is sealed opens for its own row alone.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keys/asymmetric.h"
#include "secrets/store.h"

namespace meridian::secrets {

// --- Material of keys.
std::string seal_material(const Ground& ground, const KeyId& key, std::uint32_t rotation, std::string_view material);
// Error{precondition} where the rotation has no material any more.
keys::SecretBytes open_material(store::Tx& tx, const Ground& ground, const KeyId& key, std::uint32_t rotation);
std::string seal_import_key(const Ground& ground, const KeyId& key, std::string_view pkcs8);
keys::SecretBytes open_import_key(const Ground& ground, const KeyId& key, std::string_view sealed);
// Error{precondition} for a key that is disabled or has no material.
void check_usable(const Key& key);
keys::SecretBytes random_key(Rng& rng);

// --- What a symmetric key does. The two purposes open nothing of each other.
enum class Purpose { callers, secrets };
std::string seal_with(const Ground& ground, const Key& key, std::string_view material, std::string_view plaintext, Purpose purpose,
                      std::string_view associated);
std::optional<std::string> open_with(const KeyId& key, std::uint32_t rotation, std::string_view material, std::string_view sealed,
                                     Purpose purpose, std::string_view associated);

// --- Data of versions.
rows::SealedData seal_version(store::Tx& tx, const Ground& ground, const Secret& secret, std::uint32_t revision, std::string_view data);
std::string open_version(store::Tx& tx, const Ground& ground, const SecretVersion& version);
// What its policy says becomes of a version that has expired.
void expire(store::Tx& tx, SecretVersion& version, Timestamp now);

}  // namespace meridian::secrets
