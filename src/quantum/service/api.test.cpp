// QaaS through the router: what the clients send and what they insist on in the answers.
#include "quantum/service/api.h"

#include <gmock/gmock.h>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using test::House;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class FakeExchange final : public http::Exchange {
public:
    FakeExchange(std::string method, std::string target, std::string body) {
        request_.method = std::move(method);
        request_.path = target.substr(0, target.find('?'));
        if (request_.path != target) request_.query = http::parse_query(std::string_view(target).substr(request_.path.size() + 1)).value();
        request_.target = std::move(target);
        request_.body = std::move(body);
        request_.headers.add("Host", "quantum.example:8080");
    }
    http::Request& request() override { return request_; }
    Task<> answer(http::Response response) override {
        answered = std::move(response);
        co_return;
    }
    Task<> begin(int, http::Headers) override { co_return; }
    Task<bool> write(std::string_view) override { co_return true; }
    Task<> end() override { co_return; }
    [[nodiscard]] bool begun() const override { return answered.has_value(); }
    void on_hangup(std::move_only_function<void()>) override {}
    [[nodiscard]] bool gone() const override { return false; }
    std::optional<http::Response> answered;

private:
    http::Request request_;
};

class Qaas : public ::testing::Test, public http::Authorizer {
protected:
    explicit Qaas(Keeping keeping = {}) : house(5, keeping) {
        add_routes(router, house.quantum(), links);
        house.start();
    }
    std::shared_ptr<const http::Principal> authorize(const http::Request&, const http::Permission& permission) override {
        asked_for = permission.action + " " + permission.scope;
        return std::make_shared<identity::Caller>(caller);
    }
    http::Response handle(std::string method, const std::string& target, std::string body = {}) {
        FakeExchange exchange(std::move(method), target, std::move(body));
        house.world.run(router.handle(exchange));
        return exchange.answered.value();
    }
    Json ok(std::string method, const std::string& target, std::string body = {}) {
        const auto done = handle(std::move(method), "/qaas/v1alpha1" + target, std::move(body));
        EXPECT_EQ(done.status, 200) << target << " " << done.body;
        return parse_json(done.body).value_or(nullptr);
    }
    int status(std::string method, const std::string& target, std::string body = {}) {
        return handle(std::move(method), "/qaas/v1alpha1" + target, std::move(body)).status;
    }
    static std::string id_of(const Json& made) { return std::string(view(made.at("id").as_string())); }
    std::string session(const std::string& more = "") {
        return id_of(ok("POST", "/sessions",
                        R"({"project_id":")" + caller.project.str() + R"(","platform_id":")" +
                            house.quantum().platforms().front().id.str() + "\"" + more + "}"));
    }
    std::string job(const std::string& in, const std::string& program, const std::string& more = "") {
        const auto model = id_of(ok("POST", "/models", to_text(JsonObject{{"project_id", caller.project.str()}, {"payload", program}})));
        return id_of(ok("POST", "/jobs",
                        R"({"name":"qj","session_id":")" + in + R"(","model_id":")" + model +
                            R"(","circuit":{},"parameters":"{\"shots\":10}")" + more + "}"));
    }

    House house;
    keys::SealingKey key = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    Links links{key, house.world.clock()};
    identity::Caller caller = house.caller();
    http::Router router{*this};
    std::string asked_for;
};

class FullQaas : public Qaas {
protected:
    FullQaas() : Qaas({.project_bytes = 1000}) {}
};

TEST_F(FullQaas, ModelsOfAProjectThatKeepsAllItMayAreRefusedInScalewaysForm) {
    const auto model = [](std::size_t bytes) { return to_text(JsonObject{{"payload", std::string(bytes, 'x')}}); };
    EXPECT_EQ(status("POST", "/models", model(900)), 200);
    const auto refused = handle("POST", "/qaas/v1alpha1/models", model(101));
    EXPECT_EQ(refused.status, 403);
    const auto body = parse_json(refused.body).value();
    EXPECT_EQ(body.at("type"), "quotas_exceeded");
    EXPECT_EQ(body.at("message"),
              "A project keeps at most 1.0 kB of models, inputs and results here, and this one has 0.9 kB. Delete jobs and sessions that "
              "are not needed any more.");
    EXPECT_EQ(status("POST", "/models", model(100)), 200);
}

