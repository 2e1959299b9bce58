// What the reconciler makes of the rows, on good days and bad ones.
#include "inference/reconcile.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using test::House;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using enum DeploymentState;

struct ReconcilerTest : ::testing::Test {
    ReconcilerTest() { house.reconcile(); }
    DeploymentChange sized(std::uint32_t size) { return {.name = {}, .tags = {}, .min_size = size, .max_size = size, .model = {}}; }
    std::string alias(const fleet::Launch& launch) {
        const auto flag = std::ranges::find(launch.arguments, "--alias");
        return flag == launch.arguments.end() ? "" : *std::next(flag);
    }
    House house;
};

TEST_F(ReconcilerTest, WhatIsCreatedBecomesReadyAndIsServed) {
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, ready));
    const auto d = house.get(made.id);
    EXPECT_EQ(d.size, 2u);
    EXPECT_THAT(d.placed_because, HasSubstr("debian"));
    EXPECT_FALSE(d.error_message);
    EXPECT_EQ(house.life->deployments->phases().of(made.id).name, "");
    ASSERT_EQ(house.driver.launches.size(), 2u);
    const auto& launch = house.driver.launches.front();
    EXPECT_EQ(alias(launch), "talk");
    EXPECT_THAT(launch.readable_paths, Contains(house.life->artifacts.path(house.life->catalog->find("talk")->artifacts.front().digest)));
    EXPECT_THAT(launch.log_path, HasSubstr(made.project.str())) << "a log is content of the project";
    const auto served = house.life->serving.current()->by_model.at("talk").front();
    EXPECT_EQ(served->deployment, made.id);
    ASSERT_TRUE(served->owner);
    EXPECT_EQ(served->owner->project, made.project);
    EXPECT_EQ(served->owner->organization, made.organization);
    EXPECT_TRUE(served->digest.starts_with("sha256:"));
    ASSERT_EQ(served->backends.size(), 2u);
    for (const auto& backend : served->backends) {
        EXPECT_EQ(backend.node, "debian");
        EXPECT_TRUE(backend.bearer.starts_with("secret-of-"));
        EXPECT_EQ(backend.running_max, 2 * limits::waiting_per_slot);
        ASSERT_TRUE(backend.target.local);
        EXPECT_TRUE(backend.target.local->unix_path.starts_with("/run/"));
    }
}

TEST_F(ReconcilerTest, UntilItIsReadyTheGatewaySaysWhatItWaitsFor) {
    house.driver.boot_time = 10s;
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, deploying));
    house.world.run_for(1s);
    const auto served = house.life->serving.current()->by_model.at("talk").front();
    EXPECT_TRUE(served->backends.empty());
    EXPECT_THAT(served->waiting_for, HasSubstr("loading"));
    EXPECT_TRUE(house.becomes(made.id, ready));
}

TEST_F(ReconcilerTest, AReplicaThatFailsIsAnErrorWithItsReasonAndAChangeTriesAgain) {
    house.driver.failing = "exit status 1: no such architecture";
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, error));
    EXPECT_THAT(*house.get(made.id).error_message, HasSubstr("no such architecture"));
    house.world.run_for(1s);
    EXPECT_TRUE(house.replicas().empty());
    EXPECT_TRUE(house.driver.running.empty());
    EXPECT_TRUE(house.backends("talk").empty());
    house.driver.failing.reset();
    EXPECT_EQ(house.change(made.id, {}).state, creating);
    ASSERT_TRUE(house.becomes(made.id, ready));
    EXPECT_FALSE(house.get(made.id).error_message);
    EXPECT_EQ(house.driver.running.size(), 2u);
}

TEST_F(ReconcilerTest, ATryThatComesBeforeTheFailedReplicaHasEndedWaitsForItsEnd) {
    house.driver.failing = "exit status 1";
    house.driver.stop_time = 5s;
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, error));
    house.driver.failing.reset();
    house.change(made.id, {});
    for (int i = 0; i < 100; ++i) {
        house.world.run_for(100ms);
        ASSERT_NE(house.get(made.id).state, error) << i;
    }
    EXPECT_EQ(house.get(made.id).state, ready);
    EXPECT_EQ(house.driver.running.size(), 1u);
}

