// What a write with an author leaves in the outbox.
#include "store/events.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "store/both.test.h"

namespace meridian::store {
namespace {

struct EventsTest : OnBoth {
    std::unique_ptr<Store> store = open();
    const Author ada{.who = R"({"principal":"ada"})", .columns = {"name", "no_such_column"}};

    std::vector<Json> told() {
        std::vector<Json> made;
        for (const auto& row : store->outbox(events_topic, 100)) made.push_back(parse_json(row.payload).value());
        return made;
    }
    static void add(Tx& tx, std::string_view id, std::string_view name) {
        tx.run("insert into organizations (id, name, created_at, updated_at) values ($1, $2, 0, 0)", id, name);
        tx.changed("organizations", id);
    }
    static void deploy(Tx& tx) {
        add(tx, "o", "first");
        tx.run("insert into projects (id, organization_id, name, created_at, updated_at) values ('p', 'o', 'default', 0, 0)");
        tx.run("insert into models (id, name, origin, document, created_at, updated_at) values ('m', 'tiny', 'file', '{}', 0, 0)");
        tx.run(
            "insert into deployments (id, name, organization_id, project_id, region, zone, state, node_type, model_id, model_name, "
            "min_size, "
            "max_size, created_at, updated_at) values ('d', 'web', 'o', 'p', 'r', 'z', 'ready', 't', 'm', 'tiny', 1, 1, 0, 0)");
        tx.run("insert into endpoints (id, deployment_id, created_at, updated_at) values ('e', 'd', 0, 0)");
    }
};

ON_BOTH(EventsTest);

std::string digest_in(const Json& told, std::string_view key) {
    const auto* text = text_member(told, key);
    return text ? std::string(view(*text)) : "none";
}

TEST_P(EventsTest, SayWhoChangedWhichRowAndWhatItWas) {
    store->write_now(ada, [](Tx& tx) { add(tx, "o", "first"); });
    store->write_now(ada, [](Tx& tx) {
        tx.run("update organizations set name = 'second' where id = 'o'");
        tx.changed("organizations", "o");
    });
    store->write_now(ada, [](Tx& tx) {
        tx.run("delete from organizations where id = 'o'");
        tx.changed("organizations", "o");
    });
    const auto all = told();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(*member(all[0], "by"), (JsonObject{{"principal", "ada"}}));
    EXPECT_EQ(digest_in(all[0], "type"), "organizations");
    EXPECT_EQ(digest_in(all[0], "id"), "o");
    EXPECT_EQ(digest_in(all[0], "at"), rfc3339(world.clock().now()));
    EXPECT_EQ(*member(all[0], "row"), (JsonObject{{"name", "first"}}));
    EXPECT_EQ(digest_in(all[0], "before"), "none");
    EXPECT_TRUE(digest_in(all[0], "after").starts_with("sha256:"));
    EXPECT_EQ(digest_in(all[1], "before"), digest_in(all[0], "after")) << "what it was is what it became last";
    EXPECT_NE(digest_in(all[1], "after"), digest_in(all[1], "before"));
    EXPECT_EQ(digest_in(all[2], "before"), digest_in(all[1], "after"));
    EXPECT_EQ(digest_in(all[2], "after"), "none");
    EXPECT_EQ(*member(all[2], "row"), (JsonObject{{"name", "second"}})) << "of a row that is gone, what it was";
}

TEST_P(EventsTest, TellPartsOfARowFromItsAbsence) {
    store->write_now([](Tx& tx) { deploy(tx); });
    store->write_now(ada, [](Tx& tx) {
        tx.run("update endpoints set auth_disabled = 1 where id = 'e'");
        tx.changed("deployments", "d");
    });
    store->write_now(ada, [](Tx& tx) { tx.changed("deployments", "d"); });
    const auto all = told();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_NE(digest_in(all[0], "before"), digest_in(all[0], "after")) << "an endpoint belongs to its deployment";
    EXPECT_EQ(digest_in(all[1], "before"), digest_in(all[1], "after"));
}

TEST_P(EventsTest, AreOneWithTheWrite) {
    EXPECT_THROW(store->write_now(ada,
                                  [](Tx& tx) {
                                      add(tx, "o", "first");
                                      throw Error(Fault::denied, "no");
                                  }),
                 Error);
    store->write_now([](Tx& tx) { add(tx, "o", "first"); });
    store->write_now(ada, [](Tx&) {});
    store->write_now(ada, [](Tx& tx) { tx.changed("no table", "x"); });
    EXPECT_TRUE(told().empty()) << "what failed, what the program did by itself, what changed no row";
    world.run(store->write(ada, [](Tx& tx) { add(tx, "p", "of two"), add(tx, "q", "rows"); }));
    EXPECT_EQ(told().size(), 2u);
}

}  // namespace
}  // namespace meridian::store
