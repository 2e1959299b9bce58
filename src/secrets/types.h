// Secrets with their versions, and the keys of customers with their rotations: rows that are also what the clients read.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "keys/asymmetric.h"
#include "resource/fields.h"

namespace meridian::secrets {

using SecretId = Id<struct SecretTag>;
using KeyId = Id<struct CustomerKeyTag>;

namespace limits {
inline constexpr std::int64_t secrets = 10'000;         // of a project
inline constexpr std::int64_t versions = 100;           // of a secret, that are not deleted
inline constexpr std::int64_t revisions = 10'000;       // that a secret ever has
inline constexpr std::int64_t keys = 1'000;             // of a project
inline constexpr std::uint32_t rotations = 10'000;      // of a key
inline constexpr std::size_t data_bytes = 64 * 1024;    // of a version
inline constexpr std::size_t plaintext_bytes = 65'535;  // that a key encrypts at once
inline constexpr std::size_t ciphertext_bytes = 131'071;
inline constexpr std::size_t wrapped_plaintext_bytes = 2048, wrapped_ciphertext_bytes = 4096;
inline constexpr std::size_t name = 255, path = 512, tags = 50, tag = 200, description = 1000;
inline constexpr int using_keys = 256, making_keys = 16;     // that wait for their turn at once
inline constexpr Duration retention = std::chrono::days(7);  // between the wish to delete and the end
inline constexpr Duration import_window = std::chrono::hours(24);
inline constexpr Duration rotation_min = std::chrono::hours(24), rotation_max = std::chrono::hours(876'000);
inline constexpr Duration living_min = std::chrono::seconds(1), living_max = std::chrono::days(365);
}  // namespace limits

// --- Secrets.

enum class SecretType { unknown_type, opaque, certificate, key_value, basic_credentials, database_credentials, ssh_key };
constexpr auto names(As<SecretType>) {
    using enum SecretType;
    return words<SecretType>({{unknown_type, "unknown_type"},
                              {opaque, "opaque"},
                              {certificate, "certificate"},
                              {key_value, "key_value"},
                              {basic_credentials, "basic_credentials"},
                              {database_credentials, "database_credentials"},
                              {ssh_key, "ssh_key"}});
}
enum class Product { unknown_product, edge_services, s2s_vpn };
constexpr auto names(As<Product>) {
    using enum Product;
    return words<Product>({{unknown_product, "unknown_product"}, {edge_services, "edge_services"}, {s2s_vpn, "s2s_vpn"}});
}
// What becomes of a version that expires; unknown_action: it does not.
enum class Expiry { unknown_action, remove, disable };
constexpr auto names(As<Expiry>) {
    using enum Expiry;
    return words<Expiry>({{unknown_action, "unknown_action"}, {remove, "delete"}, {disable, "disable"}});
}
enum class VersionStatus { enabled, disabled, deleted, scheduled_for_deletion };
constexpr auto names(As<VersionStatus>) {
    using enum VersionStatus;
    return words<VersionStatus>(
        {{enabled, "enabled"}, {disabled, "disabled"}, {deleted, "deleted"}, {scheduled_for_deletion, "scheduled_for_deletion"}});
}

// What versions get when they are made.
struct EphemeralPolicy {
    std::optional<Duration> time_to_live;
    std::optional<bool> expires_once_accessed;
    Expiry action = Expiry::unknown_action;
};
constexpr auto schema_name(As<EphemeralPolicy>) { return std::string_view("secret.EphemeralPolicy"); }
constexpr auto describe(As<EphemeralPolicy>) {
    using P = EphemeralPolicy;
    return fields(field("time_to_live", &P::time_to_live), field("expires_once_accessed", &P::expires_once_accessed),
                  field("action", &P::action, defaulted));
}
struct EphemeralProperties {
    std::optional<Timestamp> expires_at;
    std::optional<bool> expires_once_accessed;
    Expiry action = Expiry::unknown_action;
};
constexpr auto schema_name(As<EphemeralProperties>) { return std::string_view("secret.EphemeralProperties"); }
constexpr auto describe(As<EphemeralProperties>) {
    using P = EphemeralProperties;
    return fields(field("expires_at", &P::expires_at), field("expires_once_accessed", &P::expires_once_accessed),
                  field("action", &P::action, defaulted));
}

struct Secret {
    SecretId id;
    std::string srn;  // empty
    OrganizationId organization;
    ProjectId project;
    std::string name, status = "ready";
    Timestamp created_at, updated_at;
    std::vector<std::string> tags;
    std::uint32_t version_count = 0;  // that are not deleted; from the versions
    std::optional<std::string> description;
    bool managed = false, is_protected = false;
    SecretType type = SecretType::opaque;
    std::string path = "/";
    std::optional<EphemeralPolicy> ephemeral_policy;
    std::vector<Product> used_by;
    std::optional<Timestamp> deletion_requested_at;
    std::optional<KeyId> key;  // the customer's, that data keys are sealed under; none: the installation's
    std::string region;
};
constexpr auto schema_name(As<Secret>) { return std::string_view("secret.Secret"); }
constexpr auto describe(As<Secret>) {
    using S = Secret;
    return fields(field("id", &S::id), field("srn", &S::srn, no_column), field("organization_id", &S::organization, write_only),
                  field("project_id", &S::project), field("name", &S::name), field("status", &S::status, no_column),
                  field("created_at", &S::created_at), field("updated_at", &S::updated_at), field("tags", &S::tags),
                  field("version_count", &S::version_count, no_column), field("description", &S::description),
                  field("managed", &S::managed, no_column), field("protected", &S::is_protected), field("type", &S::type),
                  field("path", &S::path), field("ephemeral_policy", &S::ephemeral_policy), field("used_by", &S::used_by),
                  field("deletion_requested_at", &S::deletion_requested_at), field("key_id", &S::key), field("region", &S::region));
}

struct SecretVersion {
    std::string id;  // "SECRET/000001": of the row
    std::uint32_t revision = 0;
    std::string srn;  // empty
    SecretId secret;
    VersionStatus status = VersionStatus::enabled;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> deleted_at;
    std::optional<std::string> description;
    bool latest = false;
    std::optional<EphemeralProperties> ephemeral_properties;
    std::optional<Timestamp> deletion_requested_at;
    std::string region;
    // Columns alone.
    std::optional<Timestamp> expires_at;  // of the ephemeral properties
    std::optional<KeyId> key;             // that its data key is sealed under
    std::optional<std::uint32_t> crc32;
    bool was_enabled = true;  // before deletion was asked for
};
constexpr auto schema_name(As<SecretVersion>) { return std::string_view("secret.SecretVersion"); }
constexpr auto describe(As<SecretVersion>) {
    using V = SecretVersion;
    return fields(field("id", &V::id, write_only), field("revision", &V::revision), field("srn", &V::srn, no_column),
                  field("secret_id", &V::secret), field("status", &V::status), field("created_at", &V::created_at),
                  field("updated_at", &V::updated_at), field("deleted_at", &V::deleted_at), field("description", &V::description),
                  field("latest", &V::latest, no_column), field("ephemeral_properties", &V::ephemeral_properties),
                  field("deletion_requested_at", &V::deletion_requested_at), field("region", &V::region, no_column),
                  field("expires_at", &V::expires_at, write_only), field("key_id", &V::key, write_only),
                  field("crc32", &V::crc32, write_only), field("was_enabled", &V::was_enabled, write_only));
}

// --- Keys.

enum class Usage { symmetric_encryption, asymmetric_encryption, asymmetric_signing };
constexpr auto names(As<Usage>) {
    using enum Usage;
    return words<Usage>({{symmetric_encryption, "symmetric_encryption"},
                         {asymmetric_encryption, "asymmetric_encryption"},
                         {asymmetric_signing, "asymmetric_signing"}});
}
enum class KeyState { enabled, disabled, pending_key_material, scheduled_for_deletion };
constexpr auto names(As<KeyState>) {
    using enum KeyState;
    return words<KeyState>({{enabled, "enabled"},
                            {disabled, "disabled"},
                            {pending_key_material, "pending_key_material"},
                            {scheduled_for_deletion, "scheduled_for_deletion"}});
}
enum class KeyOrigin { unknown_origin, scaleway_kms, external };
constexpr auto names(As<KeyOrigin>) {
    using enum KeyOrigin;
    return words<KeyOrigin>({{unknown_origin, "unknown_origin"}, {scaleway_kms, "scaleway_kms"}, {external, "external"}});
}
enum class RotationStatus { enabled, deleted };
constexpr auto names(As<RotationStatus>) {
    return words<RotationStatus>({{RotationStatus::enabled, "enabled"}, {RotationStatus::deleted, "deleted"}});
}

// What this installation can compute with, and for what; one of another name is refused and not listed.
struct Algorithm {
    Usage usage;
    std::string_view name;
    bool recommended;
    keys::AsymmetricKind kind = {};  // not of the symmetric one
};
std::span<const Algorithm> algorithms();
const Algorithm* algorithm(Usage usage, std::string_view name);

struct KeyUsage {
    std::optional<std::string> symmetric_encryption, asymmetric_encryption, asymmetric_signing, key_encapsulation;
};
constexpr auto schema_name(As<KeyUsage>) { return std::string_view("key_manager.KeyUsage"); }
constexpr auto describe(As<KeyUsage>) {
    using U = KeyUsage;
    return fields(field("symmetric_encryption", &U::symmetric_encryption), field("asymmetric_encryption", &U::asymmetric_encryption),
                  field("asymmetric_signing", &U::asymmetric_signing), field("key_encapsulation", &U::key_encapsulation));
}
struct RotationPolicy {
    std::optional<Duration> rotation_period;
    std::optional<Timestamp> next_rotation_at;
};
constexpr auto schema_name(As<RotationPolicy>) { return std::string_view("key_manager.KeyRotationPolicy"); }
constexpr auto describe(As<RotationPolicy>) {
    using P = RotationPolicy;
    return fields(field("rotation_period", &P::rotation_period), field("next_rotation_at", &P::next_rotation_at));
}

struct Key {
    KeyId id;
    std::string srn;  // empty
    OrganizationId organization;
    ProjectId project;
    std::string name;
    KeyUsage usage;                      // from `use` and `algorithm_name`
    KeyState state = KeyState::enabled;  // from what follows
    std::uint32_t rotation_count = 0;    // from `newest`
    Timestamp created_at, updated_at;
    bool is_protected = true, locked = false;
    std::optional<std::string> description;
    std::vector<std::string> tags;
    std::optional<Timestamp> rotated_at;
    std::optional<RotationPolicy> rotation_policy;  // from the two below
    KeyOrigin origin = KeyOrigin::scaleway_kms;
    std::optional<Timestamp> deletion_requested_at;
    std::string protection_level = "software", region;
    // Columns alone.
    Usage use = Usage::symmetric_encryption;
    std::string algorithm_name;
    bool is_disabled = false;
    std::uint32_t newest = 0, current = 0;  // rotations, from 1: the last that was made, and the last that has material; 0 for none
    std::optional<Duration> rotation_period;
    std::optional<Timestamp> next_rotation_at;
    std::optional<std::string> import_wrapping;  // how material is wrapped that comes until then
    std::optional<Timestamp> import_until;

