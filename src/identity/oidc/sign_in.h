// Signing in through the organization's OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636).
//
// The browser comes with where it wants to return to and the challenge of a verifier that whoever sent it knows. It is sent to the
// provider, comes back with a code, and returns with one of ours; who has the verifier changes that for a token. Nothing is kept here in
// between: what has to be known again travels sealed in a cookie.
#pragma once
#include <optional>
#include <string>

#include "http/types.h"
#include "identity/oidc/published.h"
#include "identity/sessions.h"
#include "keys/keys.h"

namespace meridian::identity {

class SignIn {
public:
    SignIn(Identity& identity, ClientHere client, const keys::SealingKey& sealing);

    struct Wish {
        OrganizationId organization;
        std::string return_to, challenge;
        std::string origin;  // of the browser's request: "https://meridian.example"
    };
    struct Sent {
        std::string location, cookie;  // to where, and what to bring back
    };
    // Error{invalid} for a place that is not ours to send anybody to, Error{precondition} where no provider is declared.
    Task<Sent> begin(Wish wish);
    struct Return {
        std::string cookie, state, code, error, issuer;  // what the browser brings; `error` instead of a code
        http::Origin from;
    };
    // Where it returns to: with a code, or with an error and a sentence. Error{invalid} when it cannot be known where.
    Task<std::string> finish(Return with);
    struct Taken {
        Session session;
        std::string token;
    };
    // Error{unauthenticated} for a code that is not good.
    Task<Taken> take(std::string code, std::string verifier);

    [[nodiscard]] std::string seal(std::string_view client_secret) const;
    // So that a mistake is known before somebody wants to sign in.
    Task<> check_issuer(std::string issuer);
    Identity::State& state() { return identity_.state(); }

    static constexpr std::string_view cookie_name = "meridian_sign_in";
    static constexpr std::string_view path = "/meridian/v1/sign-in", callback_path = "/meridian/v1/sign-in/callback";

private:
    // What the cookie holds.
    struct Journey {
        std::string state, nonce, verifier, return_to, challenge, callback;
        OrganizationId organization;
        Timestamp ends;
    };
    [[nodiscard]] std::string sealed(const Journey& journey) const;
    [[nodiscard]] std::optional<Journey> opened(std::string_view cookie) const;
    Task<IdentityProvider> provider_of(OrganizationId organization);
    Task<std::string> code_for(Journey journey, Return with);
    Task<Claims> claims_of(IdentityProvider provider, Journey journey, std::string code);

    Identity& identity_;
    Issuers issuers_;
    const keys::SealingKey& sealing_;
};

// iam/v1alpha1 and account/v3 without the table of rights, which lists the routes of a whole installation: for a process that answers from
// the rows alone.
void add_control_routes(http::Router& router, Identity& identity);
// The routes of signing in, and of the provider that an organization declares.
void add_sign_in_routes(http::Router& router, SignIn& sign_in);
void add_identity_provider_routes(http::Router& router, SignIn& sign_in);

}  // namespace meridian::identity
