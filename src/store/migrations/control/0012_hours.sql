-- Hours: who pays for those of a deployment, and the quote that they are held to; what an hour of a session costs, where it does.
alter table deployments add column principal_id text;
alter table deployments add column quote_id text;
alter table deployments add column quoted_per_hour bigint;
alter table deployments add column quoted_hours bigint;
alter table deployments add column quoted_replicas bigint;
alter table deployments add column quoted_until bigint;
alter table quantum_sessions add column per_hour bigint;