    // Fills what follows from the columns.
    void complete();
    [[nodiscard]] const Algorithm& algorithm() const;
};
constexpr auto schema_name(As<Key>) { return std::string_view("key_manager.Key"); }
constexpr auto describe(As<Key>) {
    using K = Key;
    return fields(field("id", &K::id), field("srn", &K::srn, no_column), field("organization_id", &K::organization, write_only),
                  field("project_id", &K::project), field("name", &K::name), field("usage", &K::usage, no_column),
                  field("state", &K::state, no_column), field("rotation_count", &K::rotation_count, no_column),
                  field("created_at", &K::created_at), field("updated_at", &K::updated_at), field("protected", &K::is_protected),
                  field("locked", &K::locked, no_column), field("description", &K::description), field("tags", &K::tags),
                  field("rotated_at", &K::rotated_at), field("rotation_policy", &K::rotation_policy, no_column),
                  field("origin", &K::origin), field("deletion_requested_at", &K::deletion_requested_at),
                  field("protection_level", &K::protection_level, no_column), field("region", &K::region),
                  field("key_usage", &K::use, write_only), field("algorithm", &K::algorithm_name, write_only),
                  field("disabled", &K::is_disabled, write_only), field("newest", &K::newest, write_only),
                  field("current", &K::current, write_only, column("current_rotation")),
                  field("rotation_period", &K::rotation_period, write_only), field("next_rotation_at", &K::next_rotation_at, write_only),
                  field("import_wrapping", &K::import_wrapping, write_only), field("import_until", &K::import_until, write_only));
}

struct KeyRotation {
    std::string id;  // "KEY/000001": of the row
    KeyId key;
    std::uint32_t index = 0;  // from 1
    RotationStatus status = RotationStatus::enabled;
    bool manually_rotated = true;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> deleted_at;
};
constexpr auto schema_name(As<KeyRotation>) { return std::string_view("key_manager.KeyRotation"); }
constexpr auto describe(As<KeyRotation>) {
    using R = KeyRotation;
    return fields(field("id", &R::id, write_only), field("key_id", &R::key), field("index", &R::index, column("place")),
                  field("status", &R::status), field("manually_rotated", &R::manually_rotated), field("created_at", &R::created_at),
                  field("updated_at", &R::updated_at), field("deleted_at", &R::deleted_at));
}

}  // namespace meridian::secrets
