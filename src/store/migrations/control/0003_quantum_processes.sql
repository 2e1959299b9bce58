-- Processes: runs of a ready-made application. What one computes is a job in a session of its own, so that there is one queue and one
-- ledger. Its input is content, as a job's circuit is. A booking is looked for by its end, whenever jobs are.
create table quantum_processes (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    name text not null,
    application_id text not null,
    platform_id text not null,
    session_id text not null references quantum_sessions (id) on delete cascade,
    job_id text not null,
    tags text not null default '[]',
    created_at bigint not null,
    updated_at bigint not null
);
create index quantum_processes_by_project on quantum_processes (project_id, created_at);
create index quantum_bookings_by_end on quantum_bookings (zone, finished_at);
alter table quantum_jobs add column application text; -- what a process computes; null for circuits
alter table quantum_sessions add column process_id text;
