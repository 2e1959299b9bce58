// Through whom the people of an organization sign in, and who they are to us. Rows and rules, all in the caller's transaction.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "identity/oidc/id_token.h"
#include "identity/service.h"
#include "resource/fields.h"

namespace meridian::identity {

// An OpenID provider as an organization declared it.
struct IdentityProvider {
    OrganizationId organization;
    std::string issuer, client_id;
    std::string client_secret;  // sealed, in base64; empty: a public client
    std::vector<std::string> scopes;
    std::string callback_url;  // as the provider knows it; empty: where the browser asked
    std::string groups_claim;
    std::map<std::string, std::string> group_map;  // what the provider calls a group, and the id of ours
    bool makes_users = false;                      // whoever it knows is a user from the first sign-in on; else those who were invited
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<IdentityProvider>) {
    return fields(field("organization_id", &IdentityProvider::organization), field("issuer", &IdentityProvider::issuer),
                  field("client_id", &IdentityProvider::client_id), field("client_secret", &IdentityProvider::client_secret),
                  field("scopes", &IdentityProvider::scopes), field("callback_url", &IdentityProvider::callback_url),
                  field("groups_claim", &IdentityProvider::groups_claim), field("group_map", &IdentityProvider::group_map),
                  field("makes_users", &IdentityProvider::makes_users), field("created_at", &IdentityProvider::created_at),
                  field("updated_at", &IdentityProvider::updated_at));
}

std::optional<IdentityProvider> find_provider(store::Tx& tx, const OrganizationId& organization);
// In the place of the one before. Error{not_found} for a group that is not there, Error{denied} for one that may more than the caller may
// give.
void set_provider(store::Tx& tx, const Caller& by, IdentityProvider provider);
void remove_provider(store::Tx& tx, const OrganizationId& organization);

// The user whom the provider calls so: known from before; or invited at that address, which the provider has verified; or made. Is in the
// groups that the provider says, of those that are mapped. Error{denied} for a stranger and for who is locked.
PrincipalId arrive(store::Tx& tx, const IdentityProvider& provider, const Claims& claims, Timestamp now, Rng& rng);

}  // namespace meridian::identity
