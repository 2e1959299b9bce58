#include "http/route.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/sim/world.h"
#include "http/denial.h"

namespace meridian::http {
namespace {

class Badge final : public Principal {};

// Lets in whoever shows a token, and everybody where nobody is asked.
class TokenAuthorizer final : public Authorizer, public DenialRecord {
public:
    void denied(const Principal& by, const Request& request, const Route& of) override {
        EXPECT_TRUE(dynamic_cast<const Badge*>(&by));
        told += request.method + " " + of.pattern + " ";
    }
    std::string told;
    std::shared_ptr<const Principal> authorize(const Request& request, const Permission& permission) override {
        if (permission.action == "any") return nullptr;
        if (request.headers.get("authorization").empty()) throw Error(Fault::unauthenticated, "Send a key.");
        if (permission.action == "break") throw std::runtime_error("no table");
        if (permission.action == "forbid") throw Refused(Error(Fault::denied, "Not you."), std::make_shared<Badge>());
        return std::make_shared<Badge>();
    }
};

class FakeExchange final : public Exchange {
public:
    FakeExchange(std::string method, std::string target) {
        request_.method = std::move(method);
        request_.target = std::move(target);
        request_.path = request_.target;
        request_.id = "req_1";
    }
    Request& request() override { return request_; }
    Task<> answer(Response response) override {
        answered = std::move(response);
        begun_ = true;
        co_return;
    }
    Task<> begin(int, Headers) override {
        begun_ = true;
        co_return;
    }
    Task<bool> write(std::string_view) override { co_return true; }
    Task<> end() override { co_return; }
    [[nodiscard]] bool begun() const override { return begun_; }
    void on_hangup(std::move_only_function<void()>) override {}
    [[nodiscard]] bool gone() const override { return false; }

    std::optional<Response> answered;

private:
    Request request_;
    bool begun_ = false;
};

Task<> say_ok(Exchange& exchange) { co_await exchange.answer({200, {}, "ok"}); }
Task<> throw_error(Exchange&) {
    throw Error(Fault::conflict, "It exists.").about("model", "m");
    co_return;
}
Task<> throw_other(Exchange&) {
    throw std::runtime_error("secret detail");
    co_return;
}
Task<> deny(Exchange&) {
    throw Error(Fault::denied, "Not there.");
    co_return;
}
Task<> say_nothing(Exchange&) { co_return; }
Task<> break_off(Exchange& exchange) {
    co_await exchange.begin(200, {});
    throw std::runtime_error("too late");
}

Route route(std::string method, std::string pattern, Dialect dialect = Dialect::scaleway, Handler handler = say_ok,
            Permission may = anyone()) {
    return {std::move(method), std::move(pattern), std::move(may), dialect, std::move(handler), {}, 0};
}

class RouterTest : public testing::Test {
protected:
    RouterTest() : router(authorizer) {
        router.add(route("GET", "/"));
        router.add(route("GET", "/inference/v1/regions/{region}/deployments"));
        router.add(route("POST", "/inference/v1/regions/{region}/deployments"));
        router.add(route("GET", "/inference/v1/regions/{region}/deployments/{id}"));
        router.add(route("POST", "/inference/v1/regions/{region}/deployments/own"));
        router.add(route("GET", "/v1/models", Dialect::openai));
        router.add(route("GET", "/v1/models/{model}", Dialect::openai));
        router.add(route("GET", "/files/{bucket}/{rest...}", Dialect::hugging_face));
        router.add(route("GET", "/v1/closed", Dialect::openai, say_ok, {"read", "project"}));
        router.add(route("GET", "/v1/broken", Dialect::openai, say_ok, {"break", "project"}));
        router.add(route("GET", "/v1/conflict", Dialect::openai, throw_error));
        router.add(route("GET", "/v1/bug", Dialect::openai, throw_other));
        router.add(route("GET", "/v1/silent", Dialect::openai, say_nothing));
        router.add(route("GET", "/v1/late", Dialect::openai, break_off));
    }
    std::string where(std::string_view method, std::string_view path) {
        Params params;
        const auto* found = router.match(method, path, params);
        if (!found) return "none";
        std::string out = found->method + " " + found->pattern;
        for (const auto& [name, value] : params) out += " " + name + "=" + value;
        return out;
    }
    std::optional<Response> handle(std::string method, std::string target, Headers headers = {}) {
        FakeExchange exchange(std::move(method), std::move(target));
        exchange.request().headers = std::move(headers);
        world.run(router.handle(exchange));
        return exchange.answered;
    }