TEST_F(Qaas, PlatformsHaveWhatTheClientsCannotLiveWithout) {
    const auto all = ok("GET", "/platforms");
    EXPECT_EQ(asked_for, "read quantum");
    EXPECT_EQ(all.at("total_count"), 2);
    const auto& one = all.at("platforms").at(0);
    EXPECT_EQ(one.at("name"), "EMU-AER-2C-24M");
    for (const char* text : {"id", "version", "provider_name", "backend_name", "type", "metadata", "availability", "description"})
        EXPECT_TRUE(one.at(text).is_string()) << text;
    EXPECT_EQ(one.at("availability"), "available");
    EXPECT_EQ(one.at("type"), "simulator");
    EXPECT_EQ(one.at("max_qubit_count"), 29) << "60 % of 24 GiB, 16 bytes an amplitude";
    EXPECT_EQ(to_text(one.at("price_per_hour")), R"({"currency_code":"EUR","units":3,"nanos":600000000})");
    EXPECT_FALSE(member(one, "booking_requirement")) << "null would break the clients: it is left out";
    EXPECT_EQ(all.at("platforms").at(1).at("booking_requirement").at("min_duration"), "600s");
    EXPECT_EQ(ok("GET", "/platforms/" + id_of(one)).at("name"), "EMU-AER-2C-24M");
    EXPECT_EQ(status("GET", "/platforms/11111111-1111-4111-8111-111111111111"), 404);
}

TEST_F(Qaas, PlatformsAreFoundByEitherSpelling) {
    EXPECT_EQ(ok("GET", "/platforms?provider_name=meridian").at("total_count"), 2);
    EXPECT_EQ(ok("GET", "/platforms?providerName=quandela&name=x").at("total_count"), 0);
    EXPECT_EQ(ok("GET", "/platforms?backend_name=aer&platform_type=simulator").at("total_count"), 1);
    EXPECT_EQ(ok("GET", "/platforms?platform_type=qpu").at("total_count"), 0);
    EXPECT_EQ(ok("GET", "/platforms?order_by=name_desc").at("platforms").at(0).at("name"), "QPU-TEST");
}

TEST_F(Qaas, SessionsAreShownAsTheClientsReadThem) {
    const auto id = session(R"(,"name":"s-1","max_duration":"3540s","max_idle_duration":600,"tags":["t"],"deduplication_id":"d")");
    EXPECT_EQ(asked_for, "invoke quantum");
    const auto one = ok("GET", "/sessions/" + id);
    EXPECT_EQ(one.at("status"), "running");
    EXPECT_EQ(one.at("max_duration"), "3540s");
    EXPECT_EQ(one.at("max_idle_duration"), "600s");
    EXPECT_EQ(one.at("origin_type"), "customer");
    EXPECT_TRUE(one.at("terminated_at").is_null()) << "the key is there, for a client waits while it is absent";
    EXPECT_EQ(ok("GET", "/sessions?project_id=" + caller.project.str() + "&tags=t").at("total_count"), 1);
    EXPECT_EQ(ok("GET", "/sessions?project_id=" + caller.project.str() + "&tags=u").at("total_count"), 0);
    EXPECT_EQ(ok("PATCH", "/sessions/" + id, R"({"name":"other","tags":null})").at("name"), "other");
    EXPECT_EQ(to_text(ok("GET", "/sessions/" + id + "/acls").at("acls")), R"(["full"])");
    EXPECT_EQ(ok("POST", "/sessions/" + id + "/terminate").at("status"), "stopped") << "an empty body is taken";
    EXPECT_EQ(ok("POST", "/sessions/" + id + "/terminate", "{}").at("status"), "stopped");
    EXPECT_EQ(status("DELETE", "/sessions/" + id), 204);
    EXPECT_EQ(status("GET", "/sessions/" + id), 404);
}

