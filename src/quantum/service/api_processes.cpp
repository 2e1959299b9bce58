// Applications and processes on the wire.
#include "quantum/service/views.h"

namespace meridian::quantum::service::qaas {

struct CreateProcess {
    std::optional<ProjectId> project_id;
    PlatformId platform_id;
    ApplicationId application_id;
    std::optional<std::string> name, input;
    std::vector<std::string> tags;
};
constexpr auto describe(As<CreateProcess>) {
    using C = CreateProcess;
    return fields(field("project_id", &C::project_id), field("platform_id", &C::platform_id), field("application_id", &C::application_id),
                  field("name", &C::name), field("input", &C::input), field("tags", &C::tags));
}

struct UpdateProcess {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> tags;
};
constexpr auto describe(As<UpdateProcess>) { return fields(field("name", &UpdateProcess::name), field("tags", &UpdateProcess::tags)); }

struct ApplicationView {
    std::string id, name, type, description, input_template;
    std::vector<std::string> compatible_platform_ids;
};
constexpr auto describe(As<ApplicationView>) {
    using V = ApplicationView;
    return fields(field("id", &V::id), field("name", &V::name), field("type", &V::type), field("description", &V::description),
                  field("compatible_platform_ids", &V::compatible_platform_ids), field("input_template", &V::input_template));
}

// `input` is shown where one process is asked for; `receipt_id` is an addition of ours.
struct ProcessView {
    std::string id, name, application_id, platform_id, status, project_id, receipt_id;
    std::vector<std::string> attached_session_ids, tags;
    std::optional<Timestamp> created_at, started_at, updated_at, finished_at;
    double progress = 0;  // from 0 to 1
    std::optional<std::string> progress_message, input;
};
constexpr auto describe(As<ProcessView>) {
    using V = ProcessView;
    return fields(field("id", &V::id), field("name", &V::name), field("application_id", &V::application_id),
                  field("platform_id", &V::platform_id), field("attached_session_ids", &V::attached_session_ids),
                  field("created_at", &V::created_at), field("started_at", &V::started_at), field("updated_at", &V::updated_at),
                  field("finished_at", &V::finished_at), field("status", &V::status), field("project_id", &V::project_id),
                  field("tags", &V::tags), field("progress", &V::progress), field("progress_message", &V::progress_message),
                  field("input", &V::input), field("receipt_id", &V::receipt_id));
}

struct ProcessResultView {
    std::string process_id, result;
    std::optional<Timestamp> created_at;
};
constexpr auto describe(As<ProcessResultView>) {
    using V = ProcessResultView;
    return fields(field("process_id", &V::process_id), field("result", &V::result), field("created_at", &V::created_at));
}

namespace {

using http::Call;
using http::Dialect;
using http::doc;
using http::Listed;
using http::NoContent;
using http::Nothing;
using http::Permission;
using identity::Caller;

constexpr Order<ApplicationView> application_orders[] = {
    {"name", [](const ApplicationView& a, const ApplicationView& b) { return a.name < b.name; }},
    {"type", [](const ApplicationView& a, const ApplicationView& b) { return a.type < b.type; }},
};
constexpr Order<ProcessView> process_orders[] = {
    {"name", [](const ProcessView& a, const ProcessView& b) { return a.name < b.name; }},
    {"started_at", [](const ProcessView& a, const ProcessView& b) { return a.started_at < b.started_at; }},
    {"created_at", [](const ProcessView& a, const ProcessView& b) { return a.created_at < b.created_at; }},
    {"status", [](const ProcessView& a, const ProcessView& b) { return a.status < b.status; }},
};

ApplicationView view_of(const Application& application, const Quantum& quantum) {
    ApplicationView made{.id = application.id.str(),
                         .name = application.facts.name,
                         .type = application.facts.type,
                         .description = application.facts.description,
                         .input_template = application.facts.input_template,
                         .compatible_platform_ids = {}};
    for (const auto& platform : quantum.platforms()) made.compatible_platform_ids.push_back(platform.id.str());
    return made;
}

class Processes {
public:
    explicit Processes(Quantum& quantum) : quantum_(quantum) {}

    Listed<"applications", ApplicationView> applications(const Call<>& call) {
        const auto name = http::query_text(call, "name"), type = http::query_text(call, "application_type");
        std::vector<ApplicationView> views;
        for (const auto& each : quantum_.applications()) {
            if ((name && *name != each.facts.name) || (type && *type != each.facts.type)) continue;
            views.push_back(view_of(each, quantum_));
        }
        sort_as_asked<ApplicationView>(views, call, "name_asc", application_orders);
        return paged(std::move(views), call);
    }
    ApplicationView application(const Call<>& call) {
        return view_of(quantum_.application(http::id_param<ApplicationId>(call, "application_id")), quantum_);
    }