TEST_F(ReconcilerTest, AReplicaThatFailsLaterTakesTheDeploymentToError) {
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, ready));
    house.driver.crash(house.driver.running.begin()->first, "killed by signal 9");
    ASSERT_TRUE(house.becomes(made.id, error));
    EXPECT_EQ(house.get(made.id).size, 0u);
    EXPECT_TRUE(house.backends("talk").empty());
}

TEST_F(ReconcilerTest, ADeletionEndsTheReplicasAndThenTheRow) {
    house.driver.stop_time = 1s;
    const auto made = house.create("d", 3);
    ASSERT_TRUE(house.becomes(made.id, ready));
    house.remove(made.id);
    house.world.run_for(500ms);
    EXPECT_EQ(house.get(made.id).state, deleting);
    EXPECT_TRUE(house.backends("talk").empty()) << "no new requests go there";
    house.world.run_for(2s);
    EXPECT_TRUE(house.list().empty());
    EXPECT_TRUE(house.replicas().empty());
    EXPECT_TRUE(house.driver.running.empty());
    house.life->store->read_now([](store::Tx& tx) { EXPECT_TRUE(tx.query("select id from endpoints").empty()); });
}

TEST_F(ReconcilerTest, ADeletionInTheMiddleOfAStartLeavesNothing) {
    house.driver.boot_time = 10s;
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, deploying));
    house.remove(made.id);
    house.world.run_for(20s);
    EXPECT_TRUE(house.list().empty());
    EXPECT_TRUE(house.replicas().empty());
    EXPECT_TRUE(house.driver.running.empty());
}

TEST_F(ReconcilerTest, SizesFollowTheWish) {
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, ready));
    const auto first = house.driver.running.begin()->first;
    for (const std::uint32_t size : {3u, 1u, 2u, 5u, 4u}) {
        EXPECT_EQ(house.change(made.id, sized(size)).state, scaling);
        ASSERT_TRUE(house.becomes(made.id, ready)) << size;
        house.world.run_for(1s);
        EXPECT_EQ(house.get(made.id).size, size);
        EXPECT_EQ(house.driver.running.size(), size);
        EXPECT_EQ(house.replicas().size(), size);
        EXPECT_EQ(house.backends("talk").size(), size);
        EXPECT_TRUE(house.driver.running.contains(first)) << "the oldest stays";
    }
}

TEST_F(ReconcilerTest, ScalingBackWhileOneEndsComesToTheWishedSize) {
    house.driver.stop_time = 3s;
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, ready));
    house.change(made.id, sized(1));
    house.world.run_for(1s);
    house.change(made.id, sized(2));
    house.world.run_for(10s);
    EXPECT_EQ(house.get(made.id).state, ready);
    EXPECT_EQ(house.get(made.id).size, 2u);
    EXPECT_EQ(house.driver.running.size(), 2u);
}

TEST_F(ReconcilerTest, AnotherModelReplacesEveryReplica) {
    house.driver.stop_time = 2s;
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, ready));
    house.change(made.id, {.name = {}, .tags = {}, .min_size = {}, .max_size = {}, .model = "other"});
    const auto old_one = house.driver.launches.front().id, old_two = house.driver.launches.back().id;
    for (int i = 0; i < 100; ++i) {
        house.world.run_for(100ms);
        for (const auto& backend : house.backends("other")) {
            ASSERT_NE(backend.bearer, "secret-of-" + old_one.str()) << "the old weights under the new name";
            ASSERT_NE(backend.bearer, "secret-of-" + old_two.str()) << "the old weights under the new name";
        }
    }
    EXPECT_EQ(house.get(made.id).state, ready);
    ASSERT_EQ(house.driver.launches.size(), 4u);
    EXPECT_EQ(alias(house.driver.launches.back()), "other");
    EXPECT_EQ(house.driver.running.size(), 2u);
    EXPECT_EQ(house.backends("other").size(), 2u);
    EXPECT_TRUE(house.backends("talk").empty());
}

