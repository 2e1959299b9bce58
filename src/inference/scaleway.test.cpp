// Scaleway's inference/v1 through the router: what its SDKs send and read.
#include <gmock/gmock.h>

#include "identity/door.test.h"
#include "inference/api.h"
#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using test::FakeExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const std::string base = "/inference/v1/regions/fr-par";
const std::string nobody = "11111111-1111-4111-8111-111111111111";

class ScalewayRoutes : public ::testing::Test {
protected:
    ScalewayRoutes() {
        door.caller = house.life->caller;
        add_scaleway_routes(router, *house.life->deployments, *house.life->catalog, "https://api.meridian.example");
    }
    FakeExchange& handle(std::string method, const std::string& target, std::string body = {}) {
        last = std::make_unique<FakeExchange>(std::move(method), base + target, std::move(body));
        house.world.run(router.handle(*last));
        return *last;
    }
    Json ok(std::string method, const std::string& target, std::string body = {}) {
        const auto& done = handle(std::move(method), target, std::move(body));
        EXPECT_EQ(done.answered.value().status, 200) << target << " " << done.answered->body;
        return done.json();
    }
    int status(std::string method, const std::string& target, std::string body = {}) {
        return handle(std::move(method), target, std::move(body)).answered.value().status;
    }
    // The names of what a page holds.
    std::vector<std::string> names(const std::string& query) {
        std::vector<std::string> out;
        for (const auto& each : ok("GET", "/deployments" + query).at("deployments").as_array())
            out.emplace_back(view(each.at("name").as_string()));
        return out;
    }
    std::vector<std::string> wrong_arguments(const FakeExchange& done) {
        std::vector<std::string> out;
        for (const auto& each : done.json().at("details").as_array()) out.emplace_back(view(each.at("argument_name").as_string()));
        return out;
    }
    std::string id_of(const Json& made) { return std::string(view(made.at("id").as_string())); }
    std::string create(const std::string& name, const std::string& more = "") {
        house.world.run_for(1s);
        return id_of(ok("POST", "/deployments", R"({"model_id":"talk","name":")" + name + "\"" + more + "}"));
    }

    test::House house;
    identity::test::Door door;
    identity::Caller& caller = door.caller;
    std::string& asked_for = door.asked;
    http::Router router{door};
    std::unique_ptr<FakeExchange> last;
};

TEST_F(ScalewayRoutes, ADeploymentIsShownAsSdksReadIt) {
    const auto made = ok("POST", "/deployments",
                         R"({"name":"d-1","model_id":"talk","node_type_name":"CPU-4C-8G","tags":["a"],"min_size":2,"accept_eula":true,
                             "endpoints":[{"public_network":{},"disable_auth":false}],"quantization":{"bits":4}})");
    EXPECT_EQ(asked_for, "create deployments");
    EXPECT_EQ(made.at("name"), "d-1");
    EXPECT_EQ(made.at("status"), "creating");
    EXPECT_EQ(made.at("region"), "fr-par");
    EXPECT_EQ(made.at("node_type_name"), "CPU-4C-8G");
    EXPECT_EQ(made.at("model_name"), "talk");
    EXPECT_EQ(made.at("project_id"), Json(caller.project.str()));
    EXPECT_EQ(made.at("size"), 0);
    EXPECT_EQ(made.at("min_size"), 2);
    EXPECT_EQ(made.at("max_size"), 2) << "as min_size unless it is said";
    EXPECT_EQ(made.at("tags"), parse_json(R"(["a"])").value());
    EXPECT_EQ(made.at("endpoints").at(0).at("url"), "https://api.meridian.example");
    EXPECT_EQ(made.at("endpoints").at(0).at("disable_auth"), false);
    EXPECT_TRUE(made.at("created_at").is_string());
    EXPECT_EQ(ok("GET", "/deployments/" + id_of(made)), made);
    EXPECT_EQ(asked_for, "read deployments");
}

