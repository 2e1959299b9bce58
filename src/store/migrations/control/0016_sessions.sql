-- Signing in: sessions with their tokens, the provider that people sign in through, and whom it calls what.

create table sessions (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null, -- where it works unless it says otherwise
    principal_id text not null references principals (id) on delete cascade,
    access_key text references api_keys (access_key) on delete cascade, -- the key that asked for it, which limits it
    token_hash text unique, -- null: signed in, and the token not yet fetched
    code_hash text unique, -- of the code that it is fetched with, until then
    code_challenge text, -- base64url of the SHA-256 of what whoever fetches it must know
    created_at bigint not null,
    expires_at bigint not null,
    address text not null,
    user_agent text not null
);
create index sessions_by_principal on sessions (principal_id, created_at, id);
create index sessions_by_expiry on sessions (expires_at);

create table security_settings (
    organization_id text not null primary key references organizations (id) on delete cascade,
    session_length bigint, -- ns; null: the default
    key_length bigint -- ns; null: keys need not expire
);

create table identity_providers (
    organization_id text not null primary key references organizations (id) on delete cascade,
    issuer text not null,
    client_id text not null,
    client_secret text not null, -- sealed; empty: a public client
    scopes text not null, -- JSON list
    callback_url text not null, -- as the provider knows it; empty: where the browser asked
    groups_claim text not null,
    group_map text not null, -- JSON: what the provider calls a group, and the id of ours
    makes_users bigint not null, -- 1: whoever the provider knows is a user from the first sign-in on
    created_at bigint not null,
    updated_at bigint not null
);
create table identities (
    issuer text not null,
    subject text not null,
    principal_id text not null references principals (id) on delete cascade,
    created_at bigint not null,
    primary key (issuer, subject)
);
create index identities_by_principal on identities (principal_id);
