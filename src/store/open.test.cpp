// Opening a database: new, old, of tomorrow, of somebody else, damaged, held, unwritable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "store/connection.h"
#include "store/testing.h"

namespace meridian::store {
namespace {

using testing::HasSubstr;

std::string why_not(sim::World& world, std::span<const Migration> all = migrations("control")) {
    const auto opened = open_sqlite(world.disk(), world.clock(), world.pool(), OpenOptions{.path = test_path}, all);
    return opened ? "it opened" : opened.error().said;
}

TEST(Migrations, AreNumberedInOrder) {
    int last = 0;
    for (const auto& migration : migrations("control"))
        EXPECT_GT(migration.number, std::exchange(last, migration.number)) << migration.name;
    EXPECT_GT(last, 0);
    EXPECT_TRUE(migrations("nowhere").empty());
}

// MERIDIAN_WRITE_SCHEMA=1 makes the file anew after a migration was added.
TEST(Migrations, TogetherEqualTheSchemaFile) {
    sim::World world(1);
    open_store(world);
    const Vfs vfs(world.disk(), world.clock());
    Connection connection(vfs, test_path, Access::read, Sync::full);
    const auto schema = schema_of(connection);
    const auto file = std::filesystem::path(std::getenv("MERIDIAN_SOURCE")) / "src/store/migrations/control/schema.sql";  // ctest sets it
    if (std::getenv("MERIDIAN_WRITE_SCHEMA") != nullptr) std::ofstream(file) << schema;
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    EXPECT_EQ(schema, text.str()) << "run this test with MERIDIAN_WRITE_SCHEMA=1 and look at the difference";
}

constexpr Migration first{1, "0001_first", "create table revisions (revision bigint, at bigint); create table a (x bigint);"};
constexpr Migration second{2, "0002_second", "insert into a (x) values (7); create table b (y bigint);"};
constexpr Migration broken{2, "0002_broken", "insert into a (x) values (8); create table a (y bigint);"};

TEST(Migrations, ApplyWhatIsOutstandingOnce) {
    sim::World world(1);
    const Migration one[] = {first}, two[] = {first, second};
    EXPECT_EQ(why_not(world, one), "it opened");
    EXPECT_EQ(why_not(world, two), "it opened");
    const auto again = open_sqlite(world.disk(), world.clock(), world.pool(), OpenOptions{.path = test_path}, two);
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->read_now([](Tx& tx) { return tx.query("select x from a").size(); }), 1u);
}

TEST(Migrations, LeaveNothingOfOneThatFails) {
    sim::World world(1);
    const Migration bad[] = {first, broken}, good[] = {first, second};
    EXPECT_THAT(why_not(world, bad), HasSubstr("cannot be opened"));
    const auto opened = open_sqlite(world.disk(), world.clock(), world.pool(), OpenOptions{.path = test_path}, good);
    ASSERT_TRUE(opened);
    EXPECT_EQ((*opened)->read_now([](Tx& tx) { return tx.query("select x from a").at(0).get<int>("x"); }), 7);
}

TEST(Opening, RefusesADatabaseOfANewerProgram) {
    sim::World world(1);
    const Migration tomorrow[] = {first, second}, today[] = {first};
    EXPECT_EQ(why_not(world, tomorrow), "it opened");
    EXPECT_THAT(why_not(world, today), HasSubstr("made by a newer Meridian (schema 2, and this program knows 1)"));
}

TEST(Opening, WorksWithANewerSchemaThatSaysThatItMay) {
    sim::World world(1);
    const Migration floor{2, "0002_floor",
                          "create table schema_floor (oldest bigint not null primary key); insert into schema_floor values (1)"};
    const Migration adds{3, "0003_adds", "create table b (y bigint)"}, takes{3, "0003_takes", "update schema_floor set oldest = 3"};
    const Migration today[] = {first}, expanded[] = {first, floor, adds};
    EXPECT_EQ(why_not(world, expanded), "it opened");
    EXPECT_EQ(why_not(world, today), "it opened");
    sim::World other(1);
    const Migration contracted[] = {first, floor, takes};
    EXPECT_EQ(why_not(other, contracted), "it opened");
    EXPECT_THAT(why_not(other, today), HasSubstr("made by a newer Meridian (schema 3, and this program knows 1)"));
}

TEST(Opening, RefusesADatabaseOfAnotherProgram) {
    sim::World world(1);
    ASSERT_TRUE(world.disk().make_directories("/data/control"));
    {
        const Vfs vfs(world.disk(), world.clock());
        Connection(vfs, test_path, Access::write, Sync::full).script("create table theirs (x)");
    }
    EXPECT_THAT(why_not(world), HasSubstr("database of another program"));
}

TEST(Opening, RefusesAFileThatIsNoDatabaseAndSaysHowToRestore) {
    sim::World world(1);
    ASSERT_TRUE(world.disk().make_directories("/data/control"));
    ASSERT_TRUE(world.disk().replace_file(test_path, std::string(8192, 'x')));
    EXPECT_THAT(why_not(world), HasSubstr("meridian restore"));
}

TEST(Opening, FindsADamagedPageAndSaysHowToRestore) {
    sim::World world(1);
    open_store(world)->write_now([](Tx& tx) {
        for (int i = 0; i < 100; ++i)
            tx.run("insert into settings (name, value) values ($1, $2)", std::to_string(i), std::string(500, 'v'));
    });
    const auto size = world.disk().open(test_path, Disk::Open::read).value()->size().value();
    ASSERT_GT(size, 12u * 4096);
    world.disk().flip_bit(test_path, size - 4096 + 3, 6);  // the last page is one of rows
    EXPECT_THAT(why_not(world), HasSubstr("meridian restore"));
}

TEST(Opening, RefusesATruncatedFile) {
    sim::World world(1);
    open_store(world);
    auto file = world.disk().open(test_path, Disk::Open::write_existing).value();
    ASSERT_TRUE(file->truncate(3 * 4096 + 100));
    file.reset();
    EXPECT_THAT(why_not(world), HasSubstr("meridian restore"));
}

TEST(Opening, SaysThatAnotherMeridianHoldsIt) {
    sim::World world(1);
    const auto held = open_store(world);
    EXPECT_THAT(why_not(world), HasSubstr("Another Meridian is using /data/control"));
}

TEST(Opening, SaysThatTheDirectoryIsReadOnlyOrTheDiskFull) {
    struct Case {
        DiskError::Kind kind;
        std::string_view says;
    };
    for (const auto& [kind, says] : {Case{DiskError::Kind::read_only, "Make it writable"}, Case{DiskError::Kind::full, "is full"}}) {
        sim::World world(1);
        world.disk().fail_next(kind, 0);
        EXPECT_THAT(why_not(world), HasSubstr(std::string(says)));
        EXPECT_EQ(why_not(world), "it opened");
    }
}

// Whichever call it is that fails, the next start works.
TEST(Opening, SurvivesAFailureOfEveryCallOfTheFirstStart) {
    bool opened_despite_failure = false;
    for (unsigned after = 0; !opened_despite_failure; ++after) {
        sim::World world(after + 1);
        world.disk().fail_next(DiskError::Kind::full, after);
        opened_despite_failure = why_not(world) == "it opened";
        world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
        world.disk().crash(after % 2 == 0 ? sim::SimDisk::Unsynced::lost : sim::SimDisk::Unsynced::torn);
        EXPECT_EQ(why_not(world), "it opened") << "after " << after;
        ASSERT_LT(after, 1000u);
    }
}

}  // namespace
}  // namespace meridian::store
