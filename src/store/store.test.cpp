#include <gtest/gtest.h>

#include "store/both.test.h"

namespace meridian::store {
namespace {

std::vector<std::string> names(Store& store) {
    return store.read_now([](Tx& tx) {
        std::vector<std::string> found;
        for (const Row& row : tx.query("select name from settings order by name")) found.push_back(row.get<std::string>("name"));
        return found;
    });
}

void set(Tx& tx, std::string_view name, std::string_view value = "x") {
    tx.run("insert into settings (name, value) values ($1, $2)", name, value);
    tx.changed("settings", name);
}

struct StoreTest : OnBoth {
    std::unique_ptr<Store> store = open();
};
ON_BOTH(StoreTest);

TEST_P(StoreTest, CommitsWhatTheFunctionDidAndGivesItsAnswer) {
    const int answer = world.run(store->write([](Tx& tx) {
        set(tx, "a");
        return 7;
    }));
    EXPECT_EQ(answer, 7);
    EXPECT_EQ(names(*store), std::vector<std::string>{"a"});
}

TEST_P(StoreTest, RollsBackWhenTheFunctionThrowsAndRunsItOnce) {
    int runs = 0;
    const auto failing = [&](Tx& tx) {
        ++runs;
        set(tx, "a");
        throw Error(Fault::denied, "no");
    };
    EXPECT_THROW(world.run(store->write(failing)), Error);
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(names(*store).empty());
    EXPECT_TRUE(store->changes_since(0, 10).empty());
    store->write_now([](Tx& tx) {
        EXPECT_EQ(tx.revision(), 1);
        set(tx, "b");
    });
    EXPECT_EQ(names(*store), std::vector<std::string>{"b"});
}

TEST_P(StoreTest, AReaderHasOneSnapshotWhileAWriterGoesOn) {
    store->write_now([](Tx& tx) { set(tx, "a"); });
    store->read_now([&](Tx& reader) {
        EXPECT_EQ(reader.query("select name from settings").size(), 1u);
        store->write_now([&](Tx& tx) {
            set(tx, "b");
            EXPECT_EQ(names(*store).size(), 1u);  // not committed yet
        });
        EXPECT_EQ(reader.query("select name from settings").size(), 1u);
        EXPECT_EQ(names(*store).size(), 2u);
    });
}

TEST_P(StoreTest, SaysConflictForADuplicateAndForAMissingReference) {
    store->write_now([](Tx& tx) { set(tx, "a"); });
    const auto fault = [&](auto f) {
        try {
            store->write_now(f);
        } catch (const Error& e) {
            return e.fault;
        }
        return Fault::gone;
    };
    EXPECT_EQ(fault([](Tx& tx) { set(tx, "a"); }), Fault::conflict);
    EXPECT_EQ(fault([](Tx& tx) {
                  tx.run("insert into projects (id, organization_id, name, created_at, updated_at) values ('p', 'nobody', 'p', 0, 0)");
              }),
              Fault::conflict);
    EXPECT_EQ(fault([](Tx& tx) { tx.run("insert into settings (name, value) values ($1, $2)", "n", std::nullopt); }), Fault::bug);
    EXPECT_EQ(fault([](Tx& tx) { tx.run("insert into nowhere values (1)"); }), Fault::bug);
    EXPECT_EQ(fault([](Tx& tx) { tx.run("select $1", 1, 2); }), Fault::bug);
    EXPECT_EQ(fault([](Tx& tx) { tx.run("delete from settings; delete from nodes"); }), Fault::bug);
    EXPECT_EQ(names(*store), std::vector<std::string>{"a"});
}

TEST_P(StoreTest, RefusesToWriteInARead) {
    EXPECT_THROW(store->read_now([](Tx& tx) { tx.run("delete from settings"); }), Error);
    EXPECT_NO_THROW(names(*store));
}

TEST_P(StoreTest, BindsByNameAndKeepsEveryTypeOfValue) {
    struct Kept {
        std::int64_t big = -5'000'000'000;
        std::string text = "ünïcode 🜁 and an \"end\"";
        Blob blob{std::string("\0\xff", 2)};
    } const kept;
    const auto rows = store->read_now([&](Tx& tx) {
        return tx.query("select $3 as text, $1 as big, $2 as blob, $4 as none, $5 as number, $6 as yes, $7 as at, $8 as empty", kept.big,
                        kept.blob, kept.text, std::optional<std::string>(), 0.5, true, Timestamp(std::chrono::microseconds(42)), Blob{});
    });
    const Row& row = rows.at(0);
    EXPECT_EQ(row.get<std::int64_t>("big"), kept.big);
    EXPECT_EQ(row.get<std::string>("text"), kept.text);
    EXPECT_EQ(row.get<Blob>("blob").bytes, kept.blob.bytes);
    EXPECT_EQ(row.get<std::optional<std::string>>("none"), std::nullopt);
    EXPECT_EQ(row.get<double>("number"), 0.5);
    EXPECT_TRUE(row.get<bool>("yes"));
    EXPECT_EQ(row.get<Timestamp>("at"), Timestamp(std::chrono::microseconds(42)));
    EXPECT_EQ(row.get<std::optional<Timestamp>>("at"), Timestamp(std::chrono::microseconds(42)));
    EXPECT_EQ(row.get<Money>("at"), Money::nanos(42));
    EXPECT_THROW((void)row.get<int>("big"), Error);
    EXPECT_THROW((void)row.get<std::uint64_t>("big"), Error);
    EXPECT_THROW((void)row.get<std::string>("none"), Error);
    EXPECT_THROW((void)row.get<bool>("at"), Error);
    EXPECT_THROW((void)row.at("missing"), Error);
}

TEST_P(StoreTest, NeverCutsATextAtAZeroByte) {
    const std::string text("nul \0 inside", 12);
    try {
        store->write_now([&](Tx& tx) { set(tx, "a", text); });
        const auto kept = store->read_now([](Tx& tx) { return tx.query("select value from settings").at(0).get<std::string>("value"); });
        EXPECT_EQ(kept, text);
    } catch (const Error& e) {  // PostgreSQL has no such texts
        EXPECT_EQ(e.fault, Fault::invalid);
        EXPECT_EQ(e.said, "A text with a zero byte or with letters that are no UTF-8 cannot be stored.");
        EXPECT_TRUE(names(*store).empty());
    }
}

TEST_P(StoreTest, SavesNothingAfterAnErrorThatTheFunctionKeptToItself) {
    store->write_now([](Tx& tx) { set(tx, "a"); });
    try {
        store->write_now([](Tx& tx) {
            EXPECT_THROW(set(tx, "a"), Error);
            throw Error(Fault::conflict, "told in other words");
        });
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.said, "told in other words");
    }
    store->write_now([](Tx& tx) { EXPECT_EQ(tx.revision(), 2); });
}

TEST_P(StoreTest, CountsTheRowsOfTheStatementItself) {
    store->write_now([](Tx& tx) {
        set(tx, "a");
        set(tx, "b");
        EXPECT_EQ(tx.run("update settings set value = 'y'"), 2);
        EXPECT_EQ(tx.run("update settings set value = 'y' where name = $1", "none"), 0);
        EXPECT_EQ(tx.run("select 1"), 0);
    });
}

TEST_P(StoreTest, GivesEveryWriteTheNextRevisionAndNoneToOneThatWroteNothing) {
    store->write_now([](Tx& tx) { set(tx, "a"); });
    store->write_now([](Tx&) {});
    store->write_now([](Tx& tx) { tx.run("delete from settings where name = 'none'"); });
    store->write_now([](Tx& tx) {
        EXPECT_EQ(tx.revision(), 2);
        tx.changed("deployments", "one");
        tx.changed("deployments", "one");
        tx.changed("nodes", "two");
    });
    const auto changes = store->changes_since(0, 10);
    ASSERT_EQ(changes.size(), 3u);
    EXPECT_EQ(changes[0].revision, 1);
    EXPECT_EQ(changes[1].topic, "deployments");
    EXPECT_EQ(changes[2].key, "two");
    EXPECT_EQ(changes[2].revision, 2);
    EXPECT_TRUE(store->changes_since(2, 10).empty());
}

TEST_P(StoreTest, NeverCutsARevisionInTwo) {
    for (int i = 0; i < 3; ++i)
        store->write_now([&](Tx& tx) {
            tx.changed("a", "1");
            tx.changed("a", "2");
        });
    EXPECT_EQ(store->changes_since(0, 1).size(), 2u);
    EXPECT_EQ(store->changes_since(0, 3).size(), 4u);
    EXPECT_EQ(store->changes_since(0, 4).size(), 4u);
    EXPECT_EQ(store->changes_since(1, 100).size(), 4u);
}

TEST_P(StoreTest, SaysWhenTheFeedDoesNotReachBack) {
    store->write_now([](Tx& tx) {
        tx.run("delete from revisions");
        tx.run("insert into revisions (revision, at) values (0, 0)");
    });
    store->write_now([](Tx& tx) { tx.run("delete from revisions where revision < 1"); });
    EXPECT_NO_THROW(store->changes_since(0, 10));
    store->write_now([](Tx& tx) { tx.run("delete from revisions where revision < 2"); });
    EXPECT_THROW(store->changes_since(0, 10), Error);
    EXPECT_NO_THROW(store->changes_since(1, 10));
}

TEST_P(StoreTest, ForgetsChangesThatAreFarBehind) {
    store->write_now([](Tx& tx) {
        tx.changed("a", "old");
        tx.run("insert into revisions (revision, at) values (100998, 0)");  // as if so many had been written
    });
    store.reset();
    store = open();
    store->write_now([](Tx& tx) { tx.changed("a", "new"); });
    const auto count = [&] { return store->read_now([](Tx& tx) { return tx.query("select revision from changes").size(); }); };
    EXPECT_EQ(count(), 2u);
    store->write_now([](Tx& tx) { tx.changed("a", "newer"); });
    EXPECT_EQ(count(), 2u);
    EXPECT_EQ(store->changes_since(100'998, 10).size(), 2u);
    EXPECT_THROW(store->changes_since(0, 10), Error);
}

TEST_P(StoreTest, WakesListenersOnceForManyCommitsInOrder) {
    std::vector<Revision> all, nodes;
    auto all_token = store->feed().listen(world.executor(), {}, [&](Revision r) { all.push_back(r); });
    auto node_token = store->feed().listen(world.executor(), {"nodes"}, [&](Revision r) { nodes.push_back(r); });
    store->write_now([](Tx& tx) { tx.changed("nodes", "1"); });
    store->write_now([](Tx& tx) { tx.changed("models", "1"); });
    EXPECT_TRUE(all.empty());  // on the executor, not in the writer
    world.run_for(std::chrono::milliseconds(1));
    EXPECT_EQ(all, std::vector<Revision>{2});
    EXPECT_EQ(nodes, std::vector<Revision>{1});
    store->write_now([](Tx& tx) { tx.changed("nodes", "2"); });
    world.run_for(std::chrono::milliseconds(1));
    EXPECT_EQ(all, (std::vector<Revision>{2, 3}));
    EXPECT_EQ(nodes, (std::vector<Revision>{1, 3}));
}

TEST_P(StoreTest, WakesNobodyAfterTheTokenDied) {
    int woken = 0;
    auto token = store->feed().listen(world.executor(), {}, [&](Revision) { ++woken; });
    store->write_now([](Tx& tx) { tx.changed("a", "1"); });
    token.reset();  // posted already, not run yet
    world.run_for(std::chrono::milliseconds(1));
    EXPECT_EQ(woken, 0);

    std::shared_ptr<void> self;
    self = store->feed().listen(world.executor(), {}, [&](Revision) {
        ++woken;
        self.reset();
    });
    for (int i = 0; i < 2; ++i) {
        store->write_now([](Tx& tx) { tx.changed("a", "1"); });
        world.run_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(woken, 1);
}

TEST_P(StoreTest, AListenerThatThrowsDoesNotHurtTheOthers) {
    int woken = 0;
    auto bad = store->feed().listen(world.executor(), {}, [](Revision) { throw std::runtime_error("bad day"); });
    auto good = store->feed().listen(world.executor(), {}, [&](Revision) { ++woken; });
    store->write_now([](Tx& tx) { tx.changed("a", "1"); });
    world.run_for(std::chrono::milliseconds(1));
    EXPECT_EQ(woken, 1);
}

TEST_P(StoreTest, ATokenMayOutliveTheStore) {
    auto token = store->feed().listen(world.executor(), {}, [](Revision) {});
    store.reset();
    token.reset();
}

TEST_P(StoreTest, TheOutboxKeepsItsOrderUntilDone) {
    store->write_now([](Tx& tx) {
        tx.outbox("audit", "one");
        tx.outbox("event", "two");
    });
    store->write_now([](Tx& tx) { tx.outbox("audit", "three"); });
    EXPECT_THROW(store->write_now([](Tx& tx) {
        tx.outbox("audit", "never");
        throw Error(Fault::denied, "no");
    }),
                 Error);
    auto rows = store->outbox("audit", 10);
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].payload, "one");
    EXPECT_EQ(rows[1].payload, "three");
    EXPECT_EQ(rows[1].revision, 2);
    store->outbox_done("audit", rows[1].id);
    EXPECT_TRUE(store->outbox("audit", 10).empty());
    EXPECT_EQ(store->outbox("event", 10).size(), 1u);
    const std::int64_t last = rows[1].id;
    store->write_now([](Tx& tx) { tx.outbox("audit", "four"); });
    EXPECT_GT(store->outbox("audit", 10).at(0).id, last);  // an id is never used again
}

TEST_P(StoreTest, KeepsEverythingOverACleanEnd) {
    store->write_now([](Tx& tx) { set(tx, "a"); });
    store.reset();
    if (GetParam() == Kind::sqlite) EXPECT_EQ(files_beside(world), std::vector<std::string>{"meridian.db"});  // no log left behind
    store = open();
    EXPECT_EQ(names(*store), std::vector<std::string>{"a"});
    store->write_now([](Tx& tx) { EXPECT_EQ(tx.revision(), 2); });
    EXPECT_EQ(store->integrity(), "ok");
}

}  // namespace
}  // namespace meridian::store
