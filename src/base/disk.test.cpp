// What both disks promise: every test runs on the real one and on the one in memory.
#include "base/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/real/real.h"
#include "base/sim/world.h"

namespace meridian {
namespace {

using Kind = DiskError::Kind;
using Open = Disk::Open;

class BothDisks : public testing::Test {
protected:
    BothDisks() {
        auto pattern = (std::filesystem::temp_directory_path() / "meridian-disk-XXXXXX").string();
        real_root = ::mkdtemp(pattern.data());
    }
    ~BothDisks() override { std::filesystem::remove_all(real_root); }

    void on_both(const std::function<void(Disk&, const std::string&)>& test) {
        real::PosixDisk posix;
        {
            SCOPED_TRACE("the real disk");
            test(posix, real_root);
        }
        SCOPED_TRACE("the disk in memory");
        sim::World world(1);
        ASSERT_TRUE(world.disk().make_directories("/root"));
        test(world.disk(), "/root");
    }

    std::string real_root;
};

template <class T>
std::optional<Kind> kind(const DiskResult<T>& result) {
    return result ? std::nullopt : std::optional(result.error().kind);
}

TEST_F(BothDisks, FilesKeepWhatIsWrittenWhereItIsWritten) {
    on_both([](Disk& disk, const std::string& root) {
        const auto file = *disk.open(root + "/f", Open::create);
        ASSERT_TRUE(file->write(0, "hello"));
        ASSERT_TRUE(file->write(8, "there"));
        ASSERT_TRUE(file->sync());
        EXPECT_EQ(*file->size(), 13u);
        char part[6] = {};
        EXPECT_EQ(*file->read(8, part), 5u);
        EXPECT_EQ(*file->read(100, part), 0u);
        EXPECT_EQ(*disk.read_file(root + "/f"), std::string("hello\0\0\0there", 13));
        ASSERT_TRUE(file->truncate(2));
        EXPECT_EQ(*disk.read_file(root + "/f"), "he");
        ASSERT_TRUE(file->truncate(4));
        EXPECT_EQ(*disk.read_file(root + "/f"), std::string("he\0\0", 4));
    });
}

TEST_F(BothDisks, SayWhatKindOfTroubleItIs) {
    on_both([](Disk& disk, const std::string& root) {
        EXPECT_EQ(kind(disk.open(root + "/none", Open::read)), Kind::not_found);
        EXPECT_EQ(kind(disk.open(root + "/none", Open::write_existing)), Kind::not_found);
        EXPECT_EQ(kind(disk.open(root + "/no/where", Open::create)), Kind::not_found);
        ASSERT_TRUE(disk.open(root + "/f", Open::create_new));
        EXPECT_EQ(kind(disk.open(root + "/f", Open::create_new)), Kind::exists);
        EXPECT_EQ(kind(disk.open(root + "/f", Open::create)), std::nullopt);
        EXPECT_EQ(kind(disk.open(root + "/f/below", Open::create)), Kind::not_found);
        EXPECT_EQ(kind(disk.make_directories(root + "/f")), Kind::exists);
        EXPECT_EQ(kind(disk.remove(root + "/none")), Kind::not_found);
        EXPECT_EQ(kind(disk.rename(root + "/none", root + "/g")), Kind::not_found);
        EXPECT_EQ(kind(disk.list(root + "/none")), Kind::not_found);
        EXPECT_EQ(kind(disk.sync_directory(root + "/none")), Kind::not_found);
        EXPECT_EQ(kind((*disk.open(root + "/f", Open::read))->write(0, "x")).has_value(), true);
        ASSERT_TRUE(disk.make_directories(root + "/d/e"));
        EXPECT_EQ(kind(disk.remove(root + "/d")), Kind::exists);
        EXPECT_EQ(kind(disk.open(root + "/d", Open::write_existing)), Kind::io);
    });
}

TEST_F(BothDisks, DirectoriesListWhatTheyHold) {
    on_both([](Disk& disk, const std::string& root) {
        ASSERT_TRUE(disk.make_directories(root + "/a/b/c"));
        ASSERT_TRUE(disk.make_directories(root + "/a/b/c"));
        ASSERT_TRUE(disk.replace_file(root + "/a/z", "1"));
        ASSERT_TRUE(disk.replace_file(root + "/a/y", "2"));
        EXPECT_EQ(*disk.list(root + "/a"), (std::vector<std::string>{"b", "y", "z"}));
        ASSERT_TRUE(disk.rename(root + "/a/z", root + "/a/y"));
        EXPECT_EQ(*disk.read_file(root + "/a/y"), "1");
        EXPECT_FALSE(*disk.exists(root + "/a/z"));
        ASSERT_TRUE(disk.rename(root + "/a/b", root + "/moved"));
        EXPECT_TRUE(*disk.exists(root + "/moved/c"));
        ASSERT_TRUE(disk.remove(root + "/moved/c"));
        ASSERT_TRUE(disk.remove(root + "/a/y"));
        EXPECT_EQ(*disk.list(root + "/a"), std::vector<std::string>{});
        EXPECT_GT(*disk.free_bytes(root), 0u);
    });
}

TEST_F(BothDisks, ReplaceFileLeavesNothingBeside) {
    on_both([](Disk& disk, const std::string& root) {
        ASSERT_TRUE(disk.replace_file(root + "/f", "a longer text"));
        ASSERT_TRUE(disk.replace_file(root + "/f", "short"));
        EXPECT_EQ(*disk.read_file(root + "/f"), "short");
        EXPECT_EQ(*disk.list(root), std::vector<std::string>{"f"});
    });
}

TEST_F(BothDisks, ALockHasOneHolder) {
    on_both([](Disk& disk, const std::string& root) {
        auto held = disk.lock(root + "/lock");
        ASSERT_TRUE(held);
        EXPECT_EQ(kind(disk.lock(root + "/lock")), Kind::busy);
        EXPECT_TRUE(disk.lock(root + "/other"));
        held->reset();
        EXPECT_TRUE(disk.lock(root + "/lock"));
    });
}

TEST_F(BothDisks, ARemovedFileLivesUntilItIsClosed) {
    on_both([](Disk& disk, const std::string& root) {
        const auto file = *disk.open(root + "/f", Open::create);
        ASSERT_TRUE(disk.remove(root + "/f"));
        ASSERT_TRUE(file->write(0, "still"));
        EXPECT_EQ(*file->size(), 5u);
        EXPECT_FALSE(*disk.exists(root + "/f"));
    });
}

TEST_F(BothDisks, WhatIsWrittenToMappedMemoryIsInTheFile) {
    on_both([](Disk& disk, const std::string& root) {
        const auto file = *disk.open(root + "/f", Open::create);
        ASSERT_TRUE(file->write(0, std::string(20'000, 'x')));
        std::string expected(20'000, 'x');
        for (const std::size_t at : {0UL, 5000UL, 19'990UL}) {
            const auto memory = file->map(at, 10);
            if (memory.empty()) continue;  // not every disk offers it
            ASSERT_EQ(memory.size(), 10u);
            EXPECT_EQ(memory.front(), 'x');
            std::ranges::fill(memory, 'y');
            expected.replace(at, 10, 10, 'y');
        }
        EXPECT_TRUE(file->map(0, 0).empty());
        EXPECT_EQ(*disk.read_file(root + "/f"), expected);
    });
}

TEST(Raise, TellsTheUserWhatToDoAndTheOperatorWhatHappened) {
    try {
        raise({Kind::full, "writing /data/x: No space left on device"}, "storing the model");
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::unavailable);
        EXPECT_THAT(e.said, testing::HasSubstr("storing the model: the disk is full"));
        EXPECT_THAT(e.said, testing::Not(testing::HasSubstr("/data/x")));
        EXPECT_THAT(e.logged, testing::HasSubstr("/data/x"));
    }
}

}  // namespace
}  // namespace meridian
