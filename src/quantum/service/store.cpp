#include "quantum/service/store.h"

#include <fmt/format.h>

#include <map>

#include "resource/sql_bind.h"

namespace meridian::quantum::service {

constexpr auto describe(As<Program>) {
    using P = Program;
    return fields(field("id", &P::id), field("organization_id", &P::organization), field("project_id", &P::project),
                  field("principal_id", &P::principal), field("zone", &P::zone), field("bytes", &P::bytes), field("digest", &P::digest),
                  field("created_at", &P::created_at));
}

constexpr auto describe(As<Session>) {
    using S = Session;
    return fields(field("id", &S::id), field("organization_id", &S::organization), field("project_id", &S::project),
                  field("principal_id", &S::principal), field("zone", &S::zone), field("name", &S::name),
                  field("platform_id", &S::platform), field("is_wanted", &S::is_wanted), field("state", &S::state), field("tags", &S::tags),
                  field("deduplication_id", &S::deduplication_id), field("max_duration", &S::max_duration),
                  field("max_idle_duration", &S::max_idle_duration), field("program_id", &S::program), field("parameters", &S::parameters),
                  field("booking_id", &S::booking), field("process_id", &S::process), field("per_hour", &S::per_hour),
                  field("progress_message", &S::progress_message), field("created_at", &S::created_at), field("updated_at", &S::updated_at),
                  field("started_at", &S::started_at), field("terminated_at", &S::terminated_at), field("revision", &S::revision));
}

constexpr auto describe(As<Job>) {
    using J = Job;
    return fields(field("id", &J::id), field("organization_id", &J::organization), field("project_id", &J::project),
                  field("principal_id", &J::principal), field("zone", &J::zone), field("name", &J::name), field("session_id", &J::session),
                  field("platform_id", &J::platform), field("state", &J::state), field("priority", &J::priority), field("tags", &J::tags),
                  field("program_id", &J::program), field("has_circuit", &J::has_circuit), field("circuit_bytes", &J::circuit_bytes),
                  field("application", &J::application), field("parameters", &J::parameters), field("max_duration", &J::max_duration),
                  field("run_id", &J::run), field("attempts", &J::attempts), field("progress_message", &J::progress_message),
                  field("result_bytes", &J::result_bytes), field("created_at", &J::created_at), field("updated_at", &J::updated_at),
                  field("started_at", &J::started_at), field("ended_at", &J::ended_at), field("quote_id", &J::quote),
                  field("ceiling", &J::ceiling), field("quoted_per_hour", &J::quoted_per_hour),
                  field("quoted_per_shot", &J::quoted_per_shot), field("quoted_per_circuit", &J::quoted_per_circuit),
                  field("revision", &J::revision));
}

constexpr auto describe(As<Process>) {
    using P = Process;
    return fields(field("id", &P::id), field("organization_id", &P::organization), field("project_id", &P::project),
                  field("principal_id", &P::principal), field("zone", &P::zone), field("name", &P::name),
                  field("application_id", &P::application), field("platform_id", &P::platform), field("session_id", &P::session),
                  field("job_id", &P::job_id), field("tags", &P::tags), field("created_at", &P::created_at),
                  field("updated_at", &P::updated_at));
}

constexpr auto describe(As<Booking>) {
    using B = Booking;
    return fields(field("id", &B::id), field("organization_id", &B::organization), field("project_id", &B::project),
                  field("principal_id", &B::principal), field("zone", &B::zone), field("platform_id", &B::platform),
                  field("session_id", &B::session), field("state", &B::state), field("description", &B::description),
                  field("time_zone", &B::time_zone), field("progress_message", &B::progress_message), field("created_at", &B::created_at),
                  field("updated_at", &B::updated_at), field("started_at", &B::started_at), field("finished_at", &B::finished_at),
                  field("run_id", &B::run), field("per_hour", &B::per_hour), field("began_at", &B::began_at),
                  field("charged_at", &B::charged_at), field("cost", &B::cost));
}

}  // namespace meridian::quantum::service

