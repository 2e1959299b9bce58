-- How many rows there are of what lists count, kept by the transactions that make and remove them, and the indexes that lists, and removals,
-- go by: with a million rows to count or to sort them takes too long for every page.

create table row_counts (
    kind text not null, -- a table, or a part of it: users, users:member
    organization_id text not null references organizations (id),
    n bigint not null,
    primary key (kind, organization_id)
);
insert into row_counts (kind, organization_id, n) select 'principals', organization_id, count(*) from principals group by organization_id;
insert into row_counts (kind, organization_id, n) select 'users', organization_id, count(*) from users group by organization_id;
insert into row_counts (kind, organization_id, n)
    select 'users:' || type, organization_id, count(*) from users group by type, organization_id;
insert into row_counts (kind, organization_id, n) select 'applications', organization_id, count(*) from applications group by organization_id;
insert into row_counts (kind, organization_id, n) select 'groups', organization_id, count(*) from groups group by organization_id;
insert into row_counts (kind, organization_id, n) select 'policies', organization_id, count(*) from policies group by organization_id;
insert into row_counts (kind, organization_id, n) select 'projects', organization_id, count(*) from projects group by organization_id;
insert into row_counts (kind, organization_id, n) select 'ssh_keys', organization_id, count(*) from ssh_keys group by organization_id;
insert into row_counts (kind, organization_id, n) select 'api_keys', organization_id, count(*) from api_keys group by organization_id;
insert into row_counts (kind, organization_id, n)
    select 'api_keys:' || p.kind, k.organization_id, count(*) from api_keys k join principals p on p.id = k.principal_id
    group by p.kind, k.organization_id;

create index users_by_time on users (organization_id, created_at, id);
create index users_by_type on users (organization_id, type, created_at, id);
create index applications_by_time on applications (organization_id, created_at, id);
create index groups_by_time on groups (organization_id, created_at, id);
create index policies_by_time on policies (organization_id, created_at, id);
create index projects_by_time on projects (organization_id, created_at, id);
drop index api_keys_by_organization;
create index api_keys_by_time on api_keys (organization_id, created_at, access_key);
create index api_keys_by_principal on api_keys (principal_id, created_at, access_key);
create index api_keys_by_default_project on api_keys (default_project_id);
create index api_keys_by_only_project on api_keys (only_project_id);

-- Requests with an Idempotency-Key, for a day: what is sent again is answered as the first time.
create table idempotent_requests (
    principal_id text not null,
    name text not null, -- the header's value
    request text not null, -- hex of a MAC of the SHA-256 of what was asked for
    answer bytea, -- sealed; null: none is known
    created_at bigint not null,
    primary key (principal_id, name)
);
create index idempotent_requests_by_time on idempotent_requests (created_at);
