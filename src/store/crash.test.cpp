// Bad days: power cuts at any moment, full disks, backups in the middle of it all. What was acknowledged is there afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "store/testing.h"

namespace meridian::store {
namespace {

using Rows = std::map<std::string, std::string>;
using sim::SimDisk;

Rows rows_of(Store& store) {
    return store.read_now([](Tx& tx) {
        Rows rows;
        for (const Row& row : tx.query("select name, value from settings"))
            rows[row.get<std::string>("name")] = row.get<std::string>("value");
        return rows;
    });
}

// A few random edits: what they make of `rows`, and the same in SQL.
struct Edits {
    std::vector<std::pair<std::string, std::optional<std::string>>> list;

    static Edits random(Rng& rng) {
        Edits edits;
        for (auto count = 1 + rng.below(4); count > 0; --count) {
            std::optional<std::string> value;
            if (rng.below(4) != 0) value = std::string(1 + rng.below(12'000), static_cast<char>('a' + rng.below(26)));
            edits.list.emplace_back(std::to_string(rng.below(12)), std::move(value));
        }
        return edits;
    }
    [[nodiscard]] Rows on(Rows rows) const {
        for (const auto& [name, value] : list) {
            if (value)
                rows[name] = *value;
            else
                rows.erase(name);
        }
        return rows;
    }
    void write(Tx& tx) const {
        for (const auto& [name, value] : list) {
            tx.run("delete from settings where name = $1", name);
            if (value) tx.run("insert into settings (name, value) values ($1, $2)", name, *value);
            tx.changed("settings", name);
        }
    }
};

// Writes until a call to the disk fails, then cuts the power. Gives back what may be there: with or without the write that
// was not acknowledged.
std::vector<Rows> write_until_crash(sim::World& world, Rows rows, Revision& revision) {
    auto& rng = world.rng();
    auto store = open_store(world);
    EXPECT_EQ(store->integrity(), "ok");
    store->write_now([](Tx& tx) { tx.query("pragma wal_autocheckpoint = 30"); });  // so that power cuts fall into checkpoints too
    std::vector<Rows> possible;
    if (rng.below(3) != 0) world.disk().fail_next(DiskError::Kind::io, static_cast<unsigned>(rng.below(600)));
    for (auto left = rng.below(40); left > 0 && possible.empty(); --left) {
        const auto edits = Edits::random(rng);
        try {
            store->write_now([&](Tx& tx) {
                EXPECT_EQ(tx.revision(), revision + 1);
                edits.write(tx);
            });
            rows = edits.on(rows);
            ++revision;
        } catch (const Error& e) {
            EXPECT_EQ(e.fault, Fault::unavailable);
            possible = {rows, edits.on(rows)};
        }
    }
    const SimDisk::Unsynced kinds[] = {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept};
    world.disk().crash(kinds[rng.below(3)]);
    store.reset();
    if (possible.empty()) possible = {rows};
    return possible;
}

// A slice in every test run; MERIDIAN_SCHEDULES=1000 for a soak.
TEST(CrashLoop, EveryAcknowledgedCommitIsThereAndNoHalfOfAnother) {
    const char* wanted = std::getenv("MERIDIAN_SCHEDULES");
    const std::uint64_t schedules = wanted == nullptr ? 30 : std::strtoull(wanted, nullptr, 10);
    for (std::uint64_t seed = 1; seed <= schedules; ++seed) {
        sim::World world(seed);
        Rows rows;
        Revision revision = 0;
        for (int round = 0; round < 5; ++round) {
            const auto possible = write_until_crash(world, rows, revision);
            world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
            auto store = open_store(world);
            rows = rows_of(*store);
            ASSERT_THAT(possible, testing::Contains(rows)) << "seed " << seed << " round " << round;
            store->write_now([&](Tx& tx) {
                ASSERT_THAT(tx.revision(), testing::AnyOf(revision + 1, revision + 2)) << "seed " << seed;
                revision = tx.revision() - 1;
            });
        }
    }
}

TEST(DiskFull, IsSaidAndLeavesTheDatabaseAsItWas) {
    for (const std::uint64_t free : {0u, 5'000u, 60'000u, 300'000u}) {
        sim::World world(free);
        auto store = open_store(world);
        store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('a', 'kept')"); });
        world.disk().fill_up(free);
        try {
            store->write_now([](Tx& tx) {
                for (int i = 0; i < 100; ++i)
                    tx.run("insert into settings (name, value) values ($1, $2)", std::to_string(i), std::string(500'000, 'v'));
            });
            FAIL() << free;
        } catch (const Error& e) {
            EXPECT_EQ(e.fault, Fault::unavailable);
            EXPECT_THAT(e.said, testing::HasSubstr("disk is full"));
        }
        EXPECT_EQ(rows_of(*store), (Rows{{"a", "kept"}}));
        world.disk().fill_up(std::nullopt);
        store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('b', 'later')"); });
        EXPECT_EQ(store->integrity(), "ok");
        store.reset();
        EXPECT_EQ(rows_of(*open_store(world)), (Rows{{"a", "kept"}, {"b", "later"}}));
    }
}

// The function may swallow the error; its later statements must not be written one by one.
TEST(DiskFull, GivesUpTheWholeTransactionEvenIfTheFunctionGoesOn) {
    sim::World world(1);
    auto store = open_store(world);
    world.disk().fill_up(20'000);
    EXPECT_THROW(store->write_now([&](Tx& tx) {
        try {
            for (int i = 0; i < 100; ++i)
                tx.run("insert into settings (name, value) values ($1, $2)", std::to_string(i), std::string(500'000, 'v'));
        } catch (const Error&) {
            world.disk().fill_up(std::nullopt);
        }
        tx.run("insert into settings (name, value) values ('after', 'x')");
    }),
                 Error);
    EXPECT_TRUE(rows_of(*store).empty());
}

TEST(Backup, IsOneSnapshotInTheMiddleOfAWrite) {
    sim::World world(1);
    auto store = open_store(world);
    store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('a', 'x')"); });
    store->write_now([&](Tx& tx) {
        tx.run("insert into settings (name, value) values ('b', 'x')");
        const auto done = store->backup_to("/backups/today/one.db");
        EXPECT_TRUE(done) << done.error().said;
    });
    world.disk().crash(SimDisk::Unsynced::lost);
    auto copy = open_store(world, "/backups/today/one.db");
    EXPECT_EQ(rows_of(*copy), (Rows{{"a", "x"}}));
    EXPECT_EQ(copy->integrity(), "ok");
    copy->write_now([](Tx& tx) { EXPECT_EQ(tx.revision(), 2); });
}

TEST(Backup, ReplacesAnOlderOneOnlyWhenItIsWhole) {
    sim::World world(1);
    auto store = open_store(world);
    store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('a', 'x')"); });
    ASSERT_TRUE(store->backup_to("/b.db"));
    store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('b', $1)", std::string(100'000, 'x')); });
    world.disk().fill_up(30'000);
    const auto failed = store->backup_to("/b.db");
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().said, testing::HasSubstr("disk is full"));
    world.disk().fill_up(std::nullopt);
    EXPECT_EQ(world.disk().exists("/b.db.partial"), false);
    EXPECT_EQ(rows_of(*open_store(world, "/b.db")).size(), 1u);
    ASSERT_TRUE(store->backup_to("/b.db"));
    EXPECT_EQ(rows_of(*open_store(world, "/b.db")).size(), 2u);
}

expected<void> restore(sim::World& world, const std::string& from) {
    return Store::restore(world.disk(), world.clock(), world.pool(), from, OpenOptions{.path = test_path});
}

TEST(Restore, PutsTheBackupInPlaceEvenOfADamagedDatabase) {
    sim::World world(1);
    auto store = open_store(world);
    store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('a', 'x')"); });
    ASSERT_TRUE(store->backup_to("/b.db"));
    store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('b', 'x')"); });
    EXPECT_THAT(restore(world, "/b.db").error().said, testing::HasSubstr("Another Meridian"));
    world.disk().crash(SimDisk::Unsynced::lost);  // leaves a log with the second row behind
    store.reset();
    world.disk().flip_bit(test_path, 3, 1);
    for (int twice = 0; twice < 2; ++twice) {
        const auto done = restore(world, "/b.db");
        ASSERT_TRUE(done) << done.error().said;
        EXPECT_EQ(rows_of(*open_store(world)), (Rows{{"a", "x"}}));
    }
    EXPECT_EQ(files_beside(world), std::vector<std::string>{"meridian.db"});
}

TEST(Restore, LeavesTheDatabaseAloneWhenTheBackupIsNoGood) {
    sim::World world(1);
    auto store = open_store(world);
    store->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('a', 'x')"); });
    ASSERT_TRUE(store->backup_to("/b.db"));
    store.reset();
    ASSERT_TRUE(world.disk().replace_file("/bad.db", std::string(5'000, 'x')));
    EXPECT_THAT(restore(world, "/bad.db").error().said, testing::HasSubstr("the database is as it was"));
    EXPECT_FALSE(restore(world, "/missing.db"));
    world.disk().fill_up(10'000);
    EXPECT_FALSE(restore(world, "/b.db"));
    world.disk().fill_up(std::nullopt);
    EXPECT_EQ(rows_of(*open_store(world)), (Rows{{"a", "x"}}));
    EXPECT_EQ(files_beside(world), std::vector<std::string>{"meridian.db"});
}

}  // namespace
}  // namespace meridian::store
