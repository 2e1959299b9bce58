// OpenAI's routes through the router: what is listed, how errors are said.
#include <gmock/gmock.h>

#include "inference/api.h"
#include "inference/gateway.test.h"

namespace meridian::inference {
namespace {

using test::answers;
using test::FakeExchange;
using test::good_body;

class OpenAiRoutes : public test::GatewayTest, public http::Authorizer {
protected:
    OpenAiRoutes() { add_openai_routes(router, gateway); }
    std::shared_ptr<const http::Principal> authorize(const http::Request&, const http::Permission& permission) override {
        asked_for = permission.action + " " + permission.scope;
        return std::make_shared<identity::Caller>(caller);
    }
    FakeExchange& handle(std::string method, std::string target, std::string body = {}) {
        last = std::make_unique<FakeExchange>(std::move(method), std::move(target), std::move(body));
        world.run(router.handle(*last));
        return *last;
    }

    http::Router router{*this};
    std::string asked_for;
    std::unique_ptr<FakeExchange> last;
};

TEST_F(OpenAiRoutes, ListModelsAsCards) {
    auto made = served("org/talk", {backend("a", "127.0.0.1:9001")});
    made->context = 2048;
    made->created_at = Timestamp(std::chrono::seconds(1'700'000'000));
    publish({made, served("waiting", {})});
    const auto list = handle("GET", "/v1/models").json();
    EXPECT_EQ(asked_for, "invoke inference");
    EXPECT_EQ(list.at("object"), "list");
    ASSERT_EQ(list.at("data").as_array().size(), 2u);
    const auto& card = list.at("data").at(0);
    EXPECT_EQ(card.at("id"), "org/talk");
    EXPECT_EQ(card.at("object"), "model");
    EXPECT_EQ(card.at("created"), 1'700'000'000);
    EXPECT_EQ(card.at("max_context_length"), 2048);
    EXPECT_EQ(card.at("capabilities").at("completion_chat"), true);
    EXPECT_EQ(card.at("capabilities").at("function_calling"), false);
    EXPECT_EQ(card.at("meridian").at("ready"), true);
    EXPECT_EQ(card.at("meridian").at("input_per_million"), "0.15");
    EXPECT_EQ(list.at("data").at(1).at("meridian").at("ready"), false);
    EXPECT_EQ(handle("GET", "/v1/models/org/talk").json(), card) << "names may have slashes";
}

TEST_F(OpenAiRoutes, SayErrorsAsOpenAiDoes) {
    publish({served("waiting", {})});
    struct Row {
        std::string_view says, method, target, body;
        int status;
        std::string_view code;
        Json param;
    };
    const Row rows[] = {
        {"no such model to show", "GET", "/v1/models/none", "", 404, "model_not_found", nullptr},
        {"no such model to talk to", "POST", "/v1/chat/completions", R"({"model":"none","messages":[{"role":"user","content":"x"}]})", 404,
         "model_not_found", "model"},
        {"no body", "POST", "/v1/chat/completions", "", 400, "invalid_json", nullptr},
        {"no prompt", "POST", "/v1/completions", R"({"model":"m"})", 400, "missing_required_parameter", "prompt"},
        {"no input", "POST", "/v1/embeddings", R"({"model":"m"})", 400, "missing_required_parameter", "input"},
        {"not ready", "POST", "/v1/chat/completions", R"({"model":"waiting","messages":[{"role":"user","content":"x"}]})", 503,
         "model_not_ready", nullptr},
    };
    for (const auto& row : rows) {
        const auto& answered = handle(std::string(row.method), std::string(row.target), std::string(row.body));
        ASSERT_TRUE(answered.answered) << row.says;
        EXPECT_EQ(answered.answered->status, row.status) << row.says;
        EXPECT_EQ(answered.json().at("error").at("code"), Json(row.code)) << row.says;
        EXPECT_EQ(answered.json().at("error").at("param"), row.param) << row.says;
        if (row.status == 503) EXPECT_EQ(answered.answered->headers.get("Retry-After"), "2") << row.says;
    }
}

TEST_F(OpenAiRoutes, Answer) {
    site("127.0.0.1:9001", {answers(200, good_body)});
    publish({served("talk", {backend("a", "127.0.0.1:9001")})});
    const auto& answered = handle("POST", "/v1/chat/completions", test::ask);
    EXPECT_EQ(answered.answered->status, 200);
    EXPECT_EQ(answered.json().at("choices").at(0).at("message").at("content"), "hello");
}

}  // namespace
}  // namespace meridian::inference
