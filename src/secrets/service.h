// Secrets and keys as services: the verbs. What a caller may not see is not_found.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/async.h"
#include "http/route.h"
#include "resource/page.h"
#include "secrets/ground.h"
#include "secrets/requests.h"
#include "secrets/types.h"

namespace meridian::secrets {

struct Accessed {
    SecretVersion version;
    SecretType type = SecretType::opaque;
    std::string data;
};
// A folder, or a secret that lies in the folder that was asked for.
struct Browsed {
    std::string name;
    Timestamp created_at, updated_at;
    std::optional<Secret> secret;
};

class SecretManager {
public:
    explicit SecretManager(Ground ground) : ground_(std::move(ground)) {}

    Task<Secret> create(Caller by, CreateSecret wish);
    Task<Secret> get(Caller by, SecretId id);
    Task<Paged<Secret>> list(Caller by, ListSecrets asked, Page page);
    // All of the folder of a project, and so the tags and types: the caller's where none is named.
    Task<std::vector<Browsed>> browse(Caller by, BrowseSecrets asked);
    Task<Secret> change(Caller by, SecretId id, UpdateSecret change);
    Task<Secret> protect(Caller by, SecretId id, bool is_protected);
    Task<> add_owner(Caller by, SecretId id, Product product);
    // It is gone after `limits::retention`, until when it can be restored. Error{precondition} for a protected one.
    Task<> schedule_deletion(Caller by, SecretId id);
    Task<Secret> restore(Caller by, SecretId id);
    Task<Paged<std::string>> tags(Caller by, std::optional<ProjectId> project, Page page);
    Task<Paged<SecretType>> types(Caller by, std::optional<ProjectId> project, Page page);

    // `revision` is a number, "latest" or "latest_enabled".
    Task<SecretVersion> create_version(Caller by, SecretId id, CreateVersion wish);
    Task<SecretVersion> version(Caller by, SecretId id, std::string revision);
    Task<Paged<SecretVersion>> versions(Caller by, SecretId id, std::vector<VersionStatus> status, Page page);
    Task<SecretVersion> change_version(Caller by, SecretId id, std::string revision, UpdateVersion change);
    Task<SecretVersion> enable_version(Caller by, SecretId id, std::string revision, bool is_enabled);
    Task<> schedule_version_deletion(Caller by, SecretId id, std::string revision);
    Task<SecretVersion> restore_version(Caller by, SecretId id, std::string revision);
    // The data. A version that expires once accessed has expired then.
    Task<Accessed> access(Caller by, SecretId id, std::string revision);
    Task<Accessed> access_by_path(Caller by, std::optional<ProjectId> project, std::string path, std::string name, std::string revision);

    // For other rooms, which act for a caller who came with another right: the newest enabled data of a secret that he may access.
    Task<std::string> used(Caller by, SecretId id);

    [[nodiscard]] const Ground& ground() const { return ground_; }

private:
    template <class F>
    Task<Secret> change_secret(Caller by, SecretId id, F f);
    template <class F>
    Task<SecretVersion> change_one(Caller by, SecretId id, std::string revision, F f);
    Ground ground_;
};

struct Decrypted {
    std::string plaintext;
    std::optional<std::string> ciphertext;  // under the current rotation, where it was under an older one
};
struct NewDataKey {
    std::string ciphertext;
    std::optional<std::string> plaintext;
    Timestamp created_at;
};
struct ImportParameters {
    std::string public_key;  // DER
    std::string import_token;
};

class KeyManager {
public:
    explicit KeyManager(Ground ground) : ground_(std::move(ground)) {}

    Task<Key> create(Caller by, CreateKey wish);
    Task<Key> get(Caller by, KeyId id);
    Task<Paged<Key>> list(Caller by, ListKeys asked, Page page);
    Task<Key> change(Caller by, KeyId id, UpdateKey change);
    Task<Key> protect(Caller by, KeyId id, bool is_protected);
    Task<Key> enable(Caller by, KeyId id, bool is_enabled);
    // It is gone after `limits::retention`. Error{precondition} for a protected one, and for one that secrets are sealed under.
    Task<> schedule_deletion(Caller by, KeyId id);
    Task<Key> restore(Caller by, KeyId id);
    Task<Key> rotate(Caller by, KeyId id);
    Task<Paged<KeyRotation>> rotations(Caller by, KeyId id, ListRotations asked, Page page);
    Task<std::string> public_key(Caller by, KeyId id);  // PEM

    Task<std::string> encrypt(Caller by, KeyId id, std::string plaintext, std::string associated);
    Task<Decrypted> decrypt(Caller by, KeyId id, std::string ciphertext, std::string associated);
    // Of symmetric keys; shorter than what they encrypt.
    Task<std::string> wrap(Caller by, KeyId id, std::string plaintext, std::string associated);
    Task<std::string> unwrap(Caller by, KeyId id, std::string ciphertext, std::string associated);
    Task<NewDataKey> generate_data_key(Caller by, KeyId id, bool is_plaintext_wanted);
    Task<std::string> sign(Caller by, KeyId id, std::string digest);
    Task<bool> verify(Caller by, KeyId id, std::string digest, std::string signature);

    // Until `limits::import_window` has passed, material comes wrapped for the public key of these.
    Task<ImportParameters> import_parameters(Caller by, KeyId id, std::string wrapping);
    Task<Key> import_material(Caller by, KeyId id, ImportMaterial material);
    Task<> delete_material(Caller by, KeyId id, std::optional<std::uint32_t> rotation);

    [[nodiscard]] const Ground& ground() const { return ground_; }

private:
    template <class F>
    Task<Key> change_key(Caller by, KeyId id, F f);
    Ground ground_;
};

// Adds secret-manager/v1beta1 and key-manager/v1alpha1.
void add_routes(http::Router& router, SecretManager& secrets, KeyManager& keys);

}  // namespace meridian::secrets
