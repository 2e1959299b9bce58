// iam/v1alpha1: JWTs. A user changes a key for a token, sees what tokens there are, and ends them. Nobody gets one of somebody else.
#include <fmt/format.h>

#include "identity/api.h"
#include "identity/listing.h"
#include "identity/people.h"
#include "identity/sessions.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

struct JwtView {
    SessionId jti;
    PrincipalId issuer_id, audience_id;
    Timestamp created_at, updated_at, expires_at;
    std::string ip, user_agent, srn;
};
constexpr auto schema_name(As<JwtView>) { return std::string_view("iam.JWT"); }
constexpr auto describe(As<JwtView>) {
    return fields(field("jti", &JwtView::jti), field("issuer_id", &JwtView::issuer_id), field("audience_id", &JwtView::audience_id),
                  field("created_at", &JwtView::created_at), field("updated_at", &JwtView::updated_at),
                  field("expires_at", &JwtView::expires_at), field("ip", &JwtView::ip), field("user_agent", &JwtView::user_agent),
                  field("srn", &JwtView::srn));
}

JwtView view_of(const Session& session) {
    JwtView view;
    view.jti = session.id;
    view.issuer_id = view.audience_id = session.principal;
    view.created_at = view.updated_at = session.created_at;
    view.expires_at = session.expires_at;
    view.ip = session.address;
    view.user_agent = session.user_agent;
    return view;
}

struct JwtFilter {
    std::string order_by = "created_at_asc";
    std::optional<PrincipalId> audience_id;
    std::optional<bool> expired;
};
constexpr auto describe(As<JwtFilter>) {
    return fields(
        field("order_by", &JwtFilter::order_by, defaulted,
              one_of{"created_at_asc", "created_at_desc", "updated_at_asc", "updated_at_desc"}),
        field("audience_id", &JwtFilter::audience_id, help("The user whose tokens they are: the caller unless another is named.")),
        field("expired", &JwtFilter::expired));
}
using JwtList = http::Listed<"jwts", JwtView>;

Task<JwtList> list(State& state, Call<JwtFilter> call) {
    const auto by = call.caller_as<Caller>();
    const auto whose = call.in.audience_id.value_or(by.principal);
    if (whose != by.principal) need(by, "read", "users");
    Listing listing("sessions");
    listing.where("organization_id = {}", by.organization).where("principal_id = {}", whose).where("token_hash is not null");
    if (call.in.expired) listing.where(*call.in.expired ? "expires_at <= {}" : "expires_at > {}", state.clock.now());
    listing.order(call.in.order_by.ends_with("_desc") ? "created_at_desc" : "created_at_asc");
    co_return co_await state.store.read(
        [listing, page = call.page()](store::Tx& tx) { return JwtList(mapped(listing.page<Session>(tx, page), view_of)); });
}

struct CreateJwt {
    std::optional<PrincipalId> user_id;
    std::string referrer;
};
constexpr auto schema_name(As<CreateJwt>) { return std::string_view("iam.CreateJWTRequest"); }
constexpr auto describe(As<CreateJwt>) {
    return fields(field("user_id", &CreateJwt::user_id), field("referrer", &CreateJwt::referrer, defaulted));
}
struct EncodedJwt {
    JwtView jwt;
    std::string token, renew_token;  // the latter is empty: a token lives as long as its session
};
constexpr auto schema_name(As<EncodedJwt>) { return std::string_view("iam.EncodedJWT"); }
constexpr auto describe(As<EncodedJwt>) {
    return fields(field("jwt", &EncodedJwt::jwt), field("token", &EncodedJwt::token), field("renew_token", &EncodedJwt::renew_token));
}

Task<http::Created<EncodedJwt>> create(State& state, Call<CreateJwt> call) {
    const auto by = call.caller_as<Caller>();
    if (call.in.user_id && *call.in.user_id != by.principal)
        throw Error(Fault::denied, "A token of another user would let you act as that user. Users get their own.").about("jwt", "");
    if (by.access_key.empty())
        throw Error(Fault::denied, "A token gives no other token. Sign in again, or use a key of yours.").about("jwt", "");
    if (!state.signing) throw Error(Fault::unavailable, "This installation gives no tokens.");
    co_return co_await state.change(by, [&state, by](store::Tx& tx) {
        Entry entry;
        entry.organization = by.organization;
        entry.principal = by.principal;
        entry.key = visible_key(tx, by, by.access_key);
        if (!entry.key->is_users) refuse("user_id", "Applications have keys alone; tokens are for users.");
        if (by.origin) {
            entry.address = by.origin->address;
            entry.user_agent = by.origin->user_agent;
        }
        const auto session = insert_session(tx, entry, state.clock.now(), state.rng);
        return http::Created<EncodedJwt>{{.jwt = view_of(session), .token = give_token(tx, session, *state.signing), .renew_token = ""}};
    });
}

Task<JwtView> get(State& state, Call<> call) {
    co_return co_await state.store.read([by = call.caller_as<Caller>(), id = http::id_param<SessionId>(call, "jti")](store::Tx& tx) {
        return view_of(visible_session(tx, by, id));
    });
}

Task<http::NoContent> remove(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await state.change(by, [by, id = http::id_param<SessionId>(call, "jti")](store::Tx& tx) {
        const auto session = visible_session(tx, by, id);
        if (session.principal != by.principal) need(by, "update", "users");
        remove_session(tx, id);
    });
    co_return http::NoContent{};
}

}  // namespace

void add_jwt_routes(http::Router& router, Identity& identity) {
    using http::doc;
    using http::Nothing;
    const auto all = iam_base + "jwts", one = all + "/{jti}";
    add_route<JwtFilter, JwtList>(router, identity, "GET", all, {"read", "sessions"},
                                  doc("ListJWTs", "List tokens: one's own, or a user's", "iam"), list);
    add_route<CreateJwt, http::Created<EncodedJwt>>(router, identity, "POST", all, {"create", "sessions"},
                                                    doc("CreateJWT", "Change a key for a token", "iam"), create);
    add_route<Nothing, JwtView>(router, identity, "GET", one, {"read", "sessions"}, doc("GetJWT", "Get what is known of a token", "iam"),
                                get);
    add_route<Nothing, http::NoContent>(router, identity, "DELETE", one, {"remove", "sessions"}, doc("DeleteJWT", "End a token", "iam"),
                                        remove);
}

}  // namespace meridian::identity
