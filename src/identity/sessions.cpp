#include "identity/sessions.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "identity/state.h"
#include "keys/jws.h"
#include "resource/sql_bind.h"

namespace meridian::identity {
namespace {

constexpr std::int64_t sessions_max = 100;  // of one person at once

void check_length(std::string_view field, const std::optional<Duration>& length, Duration least, Duration most) {
    if (!length || (*length >= least && *length <= most)) return;
    const auto hours = [](Duration d) { return std::chrono::duration<double, std::ratio<3600>>(d).count(); };
    refuse(field, fmt::format("This is from {:.4g} to {:.4g} hours.", hours(least), hours(most)));
}

void sweep(store::Tx& tx, Timestamp now) {
    for (const auto& row : tx.query("select id from sessions where expires_at <= $1", now))
        remove_session(tx, store::id_in<SessionId>(row, "id"));
}

ProjectId oldest_project(store::Tx& tx, const OrganizationId& organization) {
    const auto rows = tx.query("select id from projects where organization_id = $1 order by created_at, id limit 1", organization);
    if (rows.empty()) throw Error(Fault::precondition, "This organization has no project to work in. Make one first.");
    return store::id_in<ProjectId>(rows.front(), "id");
}

}  // namespace

void sign_with(Identity& identity, const keys::SigningKey& key) { identity.state().signing = &key; }

SecuritySettings security_settings(store::Tx& tx, const OrganizationId& organization) {
    const auto rows = tx.query(select_sql<SecuritySettings>("security_settings", "where organization_id = $1"), organization);
    return rows.empty() ? SecuritySettings() : from_row<SecuritySettings>(rows.front());
}

void set_security_settings(store::Tx& tx, const OrganizationId& organization, const SecuritySettings& settings) {
    check_length("max_login_session_duration", settings.session_length, session_length_min, session_length_max);
    check_length("max_api_key_expiration_duration", settings.key_length, key_length_min, key_length_max);
    tx.run("insert into security_settings (organization_id) values ($1) on conflict (organization_id) do nothing", organization);
    const auto count = [](const std::optional<Duration>& d) { return d ? std::optional(d->count()) : std::nullopt; };
    tx.run("update security_settings set session_length = $2, key_length = $3 where organization_id = $1", organization,
           count(settings.session_length), count(settings.key_length));
    tx.changed("security_settings", organization.str());
}

void check_key_length(store::Tx& tx, const OrganizationId& organization, const std::optional<Timestamp>& expires_at, Timestamp now) {
    const auto longest = security_settings(tx, organization).key_length;
    if (longest && (!expires_at || *expires_at > now + *longest))
        refuse("expires_at", fmt::format("Keys of this organization expire within {} hours. Give a time before that.",
                                         std::chrono::duration_cast<std::chrono::hours>(*longest).count()));
}

Session insert_session(store::Tx& tx, const Entry& entry, Timestamp now, Rng& rng) {
    sweep(tx, now);
    const auto count = tx.query("select count(*) as n from sessions where principal_id = $1", entry.principal).front();
    if (count.get<std::int64_t>("n") >= sessions_max)
        throw Error(Fault::quota, fmt::format("There are {} sessions of yours. End some of them first.", sessions_max)).about("jwt", "");
    Session made;
    made.project = entry.key ? entry.key->default_project : oldest_project(tx, entry.organization);
    made.id = SessionId::random(rng);
    made.organization = entry.organization;
    made.principal = entry.principal;
    made.created_at = now;
    const auto length = security_settings(tx, entry.organization).session_length.value_or(default_session_length);
    made.expires_at = now + std::chrono::duration_cast<Timestamp::duration>(length);
    if (entry.key) {
        made.access_key = entry.key->access_key;
        if (entry.key->expires_at) made.expires_at = std::min(made.expires_at, *entry.key->expires_at);
    }
    made.address = entry.address;
    made.user_agent = entry.user_agent;
    insert_row(tx, "sessions", made);
    tx.changed("sessions", made.id.str());
    return made;
}

std::string give_token(store::Tx& tx, const Session& session, const keys::SigningKey& key) {
    const auto header = to_text(JsonObject{{"alg", "EdDSA"}, {"typ", "JWT"}, {"kid", key.key_id()}});
    const auto claims = to_text(JsonObject{{"iss", "meridian"},
                                           {"sub", session.principal.str()},
                                           {"aud", session.organization.str()},
                                           {"jti", session.id.str()},
                                           {"iat", unix_seconds(session.created_at)},
                                           {"exp", unix_seconds(session.expires_at)}});
    auto token = keys::compact_jws(key, header, claims);
    tx.run("update sessions set token_hash = $2, code_hash = null, code_challenge = null where id = $1", session.id, hex(hash_of(token)));
    tx.changed("sessions", session.id.str());
    return token;
}

std::string unguessable_text(Rng& rng) {
    std::string bytes(32, '\0');
    rng.fill(std::as_writable_bytes(std::span(bytes)));
    return base64url(bytes);
}

std::string give_code(store::Tx& tx, const Session& session, std::string_view challenge, Rng& rng) {
    auto code = unguessable_text(rng);
    tx.run("update sessions set code_hash = $2, code_challenge = $3 where id = $1", session.id, hex(hash_of(code)), challenge);
    return code;
}

std::optional<Session> take_code(store::Tx& tx, std::string_view code, std::string_view verifier, Timestamp now) {
    const auto digest = hex(hash_of(code));
    const auto rows = tx.query(select_sql<Session>("sessions", "where code_hash = $1"), digest);
    if (rows.empty()) return std::nullopt;
    auto session = from_row<Session>(rows.front());
    const auto challenge = tx.query("select code_challenge from sessions where code_hash = $1", digest).front();
    const auto known = base64url(as_view(sha256(verifier)));
    if (now <= session.created_at + code_length && equal_in_constant_time(known, challenge.get<std::string>("code_challenge")))
        return session;
    remove_session(tx, session.id);
    return std::nullopt;
}

Session visible_session(store::Tx& tx, const Caller& by, const SessionId& id) {
    const auto rows = tx.query(select_sql<Session>("sessions", "where id = $1 and organization_id = $2"), id, by.organization);
    if (rows.empty()) no_such("jwt", id.str());
    auto session = from_row<Session>(rows.front());
    if (session.principal != by.principal && !by.may("read", "users")) no_such("jwt", id.str());
    return session;
}

void remove_session(store::Tx& tx, const SessionId& id) {
    tx.run("delete from sessions where id = $1", id);
    tx.changed("sessions", id.str());
}

std::optional<OpenedSession> find_session_of(store::Tx& tx, const Sha256& token_hash) {
    const auto rows = tx.query(
        "select s.id, s.access_key, s.organization_id, s.project_id, s.principal_id, s.expires_at, k.role, k.only_project_id from sessions "
        "s "
        "left join api_keys k on k.access_key = s.access_key where s.token_hash = $1",
        hex(token_hash));
    if (rows.empty()) return std::nullopt;
    const auto& row = rows.front();
    OpenedSession made;
    made.id = store::id_in<SessionId>(row, "id");
    made.access_key = row.get<std::optional<std::string>>("access_key");
    made.rights.organization = store::id_in<OrganizationId>(row, "organization_id");
    made.rights.principal = store::id_in<PrincipalId>(row, "principal_id");
    made.rights.expires_at = row.get<Timestamp>("expires_at");
    made.rights.default_project = store::id_in<ProjectId>(row, "project_id");
    if (!row.is_null("role")) made.rights.role = from_word<Role>(row.get<std::string>("role")).value();
    if (!row.is_null("only_project_id")) made.rights.only_project = store::id_in<ProjectId>(row, "only_project_id");
    return made;
}

}  // namespace meridian::identity
