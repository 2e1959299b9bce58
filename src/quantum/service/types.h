// The nouns of quantum computing as a service: platforms, sessions, jobs with their programs and quotes, bookings.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/money.h"
#include "base/time.h"
#include "catalog/platforms.h"
#include "metering/service.h"
#include "resource/fields.h"

namespace meridian::quantum::service {

using PlatformId = Id<struct PlatformTag>;
using ProgramId = Id<struct ProgramTag>;  // the clients' word for a program is "model"
using SessionId = Id<struct SessionTag>;
using JobId = Id<struct JobTag>;
using BookingId = Id<struct BookingTag>;
using ApplicationId = Id<struct ApplicationTag>;
using ProcessId = Id<struct ProcessTag>;

struct Platform {
    PlatformId id;
    std::string name;  // "EMU-AER-2C-24M"
    catalog::PlatformFacts facts;
    std::uint32_t qubits_max = 0;  // what the node's memory allows, at most the facts' number
    std::uint32_t cpus = 0;
    std::uint64_t memory_bytes = 0;  // what an engine may use of the node
    [[nodiscard]] metering::Price price() const;
};

// A computation that is ready for who has its input; a process is a run of one.
struct Application {
    ApplicationId id;
    catalog::ApplicationFacts facts;
};

enum class SessionState { starting, running, stopping, stopped };
enum class JobState { waiting, running, cancelling, completed, error, cancelled };
enum class BookingState { waiting, validating, validated, cancelling, cancelled, error };
// Of a process: what its job does.
enum class ProcessState { starting, running, completed, cancelling, cancelled, error };
enum class Priority { low, normal, high };
constexpr auto names(As<SessionState>) {
    return words<SessionState>({{SessionState::starting, "starting"},
                                {SessionState::running, "running"},
                                {SessionState::stopping, "stopping"},
                                {SessionState::stopped, "stopped"}});
}
constexpr auto names(As<JobState>) {
    return words<JobState>({{JobState::waiting, "waiting"},
                            {JobState::running, "running"},
                            {JobState::cancelling, "cancelling"},
                            {JobState::completed, "completed"},
                            {JobState::error, "error"},
                            {JobState::cancelled, "cancelled"}});
}
constexpr auto names(As<BookingState>) {
    return words<BookingState>({{BookingState::waiting, "waiting"},
                                {BookingState::validating, "validating"},
                                {BookingState::validated, "validated"},
                                {BookingState::cancelling, "cancelling"},
                                {BookingState::cancelled, "cancelled"},
                                {BookingState::error, "error"}});
}
constexpr auto names(As<ProcessState>) {
    return words<ProcessState>({{ProcessState::starting, "starting"},
                                {ProcessState::running, "running"},
                                {ProcessState::completed, "completed"},
                                {ProcessState::cancelling, "cancelling"},
                                {ProcessState::cancelled, "cancelled"},
                                {ProcessState::error, "error"}});
}
constexpr auto names(As<Priority>) {
    return words<Priority>({{Priority::low, "low"}, {Priority::normal, "normal"}, {Priority::high, "high"}});
}
// The moves that may happen; asserted where a state is written. A job's row never says `running`: what runs is known by who runs it, and
// after a crash nothing does.
bool may_move(SessionState from, SessionState to);
bool may_move(JobState from, JobState to);
[[nodiscard]] bool is_final(JobState state);

struct Session {
    SessionId id;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string zone;
    std::string name;
    PlatformId platform;
    SessionState state = SessionState::running;
    std::vector<std::string> tags;
    std::string deduplication_id;
    Duration max_duration{}, max_idle_duration{};
    bool is_wanted = true;  // false: it is to be deleted with all it has
    std::optional<ProgramId> program;
    std::optional<std::string> parameters;
    std::optional<BookingId> booking;
    std::optional<ProcessId> process;  // whose only job it runs
    std::optional<Money> per_hour;     // what an hour of it costs, jobs included; nothing: its jobs are charged
    std::optional<std::string> progress_message;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> started_at, terminated_at;
    std::int64_t revision = 0;                          // of the last change
    std::uint64_t waiting_jobs = 0, finished_jobs = 0;  // counted when read
};

struct Program {
    ProgramId id;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string zone;
    std::uint64_t bytes = 0;
    std::string digest;  // "sha256:..."
    Timestamp created_at;
};

struct Job {
    JobId id;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string zone;
    std::string name;
    SessionId session;
    PlatformId platform;
    JobState state = JobState::waiting;
    Priority priority = Priority::normal;
    std::vector<std::string> tags;
    std::optional<ProgramId> program;
    bool has_circuit = false;                // a circuit, or a process's input, was posted with the job itself
    std::uint64_t circuit_bytes = 0;         // of it
    std::optional<std::string> application;  // what is computed from that input: the `computes` of an application
    std::optional<std::string> parameters;
    std::optional<Duration> max_duration;
    RunId run;                     // of the ledger; the job's own id unless a run was interrupted
    std::optional<QuoteId> quote;  // that it runs by, with the rates and the ceiling of that
    std::optional<Money> ceiling, quoted_per_hour, quoted_per_shot, quoted_per_circuit;
    std::uint32_t attempts = 1;
    std::optional<std::string> progress_message;
    std::optional<std::uint64_t> result_bytes;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> started_at, ended_at;
    std::int64_t revision = 0;  // of the last change
};

struct Booking {
    BookingId id;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string zone;
    PlatformId platform;
    SessionId session;
    BookingState state = BookingState::validated;
    std::string description, time_zone, progress_message;
    Timestamp created_at, updated_at, started_at, finished_at;
    std::optional<RunId> run;  // of the ledger; the booking's own id unless that run was interrupted. None: it costs nothing
    Money per_hour;            // as it was quoted
    std::optional<Timestamp> began_at, charged_at;
    std::optional<Money> cost;  // that was charged
    // What all of its time costs.
    [[nodiscard]] Money cost_max() const;
    // The time that is charged: that of the session, which begins late when we were not there, and may be ended early.
    [[nodiscard]] std::chrono::milliseconds charged_time() const;
};

struct Process {
    ProcessId id;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string zone;
    std::string name;
    ApplicationId application;
    PlatformId platform;
    SessionId session;
    JobId job_id;
    std::vector<std::string> tags;
    Timestamp created_at, updated_at;
    Job job;  // read with it
};
ProcessState state_of(const Job& job, bool is_running);

// What running a job takes, said before it runs. The price that is charged is never more than `cost_max`.
struct Quote {
    std::string engine;  // "statevector, double precision"
    std::string why;     // why this engine
    std::uint64_t memory_bytes = 0, circuits = 0, shots = 0;
    double seconds = 0, seconds_max = 0;
    Money cost, cost_max;
    std::optional<QuoteId> held_to;  // made before, and cost_max is at most its price
    std::optional<Millijoules> energy;
    std::string energy_basis;
};
// "statevector, double precision: about 0.2 s and 16 MB, 0.00003 EUR (at most 0.00004), 3.1 J (declared watts x seconds)".
std::string in_words(const Quote& quote);
std::string bytes_words(std::uint64_t bytes);

namespace limits {
inline constexpr std::size_t name = 255, tags = 50, tag = 255, parameters_bytes = 64 * 1024, deduplication_id = 255, description = 1024;
inline constexpr std::size_t input_bytes = 4 * 1024 * 1024;                    // of a process
inline constexpr std::size_t input_body_bytes = 3 * input_bytes;               // of its POST, where characters may be written with strokes
inline constexpr std::size_t body_on_loop = 64 * 1024;                         // larger ones are read on a pool
inline constexpr std::size_t program_body_bytes = 40 * 1024 * 1024;            // of a POST; a million gates take some 5 MB compressed
inline constexpr std::uint64_t content_per_project = std::uint64_t{16} << 30;  // bytes of models, inputs and results
inline constexpr std::uint64_t content_per_zone = std::uint64_t{256} << 30;
inline constexpr std::size_t sessions_per_project = 1000;  // that have not ended
inline constexpr std::size_t jobs_per_session = 10'000, waiting_jobs_per_project = 10'000, programs_per_project = 200'000,
                             processes_per_project = 10'000;
inline constexpr std::chrono::seconds session_duration = std::chrono::hours(24 * 7), session_duration_default = std::chrono::hours(12),
                                      booking_ahead = std::chrono::hours(24 * 90),  // that a booking may begin
    booking_begins_within = std::chrono::seconds(10),                               // its session, without being called late
    idle_default = std::chrono::minutes(10);
inline constexpr std::uint32_t attempts = 2;                         // a run that was interrupted is run again once
inline constexpr Duration hold = std::chrono::seconds(2);            // a question about an unfinished job waits so long for its end
inline constexpr std::size_t held = 10'000;                          // questions that wait at once; more are answered at once
inline constexpr std::size_t inline_result_bytes = 256 * 1024;       // larger results are fetched from a link
inline constexpr std::chrono::seconds link = std::chrono::hours(1);  // that a signed link can be used
inline constexpr Duration retention = std::chrono::hours(24 * 30);   // that a session is kept after its end, and a model that nobody uses
inline constexpr Duration sweep_every = std::chrono::hours(1);       // that old ones are looked for
inline constexpr std::size_t swept_at_once = 100;
inline constexpr std::size_t page = 10'000;  // the clients never ask for a second page
}  // namespace limits

}  // namespace meridian::quantum::service
