-- Who may do what: users and applications as rows of their own beside their principal, groups of them, policies with rules,
-- SSH keys.

create table users (
    id text not null primary key references principals (id) on delete cascade,
    organization_id text not null references organizations (id),
    type text not null, -- owner, member
    status text not null, -- invitation_pending, activated
    email text not null,
    username text not null,
    first_name text not null default '',
    last_name text not null default '',
    phone_number text not null default '',
    locale text not null default '',
    tags text not null default '[]',
    locked bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    last_login_at bigint,
    unique (organization_id, username)
);
insert into users (id, organization_id, type, status, email, username, created_at, updated_at)
    select id, organization_id, 'owner', 'activated', '', name, created_at, updated_at from principals where kind = 'user';

create table applications (
    id text not null primary key references principals (id) on delete cascade,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    tags text not null default '[]',
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);

create table groups (
    id text not null primary key,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    tags text not null default '[]',
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);
create table group_members (
    group_id text not null references groups (id) on delete cascade,
    principal_id text not null references principals (id) on delete cascade,
    primary key (group_id, principal_id)
);
create index group_members_by_principal on group_members (principal_id);

create table policies (
    id text not null primary key,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    tags text not null default '[]',
    principal_id text references principals (id) on delete set null,
    group_id text references groups (id) on delete set null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);
create index policies_by_principal on policies (principal_id);
create index policies_by_group on policies (group_id);
create table policy_rules (
    id text not null primary key,
    policy_id text not null references policies (id) on delete cascade,
    place bigint not null, -- from 0, in the order of the request
    permission_sets text not null, -- names
    projects text -- ids; null: the whole organization
);
create index policy_rules_by_policy on policy_rules (policy_id, place);

create table ssh_keys (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    name text not null,
    public_key text not null,
    fingerprint text not null,
    disabled bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    unique (project_id, fingerprint)
);
create index ssh_keys_by_organization on ssh_keys (organization_id, created_at, id);
