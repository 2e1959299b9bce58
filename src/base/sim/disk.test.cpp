// What only the disk in memory does: power cuts, full disks, failures on demand.
#include "base/sim/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::sim {
namespace {

using Kind = DiskError::Kind;
using Open = Disk::Open;
using Unsynced = SimDisk::Unsynced;

std::string content(Disk& disk, const std::string& path) {
    const auto bytes = disk.read_file(path);
    return bytes ? *bytes : "absent";
}

enum class Sync { nothing, file, directory, both };
void make(Disk& disk, Sync sync) {
    const auto file = *disk.open("/f", Open::create);
    ASSERT_TRUE(file->write(0, "text"));
    if (sync == Sync::file || sync == Sync::both) ASSERT_TRUE(file->sync());
    if (sync == Sync::directory || sync == Sync::both) ASSERT_TRUE(disk.sync_directory("/"));
}

TEST(PowerCut, KeepsWhatWasSyncedAndLosesTheRest) {
    struct Row {
        Sync sync;
        Unsynced what;
        const char* left;
    };
    const Row rows[] = {
        {Sync::nothing, Unsynced::lost, "absent"}, {Sync::nothing, Unsynced::kept, "text"}, {Sync::file, Unsynced::lost, "absent"},
        {Sync::file, Unsynced::kept, "text"},      {Sync::directory, Unsynced::lost, ""},   {Sync::directory, Unsynced::kept, "text"},
        {Sync::both, Unsynced::lost, "text"},      {Sync::both, Unsynced::kept, "text"},    {Sync::both, Unsynced::torn, "text"},
    };
    for (const auto& row : rows) {
        MemoryDisk disk(1);
        make(disk, row.sync);
        disk.crash(row.what);
        EXPECT_EQ(content(disk, "/f"), row.left) << static_cast<int>(row.sync) << " " << static_cast<int>(row.what);
    }
}

TEST(PowerCut, DurableDirectoriesAreStillThere) {
    for (const bool durable : {false, true}) {
        MemoryDisk disk(1);
        ASSERT_TRUE(durable ? disk.make_durable_directories("/a/b/c") : disk.make_directories("/a/b/c"));
        disk.crash(Unsynced::lost);
        EXPECT_EQ(disk.exists("/a/b/c").value(), durable);
    }
}

TEST(PowerCut, AnEntryThatAnEarlierTryLeftUnsyncedIsMadeDurable) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.make_durable_directories("/a"));
    ASSERT_TRUE(disk.make_directories("/a/b"));
    ASSERT_TRUE(disk.make_durable_directories("/a/b"));
    disk.crash(Unsynced::lost);
    EXPECT_TRUE(disk.exists("/a/b").value());
}

TEST(PowerCut, OverwritingIsLostWithoutASync) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.replace_file("/f", "old old"));
    const auto file = *disk.open("/f", Open::write_existing);
    ASSERT_TRUE(file->write(0, "new"));
    ASSERT_TRUE(file->truncate(3));
    EXPECT_EQ(content(disk, "/f"), "new");
    disk.crash(Unsynced::lost);
    EXPECT_EQ(content(disk, "/f"), "old old");
}

TEST(PowerCut, ARenameIsTheOldOrTheNewNameAndNeverNeither) {
    bool old_seen = false, new_seen = false;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        MemoryDisk disk(seed);
        ASSERT_TRUE(disk.replace_file("/old", "it"));
        ASSERT_TRUE(disk.rename("/old", "/new"));
        disk.crash(Unsynced::torn);
        const bool is_old = *disk.exists("/old"), is_new = *disk.exists("/new");
        EXPECT_NE(is_old, is_new) << "seed " << seed;
        old_seen = old_seen || is_old;
        new_seen = new_seen || is_new;
    }
    EXPECT_TRUE(old_seen && new_seen);
}

TEST(PowerCut, ADirectoryThatWasNotSyncedTakesItsFilesWithIt) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.make_directories("/d"));
    ASSERT_TRUE(disk.replace_file("/d/f", "it"));
    disk.crash(Unsynced::lost);
    EXPECT_FALSE(*disk.exists("/d"));
}

