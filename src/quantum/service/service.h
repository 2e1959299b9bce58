// Quantum computing as a service: the verbs. A handler writes what is wished and answers; the runner makes it so.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/async.h"
#include "base/rng.h"
#include "geography/types.h"
#include "identity/service.h"
#include "metering/prices/prices.h"
#include "metering/quote/quotes.h"
#include "quantum/service/board.h"
#include "quantum/service/content.h"
#include "quantum/service/hours.h"
#include "quantum/service/types.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::quantum::service {

struct BookingWish {
    Timestamp started_at, finished_at;
    std::string description, time_zone;
};
struct SessionWish {
    ProjectId project;  // nil: the caller's
    PlatformId platform;
    std::string name, deduplication_id;
    std::optional<Duration> max_duration, max_idle_duration;
    std::vector<std::string> tags;
    std::optional<ProgramId> program;
    std::optional<std::string> parameters;
    std::optional<BookingWish> booking;
};
struct SessionChange {
    std::optional<std::string> name;
    std::optional<Duration> max_duration, max_idle_duration;
    std::optional<std::vector<std::string>> tags;
};
struct JobWish {
    std::string name;
    SessionId session;
    std::vector<std::string> tags;  // "priority=high" orders the jobs of a project
    std::optional<Duration> max_duration;
    std::optional<ProgramId> program;
    std::optional<std::string> parameters;
    std::string circuit;  // posted with the job; "" when it names a program
    std::optional<QuoteId> quote = {};
};
struct JobChange {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> tags;
};

struct ProcessWish {
    ProjectId project;  // nil: the caller's
    PlatformId platform;
    ApplicationId application;
    std::string name, input;
    std::vector<std::string> tags;
};

// What a zone offers.
struct Offer {
    std::vector<Platform> platforms;
    std::vector<Application> applications;  // each runs on every platform
    Keeping keeping = {};
    const metering::Prices* prices = nullptr;  // none: the catalogue's own
    metering::Quotes* quotes = nullptr;        // none: jobs are not held to quotes
    SessionHours* hours = nullptr;             // none: sessions cost nothing by themselves
};

class Quantum {
public:
    Quantum(store::Store& store, store::ContentStore& content, Pool& files, Offer offer, geography::Zone zone, Clock& clock, Rng& rng);

    [[nodiscard]] const std::vector<Platform>& platforms() const { return offer_.platforms; }
    [[nodiscard]] const Platform* platform(const PlatformId& id) const;
    [[nodiscard]] SessionHours* hours() const { return offer_.hours; }
    // With what it costs now.
    [[nodiscard]] Platform priced(Platform platform) const;
    [[nodiscard]] const std::vector<Application>& applications() const { return offer_.applications; }
    // Error{not_found} for another id.
    [[nodiscard]] const Application& application(const ApplicationId& id) const;

    // A session with the same deduplication id that has not ended is answered instead of a new one.
    Task<Session> create_session(identity::Caller caller, SessionWish wish);
    // Another project's session is not_found; so it is with everything here.
    Task<Session> session(identity::Caller caller, SessionId id);
    Task<std::vector<Session>> sessions(identity::Caller caller, ProjectId project);
    Task<Session> change_session(identity::Caller caller, SessionId id, SessionChange change);
    // Its jobs are cancelled; results stay.
    Task<Session> terminate(identity::Caller caller, SessionId id);
    // With jobs, results, and the programs that nobody else uses.
    Task<> remove_session(identity::Caller caller, SessionId id);

    Task<Program> create_program(identity::Caller caller, ProjectId project, std::string payload);
    Task<Program> program(identity::Caller caller, ProgramId id);
    Task<std::vector<Program>> programs(identity::Caller caller, ProjectId project);
    Task<std::string> program_text(ProgramId id);  // for who has a link

