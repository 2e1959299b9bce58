#include "http/openapi.h"

#include <gtest/gtest.h>

#include <set>

#include "base/sim/world.h"
#include "http/typed.h"

namespace meridian::http {
namespace {

struct Part {
    std::string name;
    std::vector<std::string> tags;
};
constexpr auto describe(As<Part>) { return fields(field("name", &Part::name), field("tags", &Part::tags)); }
struct Whole {
    Part part;
    std::optional<Part> spare;
};
constexpr auto describe(As<Whole>) { return fields(field("part", &Whole::part), field("spare", &Whole::spare)); }
struct Filter {
    std::vector<std::string> tags;
};
constexpr auto describe(As<Filter>) { return fields(field("tags", &Filter::tags)); }

std::vector<Route> sample_routes() {
    const Permission may("read", "project");
    std::vector<Route> routes;
    routes.push_back(typed<Whole, Created<Whole>>("POST", "/v1/regions/{region}/wholes", may, Dialect::meridian,
                                                  doc("CreateWhole", "Create", "wholes"),
                                                  [](Call<Whole> call) { return Created<Whole>{call.in}; }));
    routes.push_back(typed<Filter, Listed<"wholes", Whole>>("GET", "/v1/regions/{region}/wholes", may, Dialect::scaleway,
                                                            doc("ListWholes", "List", "wholes"),
                                                            [](Call<Filter>) { return Paged<Whole>{}; }));
    routes.push_back(typed<Nothing, NoContent>("DELETE", "/v1/wholes/{id}", may, Dialect::openai,
                                               doc("ListWholes", "A name twice", "wholes"), [](Call<>) { return NoContent{}; }));
    routes.push_back(typed<Nothing, Bytes>("GET", "/files/{rest...}", anyone(), Dialect::meridian, {}, [](Call<>) { return Bytes{}; }));
    routes.push_back({.method = "GET",
                      .pattern = "/healthz",
                      .may = anyone(),
                      .dialect = Dialect::meridian,
                      .handler = [](Exchange& exchange) { return exchange.answer({}); },
                      .doc = {}});
    return routes;
}

std::set<std::string> references(const Json& json) {
    std::set<std::string> found;
    if (json.is_array()) {
        for (const auto& each : json.get_array()) found.merge(references(each));
    } else if (json.is_object()) {
        for (const auto& pair : json.get_object()) {
            if (pair.key() == "$ref")
                found.emplace(view(pair.value().as_string()));
            else
                found.merge(references(pair.value()));
        }
    }
    return found;
}

TEST(OpenApi, HasEveryRouteOnceUnderItsOwnId) {
    const auto routes = sample_routes();
    const Json document = openapi_document(routes, {});
    EXPECT_TRUE(parse_json(to_text(document)));
    EXPECT_EQ(document.at("openapi"), "3.1.0");
    std::set<std::string> ids;
    std::size_t operations = 0;
    for (const auto& path : document.at("paths").as_object()) {
        for (const auto& each : path.value().as_object()) {
            ++operations;
            ids.emplace(view(each.value().at("operationId").as_string()));
        }
    }
    EXPECT_EQ(operations, routes.size());
    EXPECT_EQ(ids, (std::set<std::string>{"CreateWhole", "ListWholes", "ListWholes_2", "getFilesRest", "getHealthz"}));
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
    const Json document = openapi_document(sample_routes(), {});
    const auto all = references(document);
    EXPECT_GE(all.size(), 6u);
    for (const auto& each : all) {
        const Json* at = &document;
        for (std::size_t from = 2; at != nullptr && from < each.size();) {
            const std::size_t to = std::min(each.find('/', from), each.size());
            at = member(*at, each.substr(from, to - from));
            from = to + 1;
        }
        EXPECT_NE(at, nullptr) << each;
    }
    EXPECT_EQ(to_text(document).find("$defs"), std::string::npos);
}

TEST(OpenApi, WhatGoesInMayDifferFromWhatComesOut) {
    const Json document = openapi_document(sample_routes(), {});
    const Json& schemas = document.at("components").at("schemas");
    EXPECT_EQ(to_text(schemas.at("http.Part").at("required")), R"(["name","tags"])");
    EXPECT_EQ(to_text(schemas.at("http.PartInput").at("required")), R"(["name"])");
    EXPECT_EQ(to_text(schemas.at("http.WholeInput").at("properties").at("part")), R"({"$ref":"#/components/schemas/http.PartInput"})");
}

class Nobody final : public Authorizer {
public:
    std::shared_ptr<const Principal> authorize(const Request&, const Permission&) override { return nullptr; }
};

class FakeExchange final : public Exchange {
public:
    Request& request() override { return asked; }
    Task<> answer(Response response) override {
        answered = std::move(response);
        co_return;
    }
    Task<> begin(int, Headers) override { co_return; }
    Task<bool> write(std::string_view) override { co_return true; }
    Task<> end() override { co_return; }
    [[nodiscard]] bool begun() const override { return false; }
    void on_hangup(std::move_only_function<void()>) override {}
    [[nodiscard]] bool gone() const override { return false; }

    Request asked;
    Response answered;
};

TEST(OpenApi, IsServedWithRoutesThatWereAddedAfterIt) {
    Nobody nobody;
    Router router(nobody);
    router.add(openapi_route(router, {.version = "1"}));
    for (auto& route : sample_routes()) router.add(std::move(route));
    sim::World world(1);
    FakeExchange exchange;
    exchange.asked.method = "GET";
    exchange.asked.path = "/openapi.json";
    world.run(router.routes().front().handler(exchange));
    EXPECT_EQ(exchange.answered.headers.get("Content-Type"), "application/json");
    const auto document = parse_json(exchange.answered.body);
    ASSERT_TRUE(document);
    EXPECT_TRUE(document->at("paths").as_object().contains("/openapi.json"));
    EXPECT_TRUE(document->at("paths").as_object().contains("/v1/wholes/{id}"));
}

TEST(OpenApi, SaysWhoMayAndHowErrorsLook) {
    const Json document = openapi_document(sample_routes(), {.version = "1"});
    const Json& create = document.at("paths").at("/v1/regions/{region}/wholes").at("post");
    EXPECT_EQ(to_text(create.at("x-meridian-permission")), R"({"action":"read","scope":"project"})");
    EXPECT_EQ(to_text(create.at("parameters")), R"([{"name":"region","in":"path","required":true,"schema":{"type":"string"}}])");
    EXPECT_TRUE(create.at("responses").as_object().contains("201"));
    EXPECT_FALSE(create.as_object().contains("security"));
    const Json& list = document.at("paths").at("/v1/regions/{region}/wholes").at("get");
    EXPECT_EQ(to_text(list.at("responses").at("default")), R"({"$ref":"#/components/responses/scaleway_error"})");
    std::string names;
    for (const auto& each : list.at("parameters").as_array()) names.append(view(each.at("name").as_string())).append(" ");
    EXPECT_EQ(names, "region tags page page_size ");
    EXPECT_TRUE(document.at("paths").at("/v1/wholes/{id}").at("delete").at("responses").as_object().contains("204"));
    const Json& file = document.at("paths").at("/files/{rest}").at("get");
    EXPECT_EQ(to_text(file.at("security")), "[]");
    EXPECT_TRUE(file.at("responses").at("200").at("content").as_object().contains("application/octet-stream"));
    EXPECT_EQ(to_text(document.at("security")), R"([{"token":[]},{"bearer":[]}])");
}

}  // namespace
}  // namespace meridian::http
