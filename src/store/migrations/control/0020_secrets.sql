-- Secrets: what is said of them in the open; the data of each version sealed under a key of its own, and that key sealed in turn.

create table secrets (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    region text not null,
    path text not null,
    name text not null,
    type text not null,
    description text,
    tags text not null default '[]',
    protected bigint not null,
    ephemeral_policy text,
    used_by text not null default '[]',
    key_id text, -- of customer_keys
    created_at bigint not null,
    updated_at bigint not null,
    deletion_requested_at bigint
);
create index secrets_by_place on secrets (project_id, path, name);
create index secrets_by_organization on secrets (organization_id, created_at, id);
create index secrets_by_deletion on secrets (deletion_requested_at);

create table secret_versions (
    id text not null primary key, -- of the secret, and the revision
    secret_id text not null references secrets (id) on delete cascade,
    revision bigint not null,
    status text not null, -- enabled, disabled, scheduled_for_deletion, deleted
    description text,
    key_id text, -- of customer_keys, that data_key is sealed under; null: the sealing key of the control plane
    data_key bytea, -- null: the version was deleted
    data bytea,
    crc32 bigint,
    ephemeral_properties text,
    expires_at bigint,
    was_enabled bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    deletion_requested_at bigint,
    deleted_at bigint,
    unique (secret_id, revision)
);
create index secret_versions_by_expiry on secret_versions (expires_at);
create index secret_versions_by_deletion on secret_versions (deletion_requested_at);
create index secret_versions_by_key on secret_versions (key_id);