    sim::World world{1};
    TokenAuthorizer authorizer;
    Router router;
};

TEST_F(RouterTest, TellsWhomItDeniedWhat) {
    router.add(route("POST", "/v1/forbidden", Dialect::openai, say_ok, {"forbid", "project"}));
    router.add(route("POST", "/v1/within", Dialect::openai, deny, {"update", "project"}));
    router.add(route("POST", "/v1/unknown", Dialect::openai, deny));
    const auto& told = authorizer.told;
    const Headers key{{"Authorization", "Bearer x"}};
    EXPECT_EQ(handle("POST", "/v1/forbidden", key)->status, 403);
    EXPECT_EQ(told, "POST /v1/forbidden ");
    EXPECT_EQ(handle("POST", "/v1/within", key)->status, 403);
    EXPECT_EQ(told, "POST /v1/forbidden POST /v1/within ");
    EXPECT_EQ(handle("POST", "/v1/unknown")->status, 403) << "of nobody known";
    EXPECT_EQ(handle("POST", "/v1/within")->status, 401);
    EXPECT_EQ(handle("GET", "/v1/conflict", key)->status, 409);
    EXPECT_EQ(told, "POST /v1/forbidden POST /v1/within ");
}

TEST_F(RouterTest, FindsTheRouteOfAPath) {
    struct Row {
        std::string_view method, path, found;
    };
    const Row rows[] = {
        {"GET", "/", "GET /"},
        {"GET", "", "GET /"},
        {"GET", "/inference/v1/regions/fr-par/deployments", "GET /inference/v1/regions/{region}/deployments region=fr-par"},
        {"HEAD", "/inference/v1/regions/fr-par/deployments", "GET /inference/v1/regions/{region}/deployments region=fr-par"},
        {"POST", "/inference/v1/regions/x/deployments", "POST /inference/v1/regions/{region}/deployments region=x"},
        {"GET", "/inference/v1/regions/x/deployments/7", "GET /inference/v1/regions/{region}/deployments/{id} region=x id=7"},
        {"GET", "/inference/v1/regions/x/deployments/own", "GET /inference/v1/regions/{region}/deployments/{id} region=x id=own"},
        {"POST", "/inference/v1/regions/x/deployments/own", "POST /inference/v1/regions/{region}/deployments/own region=x"},
        {"DELETE", "/inference/v1/regions/x/deployments/7", "none"},
        {"GET", "/inference/v1/regions//deployments", "none"},
        {"GET", "/inference/v1/regions/x/deployments/", "none"},
        {"GET", "/inference/v1/regions/x%2Fy/deployments", "GET /inference/v1/regions/{region}/deployments region=x/y"},
        {"GET", "/v1/%6Dodels", "GET /v1/models"},
        {"GET", "/v1/models/%ff", "none"},
        {"GET", "/files/b/a/b/c.bin", "GET /files/{bucket}/{rest...} bucket=b rest=a/b/c.bin"},
        {"GET", "/files/b", "none"},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(where(row.method, row.path), row.found) << row.method << " " << row.path;
    }
}

TEST_F(RouterTest, AnswersUnknownPathsInTheDialectOfTheirNeighbourhood) {
    struct Row {
        std::string_view method, target;
        int status;
        std::string_view part;
    };
    const Row rows[] = {
        {"GET", "/v1/nothing", 404, R"({"error":{"message":"There is nothing at /v1/nothing)"},
        {"GET", "/inference/v1/regions/x/nothing", 404, R"("type":"not_found")"},
        {"GET", "/files/b", 404, R"({"error":")"},
        {"GET", "/elsewhere", 404, R"("type":"urn:meridian:fault:not_found")"},
        {"PATCH", "/v1/models", 405, R"("type":"invalid_request_error")"},
        {"GET", "/v1/closed", 401, R"("code":"invalid_api_key")"},
        {"GET", "/v1/conflict", 409, R"("code":"conflict")"},
        {"GET", "/v1/bug", 500, "req_1"},
        {"GET", "/v1/silent", 500, R"("code":"internal_error")"},
    };
    for (const auto& row : rows) {
        const auto answer = handle(std::string(row.method), std::string(row.target));
        ASSERT_TRUE(answer) << row.target;
        EXPECT_EQ(answer->status, row.status) << row.target;
        EXPECT_NE(answer->body.find(row.part), std::string::npos) << row.target << answer->body;
        EXPECT_EQ(answer->body.find("secret detail"), std::string::npos);
    }
    EXPECT_EQ(handle("PATCH", "/inference/v1/regions/x/deployments")->headers.get("Allow"), "GET, HEAD, POST");
    EXPECT_EQ(handle("GET", "/v1/broken", {{"Authorization", "x"}})->status, 500);
    EXPECT_EQ(handle("GET", "/v1/closed", {{"Authorization", "x"}})->status, 200);
    EXPECT_FALSE(handle("GET", "/v1/late"));  // an answer that had begun is left to the connection
}

TEST_F(RouterTest, PatternsMustBeNewAndWellFormed) {
    testing::GTEST_FLAG(death_test_style) = "fast";
    EXPECT_DEATH(router.add(route("GET", "/v1/models/{other}")), "none_of");
    EXPECT_DEATH(router.add(route("GET", "v1")), "starts_with");
    EXPECT_DEATH(router.add(route("GET", "/a//b")), "empty");
    EXPECT_DEATH(router.add(route("GET", "/a/{b}c")), "text");
    EXPECT_DEATH(router.add(route("GET", "/{rest...}/b")), "leaves");
    EXPECT_DEATH(router.add(route("GET", "/a/{b}/{b}")), "names");
}

}  // namespace
}  // namespace meridian::http
