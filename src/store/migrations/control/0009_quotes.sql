-- What runs were quoted. Never changed: whether one was used is said by the ledger.
create table quotes (
    id text not null primary key, -- of version 7: in the order of making
    organization_id text not null,
    project_id text not null,
    principal_id text not null,
    kind text not null,
    model text not null, -- or the platform
    digest text not null, -- of the request
    document text not null, -- offers
    created_at bigint not null,
    valid_until bigint not null
);
create index quotes_by_organization on quotes (organization_id, id);
create index quotes_by_end on quotes (valid_until);
create index quotes_by_making on quotes (created_at);
