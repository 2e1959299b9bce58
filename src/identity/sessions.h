// Sessions: what somebody has who signed in, or who changed a key for a token. Rows and rules, all in the caller's transaction.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/store.h"
#include "keys/keys.h"
#include "resource/fields.h"

namespace meridian::identity {

using SessionId = Id<struct SessionTag>;

// With it the tokens of sessions are signed; without it nobody gets one. Before serving; the key outlives the identity.
void sign_with(Identity& identity, const keys::SigningKey& key);

struct Session {
    SessionId id;
    OrganizationId organization;
    ProjectId project;                      // where it works unless it says otherwise
    PrincipalId principal;                  // a user
    std::optional<std::string> access_key;  // which asked for it: its token may what the key may, and goes with it
    Timestamp created_at, expires_at;
    std::string address, user_agent;
};
constexpr auto describe(As<Session>) {
    return fields(field("id", &Session::id), field("organization_id", &Session::organization), field("project_id", &Session::project),
                  field("principal_id", &Session::principal), field("access_key", &Session::access_key),
                  field("created_at", &Session::created_at), field("expires_at", &Session::expires_at), field("address", &Session::address),
                  field("user_agent", &Session::user_agent));
}

// How long tokens and keys may live in an organization.
struct SecuritySettings {
    std::optional<Duration> session_length;  // nullopt: default_session_length
    std::optional<Duration> key_length;      // nullopt: keys need not expire
};
constexpr auto describe(As<SecuritySettings>) {
    return fields(field("session_length", &SecuritySettings::session_length), field("key_length", &SecuritySettings::key_length));
}
inline constexpr Duration default_session_length = std::chrono::hours(12);
inline constexpr Duration session_length_min = std::chrono::minutes(5), session_length_max = std::chrono::days(30);
inline constexpr Duration key_length_min = std::chrono::hours(1), key_length_max = std::chrono::days(3650);

SecuritySettings security_settings(store::Tx& tx, const OrganizationId& organization);
// Error{invalid} out of bounds.
void set_security_settings(store::Tx& tx, const OrganizationId& organization, const SecuritySettings& settings);
// Error{invalid} where the organization wants keys to expire sooner. For new keys, and when the expiry of one changes.
void check_key_length(store::Tx& tx, const OrganizationId& organization, const std::optional<Timestamp>& expires_at, Timestamp now);

// How somebody comes in, and from where.
struct Entry {
    OrganizationId organization;
    PrincipalId principal;
    std::optional<ApiKey> key;  // that is changed for a token
    std::string address, user_agent;
};
// Without a token yet; sessions that ended are swept away. Error{quota} for more than a person needs.
Session insert_session(store::Tx& tx, const Entry& entry, Timestamp now, Rng& rng);
// A signed JWT (RFC 7519) that says whose it is and until when. Whoever has it is let in while its row is there: it is looked up by its
// digest like a key's secret.
std::string give_token(store::Tx& tx, const Session& session, const keys::SigningKey& key);
// 256 random bits in base64url: 43 characters.
std::string unguessable_text(Rng& rng);
// The session is fetched with the code by whoever knows what `challenge` is the digest of (S256 of RFC 7636).
std::string give_code(store::Tx& tx, const Session& session, std::string_view challenge, Rng& rng);
// Once, and within code_length. Nothing for a code that is wrong, was used or is too old; after a wrong verifier the session is gone.
std::optional<Session> take_code(store::Tx& tx, std::string_view code, std::string_view verifier, Timestamp now);
inline constexpr Duration code_length = std::chrono::minutes(2);

// One's own, or anybody's of the organization for those who may read its users. Error{not_found}.
Session visible_session(store::Tx& tx, const Caller& by, const SessionId& id);
void remove_session(store::Tx& tx, const SessionId& id);
// The session with that token, and what it may as a key would.
struct OpenedSession {
    SessionId id;
    std::optional<std::string> access_key;
    ApiKey rights;  // without an access key of its own
};
std::optional<OpenedSession> find_session_of(store::Tx& tx, const Sha256& token_hash);

}  // namespace meridian::identity