TEST_F(ScalewayRoutes, ListsPageSortAndFilter) {
    create("beta", R"(,"tags":["x","y"])");
    create("alpha", R"(,"tags":["x"])");
    create("gamma");
    struct Row {
        std::string_view query;
        std::vector<std::string> names;
    };
    const Row rows[] = {
        {"", {"gamma", "alpha", "beta"}},
        {"?order_by=created_at_asc", {"beta", "alpha", "gamma"}},
        {"?order_by=name_asc", {"alpha", "beta", "gamma"}},
        {"?order_by=name_desc", {"gamma", "beta", "alpha"}},
        {"?order_by=name_asc&page_size=2", {"alpha", "beta"}},
        {"?order_by=name_asc&page_size=2&page=2", {"gamma"}},
        {"?page_size=2&page=9", {}},
        {"?name=et", {"beta"}},
        {"?name=none", {}},
        {"?tags=x", {"alpha", "beta"}},
        {"?tags=x&tags=y", {"beta"}},
        {"?project_id=", {"gamma", "alpha", "beta"}},
        {"?project_id=11111111-1111-4111-8111-111111111111", {}},
    };
    for (const auto& row : rows) EXPECT_EQ(names(std::string(row.query)), row.names) << row.query;
    EXPECT_EQ(ok("GET", "/deployments?page_size=1&page=3").at("total_count"), 3);
    EXPECT_EQ(ok("GET", "/deployments?tags=x&page_size=1").at("total_count"), 2);
    EXPECT_EQ(names("?project_id=" + caller.project.str()).size(), 3u);
    EXPECT_THAT(wrong_arguments(handle("GET", "/deployments?page=0")), ElementsAre("page"));
    EXPECT_THAT(wrong_arguments(handle("GET", "/deployments?project_id=x")), ElementsAre("project_id"));
}

TEST_F(ScalewayRoutes, InvalidArgumentsAreNamed) {
    const auto id = create("d");
    const std::string many_tags = [] {
        std::string list = R"("tags":["t")";
        for (int i = 0; i < 50; ++i) list += R"(,"t")";
        return list + "]";
    }();
    struct Row {
        std::string_view says, method;
        std::string target, body;
        std::vector<std::string> names;
    };
    const Row rows[] = {
        {"no model", "POST", "/deployments", R"({"name":"d"})", {"model_id"}},
        {"a bad name", "POST", "/deployments", R"({"model_id":"talk","name":"a b"})", {"name"}},
        {"a long name", "POST", "/deployments", R"({"model_id":"talk","name":")" + std::string(256, 'a') + "\"}", {"name"}},
        {"no replicas", "POST", "/deployments", R"({"model_id":"talk","min_size":0})", {"min_size"}},
        {"too many", "POST", "/deployments", R"({"model_id":"talk","max_size":51})", {"max_size"}},
        {"upside down", "POST", "/deployments", R"({"model_id":"talk","min_size":3,"max_size":2})", {"max_size"}},
        {"a number for a name and a text for a size",
         "POST",
         "/deployments",
         R"({"model_id":"talk","name":7,"min_size":"x"})",
         {"name", "min_size"}},
        {"a bad project", "POST", "/deployments", R"({"model_id":"talk","project_id":"x"})", {"project_id"}},
        {"too many tags", "POST", "/deployments", R"({"model_id":"talk",)" + many_tags + "}", {"tags"}},
        {"an unknown node type", "POST", "/deployments", R"({"model_id":"talk","node_type_name":"H100"})", {"node_type_name"}},
        {"a private network",
         "POST",
         "/deployments",
         R"({"model_id":"talk","endpoints":[{"private_network":{"private_network_id":"x"}}]})",
         {"endpoints.private_network"}},
        {"no network",
         "POST",
         "/deployments/" + id + "/acls",
         R"({"acls":[{"ip":"10.0.0.0/8","description":"x"},{"ip":"10.0.0"}]})",
         {"acls.ip"}},
        {"no rule at all", "PUT", "/deployments/" + id + "/acls", R"({"acls":[{"description":"x"}]})", {"acls.0.ip"}},
        {"a change to no name", "PATCH", "/deployments/" + id, R"({"name":""})", {"name"}},
        {"a change to a bad name", "PATCH", "/deployments/" + id, R"({"name":"a b"})", {"name"}},
        {"a change to many tags", "PATCH", "/deployments/" + id, "{" + many_tags + "}", {"tags"}},
        {"a change to no replicas", "PATCH", "/deployments/" + id, R"({"min_size":0})", {"min_size"}},
        {"a change upside down", "PATCH", "/deployments/" + id, R"({"min_size":3,"max_size":2})", {"max_size"}},
        {"an endpoint of nothing", "POST", "/endpoints", R"({})", {"deployment_id"}},
    };
    for (const auto& row : rows) {
        const auto& done = handle(std::string(row.method), row.target, row.body);
        ASSERT_EQ(done.answered.value().status, 400) << row.says << done.answered->body;
        EXPECT_EQ(done.json().at("type"), "invalid_arguments") << row.says;
        EXPECT_EQ(wrong_arguments(done), row.names) << row.says << done.answered->body;
    }
    EXPECT_EQ(ok("GET", "/deployments").at("total_count"), 1);
}

