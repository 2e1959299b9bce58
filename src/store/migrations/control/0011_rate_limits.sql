-- Requests and tokens a minute; 0 is no limit. What is left of them is in memory.
create table rate_limits (
    id text primary key,
    organization text not null,
    scope text not null,
    scope_id text not null,
    requests_per_minute bigint not null,
    tokens_per_minute bigint not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index rate_limits_by_organization on rate_limits (organization, created_at, id);
