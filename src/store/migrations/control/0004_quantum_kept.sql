-- The bytes that a project keeps in a zone: programs, circuits and inputs that were posted with jobs, and results. They are counted where
-- rows come and go, so that nobody has to add them up when something new comes. Circuits of before are not counted.
create table quantum_kept (
    zone text not null,
    project_id text not null references projects (id),
    bytes bigint not null,
    primary key (zone, project_id)
);
alter table quantum_jobs add column circuit_bytes bigint not null default 0;
insert into quantum_kept (zone, project_id, bytes)
    select zone, project_id, sum(bytes) from (
        select zone, project_id, bytes from quantum_programs
        union all
        select zone, project_id, coalesce(result_bytes, 0) as bytes from quantum_jobs
    ) as kept group by zone, project_id;
