#include "identity/service.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "base/sim/world.h"
#include "identity/permissions.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

using std::chrono::hours;

std::unique_ptr<store::Store> open_store(sim::World& world) {
    auto opened = store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"});
    if (!opened) throw std::runtime_error(opened.error().said);
    return std::move(*opened);
}

http::Request asking(std::string_view header, std::string value) {
    http::Request request;
    if (!header.empty()) request.headers.add(std::string(header), std::move(value));
    return request;
}

struct IdentityTest : testing::Test {
    sim::World world{7};
    std::unique_ptr<store::Store> store = open_store(world);
    std::optional<Identity> identity{std::in_place, *store, world.clock(), world.rng()};
    Bootstrap first = identity->bootstrap();

    std::shared_ptr<const http::Principal> judged(Identity& by, const http::Request& request, const http::Permission& may) {
        for (;;) {
            try {
                return by.authorizer().authorize(request, may);
            } catch (const http::LookUp& first) {
                world.run(first.read());
            }
        }
    }
    const Caller& sign_in(const std::string& secret, const http::Permission& may = {"read", "status"}) {
        last = judged(*identity, asking("X-Auth-Token", secret), may);
        return dynamic_cast<const Caller&>(*last);
    }
    std::optional<Fault> fault_of(const http::Request& request, const http::Permission& may = {"read", "status"}) {
        try {
            judged(*identity, request, may);
            return std::nullopt;
        } catch (const Error& e) {
            return e.fault;
        }
    }
    std::optional<Fault> fault_of(const std::string& secret, const http::Permission& may = {"read", "status"}) {
        return fault_of(asking("X-Auth-Token", secret), may);
    }
    template <class T>
    std::optional<Error> error_of(Task<T> task) {
        try {
            world.run(std::move(task));
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    }
    Caller owner() { return sign_in(first.first_key->secret); }

    std::shared_ptr<const http::Principal> last;
};

TEST_F(IdentityTest, ANewStoreGetsAnOrganizationAProjectAndOneKey) {
    ASSERT_TRUE(first.first_key);
    const auto& key = first.first_key->key;
    EXPECT_EQ(key.access_key.size(), 20u);
    EXPECT_TRUE(key.access_key.starts_with("SCW"));
    EXPECT_EQ(key.access_key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), std::string::npos);
    ASSERT_TRUE(Uuid::parse(first.first_key->secret));
    EXPECT_EQ(first.first_key->secret[14], '4');
    EXPECT_EQ(key.role, Role::admin);
    EXPECT_EQ(key.organization, first.organization);
    EXPECT_EQ(key.default_project, first.project);
    const auto projects = world.run(identity->projects(owner()));
    ASSERT_EQ(projects.size(), 1u);
    EXPECT_EQ(projects.front().name, "default");
}

TEST_F(IdentityTest, AStoreThatIsNotNewKeepsWhatItHasAndShowsNoSecret) {
    Identity again(*store, world.clock(), world.rng());
    const auto second = again.bootstrap();
    EXPECT_EQ(second.organization, first.organization);
    EXPECT_EQ(second.project, first.project);
    EXPECT_FALSE(second.first_key);
    EXPECT_NO_THROW(judged(again, asking("X-Auth-Token", first.first_key->secret), {"admin", "system"}));
}

TEST_F(IdentityTest, TheSecretItselfIsNotInTheStore) {
    store->read_now([&](store::Tx& tx) {
        const auto rows = tx.query("select secret_hash from api_keys");
        ASSERT_EQ(rows.size(), 1u);
        EXPECT_EQ(rows.front().get<std::string>("secret_hash"), hex(sha256(first.first_key->secret)));
    });
}

