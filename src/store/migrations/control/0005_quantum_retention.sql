-- What ended long ago is looked for by its age, and whether a program is used by its id.
create index quantum_sessions_by_end on quantum_sessions (zone, terminated_at);
create index quantum_programs_by_age on quantum_programs (zone, created_at);
create index quantum_sessions_by_program on quantum_sessions (program_id);
