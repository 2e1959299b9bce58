#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

constexpr std::int64_t keys_max = 100'000;  // of one organization; all of them are in memory

std::string random_access_key(Rng& rng) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string key = "SCW";
    for (int i = 0; i < 17; ++i) key += letters[rng.below(letters.size())];
    return key;
}

void check_expiry(const std::optional<Timestamp>& expires_at, Timestamp now) {
    if (expires_at && *expires_at <= now) refuse("expires_at", "A key can only expire in the future. To end it now, delete it.");
}

// Everybody may look at the key they came with (scw does so once a day), admins at those their rights reach.
bool may_see(const Caller& by, const ApiKey& key) {
    if (key.access_key == by.access_key) return true;
    return by.role == Role::admin && (!by.only_project || key.only_project == by.only_project);
}

ApiKey visible_key(store::Tx& tx, const Caller& by, const std::string& access_key) {
    auto key = find_key(tx, by.organization, access_key);
    if (!key || !may_see(by, *key)) no_such("api_key", access_key);
    return *std::move(key);
}

}  // namespace

NewKey insert_new_key(store::Tx& tx, ApiKey key, Rng& rng) {
    key.access_key = random_access_key(rng);
    NewKey made{.key = std::move(key), .secret = Uuid::random(rng).str()};
    insert_key(tx, made.key, hash_of(made.secret));
    return made;
}

ApiKey planned_key(store::Tx& tx, const Caller& by, const KeyWish& wish, Timestamp now) {
    check_description(wish.description);
    check_expiry(wish.expires_at, now);
    if (count_keys(tx, by.organization) >= keys_max) {
        throw Error(Fault::quota, fmt::format("An organization has at most {} keys. Delete some that are not used.", keys_max))
            .about("api_key", "");
    }
    ApiKey key;
    key.organization = by.organization;
    key.only_project = by.only_project ? by.only_project : wish.only_project;
    key.default_project = wish.default_project.value_or(key.only_project.value_or(by.project));
    key.principal = wish.principal.value_or(by.principal);
    key.role = wish.role;
    key.description = wish.description;
    key.created_at = key.updated_at = now;
    key.expires_at = wish.expires_at;
    visible_project(tx, by, key.default_project);
    if (key.only_project) {
        visible_project(tx, by, *key.only_project);
        if (*key.only_project != key.default_project) refuse("default_project_id", "A key for one project has that one as its default.");
    }
    const auto is_user = find_principal(tx, by.organization, key.principal);
    if (!is_user) no_such("principal", key.principal.str());
    key.is_users = *is_user;
    return key;
}

Task<NewKey> Identity::create_key(Caller by, Role role, std::string description, std::optional<ProjectId> project,
                                  std::optional<Timestamp> expires_at) {
    KeyWish wish;
    wish.role = role;
    wish.description = std::move(description);
    wish.default_project = wish.only_project = project;
    wish.expires_at = expires_at;
    return create_key(std::move(by), std::move(wish));
}

Task<NewKey> Identity::create_key(Caller by, KeyWish wish) {
    need_admin(by);
    State& s = *state_;
    co_return co_await s.change(
        by, [&s, by, wish](store::Tx& tx) { return insert_new_key(tx, planned_key(tx, by, wish, s.clock.now()), s.rng); });
}

Task<std::vector<ApiKey>> Identity::keys(Caller by) {
    co_return co_await state_->store.read([by](store::Tx& tx) {
        auto keys = keys_of(tx, by.organization);
        std::erase_if(keys, [&](const ApiKey& key) { return !may_see(by, key); });
        return keys;
    });
}

Task<ApiKey> Identity::key(Caller by, std::string access_key) {
    co_return co_await state_->store.read([by, access_key](store::Tx& tx) { return visible_key(tx, by, access_key); });
}

Task<ApiKey> Identity::change_key(Caller by, std::string access_key, KeyChange change) {
    need_admin(by);
    State& s = *state_;
    co_return co_await s.change(by, [&s, by, access_key, change](store::Tx& tx) {
        auto key = visible_key(tx, by, access_key);
        const auto now = s.clock.now();
        if (change.description) check_description(*change.description);
        check_expiry(change.expires_at, now);
        if (change.default_project) visible_project(tx, by, *change.default_project);
        if (change.default_project && key.only_project && *key.only_project != *change.default_project) {
            refuse("default_project_id", "A key for one project has that one as its default.");
        }
        key.description = change.description.value_or(key.description);
        key.default_project = change.default_project.value_or(key.default_project);
        if (change.expires_at) key.expires_at = change.expires_at;
        key.updated_at = now;
        update_key(tx, key);
        return key;
    });
}

Task<> Identity::remove_key(Caller by, std::string access_key) {
    need_admin(by);
    State& s = *state_;
    co_await s.change(by, [&s, by, access_key](store::Tx& tx) {
        const auto doomed = visible_key(tx, by, access_key);
        const auto now = s.clock.now();
        const auto opens_all = [&](const ApiKey& k) {
            return k.role == Role::admin && !k.only_project && (!k.expires_at || *k.expires_at > now);
        };
        if (opens_all(doomed)) {
            const auto all = keys_of(tx, by.organization);
            if (std::ranges::count_if(all, opens_all) == 1) {
                throw Error(Fault::precondition, "This is the last admin key; without it nobody could come in. Make another one first.")
                    .with_code("resource_still_in_use")
                    .about("api_key", access_key);
            }
        }
        identity::remove_key(tx, access_key);
    });
}

}  // namespace meridian::identity
