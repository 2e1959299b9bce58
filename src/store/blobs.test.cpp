#include "store/blobs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/sim/world.h"

namespace meridian::store {
namespace {

using sim::SimDisk;

Fault fault_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.fault;
    }
    return Fault::gone;
}

struct ArtifactTest : testing::Test {
    sim::World world{1};
    ArtifactStore artifacts{world.disk(), "/data/artifacts"};
    std::string bytes = std::string(3'000'000, 'w');
    Sha256 digest = sha256(bytes);

    Sha256 keep(const std::string& text, const Sha256* wanted = nullptr) {
        auto writer = artifacts.begin();
        writer->append(text.substr(0, text.size() / 2));
        writer->append(text.substr(text.size() / 2));
        return writer->commit(wanted);
    }
    std::size_t incoming() { return world.disk().list("/data/artifacts/incoming").value().size(); }
};

TEST_F(ArtifactTest, ABlobIsThereUnderItsDigest) {
    EXPECT_FALSE(artifacts.has(digest));
    EXPECT_EQ(keep(bytes, &digest), digest);
    EXPECT_TRUE(artifacts.has(digest));
    EXPECT_EQ(artifacts.size(digest), bytes.size());
    EXPECT_EQ(world.disk().read_file(artifacts.path(digest)).value(), bytes);
    std::uint64_t done = 0;
    EXPECT_TRUE(artifacts.check(digest, [&](std::uint64_t d) { done = d; }));
    EXPECT_EQ(done, bytes.size());
    EXPECT_EQ(keep(bytes), digest);  // once more is no harm
    artifacts.remove(digest);
    artifacts.remove(digest);
    EXPECT_FALSE(artifacts.has(digest));
    EXPECT_EQ(fault_of([&] { (void)artifacts.size(digest); }), Fault::unavailable);
}

TEST_F(ArtifactTest, KeepsNothingOfAWrongDigest) {
    const Sha256 wanted = sha256("something else");
    try {
        keep(bytes, &wanted);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::invalid);
        EXPECT_EQ(e.code, "digest_mismatch");
    }
    EXPECT_FALSE(artifacts.has(wanted));
    EXPECT_FALSE(artifacts.has(digest));
    EXPECT_EQ(incoming(), 0u);
}

TEST_F(ArtifactTest, KeepsNothingOfAWriterThatWasDropped) {
    artifacts.begin()->append(bytes);
    EXPECT_EQ(incoming(), 0u);
}

TEST_F(ArtifactTest, FindsRot) {
    keep(bytes);
    world.disk().flip_bit(artifacts.path(digest), 1'234'567, 3);
    EXPECT_FALSE(artifacts.check(digest));
    keep(bytes);
    EXPECT_TRUE(artifacts.check(digest));
}

