#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "identity/listing.h"
#include "identity/policies.h"
#include "identity/quotas.h"
#include "identity/sessions.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

std::string random_access_key(Rng& rng) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string key = "SCW";
    for (int i = 0; i < 17; ++i) key += letters[rng.below(letters.size())];
    return key;
}

void check_expiry(const std::optional<Timestamp>& expires_at, Timestamp now) {
    if (expires_at && *expires_at <= now) refuse("expires_at", "A key can only expire in the future. To end it now, delete it.");
}

Reach sight_of(const Caller& by) { return by.grants ? by.grants->reach(place_of("read", "keys").value()) : Reach(); }

// Everybody may look at the key they came with (scw does so once a day), admins at those their rights reach.
bool may_see(const Caller& by, const ApiKey& key) {
    if (key.access_key == by.access_key) return true;
    const auto where = sight_of(by);
    return where.is_everywhere() || (key.only_project && where.holds_in(*key.only_project));
}

}  // namespace

ApiKey visible_key(store::Tx& tx, const Caller& by, const std::string& access_key) {
    auto key = find_key(tx, by.organization, access_key);
    if (!key || !may_see(by, *key)) no_such("api_key", access_key);
    return *std::move(key);
}

namespace {

ApiKey key_in_reach(store::Tx& tx, const Caller& by, const std::string& access_key) {
    auto key = visible_key(tx, by, access_key);
    if (!by.reach.is_everywhere() && !(key.only_project && by.reach.holds_in(*key.only_project)))
        throw Error(Fault::denied, "This key reaches further than your rights do.").about("keys", access_key);
    return key;
}

// Of those that open everything for an owner there is always one.
void check_not_last_way_in(store::Tx& tx, const ApiKey& doomed, Timestamp now) {
    const bool opens_all =
        doomed.role == Role::admin && !doomed.only_project && !(doomed.expires_at && *doomed.expires_at <= now) &&
        !tx.query("select 1 as one from users where id = $1 and type = 'owner' and locked = 0", doomed.principal).empty();
    if (!opens_all || has_other_way_in(tx, doomed, now)) return;
    throw Error(Fault::precondition, "This is the last admin key of an owner; without it nobody could come in. Make another one first.")
        .with_code("resource_still_in_use")
        .about("api_key", doomed.access_key);
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
    if (count_of(tx, "api_keys", by.organization) >= limits::keys) {
        throw Error(Fault::quota, fmt::format("An organization has at most {} keys. Delete some that are not used.", limits::keys))
            .about("api_key", "");
    }
    ApiKey key;
    key.organization = by.organization;
    key.only_project = wish.only_project;
    // Who may make keys in some projects makes keys for one of them.
    if (!key.only_project && !by.reach.is_everywhere()) key.only_project = wish.default_project.value_or(by.project);
    key.default_project = wish.default_project.value_or(key.only_project.value_or(by.project));
    key.principal = wish.principal.value_or(by.principal);
    key.role = wish.role;
    key.description = wish.description;
    key.created_at = key.updated_at = now;
    key.expires_at = wish.expires_at;
    check_key_length(tx, by.organization, key.expires_at, now);
    visible_project(tx, by, key.default_project);
    if (key.only_project) {
        visible_project(tx, by, *key.only_project);
        if (*key.only_project != key.default_project) refuse("default_project_id", "A key for one project has that one as its default.");
    }
    const auto is_user = find_principal(tx, by.organization, key.principal);
    if (!is_user) no_such("principal", key.principal.str());
    key.is_users = *is_user;
    // A secret makes its holder the bearer: nobody gets one of another person's, and an application's only who may change it.
    if (key.principal != by.principal && key.is_users)
        throw Error(Fault::denied, "A key for another user would let you act as that user. Users make their own keys.").about("keys", "");
    if (key.principal != by.principal && !by.may("update", "applications"))
        throw Error(Fault::denied, "A key for an application needs the right to change applications.").about("applications", "");
    if (key.principal != by.principal) check_may_give(tx, by, policies_of(tx, key.principal));
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
    need(by, "create", "keys");
    State& s = *state_;
    co_return co_await s.change(
        by, [&s, by, wish](store::Tx& tx) { return insert_new_key(tx, planned_key(tx, by, wish, s.clock.now()), s.rng); });
}

Task<Paged<ApiKey>> Identity::keys(Caller by, Page page, Narrowing narrow) {
    Listing listing{std::string(keys_table)};
    listing.of("api_keys", by.organization, "k.organization_id").order("k.created_at_asc", "k.access_key");
    if (const auto where = sight_of(by); !where.is_everywhere()) {
        auto seen = "k.access_key = " + listing.place(by.access_key);
        for (const auto& project : where.projects()) seen += " or k.only_project_id = " + listing.place(project);
        listing.where(fmt::format("({})", seen));
    }
    if (narrow) narrow(listing);
    co_return co_await state_->store.read([listing, page](store::Tx& tx) { return listing.page(tx, page, key_columns, key_from); });
}

Task<ApiKey> Identity::key(Caller by, std::string access_key) {
    co_return co_await state_->store.read([by, access_key](store::Tx& tx) { return visible_key(tx, by, access_key); });
}

Task<ApiKey> Identity::change_key(Caller by, std::string access_key, KeyChange change) {
    need(by, "update", "keys");
    State& s = *state_;
    co_return co_await s.change(by, [&s, by, access_key, change](store::Tx& tx) {
        auto key = key_in_reach(tx, by, access_key);
        const auto now = s.clock.now();
        if (change.description) check_description(*change.description);
        check_expiry(change.expires_at, now);
        if (change.expires_at) check_key_length(tx, by.organization, change.expires_at, now);
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
    need(by, "remove", "keys");
    State& s = *state_;
    co_await s.change(by, [&s, by, access_key](store::Tx& tx) {
        const auto key = key_in_reach(tx, by, access_key);
        check_not_last_way_in(tx, key, s.clock.now());
        identity::remove_key(tx, key);
    });
}

}  // namespace meridian::identity
