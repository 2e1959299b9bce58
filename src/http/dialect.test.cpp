#include "http/dialect.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace meridian::http {
namespace {

Error with_field(Error error) { return std::move(error).with({"messages.0.role", FieldProblem::Reason::required, "Say who speaks."}); }

struct Row {
    std::string_view says;
    Dialect dialect;
    Error error;
    int status;
    std::string_view body;
    Headers headers = {};
};

const Error invalid = with_field(Error(Fault::invalid, "Wrong input."));
const Error unknown_model = Error(Fault::not_found, "No such model.").about("model", "m").with_code("model_not_found");
const Error busy = Error(Fault::busy, "Slow down.").after(std::chrono::milliseconds(2300));

const Row rows[] = {
    {"scaleway invalid", Dialect::scaleway, invalid, 400,
     R"({"type":"invalid_arguments","message":"Wrong input.","details":[{"argument_name":"messages.0.role","reason":"required","help_message":"Say who speaks."}]})"},
    {"scaleway without fields still has details", Dialect::scaleway, Error(Fault::invalid, "x"), 400,
     R"({"type":"invalid_arguments","message":"x","details":[]})"},
    {"scaleway unauthenticated", Dialect::scaleway, Error(Fault::unauthenticated, "x").in_state("expired"), 401,
     R"({"type":"denied_authentication","message":"x","method":"api_key","reason":"expired"})"},
    {"scaleway denied", Dialect::scaleway, Error(Fault::denied, "x").about("deployment", "").in_state("delete"), 403,
     R"({"type":"permissions_denied","message":"x","details":[{"resource":"deployment","action":"delete"}]})"},
    {"scaleway quota", Dialect::scaleway, Error(Fault::quota, "x").about("deployments", ""), 403,
     R"({"type":"quotas_exceeded","message":"x","details":[{"resource":"deployments","quota":0,"current":0}]})"},
    {"scaleway not found", Dialect::scaleway, unknown_model, 404,
     R"({"type":"not_found","message":"No such model.","resource":"model","resource_id":"m"})"},
    {"scaleway transient", Dialect::scaleway, Error(Fault::conflict, "x").about("deployment", "d").in_state("creating"), 409,
     R"({"type":"transient_state","message":"x","resource":"deployment","resource_id":"d","current_state":"creating"})"},
    {"scaleway exists", Dialect::scaleway, Error(Fault::conflict, "x").about("deployment", "d"), 409,
     R"({"type":"already_exists","message":"x","resource":"deployment","resource_id":"d","help_message":"x"})"},
    {"scaleway locked", Dialect::scaleway, Error(Fault::conflict, "x").about("deployment", "d").with_code("locked"), 423,
     R"({"type":"locked","message":"x","resource":"deployment","resource_id":"d"})"},
    {"scaleway precondition", Dialect::scaleway, Error(Fault::precondition, "x").in_state("resource_still_in_use"), 412,
     R"({"type":"precondition_failed","message":"x","precondition":"resource_still_in_use","help_message":"x"})"},
    {"scaleway gone", Dialect::scaleway, Error(Fault::gone, "x").about("file", "f"), 410,
     R"({"type":"resource_expired","message":"x","resource":"file","resource_id":"f"})"},
    {"scaleway busy",
     Dialect::scaleway,
     busy,
     429,
     R"({"type":"too_many_requests","message":"Slow down.","help_message":"Slow down."})",
     {{"Retry-After", "3"}}},
    {"scaleway out of stock",
     Dialect::scaleway,
     Error(Fault::unavailable, "x").about("H100", "").with_code("out_of_stock"),
     503,
     R"({"type":"out_of_stock","message":"x","resource":"H100"})",
     {{"Retry-After", "1"}}},

    {"openai invalid", Dialect::openai, invalid, 400,
     R"({"error":{"message":"Wrong input.","type":"invalid_request_error","param":"messages.0.role","code":"invalid_value"}})"},
    {"openai context", Dialect::openai, Error(Fault::invalid, "x").with_code("context_length_exceeded"), 400,
     R"({"error":{"message":"x","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}})"},
    {"openai unauthenticated",
     Dialect::openai,
     Error(Fault::unauthenticated, "x"),
     401,
     R"({"error":{"message":"x","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
     {{"WWW-Authenticate", "Bearer"}}},
    {"openai not found",
     Dialect::openai,
     unknown_model,
     404,
     R"({"error":{"message":"No such model.","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     {{"x-should-retry", ""}}},
    {"openai conflict",
     Dialect::openai,
     Error(Fault::conflict, "x"),
     409,
     R"({"error":{"message":"x","type":"invalid_request_error","param":null,"code":"conflict"}})",
     {{"x-should-retry", "false"}}},
    {"openai quota",
     Dialect::openai,
     Error(Fault::quota, "x"),
     429,
     R"({"error":{"message":"x","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
     {{"x-should-retry", "false"}, {"Retry-After", "60"}}},
    {"openai busy",
     Dialect::openai,
     busy,
     429,
     R"({"error":{"message":"Slow down.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})",
     {{"Retry-After", "3"}, {"x-should-retry", ""}}},
    {"openai unavailable",
     Dialect::openai,
     Error(Fault::unavailable, "x"),
     503,
     R"({"error":{"message":"x","type":"server_error","param":null,"code":"service_unavailable"}})",
     {{"Retry-After", "1"}, {"x-should-retry", ""}}},
    {"openai too large", Dialect::openai, Error(Fault::too_large, "x"), 413,
     R"({"error":{"message":"x","type":"invalid_request_error","param":null,"code":"request_too_large"}})"},

    {"mistral invalid", Dialect::mistral, invalid, 422,
     R"({"detail":[{"loc":["body","messages",0,"role"],"msg":"Say who speaks.","type":"missing"}]})"},
    {"mistral invalid as a whole", Dialect::mistral, Error(Fault::invalid, "x"), 400,
     R"({"object":"error","message":"x","type":"invalid_request_error","code":null})"},
    {"mistral busy",
     Dialect::mistral,
     busy,
     429,
     R"({"object":"error","message":"Slow down.","type":"rate_limited","code":null})",
     {{"Retry-After", "3"}}},

    {"hub repository",
     Dialect::hugging_face,
     Error(Fault::not_found, "x"),
     404,
     R"({"error":"x"})",
     {{"X-Error-Code", "RepoNotFound"}, {"X-Error-Message", "x"}}},
    {"hub revision",
     Dialect::hugging_face,
     Error(Fault::not_found, "x").about("revision", "main"),
     404,
     R"({"error":"x"})",
     {{"X-Error-Code", "RevisionNotFound"}}},
    {"hub gated",
     Dialect::hugging_face,
     Error(Fault::denied, "x").with_code("GatedRepo"),
     403,
     R"({"error":"x"})",
     {{"X-Error-Code", "GatedRepo"}}},
    {"hub credentials",
     Dialect::hugging_face,
     Error(Fault::unauthenticated, "x"),
     401,
     R"({"error":"Invalid credentials in Authorization header"})",
     {{"X-Error-Message", "Invalid credentials in Authorization header"}}},

    {"ours",
     Dialect::meridian,
     unknown_model,
     404,
     R"({"type":"urn:meridian:fault:not_found","title":"Not Found","status":404,"detail":"No such model.","code":"model_not_found","resource":"model","resource_id":"m","request_id":"req_1"})",
     {{"Content-Type", "application/problem+json"}}},
};