TEST_F(Qaas, WrongSessionsAreRefusedInScalewaysForm) {
    const auto refused = handle("POST", "/qaas/v1alpha1/sessions", R"({"platform_id":"x"})");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(parse_json(refused.body).value().at("type"), "invalid_arguments");
    const auto platform = house.quantum().platforms().front().id.str();
    for (const auto* wrong : {R"("0s")", R"("soon")", "-1", "[]", R"("99999999999s")"})
        EXPECT_EQ(status("POST", "/sessions", R"({"platform_id":")" + platform + R"(","max_duration":)" + wrong + "}"), 400) << wrong;
    EXPECT_EQ(status("POST", "/sessions", R"({"platform_id":"11111111-1111-4111-8111-111111111111"})"), 404);
}

TEST_F(Qaas, AJobsAnswerWaitsForItsEndAndItsResultIsInline) {
    const auto in = session();
    const auto id = job(in, "run 100");
    const auto done = ok("GET", "/jobs/" + id);
    EXPECT_EQ(done.at("status"), "completed") << "the first question already sees the end";
    EXPECT_THAT(std::string(view(done.at("progress_message").as_string())), HasSubstr("Charged"));
    EXPECT_EQ(done.at("receipt_id"), Json(id));
    EXPECT_EQ(done.at("parameters"), R"({"shots":10})");
    const auto results = ok("GET", "/jobs/" + id + "/results");
    EXPECT_EQ(results.at("total_count"), 1);
    EXPECT_EQ(results.at("job_results").at(0).at("result"), "result of run 100");
    EXPECT_TRUE(results.at("job_results").at(0).at("url").is_null());
    EXPECT_EQ(ok("GET", "/jobs/" + id + "/circuit").at("qiskit_circuit"), "run 100");
    EXPECT_EQ(ok("GET", "/jobs?session_id=" + in).at("total_count"), 1);
    EXPECT_EQ(ok("PATCH", "/jobs/" + id, R"({"name":"n"})").at("name"), "n");
    EXPECT_EQ(status("DELETE", "/jobs/" + id), 204);
    EXPECT_EQ(status("GET", "/jobs/" + id), 404);
}

TEST_F(Qaas, AJobThatRunsSaysSinceWhenAndWhatItWillCost) {
    const auto in = session();
    const auto first = job(in, "run 60000"), second = job(in, "run 60000", R"(,"tags":["priority=low"])");
    const auto running = ok("GET", "/jobs/" + first);
    EXPECT_EQ(running.at("status"), "running");
    EXPECT_TRUE(running.at("started_at").is_string());
    EXPECT_THAT(std::string(view(running.at("progress_message").as_string())), HasSubstr("Running"));
    EXPECT_EQ(running.at("quote").at("engine"), "fake");
    const auto waiting = ok("GET", "/jobs/" + second);
    EXPECT_EQ(waiting.at("status"), "waiting");
    EXPECT_EQ(waiting.at("priority"), "low");
    EXPECT_TRUE(waiting.at("expected_start_at").is_string());
    EXPECT_EQ(ok("GET", "/jobs/" + second + "/results").at("total_count"), 0);
    EXPECT_EQ(status("DELETE", "/jobs/" + second), 409);
    EXPECT_EQ(ok("POST", "/jobs/" + second + "/cancel").at("status"), "cancelling");
    EXPECT_EQ(ok("POST", "/jobs/" + first + "/cancel", "{}").at("status"), "cancelling");
    EXPECT_EQ(ok("GET", "/jobs/" + first).at("status"), "cancelled");
}

