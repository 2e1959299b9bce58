// Versions of secrets: data comes in, is sealed, and is given out to who may have it.
#include <fmt/format.h>

#include <boost/crc.hpp>

#include "base/error.h"
#include "identity/listing.h"
#include "identity/permissions.h"
#include "secrets/payload.h"
#include "secrets/sealing.h"
#include "secrets/service.h"

namespace meridian::secrets {
namespace {

std::uint32_t crc32(std::string_view bytes) {
    boost::crc_32_type made;
    made.process_bytes(bytes.data(), bytes.size());
    return made.checksum();
}

std::string name_of(const SecretVersion& version) { return fmt::format("{}/{}", version.secret.str(), version.revision); }

void set_properties(SecretVersion& version, const std::optional<EphemeralProperties>& properties) {
    version.expires_at = properties ? properties->expires_at : std::nullopt;
    version.ephemeral_properties = properties;
}

std::optional<EphemeralProperties> clean_properties(const EphemeralProperties& properties, Timestamp now) {
    const bool is_said = properties.expires_at || properties.expires_once_accessed.value_or(false);
    if (properties.action == Expiry::unknown_action) {
        if (is_said) wrong("ephemeral_properties.action", "Say what becomes of the version when it expires: delete or disable.");
        return std::nullopt;
    }
    if (properties.expires_at && *properties.expires_at <= now)
        wrong("ephemeral_properties.expires_at", "A version expires in the future.");
    return is_said ? std::optional(properties) : std::nullopt;
}

bool has_expired(const SecretVersion& version, Timestamp now) { return version.expires_at && *version.expires_at <= now; }

void check_accessible(const SecretVersion& version, Timestamp now) {
    const auto refuse = [&](std::string said) { not_yet(std::move(said), "secret_version", name_of(version)); };
    switch (version.status) {
        case VersionStatus::enabled:
            if (has_expired(version, now)) refuse("This version has expired.");
            return;
        case VersionStatus::disabled:
            return refuse("This version is disabled. Enable it first.");
        case VersionStatus::deleted:
            return refuse("This version was deleted, and its data is gone.");
        case VersionStatus::scheduled_for_deletion:
            return refuse("This version is scheduled for deletion. Restore it first.");
    }
}

// Not for one whose end has been asked for.
void check_lives(const SecretVersion& version) {
    if (version.status == VersionStatus::deleted || version.status == VersionStatus::scheduled_for_deletion) check_accessible(version, {});
}

Accessed accessed(store::Tx& tx, const Ground& ground, const Secret& secret, std::string_view revision) {
    Accessed made{rows::version(tx, secret, revision), secret.type, {}};
    check_accessible(made.version, ground.clock.now());
    made.data = open_version(tx, ground, made.version);
    return made;
}

bool ends_with_access(const SecretVersion& version) {
    return version.ephemeral_properties && version.ephemeral_properties->expires_once_accessed.value_or(false);
}

// Access to a version that ends with it writes, so that of two who ask at once one gets the data.
template <class Find>
Task<Accessed> access_found(const Ground& ground, Caller by, Find find, std::string revision) {
    auto made = co_await ground.store.read([&](store::Tx& tx) { return accessed(tx, ground, find(tx), revision); });
    if (!ends_with_access(made.version)) co_return made;
    co_return co_await ground.store.write(author_of(by), [&](store::Tx& tx) {
        auto once = accessed(tx, ground, find(tx), revision);
        if (ends_with_access(once.version)) expire(tx, once.version, ground.clock.now());
        return once;
    });
}

}  // namespace

void expire(store::Tx& tx, SecretVersion& version, Timestamp now) {
    if (version.ephemeral_properties && version.ephemeral_properties->action == Expiry::remove) return rows::forget(tx, version, now);
    version.status = VersionStatus::disabled;
    version.updated_at = now;
    rows::update(tx, version);
}

template <class F>
Task<SecretVersion> SecretManager::change_one(Caller by, SecretId id, std::string revision, F f) {
    co_return co_await ground_.store.write(author_of(by), [this, by, id, revision, f](store::Tx& tx) {
        auto version = rows::version(tx, rows::secret(tx, by, ground_, id), revision);
        f(tx, version);
        version.updated_at = ground_.clock.now();
        rows::update(tx, version);
        return version;
    });
}

Task<SecretVersion> SecretManager::create_version(Caller by, SecretId id, CreateVersion wish) {
    check_description(wish.description);
    co_return co_await ground_.store.write(author_of(by), [this, by, id, wish](store::Tx& tx) {
        const auto secret = rows::secret(tx, by, ground_, id);
        check_payload(secret.type, wish.data.bytes);
        if (wish.data_crc32 && *wish.data_crc32 != crc32(wish.data.bytes))
            wrong("data_crc32", "This is not the CRC32 of the data that arrived. Send both again.");
        const auto before = rows::newest_revision(tx, id);
        if (secret.version_count >= limits::versions || before >= limits::revisions)
            throw Error(Fault::quota, fmt::format("A secret has at most {} versions at a time, and {} in all. Delete old ones.",
                                                  limits::versions, limits::revisions))
                .about("secret_version", "");
        const auto now = ground_.clock.now();
        const auto last = rows::latest(tx, id);
        if (wish.disable_previous.value_or(false) && last) {
            auto previous = rows::version(tx, secret, std::to_string(*last));
            if (previous.status == VersionStatus::enabled) {
                previous.status = VersionStatus::disabled;
                previous.updated_at = now;
                rows::update(tx, previous);
            }
        }
        SecretVersion made;
        made.revision = before + 1;
        made.id = fmt::format("{}/{:06}", id.str(), made.revision);
        made.secret = id;
        made.created_at = made.updated_at = now;
        made.description = wish.description;
        made.latest = true;
        made.key = secret.key;
        made.crc32 = wish.data_crc32;
        made.region = secret.region;
        if (const auto& policy = secret.ephemeral_policy) {
            EphemeralProperties properties{{}, policy->expires_once_accessed, policy->action};
            if (policy->time_to_live) properties.expires_at = now + std::chrono::floor<std::chrono::microseconds>(*policy->time_to_live);
            set_properties(made, properties);
        }
        rows::insert(tx, made, seal_version(tx, ground_, secret, made.revision, wish.data.bytes));
        return made;
    });
}

Task<SecretVersion> SecretManager::version(Caller by, SecretId id, std::string revision) {
    co_return co_await ground_.store.read(
        [this, by, id, revision](store::Tx& tx) { return rows::version(tx, rows::secret(tx, by, ground_, id), revision); });
}

Task<Paged<SecretVersion>> SecretManager::versions(Caller by, SecretId id, std::vector<VersionStatus> status, Page page) {
    identity::Listing listing("secret_versions");
    std::vector<std::string> wanted;
    for (const auto one : status) wanted.emplace_back(word(one));
    listing.where("secret_id = {}", id).among("status", wanted).order("revision_desc");
    co_return co_await ground_.store.read([this, by, id, listing, page](store::Tx& tx) {
        const auto secret = rows::secret(tx, by, ground_, id);
        const auto last = rows::latest(tx, id);
        auto found = listing.page<SecretVersion>(tx, page);
        for (auto& version : found.items) {
            version.latest = last == version.revision;
            version.region = secret.region;
        }
        return found;
    });
}

Task<SecretVersion> SecretManager::change_version(Caller by, SecretId id, std::string revision, UpdateVersion change) {
    check_description(change.description);
    co_return co_await change_one(std::move(by), id, std::move(revision), [this, change](store::Tx&, SecretVersion& version) {
        check_lives(version);
        if (change.description) version.description = change.description;
        if (change.ephemeral_properties) set_properties(version, clean_properties(*change.ephemeral_properties, ground_.clock.now()));
    });
}

Task<SecretVersion> SecretManager::enable_version(Caller by, SecretId id, std::string revision, bool is_enabled) {
    co_return co_await change_one(std::move(by), id, std::move(revision), [this, is_enabled](store::Tx&, SecretVersion& version) {
        check_lives(version);
        if (is_enabled && has_expired(version, ground_.clock.now()))
            not_yet("This version has expired. Change its ephemeral properties first.", "secret_version", name_of(version));
        version.status = is_enabled ? VersionStatus::enabled : VersionStatus::disabled;
    });
}

Task<> SecretManager::schedule_version_deletion(Caller by, SecretId id, std::string revision) {
    co_await change_one(std::move(by), id, std::move(revision), [this](store::Tx&, SecretVersion& version) {
        check_lives(version);
        version.was_enabled = version.status == VersionStatus::enabled;
        version.status = VersionStatus::scheduled_for_deletion;
        version.deletion_requested_at = ground_.clock.now();
    });
}

Task<SecretVersion> SecretManager::restore_version(Caller by, SecretId id, std::string revision) {
    co_return co_await change_one(std::move(by), id, std::move(revision), [](store::Tx&, SecretVersion& version) {
        if (version.status != VersionStatus::scheduled_for_deletion)
            not_yet("This version is not scheduled for deletion.", "secret_version", name_of(version));
        version.status = version.was_enabled ? VersionStatus::enabled : VersionStatus::disabled;
        version.deletion_requested_at.reset();
    });
}

Task<Accessed> SecretManager::access(Caller by, SecretId id, std::string revision) {
    co_return co_await access_found(ground_, by, [this, by, id](store::Tx& tx) { return rows::secret(tx, by, ground_, id); }, revision);
}

Task<std::string> SecretManager::used(Caller by, SecretId id) {
    const auto holds = [&](std::string_view action) {
        return by.grants ? by.grants->reach(identity::place_of(action, "secrets").value()) : identity::Reach();
    };
    by.reach = holds("access");
    by.sight = holds("read");
    auto newest = co_await access(std::move(by), id, "latest_enabled");
    co_return std::move(newest.data);
}

Task<Accessed> SecretManager::access_by_path(Caller by, std::optional<ProjectId> project, std::string path, std::string name,
                                             std::string revision) {
    const auto where = clean_path(path.empty() ? "/" : path, "secret_path");
    const auto find = [this, by, project, where, name](store::Tx& tx) {
        const auto in = project.value_or(by.project);
        check_project(tx, by, in);
        auto found = rows::secret_at(tx, in, ground_.region, where, name);
        if (!found)
            throw Error(Fault::not_found, "There is no secret with this name at this path.")
                .about("secret", where + (where == "/" ? "" : "/") + name);
        return *std::move(found);
    };
    co_return co_await access_found(ground_, by, find, std::move(revision));
}

}  // namespace meridian::secrets