TEST_F(ScalewayRoutes, AnotherRegionIsAnArgumentToCorrect) {
    const auto id = create("d");
    const std::pair<std::string_view, std::string> calls[] = {
        {"GET", "/deployments"},         {"POST", "/deployments"},         {"GET", "/deployments/" + id},
        {"PATCH", "/deployments/" + id}, {"DELETE", "/deployments/" + id}, {"GET", "/models"},
        {"GET", "/models/" + id},        {"GET", "/node-types"},           {"DELETE", "/endpoints/" + id},
    };
    for (const auto& [method, path] : calls) {
        FakeExchange exchange(std::string(method), "/inference/v1/regions/nl-ams" + path, R"({"model_id":"talk"})");
        house.world.run(router.handle(exchange));
        ASSERT_EQ(exchange.answered.value().status, 400) << method << path;
        EXPECT_THAT(wrong_arguments(exchange), ElementsAre("region")) << method << path;
        EXPECT_THAT(exchange.answered->body, HasSubstr("fr-par")) << method << path;
    }
}

TEST_F(ScalewayRoutes, WhatDoesNotExistIsNotFound) {
    const auto id = create("d");
    const auto model = house.life->catalog->find("talk")->id.str();
    struct Row {
        std::string_view method;
        std::string target;
    };
    const Row unknown[] = {
        {"GET", "/deployments/" + nobody},    {"GET", "/deployments/d"},    {"PATCH", "/deployments/" + nobody},
        {"DELETE", "/deployments/" + nobody}, {"GET", "/models/" + nobody}, {"GET", "/models/talk"},
        {"DELETE", "/endpoints/" + nobody},   {"GET", "/nothing"},
    };
    for (const auto& row : unknown) {
        EXPECT_EQ(status(std::string(row.method), row.target, "{}"), 404) << row.method << row.target;
        EXPECT_EQ(last->json().at("type"), "not_found") << row.target;
    }
    EXPECT_EQ(status("POST", "/deployments", R"({"model_id":"none"})"), 404);
    EXPECT_EQ(last->json().at("resource"), "model");
    EXPECT_EQ(status("POST", "/endpoints", R"({"deployment_id":")" + nobody + "\"}"), 404);

    caller.project = ProjectId::random(house.world.rng());
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    EXPECT_EQ(status("GET", "/deployments/" + id), 404) << "another project's";
    EXPECT_EQ(last->json().at("resource"), "deployment");
    EXPECT_EQ(last->json().at("resource_id"), Json(id));
    EXPECT_EQ(status("PATCH", "/deployments/" + id, "{}"), 404);
    EXPECT_EQ(status("DELETE", "/deployments/" + id), 404);
    EXPECT_EQ(ok("GET", "/deployments").at("total_count"), 0);
    EXPECT_EQ(status("GET", "/models/" + model), 200) << "the shared catalogue is everybody's";
}

