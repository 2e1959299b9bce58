// Models (the clients' word for programs), jobs, and their results on the wire.
#include "quantum/service/views.h"

namespace meridian::quantum::service::qaas {

struct CreateModel {
    std::optional<ProjectId> project_id;
    std::string payload;
};
constexpr auto describe(As<CreateModel>) {
    return fields(field("project_id", &CreateModel::project_id), field("payload", &CreateModel::payload));
}

struct CreateJob {
    std::string name;
    SessionId session_id;
    Json circuit, max_duration;
    std::vector<std::string> tags;
    std::optional<ProgramId> model_id;
    std::optional<std::string> parameters;
};
constexpr auto describe(As<CreateJob>) {
    using C = CreateJob;
    return fields(field("name", &C::name, defaulted), field("session_id", &C::session_id), field("circuit", &C::circuit),
                  field("tags", &C::tags), field("max_duration", &C::max_duration), field("model_id", &C::model_id),
                  field("parameters", &C::parameters));
}

struct UpdateJob {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> tags;
};
constexpr auto describe(As<UpdateJob>) { return fields(field("name", &UpdateJob::name), field("tags", &UpdateJob::tags)); }

namespace {

using http::Call;
using http::Dialect;
using http::doc;
using http::Listed;
using http::NoContent;
using http::Nothing;
using http::Permission;
using identity::Caller;

constexpr Order<JobView> job_orders[] = {
    {"created_at", [](const JobView& a, const JobView& b) { return a.created_at < b.created_at; }},
    {"status", [](const JobView& a, const JobView& b) { return a.status < b.status; }},
    {"name", [](const JobView& a, const JobView& b) { return a.name < b.name; }},
    {"session_name", [](const JobView& a, const JobView& b) { return a.session_id < b.session_id; }},
};
constexpr Order<ModelView> model_orders[] = {
    {"created_at", [](const ModelView& a, const ModelView& b) { return a.created_at < b.created_at; }},
};

constexpr std::string_view circuit_keys[] = {"qiskit_circuit", "qiskitCircuit", "perceval_circuit", "percevalCircuit"};

std::string circuit_in(const Json& circuit) {
    for (const auto key : circuit_keys)
        if (const auto* text = text_member(circuit, key)) return std::string(::meridian::view(*text));
    return {};
}

// By the header, or, for clients that cannot send one, by `quote` in the job's parameters.
std::optional<QuoteId> quote_in(const http::Called& call, const std::optional<std::string>& parameters) {
    std::string text(call.exchange->request().headers.get("x-meridian-quote"));
    if (text.empty() && parameters) {
        const auto json = parse_json(*parameters);
        const auto* named = json ? text_member(*json, "quote") : nullptr;
        if (named) text = ::meridian::view(*named);
    }
    if (text.empty()) return std::nullopt;
    return metering::quote_named(text);
}

class Jobs {
public:
    Jobs(Quantum& quantum, const Links& links) : quantum_(quantum), links_(links) {}

    Task<ModelView> create_model(Call<> call) {
        auto in = co_await body_of<CreateModel>(call, quantum_.files());
        auto made = co_await quantum_.create_program(call.caller_as<Caller>(), in.project_id.value_or(ProjectId()), std::move(in.payload));
        co_return view_of(made, call);
    }
    Task<Listed<"models", ModelView>> models(Call<> call) {
        std::vector<ModelView> views;
        for (const auto& program : co_await quantum_.programs(call.caller_as<Caller>(), project_of(call)))
            views.push_back(view_of(program, call));
        sort_as_asked<ModelView>(views, call, "created_at_desc", model_orders);
        co_return paged(std::move(views), call);
    }
    Task<ModelView> model(Call<> call) {
        co_return view_of(co_await quantum_.program(call.caller_as<Caller>(), http::id_param<ProgramId>(call, "model_id")), call);
    }
    Task<http::Bytes> payload(Call<> call) {
        const auto id = http::id_param<ProgramId>(call, "model_id");
        check_link(program_path(id), call);
        co_return http::Bytes{"text/plain; charset=utf-8", "", co_await quantum_.program_text(id)};
    }

