// iam/v1alpha1: API keys and the organization, in Scaleway's form. What we do not have yet is there with the value that says so.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "http/typed.h"
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/service.h"
#include "identity/store.h"
#include "resource/fields.h"

namespace meridian::identity {
namespace {

using http::Call;

enum class KeyOrder {
    created_at_asc,
    created_at_desc,
    updated_at_asc,
    updated_at_desc,
    expires_at_asc,
    expires_at_desc,
    access_key_asc,
    access_key_desc
};
constexpr auto names(As<KeyOrder>) {
    return words<KeyOrder>({{KeyOrder::created_at_asc, "created_at_asc"},
                            {KeyOrder::created_at_desc, "created_at_desc"},
                            {KeyOrder::updated_at_asc, "updated_at_asc"},
                            {KeyOrder::updated_at_desc, "updated_at_desc"},
                            {KeyOrder::expires_at_asc, "expires_at_asc"},
                            {KeyOrder::expires_at_desc, "expires_at_desc"},
                            {KeyOrder::access_key_asc, "access_key_asc"},
                            {KeyOrder::access_key_desc, "access_key_desc"}});
}

enum class BearerType { unknown_bearer_type, user, application };
constexpr auto names(As<BearerType>) {
    return words<BearerType>(
        {{BearerType::unknown_bearer_type, "unknown_bearer_type"}, {BearerType::user, "user"}, {BearerType::application, "application"}});
}

struct KeyView {
    std::string access_key;
    std::optional<std::string> secret_key;  // in the answer to its creation only
    std::optional<PrincipalId> application_id, user_id;
    std::string description;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> expires_at;
    ProjectId default_project_id;
    bool editable = true, deletable = true, managed = false;
    std::string creation_ip, srn;
    Role role = Role::admin;  // ours
};
constexpr auto schema_name(As<KeyView>) { return std::string_view("iam.APIKey"); }
constexpr auto describe(As<KeyView>) {
    return fields(field("access_key", &KeyView::access_key), field("secret_key", &KeyView::secret_key),
                  field("application_id", &KeyView::application_id), field("user_id", &KeyView::user_id),
                  field("description", &KeyView::description), field("created_at", &KeyView::created_at),
                  field("updated_at", &KeyView::updated_at), field("expires_at", &KeyView::expires_at),
                  field("default_project_id", &KeyView::default_project_id), field("editable", &KeyView::editable),
                  field("deletable", &KeyView::deletable), field("managed", &KeyView::managed), field("creation_ip", &KeyView::creation_ip),
                  field("srn", &KeyView::srn), field("role", &KeyView::role));
}

KeyView view_of(const ApiKey& key) {
    KeyView view;
    view.access_key = key.access_key;
    (key.is_users ? view.user_id : view.application_id) = key.principal;
    view.description = key.description;
    view.created_at = key.created_at;
    view.updated_at = key.updated_at;
    view.expires_at = key.expires_at;
    view.default_project_id = key.default_project;
    view.role = key.role;
    return view;
}

struct KeyFilter {
    KeyOrder order_by = KeyOrder::created_at_asc;
    std::optional<OrganizationId> organization_id;
    std::optional<bool> editable, expired;
    std::string access_key, description;
    std::optional<PrincipalId> bearer_id, application_id, user_id;
    BearerType bearer_type = BearerType::unknown_bearer_type;
    std::vector<std::string> access_keys;
};
constexpr auto describe(As<KeyFilter>) {
    return fields(field("order_by", &KeyFilter::order_by, defaulted), field("organization_id", &KeyFilter::organization_id),
                  field("editable", &KeyFilter::editable), field("expired", &KeyFilter::expired),
                  field("access_key", &KeyFilter::access_key, defaulted), field("description", &KeyFilter::description, defaulted),
                  field("bearer_id", &KeyFilter::bearer_id), field("application_id", &KeyFilter::application_id),
                  field("user_id", &KeyFilter::user_id), field("bearer_type", &KeyFilter::bearer_type, defaulted),
                  field("access_keys", &KeyFilter::access_keys, at_most{1000}));
}

void narrow(Listing& listing, const KeyFilter& f, const OrganizationId& own, Timestamp now) {
    if ((f.organization_id && *f.organization_id != own) || f.editable == false) listing.where("1 = 0");
    if (f.expired == true) listing.where("k.expires_at <= {}", now);
    if (f.expired == false) listing.where("(k.expires_at is null or k.expires_at > {})", now);
    if (!f.access_key.empty()) listing.where("k.access_key = {}", f.access_key);
    if (!f.description.empty()) listing.where("replace(k.description, {}, '') <> k.description", f.description);
    for (const auto& bearer : {f.bearer_id, f.application_id, f.user_id}) listing.where_if("k.principal_id = {}", bearer);
    if (f.application_id || f.bearer_type == BearerType::application) listing.part("p.kind", "application");
    if (f.user_id || f.bearer_type == BearerType::user) listing.part("p.kind", "user");
    listing.among("k.access_key", f.access_keys);
    const auto order = fmt::format("k.{}", word(f.order_by));
    // Databases differ in where they put what is null.
    const bool is_by_end = f.order_by == KeyOrder::expires_at_asc || f.order_by == KeyOrder::expires_at_desc;
    listing.order(is_by_end ? "coalesce(k.expires_at, 0)" + order.substr(order.rfind('_')) : order, "k.access_key");
}

using KeyList = http::Listed<"api_keys", KeyView>;

Task<KeyList> list_keys(Identity& identity, Call<KeyFilter> call) {
    const auto by = call.caller_as<Caller>();
    const auto found = co_await identity.keys(
        by, call.page(), [f = call.in, own = by.organization, now = identity.now()](Listing& listing) { narrow(listing, f, own, now); });
    co_return KeyList(mapped(found, view_of));
}

struct CreateKey {
    std::optional<PrincipalId> application_id, user_id;
    std::optional<Timestamp> expires_at;
    std::optional<ProjectId> default_project_id;
    std::string description;
    std::optional<Role> role;  // ours
};
constexpr auto schema_name(As<CreateKey>) { return std::string_view("iam.CreateAPIKeyRequest"); }
constexpr auto describe(As<CreateKey>) {
    return fields(field("application_id", &CreateKey::application_id), field("user_id", &CreateKey::user_id),
                  field("expires_at", &CreateKey::expires_at), field("default_project_id", &CreateKey::default_project_id),
                  field("description", &CreateKey::description, defaulted, length{0, 200}),
                  field("role", &CreateKey::role, help("Meridian's own: admin (the default), inference or observer.")));
}

Task<http::Created<KeyView>> create_key(Identity& identity, Call<CreateKey> call) {
    if (call.in.application_id && call.in.user_id) {
        throw invalid("user_id", FieldProblem::Reason::constraint, "give application_id or user_id, not both");
    }
    KeyWish wish;
    wish.role = call.in.role.value_or(Role::admin);
    wish.description = call.in.description;
    wish.principal = call.in.application_id ? call.in.application_id : call.in.user_id;
    wish.default_project = call.in.default_project_id;
    wish.expires_at = call.in.expires_at;
    const NewKey made = co_await identity.create_key(call.caller_as<Caller>(), std::move(wish));
    KeyView view = view_of(made.key);
    view.secret_key = made.secret;
    co_return http::Created<KeyView>{std::move(view)};
}

Task<KeyView> get_key(Identity& identity, Call<> call) {
    co_return view_of(co_await identity.key(call.caller_as<Caller>(), call.param("access_key")));
}

}  // namespace

constexpr auto schema_name(As<KeyChange>) { return std::string_view("iam.UpdateAPIKeyRequest"); }
constexpr auto describe(As<KeyChange>) {
    return fields(field("default_project_id", &KeyChange::default_project), field("description", &KeyChange::description, length{0, 200}),
                  field("expires_at", &KeyChange::expires_at));
}

namespace {

Task<KeyView> update_key(Identity& identity, Call<KeyChange> call) {
    co_return view_of(co_await identity.change_key(call.caller_as<Caller>(), call.param("access_key"), std::move(call.in)));
}

Task<http::NoContent> delete_key(Identity& identity, Call<> call) {
    co_await identity.remove_key(call.caller_as<Caller>(), call.param("access_key"));
    co_return http::NoContent{};
}

}  // namespace

void add_key_routes(http::Router& router, Identity& identity) {
    using http::doc;
    using http::typed;
    const auto dialect = http::Dialect::scaleway;
    const std::string keys = "/iam/v1alpha1/api-keys", key = keys + "/{access_key}";
    router.add(typed<KeyFilter, KeyList>("GET", keys, {"read", "own_key"}, dialect, doc("ListAPIKeys", "List API keys", "iam"),
                                         [&identity](Call<KeyFilter> call) { return list_keys(identity, std::move(call)); }));
    router.add(typed<CreateKey, http::Created<KeyView>>(
        "POST", keys, {"create", "keys"}, dialect, doc("CreateAPIKey", "Make an API key; its secret is shown this once", "iam"),
        [&identity](Call<CreateKey> call) { return create_key(identity, std::move(call)); }));
    router.add(typed<http::Nothing, KeyView>("GET", key, {"read", "own_key"}, dialect, doc("GetAPIKey", "Get an API key", "iam"),
                                             [&identity](Call<> call) { return get_key(identity, std::move(call)); }));
    router.add(typed<KeyChange, KeyView>("PATCH", key, {"update", "keys"}, dialect, doc("UpdateAPIKey", "Change an API key", "iam"),
                                         [&identity](Call<KeyChange> call) { return update_key(identity, std::move(call)); }));
    router.add(typed<http::Nothing, http::NoContent>("DELETE", key, {"remove", "keys"}, dialect,
                                                     doc("DeleteAPIKey", "Delete an API key", "iam"),
                                                     [&identity](Call<> call) { return delete_key(identity, std::move(call)); }));
}

}  // namespace meridian::identity