TEST_F(Qaas, LargeResultsAndModelsAreFetchedFromLinksThatExpire) {
    const auto in = session();
    const std::string large = "run 1 " + std::string(limits::inline_result_bytes, 'x');
    const auto id = job(in, large);
    EXPECT_EQ(ok("GET", "/jobs/" + id).at("status"), "completed");
    const auto results = ok("GET", "/jobs/" + id + "/results");
    EXPECT_TRUE(results.at("job_results").at(0).at("result").is_null());
    const std::string origin = "http://quantum.example:8080";
    const auto url = std::string(view(results.at("job_results").at(0).at("url").as_string()));
    ASSERT_TRUE(url.starts_with(origin)) << url;
    asked_for.clear();
    const auto target = url.substr(origin.size());
    EXPECT_EQ(handle("GET", target).body, "result of " + large);
    EXPECT_EQ(asked_for, "any public") << "without any key";
    auto forged = target;
    forged.back() = forged.back() == 'A' ? 'B' : 'A';
    EXPECT_EQ(handle("GET", forged).status, 404);
    const auto models = ok("GET", "/models");
    const auto model = std::string(view(models.at("models").at(0).at("url").as_string())).substr(origin.size());
    EXPECT_EQ(handle("GET", model).body, large);
    EXPECT_EQ(handle("GET", model.substr(0, model.rfind('/')) + target.substr(target.rfind('/'))).status, 404) << "a link is for one thing";
    house.world.run_for(limits::link + 2s);
    EXPECT_EQ(handle("GET", target).status, 404);
}

TEST_F(Qaas, JobsThatCannotBeAreRefused) {
    const auto in = session();
    EXPECT_EQ(status("POST", "/jobs", R"({"name":"x","session_id":")" + in + R"(","circuit":{}})"), 400) << "nothing to run";
    EXPECT_EQ(status("POST", "/jobs", R"({"name":"x","session_id":"11111111-1111-4111-8111-111111111111","circuit":{}})"), 404);
    EXPECT_EQ(status("POST", "/models", R"({"payload":""})"), 400);
    EXPECT_EQ(status("POST", "/jobs", "{"), 400);
    const auto inherited = session(R"(,"model_id":")" + house.program("run 5").str() + "\"");
    const auto id = id_of(ok("POST", "/jobs", R"({"name":"x","session_id":")" + inherited + R"(","circuit":{}})"));
    EXPECT_EQ(ok("GET", "/jobs/" + id).at("status"), "completed") << "a job without a model runs the session's";
    const auto posted = id_of(
        ok("POST", "/jobs", R"({"name":"x","session_id":")" + in + R"(","circuit":{"percevalCircuit":"refuse photons are not offered"}})"));
    const auto refused = ok("GET", "/jobs/" + posted);
    EXPECT_EQ(refused.at("status"), "error");
    EXPECT_EQ(refused.at("progress_message"), "photons are not offered");
}

TEST_F(Qaas, ApplicationsAreShownAndProcessesLiveFromCreateToDelete) {
    const auto applications = ok("GET", "/applications");
    EXPECT_EQ(applications.at("total_count"), 1);
    const auto application = id_of(applications.at("applications").at(0));
    const auto shown = ok("GET", "/applications/" + application);
    EXPECT_EQ(shown.at("type"), "vqe");
    EXPECT_EQ(shown.at("input_template"), "run 10");
    EXPECT_EQ(shown.at("compatible_platform_ids").as_array().size(), house.quantum().platforms().size());
    EXPECT_EQ(ok("GET", "/applications?application_type=unknown_type").at("total_count"), 0);
    const auto platform = house.quantum().platforms().front().id.str();
    const auto made = ok("POST", "/processes",
                         to_text(JsonObject{{"project_id", caller.project.str()},
                                            {"platform_id", platform},
                                            {"application_id", application},
                                            {"name", "ground state"},
                                            {"input", "run 100"},
                                            {"tags", JsonArray{"a"}}}));
    EXPECT_EQ(asked_for, "invoke quantum");
    EXPECT_EQ(made.at("status"), "starting");
    const auto id = id_of(made);
    house.world.run_for(2s);
    const auto done = ok("GET", "/processes/" + id);
    EXPECT_EQ(done.at("status"), "completed");
    EXPECT_EQ(done.at("progress").to_number<double>(), 1);
    EXPECT_EQ(done.at("input"), "run 100");
    EXPECT_TRUE(done.at("finished_at").is_string());
    const auto session = std::string(view(done.at("attached_session_ids").at(0).as_string()));
    const auto own = ok("GET", "/sessions/" + session);
    EXPECT_EQ(own.at("origin_type"), "process");
    EXPECT_EQ(own.at("origin_id"), Json(id));
    EXPECT_EQ(own.at("status"), "stopped") << "it ends with its job";
    EXPECT_EQ(ok("GET", "/processes/" + id + "/results").at("process_results").at(0).at("result"), "result of run 100");
    EXPECT_EQ(ok("GET", "/processes?project_id=" + caller.project.str() + "&application_id=" + application + "&tags=a").at("total_count"),
              1);
    EXPECT_EQ(ok("GET", "/processes?project_id=" + caller.project.str() + "&tags=b").at("total_count"), 0);
    EXPECT_EQ(ok("PATCH", "/processes/" + id, R"({"name":"n","tags":["b"]})").at("name"), "n");
    EXPECT_EQ(ok("POST", "/processes/" + id + "/cancel", "{}").at("status"), "completed") << "too late is no error";
    EXPECT_EQ(status("DELETE", "/processes/" + id), 204);
    EXPECT_EQ(status("GET", "/processes/" + id), 404);
    EXPECT_EQ(ok("GET", "/processes?project_id=" + caller.project.str()).at("total_count"), 0);
}