TEST_F(ReconcilerTest, ReplicasOfTheModelBeforeAreNotServedUnderTheNewNameMeanwhile) {
    const auto made = house.create("d"), slow = house.create("slow"), slower = house.create("slower");
    for (const auto& each : {made, slow, slower}) ASSERT_TRUE(house.becomes(each.id, ready));
    const auto old_ones = house.driver.running;
    house.driver.start_time = 1s;
    house.change(slow.id, sized(2));
    house.world.run_for(500ms);  // the pass under way has read the rows as they were
    house.change(slower.id, sized(2));
    house.change(made.id, {.name = {}, .tags = {}, .min_size = {}, .max_size = {}, .model = "other"});
    for (int i = 0; i < 100; ++i) {
        house.world.run_for(100ms);
        for (const auto& backend : house.backends("other")) {
            for (const auto& [_, replica] : old_ones) ASSERT_NE(backend.bearer, replica.secret) << i;
        }
    }
    EXPECT_EQ(house.backends("other").size(), 1u);
    EXPECT_EQ(house.backends("talk").size(), 4u);
}

TEST(ReconcilerOnASmallNode, WhatDoesNotFitAtAllIsAnErrorThatSaysWhy) {
    House house(200 << 20);  // one replica
    house.reconcile();
    const auto first = house.create("first");
    ASSERT_TRUE(house.becomes(first.id, ready));
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, error));
    EXPECT_THAT(*house.get(made.id).error_message, HasSubstr("debian"));
    house.remove(first.id);
    house.world.run_for(5s);
    house.change(made.id, {});
    ASSERT_TRUE(house.becomes(made.id, ready));
    EXPECT_EQ(house.driver.running.size(), 1u);
}

TEST(Reconciler, AConflictOfOneDeploymentDoesNotStopTheOthers) {
    House house;
    house.reconcile();
    std::vector<DeploymentId> ids;
    for (const auto* name : {"c", "b", "a"}) {  // the newest is looked at first
        ids.insert(ids.begin(), house.create(name).id);
        ASSERT_TRUE(house.becomes(ids.front(), ready));
    }
    house.end();
    house.begin();
    house.driver.launches.clear();
    house.driver.start_time = 100ms;
    for (const auto& id : ids) house.change(id, {.name = {}, .tags = {}, .min_size = 2, .max_size = 2, .model = {}});
    house.reconcile();
    house.world.run_for(50ms);  // in the middle of a's start, with all rows read
    house.change(ids[1], {.name = {}, .tags = {{"mine"}}, .min_size = {}, .max_size = {}, .model = {}});
    for (const auto& id : ids) ASSERT_TRUE(house.becomes(id, ready));
    std::vector<std::size_t> order;
    for (const auto& launch : house.driver.launches) {
        for (const auto& row : house.replicas()) {
            if (row.id == launch.id) order.push_back(static_cast<std::size_t>(std::ranges::find(ids, row.deployment) - ids.begin()));
        }
    }
    EXPECT_THAT(order, ElementsAre(0, 2, 1)) << "b was passed over once";
    EXPECT_EQ(house.get(ids[1]).tags, std::vector<std::string>{"mine"});
}

TEST_F(ReconcilerTest, AFullDiskIsWaitedOut) {
    house.driver.stop_time = 1s;
    const auto made = house.create("d", 2);
    ASSERT_TRUE(house.becomes(made.id, ready));
    house.change(made.id, sized(1));
    house.world.disk().fill_up(0);
    house.world.run_for(3s);
    EXPECT_EQ(house.replicas().size(), 2u) << "its end could not be written";
    house.world.disk().fill_up(std::nullopt);
    house.world.run_for(20s);
    EXPECT_EQ(house.replicas().size(), 1u);
    EXPECT_EQ(house.get(made.id).state, ready);
    EXPECT_EQ(house.driver.running.size(), 1u);
}

