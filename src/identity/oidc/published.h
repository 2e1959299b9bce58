// What an OpenID provider publishes of itself (OpenID Connect Discovery 1.0), and the one question that it is asked (RFC 6749, 4.1.3).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/json.h"
#include "http/client.h"
#include "identity/oidc/providers.h"

namespace meridian::identity {

// The client of the loop that a coroutine runs on.
using ClientHere = std::function<http::Client&(const Executor&)>;

struct Published {
    std::string authorization_endpoint, token_endpoint;
    Json keys;
};

// What issuers publish is kept for a while. Safe from any thread. An issuer that does not answer, or says what it should not, is
// Error{unavailable}: nobody signs in then, and who has a key or a token works on.
class Issuers {
public:
    Issuers(ClientHere client, Clock& clock) : client_(std::move(client)), clock_(clock) {}
    // `anew`: not from memory; for keys that changed since.
    Task<std::shared_ptr<const Published>> published(std::string issuer, bool anew = false);
    // The ID token for a code. `secret`: opened; empty for a public client.
    Task<std::string> id_token(IdentityProvider provider, std::string secret, std::string code, std::string verifier, std::string callback);

private:
    struct Kept {
        std::shared_ptr<const Published> what;
        Steady at{};
    };
    Task<Json> get(std::string url);

    ClientHere client_;
    Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

// Whether it may be that of an issuer or its endpoints: https, or http to this very machine.
bool is_fit_url(std::string_view url);

}  // namespace meridian::identity