TEST(Dialects, SayErrorsAsTheirClientsReadThem) {
    for (const auto& row : rows) {
        const auto answer = render(row.dialect, row.error, "req_1");
        EXPECT_EQ(answer.status, row.status) << row.says;
        const auto got = parse_json(answer.body), wanted = parse_json(row.body);
        ASSERT_TRUE(got && wanted) << row.says;
        EXPECT_EQ(*got, *wanted) << row.says << ": " << answer.body;
        for (const auto& [name, value] : row.headers) EXPECT_EQ(answer.headers.get(name), value) << row.says << " " << name;
        if (row.dialect != Dialect::meridian) EXPECT_EQ(answer.headers.get("content-type"), "application/json") << row.says;
    }
}

TEST(Dialects, NoneShowsTheDetailOfABug) {
    for (const auto dialect : {Dialect::meridian, Dialect::scaleway, Dialect::openai, Dialect::mistral, Dialect::hugging_face}) {
        const auto answer = render(dialect, Error(Fault::bug, "vector::at", "of no use to a user"), "req_1");
        EXPECT_EQ(answer.status, 500);
        EXPECT_EQ(answer.body.find("vector"), std::string::npos);
        EXPECT_EQ(answer.body.find("of no use"), std::string::npos);
        EXPECT_NE(answer.body.find("req_1"), std::string::npos);
    }
}

TEST(Dialects, EachRendersEveryFault) {
    for (int i = 0; i <= static_cast<int>(Fault::bug); ++i) {
        for (const auto dialect : {Dialect::meridian, Dialect::scaleway, Dialect::openai, Dialect::mistral, Dialect::hugging_face}) {
            const auto answer = render(dialect, Error(static_cast<Fault>(i), "Said."), "req_1");
            EXPECT_GE(answer.status, 400);
            EXPECT_TRUE(parse_json(answer.body));
            if (answer.status == 429 || answer.status == 503) EXPECT_TRUE(answer.headers.has("retry-after"));
        }
    }
}

}  // namespace
}  // namespace meridian::http
