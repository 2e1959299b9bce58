-- Keys of customers. Each rotation's material is sealed under the sealing key of the control plane.

create table customer_keys (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    region text not null,
    name text not null,
    description text,
    tags text not null default '[]',
    key_usage text not null,
    algorithm text not null,
    origin text not null, -- scaleway_kms, external
    protected bigint not null,
    disabled bigint not null,
    newest bigint not null, -- rotation that was made last
    current_rotation bigint not null, -- the last that has material; 0: none
    rotated_at bigint,
    rotation_period bigint, -- nanoseconds
    next_rotation_at bigint,
    import_key bytea, -- sealed, that material is wrapped for until import_until
    import_wrapping text,
    import_until bigint,
    created_at bigint not null,
    updated_at bigint not null,
    deletion_requested_at bigint
);
create index customer_keys_by_organization on customer_keys (organization_id, created_at, id);
create index customer_keys_by_project on customer_keys (project_id);
create index customer_keys_by_rotation on customer_keys (next_rotation_at);
create index customer_keys_by_deletion on customer_keys (deletion_requested_at);

create table customer_key_rotations (
    id text not null primary key, -- of the key, and the place
    key_id text not null references customer_keys (id) on delete cascade,
    place bigint not null, -- from 1
    status text not null, -- enabled, deleted
    manually_rotated bigint not null,
    material bytea, -- sealed; null: it was deleted
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    unique (key_id, place)
);
