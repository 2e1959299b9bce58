// What is asked of the two managers, as the clients write it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "secrets/ground.h"
#include "secrets/types.h"

namespace meridian::secrets {

constexpr auto list_orders = one_of{"name_asc", "name_desc", "created_at_asc", "created_at_desc", "updated_at_asc", "updated_at_desc"};

// --- Secrets.

struct CreateSecret {
    std::optional<ProjectId> project_id;
    std::string name;
    std::vector<std::string> tags;
    std::optional<std::string> description, path;
    SecretType type = SecretType::unknown_type;
    std::optional<EphemeralPolicy> ephemeral_policy;
    bool is_protected = false;
    std::optional<KeyId> key_id;
};
constexpr auto schema_name(As<CreateSecret>) { return std::string_view("secret.CreateSecretRequest"); }
constexpr auto describe(As<CreateSecret>) {
    using C = CreateSecret;
    return fields(field("project_id", &C::project_id), field("name", &C::name), field("tags", &C::tags),
                  field("description", &C::description), field("path", &C::path), field("type", &C::type, defaulted),
                  field("ephemeral_policy", &C::ephemeral_policy), field("protected", &C::is_protected, defaulted),
                  field("key_id", &C::key_id));
}

struct UpdateSecret {
    std::optional<std::string> name, description, path;
    std::optional<std::vector<std::string>> tags;
    std::optional<EphemeralPolicy> ephemeral_policy;
};
constexpr auto schema_name(As<UpdateSecret>) { return std::string_view("secret.UpdateSecretRequest"); }
constexpr auto describe(As<UpdateSecret>) {
    using U = UpdateSecret;
    return fields(field("name", &U::name), field("tags", &U::tags), field("description", &U::description), field("path", &U::path),
                  field("ephemeral_policy", &U::ephemeral_policy));
}

struct ListSecrets {
    std::optional<OrganizationId> organization_id;
    std::optional<ProjectId> project_id;
    std::string order_by = "name_asc";
    std::vector<std::string> tags;
    std::optional<std::string> name, path;
    std::optional<bool> ephemeral;
    SecretType type = SecretType::unknown_type;
    bool scheduled_for_deletion = false;
};
constexpr auto describe(As<ListSecrets>) {
    using L = ListSecrets;
    return fields(field("organization_id", &L::organization_id), field("project_id", &L::project_id),
                  field("order_by", &L::order_by, defaulted, list_orders), field("tags", &L::tags), field("name", &L::name),
                  field("path", &L::path), field("ephemeral", &L::ephemeral), field("type", &L::type, defaulted),
                  field("scheduled_for_deletion", &L::scheduled_for_deletion, defaulted));
}

struct BrowseSecrets {
    std::optional<ProjectId> project_id;
    std::string order_by = "name_asc", prefix = "/";
    std::vector<std::string> tags;
    SecretType type = SecretType::unknown_type;
};
constexpr auto describe(As<BrowseSecrets>) {
    using B = BrowseSecrets;
    return fields(field("project_id", &B::project_id), field("order_by", &B::order_by, defaulted, list_orders),
                  field("prefix", &B::prefix, defaulted), field("tags", &B::tags), field("type", &B::type, defaulted));
}

struct AddOwner {
    Product product = Product::unknown_product;
};
constexpr auto schema_name(As<AddOwner>) { return std::string_view("secret.AddSecretOwnerRequest"); }
constexpr auto describe(As<AddOwner>) { return fields(field("product", &AddOwner::product, defaulted)); }

struct CreateVersion {
    Bytes data;
    std::optional<std::string> description;
    std::optional<bool> disable_previous;
    std::optional<std::uint32_t> data_crc32;
};
constexpr auto schema_name(As<CreateVersion>) { return std::string_view("secret.CreateSecretVersionRequest"); }
constexpr auto describe(As<CreateVersion>) {
    using C = CreateVersion;
    return fields(field("data", &C::data), field("description", &C::description), field("disable_previous", &C::disable_previous),
                  field("data_crc32", &C::data_crc32));
}

struct UpdateVersion {
    std::optional<std::string> description;
    std::optional<EphemeralProperties> ephemeral_properties;
};
constexpr auto schema_name(As<UpdateVersion>) { return std::string_view("secret.UpdateSecretVersionRequest"); }
constexpr auto describe(As<UpdateVersion>) {
    return fields(field("description", &UpdateVersion::description), field("ephemeral_properties", &UpdateVersion::ephemeral_properties));
}

// --- Keys.

struct CreateKey {
    std::optional<ProjectId> project_id;
    std::optional<std::string> name, description, protection_level;
    std::optional<KeyUsage> usage;
    std::vector<std::string> tags;
    std::optional<RotationPolicy> rotation_policy;
    bool unprotected = false;
    KeyOrigin origin = KeyOrigin::unknown_origin;
};
constexpr auto schema_name(As<CreateKey>) { return std::string_view("key_manager.CreateKeyRequest"); }
constexpr auto describe(As<CreateKey>) {
    using C = CreateKey;
    return fields(field("project_id", &C::project_id), field("name", &C::name), field("usage", &C::usage),
                  field("description", &C::description), field("tags", &C::tags), field("rotation_policy", &C::rotation_policy),
                  field("unprotected", &C::unprotected, defaulted), field("origin", &C::origin, defaulted),
                  field("protection_level", &C::protection_level));
}

struct UpdateKey {
    std::optional<std::string> name, description;
    std::optional<std::vector<std::string>> tags;
    std::optional<RotationPolicy> rotation_policy;  // without a period: none any more
};
constexpr auto schema_name(As<UpdateKey>) { return std::string_view("key_manager.UpdateKeyRequest"); }
constexpr auto describe(As<UpdateKey>) {
    using U = UpdateKey;
    return fields(field("name", &U::name), field("description", &U::description), field("tags", &U::tags),
                  field("rotation_policy", &U::rotation_policy));
}

struct ListKeys {
    std::optional<OrganizationId> organization_id;
    std::optional<ProjectId> project_id;
    std::string order_by = "name_asc", usage = "unknown_usage", protection_level = "unknown_protection_level";
    std::vector<std::string> tags;
    std::optional<std::string> name;
    bool scheduled_for_deletion = false;
};
constexpr auto describe(As<ListKeys>) {
    using L = ListKeys;
    return fields(
        field("organization_id", &L::organization_id), field("project_id", &L::project_id),
        field("order_by", &L::order_by, defaulted, list_orders), field("tags", &L::tags), field("name", &L::name),
        field("usage", &L::usage, defaulted,
              one_of{"unknown_usage", "symmetric_encryption", "asymmetric_encryption", "asymmetric_signing", "key_encapsulation"}),
        field("scheduled_for_deletion", &L::scheduled_for_deletion, defaulted),
        field("protection_level", &L::protection_level, defaulted, one_of{"unknown_protection_level", "software", "hsm"}));
}

struct ListRotations {
    std::string order_by = "created_at_asc";
    std::vector<std::string> status;
};
constexpr auto describe(As<ListRotations>) {
    return fields(field("order_by", &ListRotations::order_by, defaulted, one_of{"created_at_asc", "created_at_desc"}),
                  field("status", &ListRotations::status, one_of{"unknown_status", "enabled", "deleted"}));
}

struct ImportMaterial {
    Bytes key_material;
    std::optional<Bytes> salt, import_token;
};
constexpr auto schema_name(As<ImportMaterial>) { return std::string_view("key_manager.ImportKeyMaterialRequest"); }
constexpr auto describe(As<ImportMaterial>) {
    using I = ImportMaterial;
    return fields(field("key_material", &I::key_material), field("salt", &I::salt),
                  field("import_token", &I::import_token, help("Of the import parameters; checked where it is given")));
}

}  // namespace meridian::secrets