TEST_F(ScalewayRoutes, ChangesAndDeletion) {
    const auto id = create("d");
    const auto changed = ok("PATCH", "/deployments/" + id, R"({"name":"e","tags":["x"],"min_size":3})");
    EXPECT_EQ(asked_for, "update deployments");
    EXPECT_EQ(changed.at("name"), "e");
    EXPECT_EQ(changed.at("min_size"), 3);
    EXPECT_EQ(changed.at("max_size"), 3) << "it grows with min_size";
    EXPECT_EQ(ok("PATCH", "/deployments/" + id, R"({"model_id":"other"})").at("model_name"), "other");
    EXPECT_EQ(ok("DELETE", "/deployments/" + id).at("status"), "deleting");
    EXPECT_EQ(asked_for, "remove deployments");
    EXPECT_EQ(ok("GET", "/deployments/" + id).at("status"), "deleting");
    EXPECT_EQ(status("PATCH", "/deployments/" + id, "{}"), 409);
    EXPECT_EQ(last->json().at("type"), "transient_state");
    EXPECT_EQ(last->json().at("current_state"), "deleting");
}

TEST_F(ScalewayRoutes, Endpoints) {
    const auto id = create("d");
    const auto made = ok("POST", "/endpoints", R"({"deployment_id":")" + id + R"(","endpoint":{"public_network":{}}})");
    EXPECT_EQ(ok("GET", "/deployments/" + id).at("endpoints").as_array().size(), 2u);
    EXPECT_EQ(status("DELETE", "/endpoints/" + id_of(made)), 204);
    EXPECT_EQ(status("DELETE", "/endpoints/" + id_of(made)), 404);
    EXPECT_EQ(ok("GET", "/deployments/" + id).at("endpoints").as_array().size(), 1u);
}

TEST_F(ScalewayRoutes, AnEndpointMayNeedNoKey) {
    const auto id = create("d", R"(,"endpoints":[{"public_network":{},"disable_auth":true}])");
    const auto shown = [&] { return ok("GET", "/deployments/" + id).at("endpoints").at(0); };
    EXPECT_EQ(shown().at("disable_auth"), true);
    const auto endpoint = id_of(shown());
    EXPECT_EQ(ok("PATCH", "/endpoints/" + endpoint, R"({"disable_auth":false})").at("disable_auth"), false);
    EXPECT_EQ(asked_for, "update deployments");
    EXPECT_EQ(shown().at("disable_auth"), false);
    EXPECT_EQ(ok("PATCH", "/endpoints/" + endpoint, "{}").at("disable_auth"), false) << "what is not said stays";
    const auto second = ok("POST", "/endpoints", R"({"deployment_id":")" + id + R"(","endpoint":{"disable_auth":true}})");
    EXPECT_EQ(second.at("disable_auth"), true);
    EXPECT_EQ(status("PATCH", "/endpoints/" + nobody, "{}"), 404);
    caller.reach = caller.sight = identity::Reach::of({ProjectId::random(house.world.rng())});
    EXPECT_EQ(status("PATCH", "/endpoints/" + endpoint, R"({"disable_auth":true})"), 404) << "another project's";
    EXPECT_EQ(status("DELETE", "/endpoints/" + endpoint), 404);
}

TEST_F(ScalewayRoutes, EndpointsHaveANumberThatIsEnough) {
    const auto id = create("d");
    const auto body = R"({"deployment_id":")" + id + "\"}";
    for (std::size_t i = 1; i < limits::endpoints; ++i) ok("POST", "/endpoints", body);
    EXPECT_EQ(status("POST", "/endpoints", body), 403);
    EXPECT_EQ(last->json().at("type"), "quotas_exceeded");
}