    Task<JobView> create(Call<> call) {
        auto in = co_await body_of<CreateJob>(call, quantum_.files());
        JobWish wish{.name = std::move(in.name),
                     .session = in.session_id,
                     .tags = std::move(in.tags),
                     .max_duration = duration_in(in.max_duration, "max_duration"),
                     .program = in.model_id,
                     .parameters = std::move(in.parameters),
                     .circuit = circuit_in(in.circuit),
                     .quote = {}};
        wish.quote = quote_in(call, wish.parameters);
        co_return seen(co_await quantum_.create_job(call.caller_as<Caller>(), std::move(wish)));
    }
    Task<Listed<"jobs", JobView>> list(Call<> call) {
        const auto session = http::query_id<SessionId>(call, "session_id");
        std::vector<JobView> views;
        for (const auto& job : co_await quantum_.jobs(call.caller_as<Caller>(), session, project_of(call))) {
            if (has_tags(job.tags, call)) views.push_back(seen(job));
        }
        sort_as_asked<JobView>(views, call, "created_at_desc", job_orders);
        co_return paged(std::move(views), call);
    }
    // The clients ask at once and then every few seconds: an answer that waits for the end saves them those seconds.
    Task<JobView> get(Call<> call) {
        co_return seen(co_await quantum_.job_at_rest(call.caller_as<Caller>(), http::id_param<JobId>(call, "job_id")));
    }
    Task<JobView> update(Call<UpdateJob> call) {
        co_return seen(co_await quantum_.change_job(call.caller_as<Caller>(), http::id_param<JobId>(call, "job_id"),
                                                    {.name = call.in.name, .tags = call.in.tags}));
    }
    Task<JobView> cancel(Call<> call) {
        co_return seen(co_await quantum_.cancel(call.caller_as<Caller>(), http::id_param<JobId>(call, "job_id")));
    }
    Task<NoContent> remove(Call<> call) {
        co_await quantum_.remove_job(call.caller_as<Caller>(), http::id_param<JobId>(call, "job_id"));
        co_return NoContent{};
    }
    Task<Json> circuit(Call<> call) {
        const auto text = co_await quantum_.circuit(call.caller_as<Caller>(), http::id_param<JobId>(call, "job_id"));
        co_return JsonObject{{"qiskit_circuit", text}};
    }
    Task<Listed<"job_results", JobResultView>> results(Call<> call) {
        const auto caller = call.caller_as<Caller>();
        const auto id = http::id_param<JobId>(call, "job_id");
        const auto job = co_await quantum_.job(caller, id);
        std::vector<JobResultView> views;
        if (job.result_bytes) {
            JobResultView made{.job_id = id.str(), .result = {}, .url = {}, .created_at = job.ended_at};
            if (*job.result_bytes <= limits::inline_result_bytes)
                made.result = co_await quantum_.result(caller, id);
            else
                made.url = link(result_path(id), call);
            views.push_back(std::move(made));
        }
        co_return paged(std::move(views), call);
    }
    Task<Json> commitment_key(Call<> call) {
        const auto id = http::id_param<JobId>(call, "job_id");
        const auto caller = call.caller_as<Caller>();
        const auto job = co_await quantum_.job(caller, id);
        co_return JsonObject{
            {"job_id", id.str()}, {"run_id", job.run.str()}, {"key", base64(co_await quantum_.commitment_key(caller, id))}};
    }
    Task<http::Bytes> result(Call<> call) {
        const auto id = http::id_param<JobId>(call, "job_id");
        check_link(result_path(id), call);
        co_return http::Bytes{"application/json", "", co_await quantum_.result_text(id)};
    }

private:
    [[nodiscard]] JobView seen(const Job& job) { return view(job, quantum_.board().find(job.id)); }
    [[nodiscard]] std::string link(const std::string& path, const http::Called& call) const {
        return origin_of(call) + path + "/" + links_.sign(path);
    }
    [[nodiscard]] ModelView view_of(const Program& program, const http::Called& call) const {
        return {.id = program.id.str(),
                .project_id = program.project.str(),
                .created_at = program.created_at,
                .url = link(program_path(program.id), call)};
    }
    // A wrong link names nothing.
    void check_link(const std::string& path, const http::Called& call) const {
        if (!links_.is_good(path, call.param("token")))
            throw Error(Fault::not_found, "This link is not valid, or not any more; ask for the result again.").about("link", "");
    }

