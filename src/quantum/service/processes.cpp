// Processes: the verbs. A process is a session with one job, made and deleted together.
#include <fmt/format.h>

#include <algorithm>

#include "quantum/service/service.h"
#include "quantum/service/visible.h"

namespace meridian::quantum::service {
namespace {

Session session_for(const Process& process, ProcessId id) {
    Session made;
    made.id = process.session;
    made.organization = process.organization;
    made.project = process.project;
    made.principal = process.principal;
    made.zone = process.zone;
    made.name = process.name;
    made.platform = process.platform;
    made.max_duration = limits::session_duration_default;
    made.max_idle_duration = limits::idle_default;
    made.process = id;
    made.created_at = made.updated_at = process.created_at;
    made.started_at = process.created_at;
    return made;
}

Job job_for(const Process& process, const Application& application, std::uint64_t input_bytes) {
    Job made;
    made.id = process.job_id;
    made.run = RunId(made.id.uuid());
    made.organization = process.organization;
    made.project = process.project;
    made.principal = process.principal;
    made.zone = process.zone;
    made.name = process.name;
    made.session = process.session;
    made.platform = process.platform;
    made.has_circuit = true;
    made.circuit_bytes = input_bytes;
    made.application = application.facts.computes;
    made.created_at = made.updated_at = process.created_at;
    return made;
}

void check_room(store::Tx& tx, const ProjectId& project) {
    if (rows::count_open_sessions(tx, project) >= limits::sessions_per_project ||
        rows::count_processes(tx, project) >= limits::processes_per_project ||
        rows::count_waiting(tx, project) >= limits::waiting_jobs_per_project) {
        throw Error(Fault::quota,
                    fmt::format("A project has at most {} processes, {} open sessions and {} jobs that have not ended; "
                                "delete or cancel some first.",
                                limits::processes_per_project, limits::sessions_per_project, limits::waiting_jobs_per_project))
            .about("process", "");
    }
}

}  // namespace

const Application& Quantum::application(const ApplicationId& id) const {
    const auto found = std::ranges::find(offer_.applications, id, &Application::id);
    if (found != offer_.applications.end()) return *found;
    throw Error(Fault::not_found, "There is no application with this id; list the applications to see them.")
        .about("application", id.str());
}

Task<Process> Quantum::create_process(identity::Caller caller, ProcessWish wish) {
    check_name(wish.name);
    check_tags(wish.tags);
    const auto& computed = application(wish.application);
    if (wish.input.empty())
        wrong("input", fmt::format("The application {} needs an input; its input_template is an example of one.", computed.facts.name));
    if (wish.input.size() > limits::input_bytes) wrong("input", fmt::format("An input has at most {} bytes.", limits::input_bytes));
    Process made;
    made.created_at = made.updated_at = clock_.now();
    made.id = ProcessId(ordered_id(rng_, made.created_at));
    made.session = SessionId(ordered_id(rng_, made.created_at));
    made.job_id = JobId(ordered_id(rng_, made.created_at));
    made.organization = caller.organization;
    made.project = wish.project.is_nil() ? caller.project : wish.project;
    made.principal = caller.principal;
    made.zone = zone_.str();
    made.name = std::move(wish.name);
    made.application = computed.id;
    made.platform = known_platform(wish.platform).id;
    made.tags = std::move(wish.tags);
    made.job = job_for(made, computed, wish.input.size());
    const auto check = [caller, made, keeping = keeping()](store::Tx& tx) {
        check_project(tx, caller, made.project);
        check_room(tx, made.project);
        check_content(tx, keeping, made.zone, made.project, made.job.circuit_bytes);
    };
    co_await store_.read(check);
    co_return co_await contents_.put(store::ContentHandle(made.project, made.zone), circuit_content(made.job_id), std::move(wish.input),
                                     [made, check](store::Tx& tx) {
                                         check(tx);
                                         rows::insert(tx, session_for(made, made.id));
                                         rows::insert(tx, made);
                                         rows::insert(tx, made.job);
                                         return made;
                                     });
}

Task<Process> Quantum::process(identity::Caller caller, ProcessId id) {
    co_return co_await store_.read([caller, id](store::Tx& tx) { return visible_process(tx, caller, id); });
}

Task<std::vector<Process>> Quantum::processes(identity::Caller caller, ProjectId project) {
    co_return co_await store_.read([caller, project](store::Tx& tx) {
        check_project(tx, caller, project);
        return rows::processes(tx, project);
    });
}

Task<Process> Quantum::change_process(identity::Caller caller, ProcessId id, JobChange change) {
    check_words(change);
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, change, now](store::Tx& tx) {
        auto process = visible_process(tx, caller, id);
        take_words(process, change, now);
        rows::update(tx, process);
        return process;
    });
}

Task<Process> Quantum::cancel_process(identity::Caller caller, ProcessId id) {
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, now](store::Tx& tx) {
        auto process = visible_process(tx, caller, id);
        process.job = rows::ask_to_end(tx, std::move(process.job), now);
        return process;
    });
}

Task<> Quantum::remove_process(identity::Caller caller, ProcessId id) {
    const auto found = co_await process(caller, id);
    co_await remove_session(caller, found.session);
}

}  // namespace meridian::quantum::service
