// /meridian/v1/identity-provider: through whom the people of the organization sign in.
#include <algorithm>

#include "identity/api.h"
#include "identity/oidc/sign_in.h"

namespace meridian::identity {
namespace {

using http::Call;

constexpr std::size_t text_max = 1000, groups_max = 200, scopes_max = 20;

struct ProviderView {
    std::string issuer, client_id, callback_url, groups_claim;
    std::vector<std::string> scopes;
    std::map<std::string, std::string> groups;
    bool makes_users = false, has_client_secret = false;
    Timestamp created_at, updated_at;
};
constexpr auto schema_name(As<ProviderView>) { return std::string_view("IdentityProvider"); }
constexpr auto describe(As<ProviderView>) {
    return fields(field("issuer", &ProviderView::issuer), field("client_id", &ProviderView::client_id),
                  field("callback_url", &ProviderView::callback_url), field("groups_claim", &ProviderView::groups_claim),
                  field("scopes", &ProviderView::scopes), field("groups", &ProviderView::groups),
                  field("makes_users", &ProviderView::makes_users), field("has_client_secret", &ProviderView::has_client_secret),
                  field("created_at", &ProviderView::created_at), field("updated_at", &ProviderView::updated_at));
}

ProviderView view_of(const IdentityProvider& row) {
    return {.issuer = row.issuer,
            .client_id = row.client_id,
            .callback_url = row.callback_url,
            .groups_claim = row.groups_claim,
            .scopes = row.scopes,
            .groups = row.group_map,
            .makes_users = row.makes_users,
            .has_client_secret = !row.client_secret.empty(),
            .created_at = row.created_at,
            .updated_at = row.updated_at};
}

struct Declared {
    std::string issuer, client_id, client_secret, callback_url, groups_claim = "groups";
    std::vector<std::string> scopes;
    std::map<std::string, std::string> groups;
    bool makes_users = false;
};
constexpr auto schema_name(As<Declared>) { return std::string_view("DeclareIdentityProviderRequest"); }
constexpr auto describe(As<Declared>) {
    return fields(
        field("issuer", &Declared::issuer, help("https URL; its /.well-known/openid-configuration is read.")),
        field("client_id", &Declared::client_id), field("client_secret", &Declared::client_secret, defaulted, write_only),
        field("callback_url", &Declared::callback_url, defaulted,
              help("As the provider knows it, ending in /meridian/v1/sign-in/callback; where the browser asked unless it is given.")),
        field("groups_claim", &Declared::groups_claim, defaulted), field("scopes", &Declared::scopes),
        field("groups", &Declared::groups, help("What the provider calls a group, and the id of the group here.")),
        field("makes_users", &Declared::makes_users, defaulted,
              help("Whoever the provider knows is a user from the first sign-in on; else those who were invited.")));
}

void check(const Declared& in) {
    if (in.issuer.size() > text_max || !is_fit_url(in.issuer) || in.issuer.find_first_of("?#") != std::string::npos)
        refuse("issuer", "An issuer is a https URL without a query.");
    if (in.client_id.empty() || in.client_id.size() > text_max) refuse("client_id", "Name the client that the provider knows us as.");
    if (!in.callback_url.empty() && (!is_fit_url(in.callback_url) || !in.callback_url.ends_with(SignIn::callback_path)))
        refuse("callback_url", "This is a https URL that ends in /meridian/v1/sign-in/callback.");
    if (in.groups_claim.empty() || in.groups_claim.size() > text_max) refuse("groups_claim", "Name the claim that lists groups.");
    if (in.groups.size() > groups_max) refuse("groups", "There are at most 200 groups.");
    const auto is_scope = [](const std::string& scope) {
        return !scope.empty() && scope.size() <= text_max &&
               std::ranges::all_of(scope, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
    };
    if (in.scopes.size() > scopes_max || !std::ranges::all_of(in.scopes, is_scope)) refuse("scopes", "Scopes are words without blanks.");
}

Task<ProviderView> get(SignIn& sign_in, Call<> call) {
    const auto by = call.caller_as<Caller>();
    const auto found = co_await sign_in.state().store.read([by](store::Tx& tx) { return find_provider(tx, by.organization); });
    if (!found) no_such("identity_provider", by.organization.str());
    co_return view_of(*found);
}

Task<ProviderView> put(SignIn& sign_in, Call<Declared> call) {
    const auto by = call.caller_as<Caller>();
    auto& in = call.in;
    check(in);
    co_await sign_in.check_issuer(in.issuer);
    IdentityProvider row;
    row.organization = by.organization;
    row.issuer = in.issuer;
    row.client_id = in.client_id;
    row.client_secret = sign_in.seal(in.client_secret);
    row.scopes = in.scopes;
    if (row.scopes.empty()) row.scopes = {"openid", "email", "profile"};
    if (std::ranges::find(row.scopes, "openid") == row.scopes.end()) row.scopes.insert(row.scopes.begin(), "openid");
    row.callback_url = in.callback_url;
    row.groups_claim = in.groups_claim;
    row.group_map = in.groups;
    row.makes_users = in.makes_users;
    row.created_at = row.updated_at = sign_in.state().clock.now();
    co_return co_await sign_in.state().change(by, [by, row](store::Tx& tx) {
        set_provider(tx, by, row);
        return view_of(*find_provider(tx, row.organization));
    });
}

Task<http::NoContent> remove(SignIn& sign_in, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await sign_in.state().change(by, [by](store::Tx& tx) { remove_provider(tx, by.organization); });
    co_return http::NoContent{};
}

}  // namespace

void add_identity_provider_routes(http::Router& router, SignIn& sign_in) {
    using http::doc;
    const auto add = [&]<class In, class Out>(std::string_view method, std::string_view action, http::RouteDoc page,
                                              Task<Out> (*f)(SignIn&, Call<In>)) {
        router.add(http::typed<In, Out>(std::string(method), "/meridian/v1/identity-provider", {std::string(action), "organization"},
                                        http::Dialect::meridian, std::move(page),
                                        [&sign_in, f](Call<In> call) { return f(sign_in, std::move(call)); }));
    };
    add("GET", "read", doc("GetIdentityProvider", "Get through whom people sign in", "iam"), get);
    add("PUT", "update", doc("DeclareIdentityProvider", "Say through whom people sign in", "iam"), put);
    add("DELETE", "update", doc("RemoveIdentityProvider", "Let nobody sign in but with keys", "iam"), remove);
}

}  // namespace meridian::identity