    Quantum& quantum_;
    const Links& links_;
};

void add_model_routes(http::Router& router, const std::shared_ptr<Jobs>& api) {
    const auto s = Dialect::scaleway;
    const Permission read{"read", "quantum"}, invoke{"invoke", "quantum"};
    const auto all = base + "/models", one = all + "/{model_id}";
    router.add(with_large_body<CreateModel, ModelView>(all, invoke, doc("CreateModel", "Store a program", "quantum"),
                                                       limits::program_body_bytes,
                                                       [api](Call<> c) { return api->create_model(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"models", ModelView>>("GET", all, read, s, doc("ListModels", "Programs of a project", "quantum"),
                                                                 [api](Call<> c) { return api->models(std::move(c)); }));
    router.add(http::typed<Nothing, ModelView>("GET", one, read, s, doc("GetModel", "One program", "quantum"),
                                               [api](Call<> c) { return api->model(std::move(c)); }));
    router.add(http::typed<Nothing, http::Bytes>("GET", one + "/payload/{token}", http::anyone(), s,
                                                 doc("DownloadModel", "A program's text, for who has the link", "quantum"),
                                                 [api](Call<> c) { return api->payload(std::move(c)); }));
}

}  // namespace

void add_job_routes(http::Router& router, Quantum& quantum, const Links& links) {
    auto api = std::make_shared<Jobs>(quantum, links);
    add_model_routes(router, api);
    const auto s = Dialect::scaleway;
    const Permission read{"read", "quantum"}, invoke{"invoke", "quantum"};
    const auto all = base + "/jobs", one = all + "/{job_id}";
    router.add(with_large_body<CreateJob, JobView>(all, invoke, doc("CreateJob", "Run a program in a session", "quantum"),
                                                   limits::program_body_bytes, [api](Call<> c) { return api->create(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"jobs", JobView>>("GET", all, read, s,
                                                             doc("ListJobs", "Jobs of a session or project", "quantum"),
                                                             [api](Call<> c) { return api->list(std::move(c)); }));
    router.add(http::typed<Nothing, JobView>(
        "GET", one, read, s, doc("GetJob", "One job; while it has not ended, the answer waits up to 2 s for its end", "quantum"),
        [api](Call<> c) { return api->get(std::move(c)); }));
    router.add(http::typed<UpdateJob, JobView>("PATCH", one, invoke, s, doc("UpdateJob", "Change name or tags", "quantum"),
                                               [api](Call<UpdateJob> c) { return api->update(std::move(c)); }));
    router.add(http::typed<Nothing, NoContent>("DELETE", one, invoke, s, doc("DeleteJob", "Delete it with its result", "quantum"),
                                               [api](Call<> c) { return api->remove(std::move(c)); }));
    router.add(http::typed<Nothing, JobView>("POST", one + "/cancel", invoke, s, doc("CancelJob", "Ask it to end", "quantum"),
                                             [api](Call<> c) { return api->cancel(std::move(c)); }));
    router.add(http::typed<Nothing, Json>("GET", one + "/circuit", read, s, doc("GetJobCircuit", "What was posted", "quantum"),
                                          [api](Call<> c) { return api->circuit(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"job_results", JobResultView>>("GET", one + "/results", read, s,
                                                                          doc("ListJobResults", "Its result, or a link to it", "quantum"),
                                                                          [api](Call<> c) { return api->results(std::move(c)); }));
    router.add(http::typed<Nothing, http::Bytes>("GET", one + "/result/{token}", http::anyone(), s,
                                                 doc("DownloadJobResult", "A result's text, for who has the link", "quantum"),
                                                 [api](Call<> c) { return api->result(std::move(c)); }));
    router.add(http::typed<Nothing, Json>("GET", "/meridian/v1/quantum/jobs/{job_id}/commitment-key", read, Dialect::meridian,
                                          doc("GetJobCommitmentKey", "With which its receipt's commitments can be checked", "quantum"),
                                          [api](Call<> c) { return api->commitment_key(std::move(c)); }));
}

}  // namespace meridian::quantum::service::qaas