TEST_F(ScalewayRoutes, AccessRules) {
    const auto id = create("d");
    const auto acls = "/deployments/" + id + "/acls";
    const auto ips = [&] {
        std::vector<std::string> out;
        for (const auto& rule : ok("GET", acls).at("rules").as_array()) out.emplace_back(view(rule.at("ip").as_string()));
        return out;
    };
    EXPECT_THAT(ips(), ElementsAre());
    const auto added = ok("POST", acls, R"({"acls":[{"ip":"10.1.2.3/16","description":"office"},{"ip":"192.0.2.7"}]})");
    EXPECT_EQ(asked_for, "update deployments");
    EXPECT_EQ(added.at("rules").at(0).at("description"), "office");
    EXPECT_THAT(ips(), ElementsAre("10.1.0.0/16", "192.0.2.7/32"));
    EXPECT_EQ(ok("GET", acls + "?page_size=1").at("total_count"), 2);
    EXPECT_EQ(status("DELETE", "/acls/" + id_of(added.at("rules").at(0))), 204);
    EXPECT_EQ(status("DELETE", "/acls/" + id_of(added.at("rules").at(0))), 404);
    EXPECT_THAT(ips(), ElementsAre("192.0.2.7/32"));
    ok("PUT", acls, R"({"acls":[{"ip":"fd00::/8","description":""}]})");
    EXPECT_THAT(ips(), ElementsAre("fd00::/8"));
    EXPECT_EQ(status("PUT", acls, R"({"acls":[{"ip":"everywhere"}]})"), 400);
    EXPECT_THAT(ips(), ElementsAre("fd00::/8")) << "bad input loses nothing";

    std::string many = R"({"acls":[{"ip":"10.0.0.0")";
    for (std::size_t i = 1; i < limits::acl_rules; ++i) many += R"(},{"ip":"10.0.0.)" + std::to_string(i) + "\"";
    EXPECT_EQ(status("POST", acls, many + "}]}"), 403) << "one too many";
    EXPECT_EQ(last->json().at("type"), "quotas_exceeded");
    EXPECT_EQ(status("PUT", acls, many + "}]}"), 200) << "as many as there may be";
    const auto rule = id_of(ok("GET", acls).at("rules").at(0));
    caller.reach = caller.sight = identity::Reach::of({ProjectId::random(house.world.rng())});
    EXPECT_EQ(status("GET", acls), 404) << "another project's";
    EXPECT_EQ(status("DELETE", "/acls/" + rule), 404);
}

TEST_F(ScalewayRoutes, ModelsAndNodeTypes) {
    const auto models = ok("GET", "/models?order_by=name_asc&page_size=1");
    EXPECT_EQ(asked_for, "read models");
    EXPECT_EQ(models.at("total_count"), 2);
    const auto& model = models.at("models").at(0);
    EXPECT_EQ(model.at("name"), "other");
    EXPECT_EQ(model.at("status"), "ready");
    EXPECT_EQ(model.at("has_eula"), false);
    EXPECT_EQ(model.at("nodes_support").at(0).at("nodes").at(0).at("node_type_name"), "CPU-4C-8G");
    EXPECT_EQ(model.at("nodes_support").at(0).at("nodes").at(0).at("quantizations").at(0).at("allowed"), true);
    EXPECT_EQ(ok("GET", "/models/" + id_of(model)), model);
    EXPECT_EQ(ok("GET", "/models?tags=tools").at("total_count"), 1);

    const auto types = ok("GET", "/node-types");
    EXPECT_EQ(asked_for, "read nodes");
    EXPECT_EQ(types.at("total_count"), 1);
    EXPECT_EQ(types.at("node_types").at(0).at("name"), "CPU-4C-8G");
    EXPECT_EQ(types.at("node_types").at(0).at("stock_status"), "available");
    EXPECT_EQ(types.at("node_types").at(0).at("vcpus"), 4);
}

