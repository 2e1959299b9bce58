-- Quantum computing as a service: programs, sessions, jobs and bookings of a zone. Programs, circuits and results are content and lie in
-- the zone's content store; rows hold their sizes and digests. `revision` is that of the row's last change, for who works from the rows; durations are nanoseconds.
create table quantum_programs (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    bytes bigint not null,
    digest text not null,
    created_at bigint not null
);
create index quantum_programs_by_project on quantum_programs (project_id, created_at);
create table quantum_sessions (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    name text not null,
    platform_id text not null,
    is_wanted bigint not null default 1, -- 0: it is to be deleted with all it has
    state text not null, -- starting, running, stopping, stopped
    tags text not null default '[]',
    deduplication_id text not null default '',
    max_duration bigint not null,
    max_idle_duration bigint not null,
    program_id text,
    parameters text,
    booking_id text,
    progress_message text,
    created_at bigint not null,
    updated_at bigint not null,
    started_at bigint,
    terminated_at bigint,
    revision bigint not null
);
create index quantum_sessions_by_project on quantum_sessions (project_id, created_at);
create index quantum_sessions_by_state on quantum_sessions (zone, state);
create table quantum_jobs (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    name text not null,
    session_id text not null references quantum_sessions (id) on delete cascade,
    platform_id text not null,
    state text not null, -- waiting, cancelling, completed, error, cancelled
    priority text not null, -- low, normal, high
    tags text not null default '[]',
    program_id text,
    has_circuit bigint not null default 0,
    parameters text,
    max_duration bigint,
    run_id text not null, -- of the ledger
    attempts bigint not null default 1,
    progress_message text,
    result_bytes bigint,
    created_at bigint not null,
    updated_at bigint not null,
    started_at bigint,
    ended_at bigint,
    revision bigint not null
);
create index quantum_jobs_by_session on quantum_jobs (session_id, created_at);
create index quantum_jobs_by_project on quantum_jobs (project_id, created_at);
create index quantum_jobs_by_program on quantum_jobs (program_id);
create index quantum_jobs_by_revision on quantum_jobs (revision);
create index quantum_jobs_unfinished on quantum_jobs (zone, ended_at);
create table quantum_bookings (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    platform_id text not null,
    session_id text not null references quantum_sessions (id) on delete cascade,
    state text not null,
    description text not null default '',
    time_zone text not null default '',
    progress_message text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    started_at bigint not null,
    finished_at bigint not null
);
create index quantum_bookings_by_platform on quantum_bookings (platform_id, started_at);