    Task<ProcessView> create(Call<> call) {
        auto in = co_await body_of<CreateProcess>(call, quantum_.files());
        auto input = in.input.value_or("");
        ProcessWish wish{.project = in.project_id.value_or(ProjectId()),
                         .platform = in.platform_id,
                         .application = in.application_id,
                         .name = in.name.value_or(""),
                         .input = input,
                         .tags = std::move(in.tags)};
        auto made = seen(co_await quantum_.create_process(call.caller_as<Caller>(), std::move(wish)));
        made.input = std::move(input);
        co_return made;
    }
    Task<Listed<"processes", ProcessView>> list(Call<> call) {
        const auto application = http::query_id<ApplicationId>(call, "application_id");
        std::vector<ProcessView> views;
        for (const auto& process : co_await quantum_.processes(call.caller_as<Caller>(), project_of(call))) {
            if ((!application || process.application == *application) && has_tags(process.tags, call)) views.push_back(seen(process));
        }
        sort_as_asked<ProcessView>(views, call, "name_asc", process_orders);
        co_return paged(std::move(views), call);
    }
    Task<ProcessView> get(Call<> call) { co_return co_await whole(call, co_await quantum_.process(call.caller_as<Caller>(), id_in(call))); }
    Task<ProcessView> update(Call<UpdateProcess> call) {
        const JobChange change{.name = call.in.name, .tags = call.in.tags};
        co_return seen(co_await quantum_.change_process(call.caller_as<Caller>(), id_in(call), change));
    }
    Task<ProcessView> cancel(Call<> call) { co_return seen(co_await quantum_.cancel_process(call.caller_as<Caller>(), id_in(call))); }
    Task<NoContent> remove(Call<> call) {
        co_await quantum_.remove_process(call.caller_as<Caller>(), id_in(call));
        co_return NoContent{};
    }
    Task<Listed<"process_results", ProcessResultView>> results(Call<> call) {
        const auto caller = call.caller_as<Caller>();
        const auto process = co_await quantum_.process(caller, id_in(call));
        std::vector<ProcessResultView> views;
        if (auto text = co_await quantum_.result(caller, process.job_id))
            views.push_back({.process_id = process.id.str(), .result = *std::move(text), .created_at = process.job.ended_at});
        co_return paged(std::move(views), call);
    }

private:
    static ProcessId id_in(const http::Called& call) { return http::id_param<ProcessId>(call, "process_id"); }
    [[nodiscard]] ProcessView seen(const Process& process) {
        const auto moment = quantum_.board().find(process.job_id);
        const auto job = view(process.job, moment);
        const bool is_done = process.job.state == JobState::completed;
        return {.id = process.id.str(),
                .name = process.name,
                .application_id = process.application.str(),
                .platform_id = process.platform.str(),
                .status = std::string(word(state_of(process.job, moment && moment->started_at))),
                .project_id = process.project.str(),
                .receipt_id = job.receipt_id,
                .attached_session_ids = {process.session.str()},
                .tags = process.tags,
                .created_at = process.created_at,
                .started_at = job.started_at,
                .updated_at = std::max(process.updated_at, process.job.updated_at),
                .finished_at = process.job.ended_at,
                .progress = is_done  ? 1
                            : moment ? moment->done
                                     : 0,
                .progress_message = job.progress_message,
                .input = {}};
    }
    // The input is content, and read for who asks for this one.
    Task<ProcessView> whole(http::Called call, Process process) {
        auto made = seen(process);
        made.input = co_await quantum_.circuit(call.caller_as<Caller>(), process.job_id);
        co_return made;
    }

    Quantum& quantum_;
};

}  // namespace

void add_process_routes(http::Router& router, Quantum& quantum) {
    auto api = std::make_shared<Processes>(quantum);
    const auto s = Dialect::scaleway;
    const Permission read{"read", "quantum"}, invoke{"invoke", "quantum"};
    router.add(http::typed<Nothing, Listed<"applications", ApplicationView>>(
        "GET", base + "/applications", read, s, doc("ListApplications", "Ready-made computations", "quantum"),
        [api](const Call<>& call) { return api->applications(call); }));
    router.add(http::typed<Nothing, ApplicationView>("GET", base + "/applications/{application_id}", read, s,
                                                     doc("GetApplication", "One application, with an example of its input", "quantum"),
                                                     [api](const Call<>& call) { return api->application(call); }));
    const auto all = base + "/processes", one = all + "/{process_id}";
    router.add(with_large_body<CreateProcess, ProcessView>(all, invoke, doc("CreateProcess", "Run an application", "quantum"),
                                                           limits::input_body_bytes,
                                                           [api](Call<> c) { return api->create(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"processes", ProcessView>>("GET", all, read, s,
                                                                      doc("ListProcesses", "Processes of a project", "quantum"),
                                                                      [api](Call<> c) { return api->list(std::move(c)); }));
    router.add(http::typed<Nothing, ProcessView>("GET", one, read, s, doc("GetProcess", "One process, with its input", "quantum"),
                                                 [api](Call<> c) { return api->get(std::move(c)); }));
    router.add(http::typed<UpdateProcess, ProcessView>("PATCH", one, invoke, s, doc("UpdateProcess", "Change name or tags", "quantum"),
                                                       [api](Call<UpdateProcess> c) { return api->update(std::move(c)); }));
    router.add(http::typed<Nothing, NoContent>("DELETE", one, invoke, s,
                                               doc("DeleteProcess", "Delete it with its session, input and result", "quantum"),
                                               [api](Call<> c) { return api->remove(std::move(c)); }));
    router.add(http::typed<Nothing, ProcessView>("POST", one + "/cancel", invoke, s, doc("CancelProcess", "Ask it to end", "quantum"),
                                                 [api](Call<> c) { return api->cancel(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"process_results", ProcessResultView>>("GET", one + "/results", read, s,
                                                                                  doc("ListProcessResults", "What came out", "quantum"),
                                                                                  [api](Call<> c) { return api->results(std::move(c)); }));
}

}  // namespace meridian::quantum::service::qaas