namespace meridian::quantum::service::rows {
namespace {

using store::Tx;

template <class T>
inline constexpr std::string_view table_of = "";
template <>
inline constexpr std::string_view table_of<Program> = "quantum_programs";
template <>
inline constexpr std::string_view table_of<Session> = "quantum_sessions";
template <>
inline constexpr std::string_view table_of<Job> = "quantum_jobs";
template <>
inline constexpr std::string_view table_of<Booking> = "quantum_bookings";
template <>
inline constexpr std::string_view table_of<Process> = "quantum_processes";

template <class T, class... A>
std::vector<T> all(Tx& tx, std::string_view rest, const A&... values) {
    std::vector<T> out;
    for (const auto& row : tx.query(select_sql<T>(table_of<T>, rest), values...)) out.push_back(from_row<T>(row));
    return out;
}
template <class T, class Key>
std::optional<T> one(Tx& tx, const Key& id) {
    auto found = all<T>(tx, "where id = $1", id);
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::uint64_t counted(const std::vector<store::Row>& rows) { return rows.front().get<std::uint64_t>("n"); }

// Of all sessions with one question: who opens a session for each circuit has thousands.
template <class Key>
void count_jobs_of(Tx& tx, std::vector<Session>& sessions, std::string_view where, const Key& value) {
    std::map<SessionId, Session*> by_id;
    for (auto& session : sessions) by_id.emplace(session.id, &session);
    const auto sql = fmt::format(
        "select session_id, count(*) as n, count(ended_at) as ended from quantum_jobs where {} = $1 group by session_id", where);
    for (const store::Row& row : tx.query(sql, value)) {
        const auto found = by_id.find(store::id_in<SessionId>(row, "session_id"));
        if (found == by_id.end()) continue;
        found->second->finished_jobs = row.get<std::uint64_t>("ended");
        found->second->waiting_jobs = row.get<std::uint64_t>("n") - found->second->finished_jobs;
    }
}

std::uint64_t bytes_of(const Job& job) { return job.circuit_bytes + job.result_bytes.value_or(0); }

void keep(Tx& tx, std::string_view zone, const ProjectId& project, std::uint64_t bytes) {
    if (bytes == 0) return;
    tx.run(
        "insert into quantum_kept (zone, project_id, bytes) values ($1, $2, $3) on conflict (zone, project_id) do update "
        "set bytes = quantum_kept.bytes + excluded.bytes",
        zone, project, bytes);
}
void release(Tx& tx, std::string_view zone, const ProjectId& project, std::uint64_t bytes) {
    if (bytes == 0) return;
    MERIDIAN_ASSERT(kept_bytes(tx, zone, project) >= bytes);
    tx.run("update quantum_kept set bytes = bytes - $3 where zone = $1 and project_id = $2", zone, project, bytes);
}

}  // namespace

std::uint64_t kept_bytes(Tx& tx, std::string_view zone, const ProjectId& project) {
    return counted(tx.query("select coalesce(sum(bytes), 0) as n from quantum_kept where zone = $1 and project_id = $2", zone, project));
}
std::uint64_t kept_bytes(Tx& tx, std::string_view zone) {
    return counted(tx.query("select coalesce(sum(bytes), 0) as n from quantum_kept where zone = $1", zone));
}

void insert(Tx& tx, const Program& program) {
    insert_row(tx, table_of<Program>, program);
    keep(tx, program.zone, program.project, program.bytes);
}
std::optional<Program> program(Tx& tx, const ProgramId& id) { return one<Program>(tx, id); }
std::vector<Program> programs(Tx& tx, const ProjectId& project) {
    return all<Program>(tx, "where project_id = $1 order by created_at desc, id", project);
}
std::uint64_t count_programs(Tx& tx, const ProjectId& project) {
    return counted(tx.query("select count(*) as n from quantum_programs where project_id = $1", project));
}
void remove(Tx& tx, const ProgramId& id) {
    const auto before = program(tx, id);
    if (!before) return;
    tx.run("delete from quantum_programs where id = $1", id);
    release(tx, before->zone, before->project, before->bytes);
}
bool is_used(Tx& tx, const ProgramId& id) {
    return !tx.query("select id from quantum_jobs where program_id = $1 limit 1", id).empty() ||
           !tx.query("select id from quantum_sessions where program_id = $1 limit 1", id).empty();
}

void insert(Tx& tx, Session session) {
    session.revision = tx.revision();
    insert_row(tx, table_of<Session>, session);
    tx.changed(sessions_topic, session.id.str());
}

void update(Tx& tx, Session session) {
    const auto before = one<Session>(tx, session.id);
    if (!before) throw Error(Fault::not_found, "This session no longer exists.").about("session", session.id.str());
    MERIDIAN_ASSERT(before->state == session.state || may_move(before->state, session.state));
    session.revision = tx.revision();
    update_row(tx, table_of<Session>, "id", session);
    tx.changed(sessions_topic, session.id.str());
}

void remove(Tx& tx, const SessionId& id) {
    if (const auto before = one<Session>(tx, id)) {
        const auto jobs =
            tx.query("select coalesce(sum(circuit_bytes + coalesce(result_bytes, 0)), 0) as n from quantum_jobs where session_id = $1", id);
        release(tx, before->zone, before->project, counted(jobs));
    }
    tx.run("delete from quantum_sessions where id = $1", id);
    tx.changed(sessions_topic, id.str());
}

std::optional<Session> session(Tx& tx, const SessionId& id) {
    auto found = all<Session>(tx, "where id = $1 and is_wanted = 1", id);
    if (found.empty()) return std::nullopt;
    count_jobs_of(tx, found, "session_id", found.front().id);
    return std::move(found.front());
}

std::vector<Session> sessions(Tx& tx, const ProjectId& project) {
    auto found = all<Session>(tx, "where project_id = $1 and is_wanted = 1 order by created_at desc, id limit $2", project, limits::page);
    count_jobs_of(tx, found, "project_id", project);
    return found;
}

std::uint64_t count_open_sessions(Tx& tx, const ProjectId& project) {
    return counted(tx.query("select count(*) as n from quantum_sessions where project_id = $1 and state <> 'stopped'", project));
}

std::vector<Session> open_sessions(Tx& tx, std::string_view zone) {
    return all<Session>(tx, "where zone = $1 and (state <> 'stopped' or is_wanted = 0) order by created_at, id", zone);
}

std::vector<Session> sessions_ended_before(Tx& tx, std::string_view zone, Timestamp before, std::size_t most) {
    return all<Session>(
        tx, "where zone = $1 and terminated_at <= $2 and state = 'stopped' and is_wanted = 1 order by terminated_at, id limit $3", zone,
        before, most);
}
std::vector<Program> programs_unused_since(Tx& tx, std::string_view zone, Timestamp before, std::size_t most) {
    return all<Program>(tx,
                        "where zone = $1 and created_at <= $2 "
                        "and not exists (select id from quantum_jobs where program_id = quantum_programs.id) "
                        "and not exists (select id from quantum_sessions where program_id = quantum_programs.id) "
                        "order by created_at, id limit $3",
                        zone, before, most);
}

void unwant(Tx& tx, Session session, Timestamp now) {
    session.is_wanted = false;
    session.updated_at = now;
    update(tx, std::move(session));
}

std::optional<Session> same_session(Tx& tx, const ProjectId& project, std::string_view deduplication_id) {
    auto found = all<Session>(tx, "where project_id = $1 and deduplication_id = $2 and is_wanted = 1 and state in ('starting', 'running')",
                              project, deduplication_id);
    if (found.empty()) return std::nullopt;
    count_jobs_of(tx, found, "session_id", found.front().id);
    return std::move(found.front());
}

std::optional<Timestamp> idle_since(Tx& tx, const Session& session) {
    const auto rows = tx.query(
        "select count(*) as n, count(ended_at) as ended, max(ended_at) as last from quantum_jobs where session_id = $1", session.id);
    if (rows.front().get<std::uint64_t>("ended") != counted(rows)) return std::nullopt;
    const auto started = session.started_at.value_or(session.created_at);
    return std::max(started, rows.front().get<std::optional<Timestamp>>("last").value_or(started));
}

void end_session(Tx& tx, Session session, std::string_view why, Timestamp now) {
    if (session.state == SessionState::stopping || session.state == SessionState::stopped) return;
    const bool was_starting = session.state == SessionState::starting;
    session.state = SessionState::stopping;
    session.progress_message = why;
    session.updated_at = now;
    update(tx, session);
    cancel_jobs(tx, session.id, now);
    stop_if_idle(tx, session.id, now);
    if (!session.booking) return;
    if (auto booked = booking(tx, *session.booking); booked && booked->finished_at > now) {
        if (was_starting)
            booked->state = BookingState::cancelled;
        else
            booked->finished_at = now;  // the rest of its time is free again
        booked->progress_message = why;
        booked->updated_at = now;
        update(tx, *booked);
    }
}

void stop_if_idle(Tx& tx, const SessionId& id, Timestamp now) {
    auto found = one<Session>(tx, id);
    if (!found || (found->state != SessionState::stopping && !(found->process && found->state == SessionState::running)) ||
        !idle_since(tx, *found))
        return;
    found->state = SessionState::stopped;
    found->terminated_at = found->updated_at = now;
    update(tx, *std::move(found));
}

void insert(Tx& tx, Job job) {
    job.revision = tx.revision();
    insert_row(tx, table_of<Job>, job);
    keep(tx, job.zone, job.project, bytes_of(job));
    tx.changed(jobs_topic, job.id.str());
}

void update(Tx& tx, Job job) {
    const auto before = one<Job>(tx, job.id);
    if (!before) throw Error(Fault::not_found, "This job no longer exists.").about("job", job.id.str());
    MERIDIAN_ASSERT(before->state == job.state || may_move(before->state, job.state));
    job.revision = tx.revision();
    update_row(tx, table_of<Job>, "id", job);
    if (bytes_of(*before) != bytes_of(job)) {
        release(tx, job.zone, job.project, bytes_of(*before));
        keep(tx, job.zone, job.project, bytes_of(job));
    }
    tx.changed(jobs_topic, job.id.str());
}

void remove(Tx& tx, const JobId& id) {
    if (const auto before = job(tx, id)) release(tx, before->zone, before->project, bytes_of(*before));
    tx.run("delete from quantum_jobs where id = $1", id);
    tx.changed(jobs_topic, id.str());
}

std::optional<Job> job(Tx& tx, const JobId& id) { return one<Job>(tx, id); }
std::vector<Job> jobs_of_session(Tx& tx, const SessionId& session) {
    return all<Job>(tx, "where session_id = $1 order by created_at desc, id", session);
}
std::vector<Job> jobs_of_project(Tx& tx, const ProjectId& project) {
    return all<Job>(tx, "where project_id = $1 order by created_at desc, id limit $2", project, limits::page);
}
std::uint64_t count_jobs(Tx& tx, const SessionId& session) {
    return counted(tx.query("select count(*) as n from quantum_jobs where session_id = $1", session));
}
std::uint64_t count_waiting(Tx& tx, const ProjectId& project) {
    return counted(tx.query("select count(*) as n from quantum_jobs where project_id = $1 and ended_at is null", project));
}
std::vector<Job> unfinished_since(Tx& tx, std::string_view zone, std::int64_t revision) {
    return all<Job>(tx, "where zone = $1 and ended_at is null and revision > $2 order by created_at, id", zone, revision);
}
Job ask_to_end(Tx& tx, Job job, Timestamp now) {
    if (is_final(job.state) || job.state == JobState::cancelling) return job;
    job.state = JobState::cancelling;
    job.updated_at = now;
    update(tx, job);
    return job;
}
void cancel_jobs(Tx& tx, const SessionId& session, Timestamp now) {
    for (auto& job : all<Job>(tx, "where session_id = $1 and ended_at is null", session)) ask_to_end(tx, std::move(job), now);
}

std::vector<QuoteId> held_quotes(Tx& tx, std::string_view zone) {
    std::vector<QuoteId> made;
    for (const auto& row :
         tx.query("select quote_id from quantum_jobs where zone = $1 and ended_at is null and quote_id is not null", zone))
        made.push_back(store::id_in<QuoteId>(row, "quote_id"));
    return made;
}

void insert(Tx& tx, const Process& process) { insert_row(tx, table_of<Process>, process); }
void update(Tx& tx, const Process& process) { update_row(tx, table_of<Process>, "id", process); }
namespace {
constexpr std::string_view of_kept_session = "session_id in (select id from quantum_sessions where is_wanted = 1)";
}
std::optional<Process> process(Tx& tx, const ProcessId& id) {
    auto found = all<Process>(tx, fmt::format("where id = $1 and {}", of_kept_session), id);
    if (found.empty()) return std::nullopt;
    found.front().job = job(tx, found.front().job_id).value();
    return std::move(found.front());
}
std::vector<Process> processes(Tx& tx, const ProjectId& project) {
    auto found = all<Process>(tx, fmt::format("where project_id = $1 and {} order by created_at desc, id limit $2", of_kept_session),
                              project, limits::page);
    for (auto& each : found) each.job = job(tx, each.job_id).value();
    return found;
}
std::uint64_t count_processes(Tx& tx, const ProjectId& project) {
    return counted(tx.query("select count(*) as n from quantum_processes where project_id = $1", project));
}

void insert(Tx& tx, const Booking& booking) { insert_row(tx, table_of<Booking>, booking); }
void update(Tx& tx, const Booking& booking) { update_row(tx, table_of<Booking>, "id", booking); }
std::optional<Booking> booking(Tx& tx, const BookingId& id) { return one<Booking>(tx, id); }
std::vector<Booking> bookings(Tx& tx, const ProjectId& project) {
    return all<Booking>(tx, "where project_id = $1 order by created_at desc, id", project);
}
std::vector<Booking> bookings_of_platform(Tx& tx, const PlatformId& platform, Timestamp since) {
    return all<Booking>(tx, "where platform_id = $1 and state = 'validated' and finished_at > $2 order by started_at, id", platform, since);
}
std::vector<Booking> bookings_to_charge(Tx& tx, std::string_view zone, Timestamp now) {
    return all<Booking>(tx,
                        "where zone = $1 and finished_at <= $2 and state = 'validated' and run_id is not null and charged_at is null "
                        "order by finished_at, id",
                        zone, now);
}
std::vector<Booking> bookings_of_zone(Tx& tx, std::string_view zone, Timestamp since) {
    return all<Booking>(tx, "where zone = $1 and finished_at > $2 and state = 'validated' order by started_at, id", zone, since);
}

}  // namespace meridian::quantum::service::rows