TEST_F(ArtifactTest, SaysThatTheDiskIsFull) {
    auto writer = artifacts.begin();
    world.disk().fill_up(1'000);
    EXPECT_EQ(fault_of([&] { writer->append(bytes); }), Fault::unavailable);
    writer.reset();
    world.disk().fill_up(std::nullopt);
    EXPECT_EQ(incoming(), 0u);
}

TEST(ArtifactCrash, ShowsAllOrNothing) {
    const std::string bytes(10'000, 'w');
    const auto digest = sha256(bytes);
    bool is_through = false;
    for (unsigned after = 0; !is_through; ++after) {
        for (const auto kind : {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept}) {
            sim::World world(after + 1);
            world.disk().fail_next(DiskError::Kind::io, after);
            const Fault fault = fault_of([&] {
                ArtifactStore artifacts(world.disk(), "/data/artifacts");
                auto writer = artifacts.begin();
                writer->append(bytes);
                writer->commit(&digest);
            });
            is_through = fault == Fault::gone;  // no failure: the call that would fail is past the end
            world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
            world.disk().crash(kind);
            ArtifactStore artifacts(world.disk(), "/data/artifacts");
            EXPECT_TRUE(!is_through || artifacts.has(digest)) << "acknowledged and lost, " << after;
            if (artifacts.has(digest)) EXPECT_TRUE(artifacts.check(digest)) << after;
            artifacts.begin();
            EXPECT_TRUE(world.disk().list("/data/artifacts/incoming").value().empty()) << after;
        }
        ASSERT_LT(after, 100u);
    }
}

struct ContentTest : testing::Test {
    sim::World world{1};
    ContentStore content{world.disk(), "/data/content", "fr-par-1"};
    ContentHandle mine{ProjectId::random(world.rng()), "fr-par-1"}, theirs{ProjectId::random(world.rng()), "fr-par-1"};
};

TEST_F(ContentTest, GivesBackWhatWasPutAndKeepsProjectsApart) {
    content.put(mine, "replicas/1/log", "one");
    content.put(mine, "replicas/1/log", "two");
    content.put(theirs, "replicas/1/log", "three");
    world.disk().crash(SimDisk::Unsynced::lost);
    EXPECT_EQ(content.get(mine, "replicas/1/log"), "two");
    EXPECT_EQ(content.get(theirs, "replicas/1/log"), "three");
    EXPECT_EQ(content.path_for(mine, "a"), "/data/content/fr-par-1/" + mine.project().str() + "/a");
    content.remove(mine, "replicas/1/log");
    content.remove(mine, "replicas/1/log");
    EXPECT_EQ(fault_of([&] { (void)content.get(mine, "replicas/1/log"); }), Fault::not_found);
    EXPECT_EQ(content.get(theirs, "replicas/1/log"), "three");
}

TEST_F(ContentTest, KnowsWhichProjectsHaveSome) {
    EXPECT_TRUE(content.projects().empty());
    content.put(mine, "a", "x");
    content.put(theirs, "a", "x");
    auto both = std::vector{mine.project(), theirs.project()};
    std::ranges::sort(both);
    EXPECT_EQ(content.projects(), both);
    content.erase_project(mine);
    EXPECT_EQ(content.projects(), std::vector{theirs.project()});
}

TEST_F(ContentTest, NamesWhatLiesInAFolderAndWhatAnInterruptedPutLeft) {
    EXPECT_TRUE(content.names(mine, "results").empty());
    content.put(mine, "results/b", "x");
    content.put(mine, "results/a", "x");
    content.put(theirs, "results/c", "x");
    for (const auto* left : {"a.new", "d.new"})
        ASSERT_TRUE(world.disk().open(content.path_for(mine, "results") + "/" + left, Disk::Open::create_new));
    EXPECT_EQ(content.names(mine, "results"), (std::vector<std::string>{"a", "b", "d"}));
    content.remove(mine, "results/d");
    content.remove(mine, "results/a");
    EXPECT_EQ(content.names(mine, "results"), (std::vector<std::string>{"a", "b"})) << "what lies beside a whole one goes next";
    content.remove(mine, "results/a");
    EXPECT_EQ(content.names(mine, "results"), std::vector<std::string>{"b"});
}

TEST_F(ContentTest, RefusesNamesThatLeaveTheProject) {
    for (const std::string_view name : {"", "/", "..", "../x", "a/../../x", "a//b", "a/", "/a", ".", "a/.", "a\\b", "a b", "a.new"})
        EXPECT_EQ(fault_of([&] { content.put(mine, name, "x"); }), Fault::invalid) << name;
    EXPECT_EQ(fault_of([&] { content.put(mine, std::string_view("a\0b", 3), "x"); }), Fault::invalid);
    EXPECT_EQ(fault_of([&] { content.put(mine, std::string(600, 'a'), "x"); }), Fault::invalid);
    EXPECT_EQ(fault_of([&] { content.put(mine, "..a/b..c/...", "x"); }), Fault::gone);
}

TEST_F(ContentTest, ErasesAProjectAndNothingElse) {
    content.erase_project(mine);  // nothing there yet
    content.put(mine, "a/b/c", "x");
    content.put(mine, "a/d", "x");
    content.put(mine, "e", "x");
    content.put(theirs, "a/b/c", "x");
    content.erase_project(mine);
    EXPECT_FALSE(world.disk().exists("/data/content/fr-par-1/" + mine.project().str()).value());
    EXPECT_EQ(content.get(theirs, "a/b/c"), "x");
}

TEST_F(ContentTest, AHandleOfAnotherZoneIsABug) {
    const ContentHandle elsewhere(mine.project(), "it-mil-1");
    EXPECT_DEATH(content.put(elsewhere, "a", "x"), "");
}

}  // namespace
}  // namespace meridian::store
