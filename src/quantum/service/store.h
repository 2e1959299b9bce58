// The only SQL about programs, sessions, jobs, processes and bookings.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "quantum/service/types.h"
#include "store/store.h"

namespace meridian::quantum::service::rows {

inline constexpr std::string_view jobs_topic = "quantum_jobs", sessions_topic = "quantum_sessions";

void insert(store::Tx& tx, const Program& program);
std::optional<Program> program(store::Tx& tx, const ProgramId& id);
std::vector<Program> programs(store::Tx& tx, const ProjectId& project);
std::uint64_t count_programs(store::Tx& tx, const ProjectId& project);
void remove(store::Tx& tx, const ProgramId& id);
// Whether a session or a job names it.
bool is_used(store::Tx& tx, const ProgramId& id);

// What the project keeps: programs, what was posted with jobs, and results. The sum follows the rows of each transaction.
std::uint64_t kept_bytes(store::Tx& tx, std::string_view zone, const ProjectId& project);
std::uint64_t kept_bytes(store::Tx& tx, std::string_view zone);

void insert(store::Tx& tx, Session session);
// Writes the row and raises its revision; asserts that the move of state is allowed.
void update(store::Tx& tx, Session session);
void remove(store::Tx& tx, const SessionId& id);
std::optional<Session> session(store::Tx& tx, const SessionId& id);
std::vector<Session> sessions(store::Tx& tx, const ProjectId& project);
std::uint64_t count_open_sessions(store::Tx& tx, const ProjectId& project);
// Of the zone, those that have not ended or are to be deleted.
std::vector<Session> open_sessions(store::Tx& tx, std::string_view zone);
// Of the zone, sessions that ended before, and programs that were made before and nobody names; oldest first, and not more than `most`.
std::vector<Session> sessions_ended_before(store::Tx& tx, std::string_view zone, Timestamp before, std::size_t most);
std::vector<Program> programs_unused_since(store::Tx& tx, std::string_view zone, Timestamp before, std::size_t most);
// One that has not ended, with this deduplication id.
std::optional<Session> same_session(store::Tx& tx, const ProjectId& project, std::string_view deduplication_id);
// When the session was last busy: the end of its last job, or its start. Nothing while a job has not ended.
std::optional<Timestamp> idle_since(store::Tx& tx, const Session& session);
// The session is to be deleted with all it has; nobody sees it any more. It must have ended, or be ended.
void unwant(store::Tx& tx, Session session, Timestamp now);
// Ends a session that has not ended: its unfinished jobs are asked to end, and it stops when they have. Its booking is over.
void end_session(store::Tx& tx, Session session, std::string_view why, Timestamp now);
// Ends a session that is stopping, or a process's own, and has no job under way any more.
void stop_if_idle(store::Tx& tx, const SessionId& id, Timestamp now);

void insert(store::Tx& tx, Job job);
void update(store::Tx& tx, Job job);
void remove(store::Tx& tx, const JobId& id);
std::optional<Job> job(store::Tx& tx, const JobId& id);
std::vector<Job> jobs_of_session(store::Tx& tx, const SessionId& session);
std::vector<Job> jobs_of_project(store::Tx& tx, const ProjectId& project);
// That jobs which have not ended hold.
std::vector<QuoteId> held_quotes(store::Tx& tx, std::string_view zone);
std::uint64_t count_jobs(store::Tx& tx, const SessionId& session);
std::uint64_t count_waiting(store::Tx& tx, const ProjectId& project);
// Jobs of the zone that have not ended and changed after `revision`, oldest first.
std::vector<Job> unfinished_since(store::Tx& tx, std::string_view zone, std::int64_t revision);
// Asks a job to end; the job as it then is.
Job ask_to_end(store::Tx& tx, Job job, Timestamp now);
// Asks every unfinished job of the session to end.
void cancel_jobs(store::Tx& tx, const SessionId& session, Timestamp now);

void insert(store::Tx& tx, const Process& process);
void update(store::Tx& tx, const Process& process);
// With its job; nothing once it is to be deleted.
std::optional<Process> process(store::Tx& tx, const ProcessId& id);
std::vector<Process> processes(store::Tx& tx, const ProjectId& project);
std::uint64_t count_processes(store::Tx& tx, const ProjectId& project);

void insert(store::Tx& tx, const Booking& booking);
void update(store::Tx& tx, const Booking& booking);
std::optional<Booking> booking(store::Tx& tx, const BookingId& id);
std::vector<Booking> bookings(store::Tx& tx, const ProjectId& project);
// That hold and end after `since`, soonest first.
std::vector<Booking> bookings_of_platform(store::Tx& tx, const PlatformId& platform, Timestamp since);
// That are over and not charged yet.
std::vector<Booking> bookings_to_charge(store::Tx& tx, std::string_view zone, Timestamp now);
std::vector<Booking> bookings_of_zone(store::Tx& tx, std::string_view zone, Timestamp since);

}  // namespace meridian::quantum::service::rows
