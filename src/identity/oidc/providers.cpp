#include "identity/oidc/providers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "identity/people.h"
#include "identity/policies.h"
#include "identity/state.h"
#include "resource/sql_bind.h"

namespace meridian::identity {
namespace {

constexpr std::size_t username_max = 64;

std::optional<User> one_user(store::Tx& tx, std::string_view rest, const auto&... values) {
    const auto rows = tx.query(select_sql<User>("users", std::string(rest)), values...);
    return rows.size() == 1 ? std::optional(from_row<User>(rows.front())) : std::nullopt;
}

std::optional<User> known_user(store::Tx& tx, const IdentityProvider& provider, const Claims& claims) {
    return one_user(tx, "where organization_id = $1 and id = (select principal_id from identities where issuer = $2 and subject = $3)",
                    provider.organization, provider.issuer, claims.subject);
}

// Those who are users already are not found by their address: it may be said of anybody.
std::optional<User> invited_user(store::Tx& tx, const IdentityProvider& provider, const Claims& claims) {
    if (!claims.email_verified || claims.email.empty()) return std::nullopt;
    return one_user(tx, "where organization_id = $1 and status = 'invitation_pending' and lower(email) = lower($2)", provider.organization,
                    claims.email);
}

std::string username_of(store::Tx& tx, const IdentityProvider& provider, const Claims& claims) {
    auto name = claims.preferred_username.empty() ? claims.email : claims.preferred_username;
    std::erase_if(name, [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("@._-").contains(c));
    });
    const auto mark = hex(sha256(provider.issuer + ' ' + claims.subject)).substr(0, 8);
    if (name.size() < 2) return "user-" + mark;
    name.resize(std::min(name.size(), username_max - mark.size() - 1));
    const bool is_taken =
        !tx.query("select 1 as one from users where organization_id = $1 and username = $2", provider.organization, name).empty();
    return is_taken ? name + '-' + mark : name;
}

std::string clipped(const std::string& text) { return is_utf8(text) && text.size() <= username_max ? text : std::string(); }

User new_user(store::Tx& tx, const IdentityProvider& provider, const Claims& claims, Timestamp now, Rng& rng) {
    User made;
    made.id = PrincipalId::random(rng);
    made.organization = provider.organization;
    made.username = username_of(tx, provider, claims);
    if (claims.email_verified && claims.email.size() <= 254) made.email = claims.email;
    made.first_name = clipped(claims.given_name.empty() ? claims.name : claims.given_name);
    made.last_name = clipped(claims.family_name);
    made.created_at = now;
    return made;
}

void link(store::Tx& tx, const IdentityProvider& provider, const Claims& claims, const PrincipalId& user, Timestamp now) {
    tx.run("insert into identities (issuer, subject, principal_id, created_at) values ($1, $2, $3, $4)", provider.issuer, claims.subject,
           user, now);
}

void join_groups(store::Tx& tx, const IdentityProvider& provider, const Claims& claims, const PrincipalId& user) {
    for (const auto& [theirs, ours] : provider.group_map) {
        const auto rows = tx.query(select_sql<Group>("groups", "where id = $1 and organization_id = $2"), ours, provider.organization);
        if (rows.empty()) continue;  // deleted since
        const auto group = from_row<Group>(rows.front());
        const bool wanted = std::ranges::find(claims.groups, theirs) != claims.groups.end();
        const bool is_member =
            !tx.query("select 1 as one from group_members where group_id = $1 and principal_id = $2", group.id, user).empty();
        if (wanted && !is_member) add_members(tx, group, {.users = {user}, .applications = {}});
        if (!wanted && is_member) remove_member(tx, group, user);
    }
}

}  // namespace

std::optional<IdentityProvider> find_provider(store::Tx& tx, const OrganizationId& organization) {
    const auto rows = tx.query(select_sql<IdentityProvider>("identity_providers", "where organization_id = $1"), organization);
    if (rows.empty()) return std::nullopt;
    return from_row<IdentityProvider>(rows.front());
}

void set_provider(store::Tx& tx, const Caller& by, IdentityProvider provider) {
    for (const auto& [theirs, ours] : provider.group_map) {
        const auto id = GroupId::parse(ours);
        if (!id) no_such("group", ours);
        check_may_give(tx, by, policies_of(tx, visible_group(tx, by, *id).id));
    }
    if (const auto before = find_provider(tx, provider.organization)) {
        provider.created_at = before->created_at;
        update_row(tx, "identity_providers", "organization_id", provider);
    } else {
        insert_row(tx, "identity_providers", provider);
    }
    tx.changed("identity_providers", provider.organization.str());
}

void remove_provider(store::Tx& tx, const OrganizationId& organization) {
    if (tx.run("delete from identity_providers where organization_id = $1", organization) == 0)
        no_such("identity_provider", organization.str());
    tx.changed("identity_providers", organization.str());
}

PrincipalId arrive(store::Tx& tx, const IdentityProvider& provider, const Claims& claims, Timestamp now, Rng& rng) {
    auto user = known_user(tx, provider, claims);
    const bool is_known = user.has_value();
    if (!user) user = invited_user(tx, provider, claims);
    const bool is_new = !user;
    if (!user && provider.makes_users) user = new_user(tx, provider, claims, now, rng);
    if (!user)
        throw Error(Fault::denied, "The identity provider knows you, and nobody has invited you here. Ask an owner of the organization.");
    if (user->locked) throw Error(Fault::denied, "You are locked. Ask an owner of the organization.");
    user->status = UserStatus::activated;
    user->last_login_at = user->updated_at = now;
    is_new ? insert_user(tx, *user) : update_user(tx, *user);
    if (!is_known) link(tx, provider, claims, user->id, now);
    join_groups(tx, provider, claims, user->id);
    return user->id;
}

}  // namespace meridian::identity