TEST_F(ReconcilerTest, ExternalModelsAreServedWithoutADeployment) {
    house.world.run(
        house.life->catalog->add_url({.url = "http://10.0.0.7:8000/v1/", .name = "big", .upstream_model = "big-1", .key = "sk-one"}));
    house.world.run(house.life->catalog->add_url({.url = "https://two.example/openai/v1", .name = "big", .upstream_model = "", .key = ""}));
    house.world.run_for(1s);
    const auto served = house.life->serving.current()->by_model.at("big").front();
    EXPECT_TRUE(served->is_external);
    EXPECT_TRUE(served->deployment.is_nil());
    EXPECT_EQ(served->digest, "upstream:10.0.0.7");
    ASSERT_EQ(served->backends.size(), 2u);
    EXPECT_EQ(served->backends[0].bearer, "sk-one");
    EXPECT_EQ(served->backends[0].model, "big-1");
    EXPECT_EQ(served->backends[0].path_prefix, "/v1");
    EXPECT_EQ(served->backends[0].target.local, Address::parse("10.0.0.7:8000")) << "numbers are the operator's word";
    EXPECT_FALSE(served->backends[0].fresh_for_streams);
    EXPECT_EQ(served->backends[1].model, "big");
    EXPECT_EQ(served->backends[1].path_prefix, "/openai/v1");
    EXPECT_EQ(served->backends[1].bearer, "");
    EXPECT_FALSE(served->backends[1].target.local) << "a name goes through DNS and the guard";
    EXPECT_TRUE(served->backends[1].target.tls);

    const auto made = house.create("d", 1, "big");
    EXPECT_EQ(made.node_type, "external");
    ASSERT_TRUE(house.becomes(made.id, ready));
    EXPECT_TRUE(house.driver.running.empty()) << "no machine is needed";
    EXPECT_EQ(house.life->serving.current()->by_model.at("big").size(), 1u);
}

TEST(Reconciler, AnEndpointWhoseKeyIsLostDoesNotTakeTheOthersAway) {
    House house;
    house.world.run(house.life->catalog->add_url({.url = "https://one.example/v1", .name = "big", .upstream_model = "", .key = "sk-one"}));
    house.world.run(house.life->catalog->add_url({.url = "https://two.example/v1", .name = "big", .upstream_model = "", .key = ""}));
    house.end();
    house.begin('x');  // restored without its key file
    house.reconcile();
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, ready));
    ASSERT_EQ(house.backends("big").size(), 1u);
    EXPECT_EQ(house.backends("big").front().target.host, "two.example");
    EXPECT_EQ(house.backends("talk").size(), 1u);
}

TEST(Reconciler, AStopIsNoFailure) {
    House house;
    house.reconcile();
    const auto path = house.life->artifacts.path(house.life->catalog->find("talk")->artifacts.front().digest);
    ASSERT_TRUE(house.world.disk().remove(path));  // it has to be brought again
    house.life->catalog->stop();
    const auto made = house.create("d");
    house.world.run_for(10s);
    EXPECT_EQ(house.get(made.id).state, creating);
    house.end();
    house.begin();
    house.reconcile();
    EXPECT_TRUE(house.becomes(made.id, ready));
}

TEST(Reconciler, AModelThatCannotBeBroughtIsAnErrorWithTheReason) {
    House house;
    house.reconcile();
    ASSERT_TRUE(house.world.disk().remove(house.life->artifacts.path(house.life->catalog->find("talk")->artifacts.front().digest)));
    ASSERT_TRUE(house.world.disk().remove("/models/talk.gguf"));
    const auto made = house.create("d");
    ASSERT_TRUE(house.becomes(made.id, error));
    EXPECT_THAT(*house.get(made.id).error_message, HasSubstr("/models/talk.gguf"));
}

}  // namespace
}  // namespace meridian::inference