TEST_F(Qaas, ProcessesThatCannotBeAreRefused) {
    const auto platform = house.quantum().platforms().front().id.str(), application = house.quantum().applications().front().id.str();
    const std::string nothing = "11111111-1111-4111-8111-111111111111";
    const auto create = [&](const std::string& on, const std::string& of, const std::string& input) {
        return status("POST", "/processes", to_text(JsonObject{{"platform_id", on}, {"application_id", of}, {"input", input}}));
    };
    EXPECT_EQ(create(platform, application, ""), 400);
    EXPECT_EQ(create(platform, application, std::string(limits::input_bytes + 1, 'x')), 400);
    EXPECT_EQ(create(nothing, application, "run 1"), 404);
    EXPECT_EQ(create(platform, nothing, "run 1"), 404);
    EXPECT_EQ(status("GET", "/applications/" + nothing), 404);
    for (const auto* method : {"GET", "PATCH", "DELETE"}) EXPECT_EQ(status(method, "/processes/" + nothing), 404) << method;
    EXPECT_EQ(status("POST", "/processes/" + nothing + "/cancel"), 404);
    EXPECT_EQ(status("GET", "/processes/" + nothing + "/results"), 404);
    EXPECT_EQ(ok("GET", "/bookings").at("total_count"), 0);
    EXPECT_EQ(status("GET", "/bookings/" + nothing), 404);
}

TEST_F(Qaas, LargeBodiesAreReadOnThePoolAndSmallOnesOnTheLoop) {
    house.pool.fail_at = 1'000'000;  // never; it counts what it runs
    const auto posted = [&](std::size_t bytes) {
        const auto before = house.pool.jobs;
        ok("POST", "/models", to_text(JsonObject{{"payload", std::string(bytes, 'x')}}));
        return house.pool.jobs - before;
    };
    posted(10);  // while the reconciler begins, on the same pool
    const auto small = posted(10);
    EXPECT_EQ(posted(10), small);
    EXPECT_EQ(posted(limits::body_on_loop + 1), small + 1);
    EXPECT_EQ(status("POST", "/models", "{" + std::string(limits::body_on_loop, ' ')), 400) << "a bad body is one on the pool too";
}

TEST(States, MoveAsTheTablesSay) {
    const JobState jobs[] = {JobState::waiting,   JobState::running, JobState::cancelling,
                             JobState::completed, JobState::error,   JobState::cancelled};
    for (const auto from : jobs)
        for (const auto to : jobs)
            if (is_final(from)) EXPECT_FALSE(may_move(from, to)) << word(from) << " to " << word(to);
    for (const auto to : {JobState::completed, JobState::error, JobState::cancelled}) {
        EXPECT_TRUE(may_move(JobState::waiting, to));
        EXPECT_TRUE(may_move(JobState::cancelling, to));
    }
    EXPECT_FALSE(may_move(JobState::cancelling, JobState::waiting));
    EXPECT_FALSE(may_move(SessionState::stopped, SessionState::running));
    EXPECT_TRUE(may_move(SessionState::starting, SessionState::running));
}

}  // namespace
}  // namespace meridian::quantum::service
