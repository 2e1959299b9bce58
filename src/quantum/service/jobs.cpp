// Programs and jobs: the verbs.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "quantum/service/service.h"
#include "quantum/service/visible.h"

namespace meridian::quantum::service {
namespace {

constexpr std::string_view priority_tag = "priority=";

Priority priority_of(const std::vector<std::string>& tags) {
    for (const auto& tag : tags) {
        if (!tag.starts_with(priority_tag)) continue;
        if (const auto known = from_word<Priority>(tag.substr(priority_tag.size()))) return *known;
        wrong("tags", "The tag priority= takes low, normal or high.");
    }
    return Priority::normal;
}

Task<std::string> digest_of_circuit(Pool& files, const std::string& circuit) {
    if (circuit.empty()) co_return "";
    co_return co_await on(files, [&circuit] { return "sha256:" + hex(sha256(circuit)); });
}

std::string content_of(const Job& job) { return job.has_circuit ? circuit_content(job.id) : program_content(*job.program); }

}  // namespace

Task<Program> Quantum::create_program(identity::Caller caller, ProjectId project, std::string payload) {
    Program made;
    made.created_at = clock_.now();
    made.id = ProgramId(ordered_id(rng_, made.created_at));
    made.organization = caller.organization;
    made.project = project.is_nil() ? caller.project : project;
    made.principal = caller.principal;
    made.zone = zone_.str();
    made.bytes = payload.size();
    if (payload.empty()) wrong("payload", "A model has a payload; send the program's text.");
    co_await store_.read([caller, made, keeping = keeping()](store::Tx& tx) {
        check_project(tx, caller, made.project);
        check_content(tx, keeping, made.zone, made.project, made.bytes);
        if (rows::count_programs(tx, made.project) >= limits::programs_per_project) {
            throw Error(Fault::quota, fmt::format("A project keeps at most {} models; delete sessions that are not needed any more.",
                                                  limits::programs_per_project))
                .about("model", "");
        }
    });
    made.digest = co_await on(files_, [&payload] { return "sha256:" + hex(sha256(payload)); });
    co_return co_await contents_.put(store::ContentHandle(made.project, made.zone), program_content(made.id), std::move(payload),
                                     [made, keeping = keeping()](store::Tx& tx) {
                                         check_content(tx, keeping, made.zone, made.project, made.bytes);
                                         rows::insert(tx, made);
                                         return made;
                                     });
}

Task<Program> Quantum::program(identity::Caller caller, ProgramId id) {
    co_return co_await store_.read([caller, id](store::Tx& tx) { return visible_program(tx, caller, id); });
}

Task<std::vector<Program>> Quantum::programs(identity::Caller caller, ProjectId project) {
    co_return co_await store_.read([caller, project](store::Tx& tx) {
        check_project(tx, caller, project);
        return rows::programs(tx, project);
    });
}

Task<std::string> Quantum::program_text(ProgramId id) {
    const auto found = co_await store_.read([id](store::Tx& tx) { return rows::program(tx, id); });
    if (!found) throw Error(Fault::not_found, "There is no model with this id.").about("model", id.str());
    co_return co_await on(
        files_, [this, found] { return content_.get(store::ContentHandle(found->project, found->zone), program_content(found->id)); });
}

Task<Job> Quantum::create_job(identity::Caller caller, JobWish wish) {
    check_name(wish.name);
    check_tags(wish.tags);
    check_parameters(wish.parameters);
    if (wish.max_duration && (*wish.max_duration < std::chrono::seconds(1) || *wish.max_duration > limits::session_duration))
        wrong("max_duration", fmt::format("max_duration must be between 1 s and {} s.", limits::session_duration.count()));
    Job made;
    made.created_at = made.updated_at = clock_.now();
    made.id = JobId(ordered_id(rng_, made.created_at));
    made.run = RunId(made.id.uuid());
    made.name = std::move(wish.name);
    made.session = wish.session;
    made.priority = priority_of(wish.tags);
    made.tags = std::move(wish.tags);
    made.max_duration = wish.max_duration;
    made.program = wish.program;
    made.parameters = std::move(wish.parameters);
    made.has_circuit = !wish.circuit.empty();
    made.circuit_bytes = wish.circuit.size();
    made.principal = caller.principal;
    std::optional<metering::HeldQuote> held;
    if (wish.quote) {
        held.emplace(co_await hold_quote(caller, *wish.quote, made, co_await digest_of_circuit(files_, wish.circuit)));
        const auto& [price, ceiling] = held->claimed();
        made.quote = held->id();
        made.ceiling = ceiling;
        made.quoted_per_hour = price.per_hour;
        made.quoted_per_shot = price.per_shot;
        made.quoted_per_circuit = price.per_circuit;
    }
    const auto insert = [caller, made, keeping = keeping()](store::Tx& tx) mutable {
        const auto session = visible_session(tx, caller, made.session);
        if (session.state != SessionState::running && session.state != SessionState::starting) {
            throw Error(Fault::conflict, "The session has ended; open another one for new jobs.")
                .about("session", session.id.str())
                .in_state(std::string(word(session.state)));
        }
        if (session.process) {
            throw Error(Fault::conflict, "The session belongs to a process; open one of your own for jobs.")
                .about("session", session.id.str())
                .in_state(std::string(word(session.state)));
        }
        made.organization = session.organization;
        made.project = session.project;
        made.zone = session.zone;
        made.platform = session.platform;
        if (session.per_hour) made.ceiling = made.quoted_per_hour = made.quoted_per_shot = made.quoted_per_circuit = Money();
        if (!made.program && !made.has_circuit) made.program = session.program;
        if (!made.parameters) made.parameters = session.parameters;
        if (made.program && visible_program(tx, caller, *made.program).project != made.project)
            wrong("model_id", "The model belongs to another project than the session; post it to the session's project.");
        if (!made.program && !made.has_circuit) wrong("model_id", "A job runs a model: give its model_id, or a circuit.");
        check_content(tx, keeping, made.zone, made.project, made.circuit_bytes);
        if (rows::count_jobs(tx, session.id) >= limits::jobs_per_session ||
            rows::count_waiting(tx, session.project) >= limits::waiting_jobs_per_project) {
            throw Error(Fault::quota, fmt::format("A session has at most {} jobs, and a project {} that have not ended.",
                                                  limits::jobs_per_session, limits::waiting_jobs_per_project))
                .about("job", "");
        }
        rows::insert(tx, made);
        return made;
    };
    if (!made.has_circuit) {
        const auto job = co_await store_.write(insert);
        if (held) held->began();
        co_return job;
    }
    const auto session = co_await this->session(caller, wish.session);
    const auto job = co_await contents_.put(store::ContentHandle(session.project, session.zone), circuit_content(made.id),
                                            std::move(wish.circuit), insert);
    if (held) held->began();
    co_return job;
}

Task<Job> Quantum::job(identity::Caller caller, JobId id) {
    co_return co_await store_.read([caller, id](store::Tx& tx) { return visible_job(tx, caller, id); });
}

Task<Job> Quantum::job_at_rest(identity::Caller caller, JobId id) {
    Event ended(co_await asio::this_coro::executor);
    // The bell is hung before the row is read, so that an end between the two is heard.
    const auto ticket = board_.wait_for(id, ended);
    auto found = co_await job(caller, id);
    if (is_final(found.state) || !ticket) co_return found;
    co_await ended.wait(clock_, limits::hold);
    co_return co_await job(caller, id);
}

Task<std::vector<Job>> Quantum::jobs(identity::Caller caller, std::optional<SessionId> session, ProjectId project) {
    co_return co_await store_.read([caller, session, project](store::Tx& tx) {
        if (session) return rows::jobs_of_session(tx, visible_session(tx, caller, *session).id);
        check_project(tx, caller, project);
        return rows::jobs_of_project(tx, project);
    });
}

Task<Job> Quantum::change_job(identity::Caller caller, JobId id, JobChange change) {
    check_words(change);
    const auto priority = change.tags ? std::optional(priority_of(*change.tags)) : std::nullopt;
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, change, priority, now](store::Tx& tx) {
        auto job = visible_job(tx, caller, id);
        if (priority) job.priority = *priority;
        take_words(job, change, now);
        rows::update(tx, job);
        return job;
    });
}

