-- Upgrades process by process: the oldest schema whose programs may work with this one still. Migrations that only add leave it; one that
-- takes away what such programs use raises it, in the release after the one that stopped using it.
create table schema_floor (oldest bigint not null primary key);
insert into schema_floor (oldest) values (17);
