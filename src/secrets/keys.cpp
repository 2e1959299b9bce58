// Keys from their making to their end.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "identity/listing.h"
#include "secrets/sealing.h"
#include "secrets/service.h"

namespace meridian::secrets {
namespace {

bool is_named(const std::optional<std::string>& word) { return word && !word->empty() && !word->starts_with("unknown_"); }

std::string offered(Usage usage) {
    std::vector<std::string_view> all;
    for (const auto& one : algorithms())
        if (one.usage == usage) all.push_back(one.name);
    return fmt::format("{}", fmt::join(all, ", "));
}

const Algorithm& known(Usage usage, const std::string& name) {
    if (const auto* const found = algorithm(usage, name)) return *found;
    const auto field = fmt::format("usage.{}", word(usage));
    if (name.starts_with("ml_"))
        wrong(field,
              fmt::format("Post-quantum algorithms need OpenSSL 3.5 or newer, which this installation does not have. Use one of: {}.",
                          offered(usage)));
    wrong(field, fmt::format("Use one of: {}.", offered(usage)));
}

// Nothing said is symmetric; an algorithm that is said to be unknown is not taken for one.
const Algorithm& chosen(const std::optional<KeyUsage>& asked) {
    if (!asked) return *algorithm(Usage::symmetric_encryption, "aes_256_gcm");
    const std::pair<Usage, const std::optional<std::string>*> parts[] = {{Usage::symmetric_encryption, &asked->symmetric_encryption},
                                                                         {Usage::asymmetric_encryption, &asked->asymmetric_encryption},
                                                                         {Usage::asymmetric_signing, &asked->asymmetric_signing}};
    if (is_named(asked->key_encapsulation))
        wrong("usage.key_encapsulation",
              "Key encapsulation (ML-KEM) needs OpenSSL 3.5 or newer, which this installation does not have. Wrap with a symmetric key.");
    const auto count = std::ranges::count_if(parts, [](const auto& part) { return is_named(*part.second); });
    if (count != 1)
        wrong("usage", "A key has one usage with its algorithm: symmetric_encryption, asymmetric_encryption or asymmetric_signing.");
    const auto* const one = std::ranges::find_if(parts, [](const auto& part) { return is_named(*part.second); });
    return known(one->first, **one->second);
}

void set_rotation(Key& key, const RotationPolicy& policy, Timestamp now) {
    if (!policy.rotation_period) {
        if (policy.next_rotation_at) wrong("rotation_policy.rotation_period", "A policy of rotation has a period.");
        key.rotation_period.reset();
        key.next_rotation_at.reset();
        return;
    }
    if (key.use != Usage::symmetric_encryption || key.origin == KeyOrigin::external)
        wrong("rotation_policy", "Only symmetric keys whose material is made here rotate.");
    if (*policy.rotation_period < limits::rotation_min || *policy.rotation_period > limits::rotation_max)
        wrong("rotation_policy.rotation_period", "A key rotates every 24 to 876000 hours.");
    if (policy.next_rotation_at && *policy.next_rotation_at <= now)
        wrong("rotation_policy.next_rotation_at", "The next rotation is in the future.");
    key.rotation_period = policy.rotation_period;
    key.next_rotation_at = policy.next_rotation_at.value_or(now + std::chrono::floor<std::chrono::microseconds>(*policy.rotation_period));
}

keys::SecretBytes new_material(const Algorithm& algorithm, Rng& rng) {
    if (algorithm.usage == Usage::symmetric_encryption) return random_key(rng);
    return keys::SecretBytes(keys::AsymmetricKey::generate(algorithm.kind).pkcs8());
}

Key planned(const Ground& ground, const Caller& by, const CreateKey& wish) {
    const auto& algorithm = chosen(wish.usage);
    if (wish.protection_level && *wish.protection_level == "hsm")
        wrong("protection_level", "There is no hardware security module here. Use software.");
    Key key;
    key.id = KeyId::random(ground.rng);
    key.organization = by.organization;
    key.project = wish.project_id.value_or(by.project);
    key.name = wish.name && !wish.name->empty() ? *wish.name : "key-" + key.id.str().substr(0, 8);
    key.description = wish.description;
    key.tags = wish.tags;
    key.is_protected = !wish.unprotected;
    key.origin = wish.origin == KeyOrigin::external ? KeyOrigin::external : KeyOrigin::scaleway_kms;
    key.region = ground.region;
    key.use = algorithm.usage;
    key.algorithm_name = algorithm.name;
    key.created_at = key.updated_at = ground.clock.now();
    check_name(key.name);
    check_tags(key.tags);
    check_description(key.description);
    if (wish.rotation_policy) set_rotation(key, *wish.rotation_policy, key.created_at);
    return key;
}

}  // namespace

template <class F>
Task<Key> KeyManager::change_key(Caller by, KeyId id, F f) {
    co_return co_await ground_.store.write(author_of(by), [this, by, id, f](store::Tx& tx) {
        auto key = rows::key(tx, by, ground_, id);
        f(tx, key);
        key.updated_at = ground_.clock.now();
        rows::update(tx, key);
        key.complete();
        return key;
    });
}

// Keys of RSA take their time, and a write keeps all others waiting: so the material is made before.
Task<Key> KeyManager::create(Caller by, CreateKey wish) {
    auto key = planned(ground_, by, wish);
    std::optional<std::string> sealed;
    co_await ground_.store.read([by, project = key.project](store::Tx& tx) { check_project(tx, by, project); });
    if (key.origin != KeyOrigin::external)
        sealed = co_await ground_.making_keys.run(
            [this, key] { return seal_material(ground_, key.id, 1, new_material(key.algorithm(), ground_.rng).view()); });
    co_return co_await ground_.store.write(author_of(by), [by, key, sealed](store::Tx& tx) mutable {
        check_project(tx, by, key.project);
        if (rows::count_in(tx, "customer_keys", key.project) >= limits::keys)
            throw Error(Fault::quota, fmt::format("A project has at most {} keys.", limits::keys)).about("key", "");
        rows::insert(tx, key);
        if (sealed) rows::add_rotation(tx, key, *sealed, false, key.created_at);
        key.complete();
        return key;
    });
}

Task<Key> KeyManager::get(Caller by, KeyId id) {
    co_return co_await ground_.store.read([this, by, id](store::Tx& tx) { return rows::key(tx, by, ground_, id); });
}

Task<Paged<Key>> KeyManager::list(Caller by, ListKeys asked, Page page) {
    identity::Listing listing("customer_keys");
    listing.where("organization_id = {}", by.organization).where("region = {}", ground_.region);
    listing.where_if("project_id = {}", asked.project_id).where_if("name = {}", asked.name).order(asked.order_by);
    listing.where(asked.scheduled_for_deletion ? "deletion_requested_at is not null" : "deletion_requested_at is null");
    if (asked.organization_id) listing.where("organization_id = {}", *asked.organization_id);
    if (asked.usage != "unknown_usage") listing.where("key_usage = {}", asked.usage);
    if (asked.protection_level == "hsm" || by.reach.is_nowhere()) listing.where("1 = 0");
    for (const auto& tag : asked.tags) listing.where("replace(tags, {}, '') <> tags", to_text(Json(tag)));
    if (!by.reach.is_everywhere()) listing.among("project_id", std::vector(by.reach.projects().begin(), by.reach.projects().end()));
    co_return co_await ground_.store.read([listing, page](store::Tx& tx) {
        auto found = listing.page<Key>(tx, page);
        for (auto& key : found.items) key.complete();
        return found;
    });
}

Task<Key> KeyManager::change(Caller by, KeyId id, UpdateKey change) {
    if (change.name) check_name(*change.name);
    if (change.tags) check_tags(*change.tags);
    check_description(change.description);
    co_return co_await change_key(std::move(by), id, [this, change](store::Tx&, Key& key) {
        key.name = change.name.value_or(key.name);
        key.tags = change.tags.value_or(key.tags);
        if (change.description) key.description = change.description;
        if (change.rotation_policy) set_rotation(key, *change.rotation_policy, ground_.clock.now());
    });
}

Task<Key> KeyManager::protect(Caller by, KeyId id, bool is_protected) {
    co_return co_await change_key(std::move(by), id, [is_protected](store::Tx&, Key& key) { key.is_protected = is_protected; });
}

Task<Key> KeyManager::enable(Caller by, KeyId id, bool is_enabled) {
    co_return co_await change_key(std::move(by), id, [is_enabled](store::Tx&, Key& key) {
        if (key.state == KeyState::pending_key_material) check_usable(key);
        key.is_disabled = !is_enabled;
    });
}

Task<> KeyManager::schedule_deletion(Caller by, KeyId id) {
    co_await change_key(std::move(by), id, [this](store::Tx& tx, Key& key) {
        if (key.is_protected) not_yet("The key is protected. Remove its protection first.", "key", key.id.str());
        if (rows::has_secrets(tx, key.id)) still_in_use("Secrets are sealed under this key. Delete them first.", "key", key.id.str());
        key.deletion_requested_at = ground_.clock.now();
    });
}

Task<Key> KeyManager::restore(Caller by, KeyId id) {
    co_return co_await ground_.store.write(author_of(by), [this, by, id](store::Tx& tx) {
        auto key = rows::key(tx, by, ground_, id, rows::Which::any);
        if (!key.deletion_requested_at) not_yet("The key is not scheduled for deletion.", "key", id.str());
        key.deletion_requested_at.reset();
        key.updated_at = ground_.clock.now();
        rows::update(tx, key);
        key.complete();
        return key;
    });
}

Task<Key> KeyManager::rotate(Caller by, KeyId id) {
    co_return co_await ground_.store.write(author_of(by), [this, by, id](store::Tx& tx) {
        auto key = rows::key(tx, by, ground_, id);
        if (key.origin == KeyOrigin::external)
            not_yet("The material of this key comes from outside. Import new material instead.", "key", id.str());
        if (key.use != Usage::symmetric_encryption)
            not_yet("Only symmetric keys rotate: others hold the public half of this one. Create a new key instead.", "key", id.str());
        check_usable(key);
        if (key.newest >= limits::rotations)
            throw Error(Fault::quota, fmt::format("A key rotates at most {} times.", limits::rotations)).about("key_rotation", "");
        const auto now = ground_.clock.now();
        if (key.rotation_period) key.next_rotation_at = now + std::chrono::floor<std::chrono::microseconds>(*key.rotation_period);
        rows::add_rotation(tx, key, seal_material(ground_, id, key.newest + 1, random_key(ground_.rng).view()), true, now);
        return key;
    });
}

Task<Paged<KeyRotation>> KeyManager::rotations(Caller by, KeyId id, ListRotations asked, Page page) {
    identity::Listing listing("customer_key_rotations");
    std::erase(asked.status, "unknown_status");
    listing.where("key_id = {}", id).among("status", asked.status).order(asked.order_by);
    co_return co_await ground_.store.read([this, by, id, listing, page](store::Tx& tx) {
        (void)rows::key(tx, by, ground_, id);
        return listing.page<KeyRotation>(tx, page);
    });
}

}  // namespace meridian::secrets