Task<Job> Quantum::cancel(identity::Caller caller, JobId id) {
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller),
                                    [caller, id, now](store::Tx& tx) { return rows::ask_to_end(tx, visible_job(tx, caller, id), now); });
}

Task<> Quantum::remove_job(identity::Caller caller, JobId id) {
    const auto job = co_await store_.write(identity::author_of(caller), [caller, id](store::Tx& tx) {
        auto found = visible_job(tx, caller, id);
        if (!is_final(found.state)) {
            throw Error(Fault::conflict, "The job has not ended; cancel it first.")
                .about("job", id.str())
                .in_state(std::string(word(found.state)));
        }
        if (found.application) throw Error(Fault::conflict, "The job belongs to a process; delete that.").about("job", id.str());
        rows::remove(tx, id);
        if (found.program && !rows::is_used(tx, *found.program))
            rows::remove(tx, *found.program);
        else
            found.program.reset();
        return found;
    });
    co_await on(files_, [this, job] {
        const store::ContentHandle key(job.project, job.zone);
        for (const auto& name : contents_of(job.id)) content_.remove(key, name);
        if (job.program) content_.remove(key, program_content(*job.program));
    });
}

Task<std::string> Quantum::circuit(identity::Caller caller, JobId id) {
    const auto found = co_await job(caller, id);
    co_return co_await on(files_,
                          [this, found] { return content_.get(store::ContentHandle(found.project, found.zone), content_of(found)); });
}

Task<std::optional<std::string>> Quantum::result(identity::Caller caller, JobId id) {
    const auto found = co_await job(caller, id);
    if (!found.result_bytes) co_return std::nullopt;
    co_return co_await on(files_, [this, found] {
        return std::optional(content_.get(store::ContentHandle(found.project, found.zone), result_content(found.id)));
    });
}

Task<std::string> Quantum::commitment_key(identity::Caller caller, JobId id) {
    const auto found = co_await job(caller, id);
    if (!found.started_at)
        throw Error(Fault::not_found, "The job has not run to its end, so no receipt commits to anything of it.").about("job", id.str());
    co_return co_await on(files_,
                          [this, found] { return content_.get(store::ContentHandle(found.project, found.zone), key_content(found.id)); });
}

Task<std::string> Quantum::result_text(JobId id) {
    const auto found = co_await store_.read([id](store::Tx& tx) { return rows::job(tx, id); });
    if (!found || !found->result_bytes) throw Error(Fault::not_found, "There is no result of a job with this id.").about("job", id.str());
    co_return co_await on(
        files_, [this, found] { return content_.get(store::ContentHandle(found->project, found->zone), result_content(found->id)); });
}

}  // namespace meridian::quantum::service
