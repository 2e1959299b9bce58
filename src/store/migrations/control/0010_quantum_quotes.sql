-- The quote that a job runs by, with the price that it was promised; the job holds it until its run begins.
alter table quantum_jobs add column quote_id text;
alter table quantum_jobs add column ceiling bigint;
alter table quantum_jobs add column quoted_per_hour bigint;
alter table quantum_jobs add column quoted_per_shot bigint;
alter table quantum_jobs add column quoted_per_circuit bigint;
