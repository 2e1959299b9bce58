// Our own routes through the router: the catalogue with prices, endpoints added, progress and logs.
#include <gmock/gmock.h>

#include "identity/door.test.h"
#include "inference/api.h"
#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using test::FakeExchange;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class NativeRoutes : public ::testing::Test {
protected:
    NativeRoutes() {
        auto& life = *house.life;
        door.caller = life.caller;
        add_native_routes(router, *life.deployments, *life.catalog, life.content, *life.store, house.world.disk(), known_secret);
    }
    static Task<std::string> known_secret(identity::Caller, Uuid secret) {
        if (secret.str() != "11111111-1111-4111-8111-111111111111") throw Error(Fault::not_found, "There is no secret with this id.");
        co_return "sk-two\n";
    }
    FakeExchange& handle(std::string method, const std::string& target, std::string body = {}) {
        last = std::make_unique<FakeExchange>(std::move(method), "/meridian/v1" + target, std::move(body));
        house.world.run(router.handle(*last));
        return *last;
    }
    int status(std::string method, const std::string& target, std::string body = {}) {
        return handle(std::move(method), target, std::move(body)).answered.value().status;
    }
    void file(const std::string& path, std::string_view bytes) { ASSERT_TRUE(house.world.disk().replace_file(path, bytes)); }

    test::House house;
    identity::test::Door door;
    identity::Caller& caller = door.caller;
    http::Router router{door};
    std::unique_ptr<FakeExchange> last;
};

TEST_F(NativeRoutes, TheCatalogueShowsLicencesAndPrices) {
    const auto models = handle("GET", "/models").json().at("models");
    ASSERT_EQ(models.as_array().size(), 2u);
    const auto& talk = models.at(1);
    EXPECT_EQ(talk.at("name"), "talk");
    EXPECT_EQ(talk.at("licence"), "cc0-1.0");
    EXPECT_EQ(talk.at("state"), "local");
    EXPECT_EQ(talk.at("slots"), 2);
    EXPECT_EQ(talk.at("input_per_million"), "0");
    EXPECT_TRUE(view(talk.at("digest").as_string()).starts_with("sha256:"));
}

TEST_F(NativeRoutes, AFileOrAnEndpointIsAdded) {
    EXPECT_EQ(handle("POST", "/models", R"({"name":"again","path":"/models/talk.gguf","slots":3})").json().at("slots"), 3);
    file("/models/key", "sk-one\n");
    const auto& made = handle("POST", "/models",
                              R"({"name":"org/big","url":"https://one.example/v1","key_file":"/models/key","input_per_million":"0.15"})");
    ASSERT_EQ(made.answered->status, 200) << made.answered->body;
    EXPECT_EQ(made.json().at("external"), true);
    EXPECT_EQ(made.json().at("input_per_million"), "0.15");
    EXPECT_THAT(made.answered->body, Not(HasSubstr("sk-one")));
    EXPECT_EQ(house.life->catalog->upstream_key(house.life->catalog->find("org/big")->upstreams.front()), "sk-one");
    EXPECT_EQ(status("DELETE", "/models/org/big"), 204);
    const std::string with_secret = R"({"name":"org/big","url":"https://two.example/v1","key_secret":"%-1111-4111-8111-111111111111"})";
    const auto naming = [&](const char* start) { return std::string(with_secret).replace(with_secret.find('%'), 1, start); };
    EXPECT_EQ(status("POST", "/models", naming("22222222")), 404);
    EXPECT_EQ(status("POST", "/models", naming("11111111")), 200);
    EXPECT_EQ(house.life->catalog->upstream_key(house.life->catalog->find("org/big")->upstreams.front()), "sk-two");
    EXPECT_EQ(status("DELETE", "/models/org/big"), 204);
    EXPECT_EQ(status("DELETE", "/models/org/big"), 404);
}

TEST_F(NativeRoutes, WhatCannotBeAddedIsRefused) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"({"name":"m"})", "path"},
        {R"({"name":"m","path":"/a","url":"https://b.example"})", "path"},
        {R"({"path":"/a"})", "name"},
        {R"({"name":"m","url":"https://b.example/v1","key_file":"/nowhere"})", "key_file"},
        {R"({"name":"m","url":"https://b.example/v1","key_file":"/a","key_secret":"11111111-1111-4111-8111-111111111111"})", "key_secret"},
        {R"({"name":"m","url":"https://b.example/v1","input_per_million":"cheap"})", "input_per_million"},
        {R"({"name":"m","url":"https://b.example/v1","output_per_million":"-1"})", "output_per_million"},
        {R"({"name":"m","path":"/models/talk.gguf","slots":0})", "slots"},
    };
    for (const auto& [body, field] : rows) {
        EXPECT_EQ(status("POST", "/models", std::string(body)), 400) << body << last->answered->body;
        EXPECT_THAT(last->answered->body, HasSubstr(field)) << body;
    }
}

TEST_F(NativeRoutes, ADeployedModelStaysInTheCatalogue) {
    house.add_file("mine", catalog::talking_gguf("x"));
    const auto made = house.create("d", 1, "mine");
    EXPECT_EQ(status("DELETE", "/models/mine"), 412) << last->answered->body;
    EXPECT_TRUE(house.life->catalog->find("mine"));
}

TEST_F(NativeRoutes, ProgressAndLogsAreTheProjectsOnly) {
    house.reconcile();
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready));
    const auto path = "/deployments/" + made.id.str();
    const auto progress = handle("GET", path + "/progress").json();
    EXPECT_EQ(progress.at("status"), "ready");
    EXPECT_THAT(std::string(view(progress.at("placed_because").as_string())), HasSubstr("debian"));

    const auto& launch = house.driver.launches.front();
    ASSERT_TRUE(house.world.disk().make_directories(launch.log_path.substr(0, launch.log_path.find_last_of('/'))));
    file(launch.log_path, std::string(300 * 1024, 'x') + "the end");
    const auto& logs = handle("GET", path + "/logs");
    EXPECT_EQ(logs.answered->status, 200);
    EXPECT_TRUE(logs.answered->body.starts_with("== replica " + launch.id.str() + "\n"));
    EXPECT_TRUE(logs.answered->body.ends_with("the end"));
    EXPECT_LT(logs.answered->body.size(), 257u * 1024);

    caller.project = ProjectId::random(house.world.rng());
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    EXPECT_EQ(status("GET", path + "/progress"), 404);
    EXPECT_EQ(status("GET", path + "/logs"), 404);
    EXPECT_EQ(status("GET", "/deployments/none/logs"), 404);
}

}  // namespace
}  // namespace meridian::inference