TEST_F(IdentityTest, TheKeyComesInEitherHeader) {
    const auto& secret = first.first_key->secret;
    EXPECT_FALSE(fault_of(asking("X-Auth-Token", secret)));
    EXPECT_FALSE(fault_of(asking("x-auth-token", secret)));
    EXPECT_FALSE(fault_of(asking("Authorization", "Bearer " + secret)));
    EXPECT_FALSE(fault_of(asking("authorization", "bearer  " + secret)));
    EXPECT_EQ(fault_of(asking("Authorization", "Basic " + secret)), Fault::unauthenticated);
    EXPECT_EQ(fault_of(asking("Authorization", secret)), Fault::unauthenticated);
    EXPECT_EQ(fault_of(asking("", "")), Fault::unauthenticated);
    EXPECT_EQ(fault_of(asking("X-Auth-Token", "00000000-0000-4000-8000-000000000000")), Fault::unauthenticated);
    EXPECT_EQ(fault_of(asking("X-Auth-Token", std::string(100'000, 'x'))), Fault::unauthenticated);
    EXPECT_EQ(fault_of(asking("X-Auth-Token", first.first_key->key.access_key)), Fault::unauthenticated) << "the access key is no secret";
}

TEST_F(IdentityTest, AWrongKeyIsToldApartFromAMissingRight) {
    try {
        judged(*identity, asking("X-Auth-Token", "nobody"), {"read", "status"});
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::unauthenticated);
        EXPECT_EQ(e.code, "invalid_api_key");
        EXPECT_EQ(e.said.find("nobody"), std::string::npos) << "what was sent is not repeated";
    }
    const auto observer = identity->create_key_now(Role::observer, "watcher");
    EXPECT_EQ(fault_of(observer.secret, {"invoke", "inference"}), Fault::denied);
    EXPECT_FALSE(fault_of(observer.secret, {"read", "system"}));
}

TEST_F(IdentityTest, WhatNoTableKnowsIsDeniedToTheAdminToo) {
    EXPECT_EQ(fault_of(first.first_key->secret, {"launch", "rockets"}), Fault::denied);
    for (const auto& right : rights()) {
        EXPECT_FALSE(fault_of(first.first_key->secret, {std::string(right.action), std::string(right.scope)}))
            << right.action << ' ' << right.scope;
    }
}

TEST_F(IdentityTest, APublicRouteNeedsNoKey) { EXPECT_EQ(identity->authorizer().authorize(asking("", ""), http::anyone()), nullptr); }

TEST_F(IdentityTest, ANewKeyWorksAtOnceAndARemovedOneNoMore) {
    const auto made = world.run(identity->create_key(owner(), Role::inference, "for the app", std::nullopt, std::nullopt));
    const auto caller = sign_in(made.secret, {"invoke", "inference"});
    EXPECT_EQ(caller.access_key, made.key.access_key);
    EXPECT_TRUE(caller.may("invoke", "inference"));
    EXPECT_FALSE(caller.may("create", "deployments"));
    EXPECT_EQ(caller.project, first.project);
    EXPECT_EQ(world.run(identity->keys(owner())).total_count, 2u);
    world.run(identity->remove_key(owner(), made.key.access_key));
    EXPECT_EQ(fault_of(made.secret), Fault::unauthenticated);
}

TEST_F(IdentityTest, AnotherWritersKeysArriveThroughTheChangeFeed) {
    Identity other(*store, world.clock(), world.rng());
    other.bootstrap();
    identity->follow(world.executor());
    const auto made = other.create_key_now(Role::inference, "made elsewhere");
    world.run_for(std::chrono::seconds(1));
    EXPECT_FALSE(fault_of(made.secret));
    identity.reset();  // a token that dies ends the feed; the world goes on
    other.create_key_now(Role::inference, "later");
    world.run_for(std::chrono::seconds(1));
}

TEST_F(IdentityTest, AKeyExpiresByTheClockThatIsGiven) {
    const auto until = world.clock().now() + hours(1);
    const auto made = world.run(identity->create_key(owner(), Role::admin, "short", std::nullopt, until));
    EXPECT_FALSE(fault_of(made.secret));
    world.run_for(hours(1));
    EXPECT_EQ(fault_of(made.secret), Fault::unauthenticated);
    const auto past = error_of(identity->create_key(owner(), Role::admin, "too late", std::nullopt, until));
    ASSERT_TRUE(past);
    EXPECT_EQ(past->fault, Fault::invalid);
    ASSERT_EQ(past->fields.size(), 1u);
    EXPECT_EQ(past->fields.front().name, "expires_at");
}

TEST_F(IdentityTest, OnlyAdminsMakeKeysAndNobodyRemovesTheLastAdmin) {
    const auto app = world.run(identity->create_key(owner(), Role::inference, "", std::nullopt, std::nullopt));
    const Caller caller = sign_in(app.secret);
    EXPECT_EQ(error_of(identity->create_key(caller, Role::admin, "", std::nullopt, std::nullopt))->fault, Fault::denied);
    EXPECT_EQ(error_of(identity->remove_key(caller, app.key.access_key))->fault, Fault::denied);
    const auto keys = world.run(identity->keys(caller)).items;
    ASSERT_EQ(keys.size(), 1u) << "others than admins see their own key";
    EXPECT_EQ(keys.front().access_key, app.key.access_key);
    EXPECT_EQ(error_of(identity->key(caller, first.first_key->key.access_key))->fault, Fault::not_found);

    const auto last_one = error_of(identity->remove_key(owner(), first.first_key->key.access_key));
    ASSERT_TRUE(last_one);
    EXPECT_EQ(last_one->fault, Fault::precondition);
    world.run(identity->create_key(owner(), Role::admin, "second", std::nullopt, std::nullopt));
    EXPECT_FALSE(error_of(identity->remove_key(owner(), first.first_key->key.access_key)));
}

TEST_F(IdentityTest, AKeyForOneProjectNeverReachesAnother) {
    const auto mine = world.run(identity->create_project(owner(), "mine", ""));
    const auto made = world.run(identity->create_key(owner(), Role::admin, "", mine.id, std::nullopt));
    const Caller caller = sign_in(made.secret);
    EXPECT_EQ(caller.project, mine.id);
    EXPECT_TRUE(caller.may_see(mine.id));
    EXPECT_FALSE(caller.may_see(first.project));
    EXPECT_EQ(world.run(identity->projects(caller)).size(), 1u);
    EXPECT_EQ(error_of(identity->project(caller, first.project))->fault, Fault::not_found);
    EXPECT_EQ(error_of(identity->change_project(caller, first.project, {}))->fault, Fault::not_found);
    EXPECT_EQ(error_of(identity->create_project(caller, "another", ""))->fault, Fault::denied);
    EXPECT_EQ(error_of(identity->remove_key(caller, first.first_key->key.access_key))->fault, Fault::not_found);
    EXPECT_EQ(error_of(identity->create_key(caller, Role::admin, "", first.project, std::nullopt))->fault, Fault::not_found);
    const auto grown = world.run(identity->create_key(caller, Role::admin, "", std::nullopt, std::nullopt));
    EXPECT_EQ(grown.key.only_project, mine.id) << "a limited key makes limited keys";
}

TEST_F(IdentityTest, AProjectOfAnotherOrganizationDoesNotExist) {
    Caller stranger = owner();
    stranger.organization = OrganizationId::random(world.rng());
    EXPECT_TRUE(world.run(identity->projects(stranger)).empty());
    EXPECT_EQ(error_of(identity->project(stranger, first.project))->fault, Fault::not_found);
    EXPECT_EQ(error_of(identity->organization(stranger, first.organization))->fault, Fault::not_found);
    EXPECT_TRUE(world
                    .run(identity->keys([&] {
                        auto c = stranger;
                        c.access_key = "";
                        return c;
                    }()))
                    .items.empty());
}

TEST_F(IdentityTest, ProjectsAreMadeChangedAndRemovedWhenEmpty) {
    const auto made = world.run(identity->create_project(owner(), "lab 1", "tries"));
    EXPECT_EQ(error_of(identity->create_project(owner(), "lab 1", ""))->fault, Fault::conflict);
    EXPECT_EQ(error_of(identity->create_project(owner(), "lab/1", ""))->fault, Fault::invalid);
    EXPECT_EQ(error_of(identity->create_project(owner(), "", ""))->fault, Fault::invalid);
    EXPECT_EQ(error_of(identity->create_project(owner(), "x", std::string(201, 'x')))->fault, Fault::invalid);
    world.run_for(hours(1));
    const auto renamed = world.run(identity->change_project(owner(), made.id, {.name = "lab 2", .description = {}}));
    EXPECT_EQ(renamed.name, "lab 2");
    EXPECT_EQ(renamed.description, "tries");
    EXPECT_EQ(renamed.updated_at - renamed.created_at, hours(1));

    const auto key = world.run(identity->create_key(owner(), Role::inference, "", made.id, std::nullopt));
    const auto in_use = error_of(identity->remove_project(owner(), made.id));
    ASSERT_TRUE(in_use);
    EXPECT_EQ(in_use->fault, Fault::precondition);
    EXPECT_EQ(in_use->code, "resource_still_in_use");
    world.run(identity->remove_key(owner(), key.key.access_key));
    world.run(identity->remove_project(owner(), made.id));
    EXPECT_EQ(error_of(identity->project(owner(), made.id))->fault, Fault::not_found);
    EXPECT_EQ(error_of(identity->remove_project(owner(), first.project))->fault, Fault::precondition);
}

}  // namespace
}  // namespace meridian::identity
