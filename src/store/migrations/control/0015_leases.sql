-- Who acts alone among several processes on one database. `fence` grows with every taking; `expires_at` is by the database's clock.
create table leases (
    name text not null primary key,
    holder text not null,
    fence bigint not null,
    expires_at bigint not null
);
