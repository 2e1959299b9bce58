#include "identity/known.h"

#include <functional>

#include "identity/house.test.h"
#include "identity/people.h"
#include "identity/policies.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

// An application with a key, a group that it is in, and a policy of each; and a second Meridian on the same rows that writes.
struct KnownTest : test::House {
    const Caller owner = everything(first.organization, first.project, PrincipalId::random(world.rng()));
    Application app;
    Group group;
    PolicyRow own, groups;
    NewKey key;

    void SetUp() override {
        identity.follow(world.executor());
        const auto now = world.clock().now();
        app.id = PrincipalId::random(world.rng());
        app.organization = first.organization;
        app.name = "robot";
        group.id = GroupId::random(world.rng());
        group.organization = first.organization;
        group.name = "robots";
        store->write_now([&](store::Tx& tx) {
            insert_application(tx, app);
            insert_group(tx, group);
            add_members(tx, group, {{}, {app.id}});
            own = policy(tx, "own", "IAMReadOnly");
            groups = policy(tx, "groups", "BillingReadOnly");
            own.principal = app.id;
            groups.group = group.id;
            update_policy(tx, own);
            update_policy(tx, groups);
            ApiKey wish;
            wish.organization = first.organization;
            wish.default_project = first.project;
            wish.principal = app.id;
            wish.is_users = false;
            wish.created_at = wish.updated_at = now;
            key = insert_new_key(tx, wish, world.rng());
        });
        settle();
    }
    PolicyRow policy(store::Tx& tx, const std::string& name, const std::string& set) {
        PolicyRow made;
        made.id = PolicyId::random(world.rng());
        made.organization = first.organization;
        made.name = name;
        insert_policy(tx, made);
        PolicyRule rule;
        rule.permission_sets = {set};
        set_rules(tx, owner, made, {rule}, world.rng());
        return made;
    }
    void settle() { world.run_for(std::chrono::milliseconds(100)); }
    // Another Meridian's write, and what it says here afterwards: "read users", "read billing", or neither.
    std::string after(const std::function<void(store::Tx&)>& write) {
        store->write_now(write);
        settle();
        return rights();
    }
    std::string rights() {
        std::string made;
        for (const auto* scope : {"users", "billing"}) {
            http::Request request;
            request.headers.add("X-Auth-Token", key.secret);
            for (bool is_decided = false; !is_decided;) {
                try {
                    identity.authorizer().authorize(request, {"read", scope});
                    made += std::string(scope) + " ";
                    is_decided = true;
                } catch (const http::LookUp& look_up) {
                    world.run(look_up.read());
                } catch (const Error& e) {
                    if (e.fault == Fault::unauthenticated) return "unknown";
                    is_decided = true;
                }
            }
        }
        return made;
    }
};

TEST_F(KnownTest, AKeyIsReadOnceAndThenKnown) {
    const auto digest = hash_of(key.secret);
    EXPECT_FALSE(identity.state().keys.find(digest));
    EXPECT_EQ(rights(), "users billing ");
    EXPECT_TRUE(identity.state().keys.find(digest).value());
    EXPECT_EQ(after([&](store::Tx& tx) { policy(tx, "of nobody", "IAMReadOnly"); }), "users billing ");
    EXPECT_TRUE(identity.state().keys.find(digest)) << "what has nothing to do with it leaves it alone";
}

TEST_F(KnownTest, ASecretThatOpensNothingIsRememberedAsThat) {
    key.secret = "00000000-0000-4000-8000-000000000000";
    EXPECT_EQ(rights(), "unknown");
    const auto found = identity.state().keys.find(hash_of(key.secret));
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
}

TEST_F(KnownTest, WhatAnotherProcessChangesHoldsHere) {
    EXPECT_EQ(rights(), "users billing ");
    EXPECT_EQ(after([&](store::Tx& tx) { remove_member(tx, group, app.id); }), "users ");
    EXPECT_EQ(after([&](store::Tx& tx) { add_members(tx, group, {{}, {app.id}}); }), "users billing ");
    EXPECT_EQ(after([&](store::Tx& tx) {
                  own.principal.reset();
                  update_policy(tx, own);
              }),
              "billing ");
    EXPECT_EQ(after([&](store::Tx& tx) {
                  own.principal = app.id;
                  update_policy(tx, own);
              }),
              "users billing ");
    EXPECT_EQ(after([&](store::Tx& tx) { remove_policy(tx, own); }), "billing ");
    EXPECT_EQ(after([&](store::Tx& tx) { set_rules(tx, owner, groups, {}, world.rng()); }), "");
    EXPECT_EQ(after([&](store::Tx& tx) { remove_key(tx, key.key); }), "unknown");
}

TEST_F(KnownTest, AChangeIsHeardOfBehindManyOfOthers) {
    EXPECT_EQ(rights(), "users billing ");
    for (int i = 0; i < 2'500; ++i) store->write_now([&](store::Tx& tx) { tx.changed("models", std::to_string(i)); });
    EXPECT_EQ(after([&](store::Tx& tx) { remove_key(tx, key.key); }), "unknown");
}

TEST_F(KnownTest, AGroupThatGoesTakesItsRightsAlong) {
    EXPECT_EQ(rights(), "users billing ");
    EXPECT_EQ(after([&](store::Tx& tx) { remove_group(tx, group); }), "users ");
    EXPECT_EQ(after([&](store::Tx& tx) { remove_application(tx, app); }), "unknown");
}

// What lists say is counted, against what is there.
TEST_F(KnownTest, TheKeptCountsAreThoseOfTheRows) {
    test::House::SetUp();
    const auto user = made("users", {{"member", JsonObject{{"username", "ada"}}}});
    made("users", {{"member", JsonObject{{"username", "ben"}}}});
    made("ssh-keys", {{"public_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK+XCESM/oHaIO/DS5rDWqx5jH5qbBnnb8+eFdl5wtV9 ada"}});
    EXPECT_EQ(ask("POST", "/account/v3/projects", R"({"name":"lab"})").status, 200);
    EXPECT_EQ(ask("DELETE", "/iam/v1alpha1/users/" + user).status, 204);
    store->write_now([&](store::Tx& tx) {
        remove_policy(tx, own);
        remove_application(tx, app);
    });
    store->read_now([&](store::Tx& tx) {
        const auto check = [&](const std::string& kind, const std::string& from) {
            EXPECT_EQ(count_of(tx, kind, first.organization), tx.query("select count(*) as n from " + from).front().get<std::int64_t>("n"))
                << kind;
        };
        for (const auto* table : {"principals", "users", "applications", "groups", "policies", "projects", "ssh_keys", "api_keys"})
            check(table, table);
        check("users:owner", "users where type = 'owner'");
        check("users:member", "users where type = 'member'");
        check("api_keys:user", "api_keys");
        EXPECT_EQ(count_of(tx, "api_keys:application", first.organization), 0);
    });
    EXPECT_EQ(ask("GET", "/iam/v1alpha1/users?type=member&page_size=1").total(), 1);
    EXPECT_EQ(ask("GET", "/iam/v1alpha1/api-keys?bearer_type=user").total(), 1);
    EXPECT_EQ(ask("GET", "/account/v3/projects?page=2&page_size=1").count("projects"), 1u);
}

}  // namespace
}  // namespace meridian::identity
