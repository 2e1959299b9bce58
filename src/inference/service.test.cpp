#include "inference/service.h"

#include <gmock/gmock.h>

#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using test::error_of;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

struct DeploymentsTest : ::testing::Test {
    std::optional<Error> refusal(DeploymentWish wish) {
        return error_of(house.world, house.life->deployments->create(house.life->caller, std::move(wish)));
    }
    // A key of the same organization for another project only.
    identity::Caller neighbour() {
        auto caller = house.life->caller;
        caller.project = ProjectId::random(house.world.rng());
        caller.reach = caller.sight = identity::Reach::of({caller.project});
        return caller;
    }
    identity::Caller stranger() { return test::caller_of(OrganizationId::random(house.world.rng()), house.life->caller.project); }

    test::House house;
    Deployments& all = *house.life->deployments;
    const identity::Caller& caller = house.life->caller;
};

TEST_F(DeploymentsTest, ANewOneIsARowThatWaitsForTheReconciler) {
    DeploymentWish wish;
    wish.model = "talk";
    wish.tags = {"a", "b"};
    wish.min_size = 2, wish.max_size = 3;
    const auto made = house.world.run(all.create(caller, wish));
    EXPECT_EQ(made.state, DeploymentState::creating);
    EXPECT_EQ(made.name, "talk") << "named after its model";
    EXPECT_EQ(made.project, caller.project);
    EXPECT_EQ(made.node_type, "CPU-4C-8G");
    EXPECT_EQ(made.size, 0u);
    ASSERT_EQ(made.endpoints.size(), 1u);
    EXPECT_FALSE(made.endpoints.front().auth_disabled);
    const auto found = house.get(made.id);
    EXPECT_EQ(found.tags, wish.tags);
    EXPECT_EQ(found.min_size, 2u);
    EXPECT_EQ(found.max_size, 3u);
    EXPECT_EQ(found.endpoints.front().id, made.endpoints.front().id);
    EXPECT_EQ(found.created_at, made.created_at);
    EXPECT_TRUE(house.replicas().empty());
}

TEST_F(DeploymentsTest, AModelIsNamedByIdOrName) {
    DeploymentWish wish;
    wish.model = house.life->catalog->find("talk")->id.str();
    EXPECT_EQ(house.world.run(all.create(caller, wish)).model_name, "talk");
}

TEST_F(DeploymentsTest, WishesThatCannotBeFulfilledAreRefused) {
    struct Row {
        std::string_view says;
        DeploymentWish wish;
        Fault fault;
        std::string_view field, said;
    };
    const auto wish = [&](auto change) {
        DeploymentWish made;
        made.model = "talk";
        change(made);
        return made;
    };
    const Row rows[] = {
        {"no such model", wish([](auto& w) { w.model = "none"; }), Fault::not_found, "", "'none'"},
        {"no such id", wish([](auto& w) { w.model = "11111111-1111-4111-8111-111111111111"; }), Fault::not_found, "", "catalogue"},
        {"no such node type", wish([](auto& w) { w.node_type = "H100-8"; }), Fault::invalid, "node_type_name", "CPU-4C-8G"},
        {"nothing", wish([](auto& w) { w.min_size = 0; }), Fault::invalid, "min_size", "between 1"},
        {"too much", wish([](auto& w) { w.min_size = w.max_size = 51; }), Fault::invalid, "min_size", "50"},
        {"upside down", wish([](auto& w) { w.min_size = 3, w.max_size = 2; }), Fault::invalid, "max_size", "max_size"},
        {"no such project", wish([&](auto& w) { w.project = ProjectId::random(house.world.rng()); }), Fault::not_found, "", "project"},
    };
    for (const auto& row : rows) {
        const auto error = refusal(row.wish);
        ASSERT_TRUE(error) << row.says;
        EXPECT_EQ(error->fault, row.fault) << row.says;
        EXPECT_EQ(error->fields.empty() ? "" : error->fields.front().name, row.field) << row.says;
        EXPECT_THAT(error->said, HasSubstr(row.said)) << row.says;
    }
    EXPECT_TRUE(house.list().empty());
}

TEST(DeploymentsOnASmallNode, AModelThatFitsNowhereIsRefusedInWords) {
    test::House house(64 << 20);
    DeploymentWish wish;
    wish.model = "talk";
    const auto error = error_of(house.world, house.life->deployments->create(house.life->caller, wish));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fields.front().name, "node_type_name");
    EXPECT_THAT(error->said, HasSubstr("MiB"));
}