TEST(PowerCut, ARenameBetweenDirectoriesNeedsOnlyTheSyncOfWhereItWent) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.make_directories("/a"));
    ASSERT_TRUE(disk.make_directories("/b"));
    ASSERT_TRUE(disk.sync_directory("/"));
    {
        const auto file = *disk.open("/a/f", Open::create);
        ASSERT_TRUE(file->write(0, "it"));
        ASSERT_TRUE(file->sync());
    }
    ASSERT_TRUE(disk.rename("/a/f", "/b/f"));
    ASSERT_TRUE(disk.open("/a/other", Open::create));
    ASSERT_TRUE(disk.sync_directory("/b"));
    disk.crash(Unsynced::lost);
    EXPECT_EQ(content(disk, "/b/f"), "it");
    EXPECT_FALSE(*disk.exists("/a/f"));
    EXPECT_FALSE(*disk.exists("/a/other"));
}

TEST(PowerCut, TearsUnsyncedWritesAtSectors) {
    const std::string before(4096, 'o'), after(4096, 'n');
    bool mixed = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        MemoryDisk disk(seed);
        ASSERT_TRUE(disk.replace_file("/f", before));
        ASSERT_TRUE((*disk.open("/f", Open::write_existing))->write(0, after));
        disk.crash(Unsynced::torn);
        const auto left = content(disk, "/f");
        ASSERT_EQ(left.size(), 4096u);
        for (std::size_t at = 0; at < 4096; at += 512)
            EXPECT_THAT(left.substr(at, 512), testing::AnyOf(std::string(512, 'o'), std::string(512, 'n')));
        mixed = mixed || (left.find('o') != std::string::npos && left.find('n') != std::string::npos);
    }
    EXPECT_TRUE(mixed);
}

TEST(PowerCut, ReplaceFileIsTheOldOrTheNewTextWhereverItFails) {
    const std::string before(2000, 'o'), after(3000, 'n');
    for (const auto what : {Unsynced::lost, Unsynced::kept, Unsynced::torn})
        for (unsigned step = 0; step < 8; ++step) {
            MemoryDisk disk(step);
            ASSERT_TRUE(disk.replace_file("/f", before));
            disk.fail_next(Kind::io, step);
            const bool is_done = disk.replace_file("/f", after).has_value();
            disk.crash(what);
            const auto left = content(disk, "/f");
            EXPECT_TRUE(left == after || (!is_done && left == before)) << "step " << step;
        }
}

TEST(PowerCut, FilesOfBeforeAreDeadAndLocksAreFree) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.replace_file("/f", "it"));
    const auto file = *disk.open("/f", Open::write_existing);
    auto lock = disk.lock("/lock");
    ASSERT_TRUE(lock);
    disk.crash(Unsynced::kept);
    char byte[1];
    EXPECT_EQ(file->read(0, byte).error().kind, Kind::io);
    EXPECT_EQ(file->write(0, "x").error().kind, Kind::io);
    EXPECT_EQ(file->sync().error().kind, Kind::io);
    const auto again = disk.lock("/lock");
    ASSERT_TRUE(again);
    lock->reset();
    EXPECT_FALSE(disk.lock("/lock")) << "the lock of before the crash has no power over the one of after";
}

TEST(FullDisk, WritesWhatFitsAndSaysSo) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.replace_file("/f", "12345"));
    disk.fill_up(3);
    EXPECT_EQ(*disk.free_bytes("/"), 3u);
    const auto file = *disk.open("/f", Open::write_existing);
    EXPECT_TRUE(file->write(0, "54321")) << "overwriting needs no room";
    EXPECT_EQ(file->write(5, "6789").error().kind, Kind::full);
    EXPECT_EQ(content(disk, "/f"), "54321678");
    EXPECT_EQ(disk.replace_file("/g", "x").error().kind, Kind::full);
    EXPECT_FALSE(*disk.exists("/g"));
    disk.fill_up(std::nullopt);
    EXPECT_TRUE(disk.replace_file("/g", "x"));
}

TEST(Failures, HappenOnceAndAfterSoManyCalls) {
    MemoryDisk disk(1);
    const auto file = *disk.open("/f", Open::create);
    disk.fail_next(Kind::read_only, 1);
    EXPECT_TRUE(file->write(0, "a"));
    EXPECT_TRUE(file->size());
    EXPECT_EQ(file->sync().error().kind, Kind::read_only);
    EXPECT_TRUE(file->sync());
}

TEST(FlipBit, ChangesOneBitForGood) {
    MemoryDisk disk(1);
    ASSERT_TRUE(disk.replace_file("/f", "aaa"));
    disk.flip_bit("/f", 1, 0);
    EXPECT_EQ(content(disk, "/f"), "a`a");
    disk.crash(Unsynced::lost);
    EXPECT_EQ(content(disk, "/f"), "a`a");
}

}  // namespace
}  // namespace meridian::sim
