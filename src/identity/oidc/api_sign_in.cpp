// /meridian/v1/sign-in and /sessions: what a browser and whoever sent it ask for, without a key.
#include <fmt/format.h>

#include <algorithm>

#include "http/origin.h"
#include "identity/api.h"
#include "identity/oidc/sign_in.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

using http::Call;

struct BeginWish {
    std::string return_to = "/", challenge;
    std::optional<OrganizationId> organization_id;
};
constexpr auto describe(As<BeginWish>) {
    return fields(
        field("return_to", &BeginWish::return_to, defaulted, help("A path of this server, or http://127.0.0.1:PORT/... of a program.")),
        field("challenge", &BeginWish::challenge, help("base64url of the SHA-256 of the verifier that the code is changed with.")),
        field("organization_id", &BeginWish::organization_id));
}

// Where the browser says that it asked; the provider checks the address that is made of it against the ones it knows.
std::string origin_of(const http::Request& request) {
    const auto host = request.headers.get("Host");
    const auto is_fit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._:[]").contains(c);
    };
    if (host.empty() || !std::ranges::all_of(host, is_fit)) refuse("Host", "The request does not say which host it is for.");
    return fmt::format("{}://{}", request.secure ? "https" : "http", host);
}

std::string cookie_in(const http::Request& request) {
    const auto wanted = std::string(SignIn::cookie_name) + "=";
    auto rest = request.headers.get("Cookie");
    while (!rest.empty()) {
        auto one = rest.substr(0, rest.find(';'));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        if (one.starts_with(wanted)) return std::string(one.substr(wanted.size()));
    }
    return {};
}

http::Response sent_to(std::string location, std::string_view cookie, int seconds, bool is_secure) {
    http::Response response{.status = 302, .headers = {}, .body = {}};
    response.headers.add("Location", std::move(location));
    response.headers.add("Cache-Control", "no-store");
    response.headers.add("Referrer-Policy", "no-referrer");
    response.headers.add("Set-Cookie", fmt::format("{}={}; Path={}; Max-Age={}; HttpOnly; SameSite=Lax{}", SignIn::cookie_name, cookie,
                                                   SignIn::path, seconds, is_secure ? "; Secure" : ""));
    return response;
}

Task<http::Response> begin(SignIn& sign_in, Call<BeginWish> call) {
    const auto& request = call.exchange->request();
    auto organization = call.in.organization_id;
    if (!organization) {
        const auto defaults = co_await sign_in.state().store.read(find_defaults);
        if (defaults) organization = defaults->organization;
    }
    const bool is_secure = request.secure;
    const auto sent = co_await sign_in.begin({.organization = organization.value_or(OrganizationId()),
                                              .return_to = call.in.return_to,
                                              .challenge = call.in.challenge,
                                              .origin = origin_of(request)});
    co_return sent_to(sent.location, sent.cookie, 600, is_secure);
}

struct Answer {
    std::string state, code, error, error_description, iss;
};
constexpr auto describe(As<Answer>) {
    return fields(field("state", &Answer::state, defaulted), field("code", &Answer::code, defaulted),
                  field("error", &Answer::error, defaulted), field("error_description", &Answer::error_description, defaulted),
                  field("iss", &Answer::iss, defaulted));
}

Task<http::Response> finish(SignIn& sign_in, Call<Answer> call) {
    const auto& request = call.exchange->request();
    const bool is_secure = request.secure;
    const auto& in = call.in;
    SignIn::Return with{.cookie = cookie_in(request),
                        .state = in.state,
                        .code = in.code,
                        .error = in.error_description.empty() ? in.error : in.error_description,
                        .issuer = in.iss,
                        .from = http::origin_of(request, "SignIn", "iam")};
    if (with.error.empty() && with.code.empty()) with.error = "nothing";
    co_return sent_to(co_await sign_in.finish(std::move(with)), "", 0, is_secure);
}

struct TakeWish {
    std::string code, verifier;
};
constexpr auto schema_name(As<TakeWish>) { return std::string_view("CreateSessionRequest"); }
constexpr auto describe(As<TakeWish>) { return fields(field("code", &TakeWish::code), field("verifier", &TakeWish::verifier)); }
struct SessionView {
    SessionId id;
    OrganizationId organization_id;
    ProjectId project_id;
    PrincipalId user_id;
    Timestamp created_at, expires_at;
    std::string token;
};
constexpr auto schema_name(As<SessionView>) { return std::string_view("Session"); }
constexpr auto describe(As<SessionView>) {
    return fields(field("id", &SessionView::id), field("organization_id", &SessionView::organization_id),
                  field("project_id", &SessionView::project_id), field("user_id", &SessionView::user_id),
                  field("created_at", &SessionView::created_at), field("expires_at", &SessionView::expires_at),
                  field("token", &SessionView::token, help("For the header X-Session-Token; shown here alone.")));
}

Task<http::Created<SessionView>> take(SignIn& sign_in, Call<TakeWish> call) {
    auto& state = sign_in.state();
    const auto peer = call.exchange->request().peer;
    std::optional<Error> failed;
    try {
        const auto taken = co_await sign_in.take(call.in.code, call.in.verifier);
        const auto& s = taken.session;
        co_return http::Created<SessionView>{{s.id, s.organization, s.project, s.principal, s.created_at, s.expires_at, taken.token}};
    } catch (const Error& e) {
        failed = e;
    }
    if (failed->fault == Fault::unauthenticated) count_failure(state.failures, peer, state.clock.now());
    throw *failed;
}

}  // namespace

void add_sign_in_routes(http::Router& router, SignIn& sign_in) {
    using http::doc;
    const auto add = [&]<class In, class Out>(std::string_view method, std::string path, http::RouteDoc page,
                                              Task<Out> (*f)(SignIn&, Call<In>)) {
        router.add(http::typed<In, Out>(std::string(method), std::move(path), http::anyone(), http::Dialect::meridian, std::move(page),
                                        [&sign_in, f](Call<In> call) { return f(sign_in, std::move(call)); }));
    };
    add("GET", std::string(SignIn::path), doc("BeginSignIn", "Send a browser to the organization's identity provider", "iam"), begin);
    add("GET", std::string(SignIn::callback_path), doc("FinishSignIn", "Where the identity provider sends the browser back to", "iam"),
        finish);
    add("POST", "/meridian/v1/sessions", doc("CreateSession", "Change the code of a sign-in for a token", "iam"), take);
}

}  // namespace meridian::identity
