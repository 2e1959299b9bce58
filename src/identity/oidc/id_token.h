// ID tokens of OpenID Connect Core 1.0: signed by the provider, for us, of this very sign-in, and in time.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/json.h"
#include "base/time.h"

namespace meridian::identity {

// Whom the provider says it has signed in.
struct Claims {
    std::string subject, email, name, given_name, family_name, preferred_username;
    bool email_verified = false;
    std::vector<std::string> groups;
};

struct WantedToken {
    std::string issuer, client_id, nonce;
    std::string groups_claim;  // its name; a list of texts, or one text
    Timestamp now;
};
// How far the provider's clock may be from ours.
inline constexpr Duration clock_leeway = std::chrono::minutes(2);

inline constexpr std::size_t token_max = 64 * 1024, provider_keys_max = 64;

// A member that is a text; "" for any other, and where there is none.
std::string text_in(const Json& object, std::string_view name);

// Why a token does not count. With `unknown_key` the provider's keys may be older than the token: they are to be fetched again.
struct TokenFault {
    enum class Kind { unknown_key, wrong };
    Kind kind = Kind::wrong;
    std::string said;
};

// `keys`: the provider's JSON Web Key Set (RFC 7517). Signatures by RSA (RS256 to PS512) and elliptic curves (ES256 to ES512) count;
// "none" and shared secrets never do.
std::expected<Claims, TokenFault> read_id_token(std::string_view token, const Json& keys, const WantedToken& wanted);

}  // namespace meridian::identity