    Task<Job> create_job(identity::Caller caller, JobWish wish);
    Task<Job> job(identity::Caller caller, JobId id);
    // The same, but a question about a job that has not ended waits for its end, at most `limits::hold`.
    Task<Job> job_at_rest(identity::Caller caller, JobId id);
    Task<std::vector<Job>> jobs(identity::Caller caller, std::optional<SessionId> session, ProjectId project);
    Task<Job> change_job(identity::Caller caller, JobId id, JobChange change);
    Task<Job> cancel(identity::Caller caller, JobId id);
    Task<> remove_job(identity::Caller caller, JobId id);
    // The text that was posted with the job, or its program's.
    Task<std::string> circuit(identity::Caller caller, JobId id);
    // Nothing where there is none (yet).
    Task<std::optional<std::string>> result(identity::Caller caller, JobId id);
    Task<std::string> result_text(JobId id);  // for who has a link
    // Of the commitments in the receipt of a job that ran: 32 bytes, which go with its input and result.
    Task<std::string> commitment_key(identity::Caller caller, JobId id);

    // A session of its own with one job, which ends when that has ended.
    Task<Process> create_process(identity::Caller caller, ProcessWish wish);
    Task<Process> process(identity::Caller caller, ProcessId id);
    Task<std::vector<Process>> processes(identity::Caller caller, ProjectId project);
    Task<Process> change_process(identity::Caller caller, ProcessId id, JobChange change);
    Task<Process> cancel_process(identity::Caller caller, ProcessId id);
    // With its session, input and result.
    Task<> remove_process(identity::Caller caller, ProcessId id);

    Task<std::vector<Booking>> bookings(identity::Caller caller, ProjectId project);
    Task<Booking> booking(identity::Caller caller, BookingId id);
    Task<Booking> change_booking(identity::Caller caller, BookingId id, std::string description);

    // Quotes of jobs that wait since before the start stay theirs. Blocking; before serving.
    void keep_quotes();
    // The job ended; where its run never began, its quote can be used again.
    void give_back_quote(const Job& job);

    [[nodiscard]] Board& board() { return board_; }
    [[nodiscard]] Pool& files() { return files_; }
    [[nodiscard]] Contents& contents() { return contents_; }
    [[nodiscard]] const Keeping& keeping() const { return offer_.keeping; }
    [[nodiscard]] const geography::Zone& zone() const { return zone_; }

private:
    [[nodiscard]] const Platform& known_platform(const PlatformId& id) const;
    [[nodiscard]] Platform priced_for_booking(const Platform& platform) const;
    Task<metering::HeldQuote> hold_quote(identity::Caller caller, QuoteId quote, const Job& job, std::string circuit_digest);
    [[nodiscard]] std::optional<Money> per_hour_of(const Platform& platform) const;
    Task<Session> insert_session(identity::Caller caller, Session session, std::optional<Booking> booking, SessionWish wish);
    Session planned(const identity::Caller& caller, SessionWish& wish) const;

    store::Store& store_;
    store::ContentStore& content_;
    Pool& files_;
    Offer offer_;
    geography::Zone zone_;
    Clock& clock_;
    Rng& rng_;
    Board board_;
    Contents contents_;
};

// Where content lies, by name within its project.
std::string program_content(const ProgramId& id);
std::string circuit_content(const JobId& id);
std::string result_content(const JobId& id);
std::string key_content(const JobId& id);  // of the commitments in the receipt of its run
std::array<std::string, 3> contents_of(const JobId& id);

// The platforms of a node: what the catalogue says, with the node's numbers put in.
struct NodeFacts {
    std::string zone;
    std::uint32_t cpus = 0;
    std::uint64_t memory_bytes = 0;  // all of it
};
std::vector<Application> applications_of(const std::vector<catalog::ApplicationFacts>& facts, const std::string& zone);
std::vector<Platform> platforms_of(const std::vector<catalog::PlatformFacts>& facts, const NodeFacts& node);
// What engines may use of the node's memory.
std::uint64_t engine_memory(const NodeFacts& node);

}  // namespace meridian::quantum::service
