-- A booking is charged when it is over: by which run of the ledger, at what price it was quoted, and since when its session had the time.
-- Bookings of before have no run and cost nothing.
alter table quantum_bookings add column run_id text;
alter table quantum_bookings add column per_hour bigint not null default 0;
alter table quantum_bookings add column began_at bigint;
alter table quantum_bookings add column charged_at bigint;
alter table quantum_bookings add column cost bigint;