TEST_F(ScalewayRoutes, ATypeThatNoNodeHoldsIsShownAndCannotBeHad) {
    const auto catalogue = fleet::read_node_types(parse_json(R"({"node_types":[
            {"name":"BASIC-{vcpus}C","family":"B","arch":"x86_64","basis":"a test","sizes":[{"vcpus":2,"memory_gb":4},{"vcpus":99,"memory_gb":4}]},
            {"name":"NEXT-{vcpus}C","family":"N","arch":"x86_64","basis":"a test","lifecycle":"announced","sizes":[{"vcpus":2}]}]})")
                                                      .value());
    ASSERT_TRUE(catalogue) << catalogue.error().said;
    house.life->deployments->offer(*catalogue);
    const auto listed = [&](const std::string& query) {
        std::map<std::string, std::string> out;
        for (const auto& one : ok("GET", "/node-types" + query).at("node_types").as_array())
            out.emplace(one.at("name").as_string(), one.at("stock_status").as_string());
        return out;
    };
    std::map<std::string, std::string> expected{{"CPU-4C-8G", "available"}, {"BASIC-2C", "available"}, {"BASIC-99C", "out_of_stock"}};
    EXPECT_EQ(listed(""), expected);
    expected.emplace("NEXT-2C", "out_of_stock");
    EXPECT_EQ(listed("?include_disabled_types=True"), expected);
    EXPECT_EQ(ok("GET", "/models?order_by=name_asc").at("models").at(0).at("nodes_support").at(0).at("nodes").as_array().size(), 2u);
    EXPECT_EQ(ok("POST", "/deployments", R"({"model_id":"talk","name":"a","node_type_name":"BASIC-2C"})").at("node_type_name"), "BASIC-2C");
    EXPECT_EQ(ok("POST", "/deployments", R"({"model_id":"talk","name":"b"})").at("node_type_name"), "CPU-4C-8G") << "the node itself first";
    for (const auto* type : {"BASIC-99C", "NEXT-2C"}) {
        const auto& refused =
            handle("POST", "/deployments", R"({"model_id":"talk","name":"c","node_type_name":")" + std::string(type) + "\"}");
        EXPECT_EQ(refused.answered->status, 400);
        EXPECT_THAT(refused.answered->body, HasSubstr("it offers: CPU-4C-8G, BASIC-2C."));
    }
}

TEST_F(ScalewayRoutes, APrivateModelIsItsProjectsOnly) {
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    house.world.run(house.life->catalog->add_file(
        {.path = "/models/talk.gguf", .name = "mine", .embedding = false, .slots = {}, .context = {}, .project = caller.project}));
    const auto id = house.life->catalog->find("mine")->id.str();
    EXPECT_EQ(ok("GET", "/models").at("total_count"), 3);
    EXPECT_EQ(status("GET", "/models/" + id), 200);
    caller.project = ProjectId::random(house.world.rng());
    const auto theirs = caller.reach.projects().front();
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    EXPECT_EQ(ok("GET", "/models").at("total_count"), 2);
    EXPECT_EQ(ok("GET", "/models?project_id=" + theirs.str()).at("total_count"), 2);
    EXPECT_EQ(status("GET", "/models/" + id), 404);
    EXPECT_EQ(status("POST", "/deployments", R"({"model_id":"mine"})"), 404);

    // A key for a whole organization, but another one: guessing the project opens nothing.
    caller.organization = OrganizationId::random(house.world.rng());
    caller.project = theirs;
    caller.reach = caller.sight = identity::Reach::everywhere();
    EXPECT_EQ(ok("GET", "/models?project_id=" + theirs.str()).at("total_count"), 2);
    EXPECT_EQ(status("GET", "/models/" + id), 404);
    EXPECT_EQ(status("POST", "/deployments", R"({"model_id":"mine"})"), 404);
}

TEST_F(ScalewayRoutes, WithoutAKeyThereIsNothing) {
    FakeExchange exchange("GET", base + "/deployments");
    exchange.request().headers.add("X-Nobody", "1");
    house.world.run(router.handle(exchange));
    EXPECT_EQ(exchange.answered.value().status, 401);
    EXPECT_EQ(exchange.json().at("type"), "denied_authentication");
}

}  // namespace
}  // namespace meridian::inference