TEST_F(DeploymentsTest, WhatACallerMayNotSeeDoesNotExist) {
    const auto made = house.create("d");
    for (const auto& who : {neighbour(), stranger()}) {
        EXPECT_EQ(error_of(house.world, all.get(who, made.id))->fault, Fault::not_found);
        EXPECT_EQ(error_of(house.world, all.update(who, made.id, {}))->fault, Fault::not_found);
        EXPECT_EQ(error_of(house.world, all.remove(who, made.id))->fault, Fault::not_found);
        EXPECT_EQ(error_of(house.world, all.add_endpoint(who, made.id, false))->fault, Fault::not_found);
        EXPECT_EQ(error_of(house.world, all.remove_endpoint(who, made.endpoints.front().id))->fault, Fault::not_found);
        EXPECT_TRUE(house.world.run(all.list(who)).empty());
        DeploymentWish wish;
        wish.model = "talk";
        wish.project = caller.project;
        EXPECT_EQ(error_of(house.world, all.create(who, wish))->fault, Fault::not_found);
    }
    EXPECT_EQ(error_of(house.world, all.get(caller, DeploymentId::random(house.world.rng())))->fault, Fault::not_found);
    EXPECT_EQ(house.get(made.id).version, made.version) << "nobody changed it";
}

TEST_F(DeploymentsTest, AChangeChangesOnlyWhatItNames) {
    const auto made = house.create("d");
    house.world.run_for(1s);
    const auto renamed = house.change(made.id, {.name = "e", .tags = {}, .min_size = {}, .max_size = {}, .model = {}});
    EXPECT_EQ(renamed.name, "e");
    EXPECT_EQ(renamed.min_size, 1u);
    EXPECT_EQ(renamed.version, made.version + 1);
    EXPECT_GT(renamed.updated_at, made.updated_at);
    const auto other = house.change(made.id, {.name = {}, .tags = {{"x"}}, .min_size = {}, .max_size = 4, .model = "other"});
    EXPECT_EQ(other.name, "e");
    EXPECT_EQ(other.tags, std::vector<std::string>{"x"});
    EXPECT_EQ(other.max_size, 4u);
    EXPECT_EQ(other.model_name, "other");
    EXPECT_EQ(error_of(house.world, all.update(caller, made.id, {.name = {}, .tags = {}, .min_size = 5, .max_size = {}, .model = {}}))
                  ->fields.front()
                  .name,
              "max_size");
    EXPECT_EQ(house.get(made.id).version, other.version);
}

TEST_F(DeploymentsTest, WhatIsBeingDeletedCannotBeChangedAndDeletingTwiceIsNoError) {
    const auto made = house.create("d");
    house.remove(made.id);
    house.remove(made.id);
    EXPECT_EQ(house.get(made.id).state, DeploymentState::deleting);
    const auto error = error_of(house.world, all.update(caller, made.id, {}));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::conflict);
    EXPECT_EQ(error->state, "deleting");
}

TEST_F(DeploymentsTest, EndpointsComeAndGo) {
    const auto made = house.create("d");
    const auto second = house.world.run(all.add_endpoint(caller, made.id, false));
    EXPECT_EQ(house.get(made.id).endpoints.size(), 2u);
    house.world.run(all.remove_endpoint(caller, made.endpoints.front().id));
    ASSERT_EQ(house.get(made.id).endpoints.size(), 1u);
    EXPECT_EQ(house.get(made.id).endpoints.front().id, second.id);
    EXPECT_EQ(error_of(house.world, all.remove_endpoint(caller, made.endpoints.front().id))->fault, Fault::not_found);
}

TEST_F(DeploymentsTest, TwoWritersOfOneRowDoNotOverwriteEachOther) {
    const auto made = house.create("d");
    auto mine = made;
    house.change(made.id, {.name = "theirs", .tags = {}, .min_size = {}, .max_size = {}, .model = {}});
    mine.name = "mine";
    try {
        house.life->store->write_now([&](store::Tx& tx) { rows::update(tx, mine); });
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::conflict);
        EXPECT_EQ(e.state, "creating");
    }
    EXPECT_EQ(house.get(made.id).name, "theirs");
}

TEST(Phases, AreRememberedUntilCleared) {
    Phases phases;
    const DeploymentId id;
    EXPECT_EQ(phases.of(id).name, "");
    phases.set(id, {"fetching"});
    phases.set(id, {"starting"});
    EXPECT_EQ(phases.of(id).name, "starting");
    phases.clear(id);
    EXPECT_EQ(phases.of(id).name, "");
}

}  // namespace
}  // namespace meridian::inference
