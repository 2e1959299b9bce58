// The two verbs, group commit, and what a start makes of the ledger it finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metering/note.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;
using testing::Bench;
using testing::chat;
using testing::directory;
using ::testing::HasSubstr;
using testing::run_once;
using namespace std::chrono_literals;

Error error_of(const std::function<void()>& what) {
    try {
        what();
    } catch (const Error& e) {
        return e;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(Fault::bug, "");
}

std::string first_segment(Bench& bench) {
    for (const auto& name : bench.world.disk().list(directory).value())
        if (name.ends_with(".seg")) return directory + "/" + name;
    return "";
}

TEST(Meters, GiveEveryRunOneReceipt) {
    Bench bench;
    auto meter = bench.open();
    auto hold = (*meter)->hold(chat());
    EXPECT_FALSE((*meter)->find(hold.id()));
    const auto id = hold.id();
    bench.world.run_for(1500ms);
    const auto receipt = (*meter)->settle(std::move(hold), {10, 20, 3}, Outcome::finished);
    EXPECT_EQ(receipt.id, id);
    EXPECT_EQ(receipt.index, 0);
    EXPECT_EQ(receipt.cost.str(), "0.0000085");
    EXPECT_EQ(receipt.took, 1500ms);
    const auto found = (*meter)->find(id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->leaf, receipt.leaf);
    EXPECT_EQ(to_text(found->json), receipt.leaf);
    EXPECT_EQ(found->ended_at - found->started_at, 1500ms);
    const auto sums = (*meter)->sums(testing::project);
    EXPECT_EQ(sums.runs, 1);
    EXPECT_EQ(sums.input_tokens, 10);
    EXPECT_EQ(sums.output_tokens, 20);
    EXPECT_EQ(sums.cost.count(), 8500);
}

TEST(Meters, GiveARunTheIdOfTheRowThatWasWrittenBeforeAndOneReceipt) {
    Bench bench;
    auto meter = bench.open();
    auto start = chat();
    start.id = RunId::random(bench.world.rng());
    const auto receipt = (*meter)->settle((*meter)->hold(start), {10, 20, 3}, Outcome::finished);
    EXPECT_EQ(receipt.id, start.id);
    EXPECT_EQ(error_of([&] { (*meter)->hold(start); }).fault, Fault::conflict);
    EXPECT_EQ((*meter)->sums(testing::project).runs, 1);
}

TEST(Meters, SettleAHoldThatWasDroppedAsFailed) {
    Bench bench;
    auto meter = bench.open();
    RunId id;
    {
        auto hold = (*meter)->hold(chat());
        id = hold.id();
        hold.note({7, 1, 0});
        hold.note_node("node-2");
        auto moved = std::move(hold);
    }
    const auto receipt = (*meter)->find(id).value();
    EXPECT_EQ(receipt.outcome, Outcome::failed);
    EXPECT_EQ(receipt.usage.input_tokens, 7);
    EXPECT_EQ(receipt.start.node, "node-2");
    EXPECT_EQ((*meter)->sums(testing::project).runs, 1);
}

TEST(Meters, DoNotBelieveAClockThatJumpedBack) {
    Bench bench;
    auto meter = bench.open();
    auto hold = (*meter)->hold(chat());
    bench.world.run_for(2s);
    bench.world.jump_wall_clock(-1h);
    const auto receipt = (*meter)->settle(std::move(hold), {}, Outcome::finished);
    EXPECT_EQ(receipt.took, 2s);
    EXPECT_EQ(receipt.ended_at - receipt.started_at, 2s);
}

TEST(Meters, RefuseAPriceThatNoCostCouldHold) {
    Bench bench;
    auto meter = bench.open();
    auto start = chat();
    start.price.output_per_million = *Money::parse("4001");
    EXPECT_EQ(error_of([&] { (*meter)->hold(start); }).fault, Fault::invalid);
}

TEST(Meters, ListNewestFirstAndOnlyTheCallersOwn) {
    Bench bench;
    auto meter = bench.open();
    std::vector<RunId> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(run_once(*meter->meter).id);
    auto other = chat();
    other.project = ProjectId::random(bench.world.rng());
    (*meter)->settle((*meter)->hold(other), {}, Outcome::finished);
    auto foreign = chat();
    foreign.organization = OrganizationId::random(bench.world.rng());
    foreign.project = ProjectId::random(bench.world.rng());
    (*meter)->settle((*meter)->hold(foreign), {}, Outcome::finished);

    const auto listed = [&](ReceiptFilter filter) {
        std::vector<std::int64_t> out;
        for (const auto& receipt : (*meter)->list(filter)) out.push_back(receipt.index);
        return out;
    };
    ReceiptFilter filter{.projects = {}, .organization = testing::organization, .limit = 50, .before_index = {}};
    EXPECT_THAT(listed(filter), ::testing::ElementsAre(5, 4, 3, 2, 1, 0));
    filter.projects = {testing::project};
    EXPECT_THAT(listed(filter), ::testing::ElementsAre(4, 3, 2, 1, 0));
    filter.limit = 2;
    EXPECT_THAT(listed(filter), ::testing::ElementsAre(4, 3));
    filter.before_index = 3;
    EXPECT_THAT(listed(filter), ::testing::ElementsAre(2, 1));
    filter.before_index = -1;
    EXPECT_THAT(listed(filter), ::testing::IsEmpty());
    filter = {.projects = {{foreign.project}}, .organization = testing::organization, .limit = 50, .before_index = {}};
    EXPECT_THAT(listed(filter), ::testing::IsEmpty());
    EXPECT_THAT(listed({}), ::testing::IsEmpty()) << "nobody's receipts are nobody's";
}

TEST(Meters, CommitByThemselvesWithinTheirTime) {
    Bench bench;
    auto meter = bench.open();
    const auto before = (*meter)->checkpoint();
    run_once(*meter->meter);
    EXPECT_EQ((*meter)->checkpoint(), before);
    bench.world.run_for(60ms);
    EXPECT_EQ(read_note((*meter)->checkpoint())->size, 1u);
    const auto committed = (*meter)->checkpoint();
    bench.world.run_for(1s);
    EXPECT_EQ((*meter)->checkpoint(), committed) << "nothing new, nothing signed";
}

TEST(Meters, CommitAtOnceForThoseWhoWait) {
    Bench bench;
    auto meter = bench.open();
    run_once(*meter->meter);
    const auto before = bench.world.clock().steady();
    meter->durable();
    EXPECT_EQ(bench.world.clock().steady(), before);
    EXPECT_EQ(read_note((*meter)->checkpoint())->size, 1u);
    meter->durable();  // nothing to wait for
    bench.world.disk().crash(SimDisk::Unsynced::lost);
    meter.reset();
    EXPECT_EQ((*bench.open())->sums(testing::project).runs, 1);
}

TEST(Meters, TellThoseWhoWaitThatTheDiskFailed) {
    Bench bench;
    auto meter = bench.open();
    run_once(*meter->meter);
    bench.world.disk().fail_next(DiskError::Kind::io, 1);  // the checkpoint's record is written, the sync fails
    EXPECT_EQ(error_of([&] { meter->durable(); }).fault, Fault::unavailable);
    EXPECT_THAT(error_of([&] { (*meter)->hold(chat()); }).said, HasSubstr("restart Meridian"));
    EXPECT_EQ(error_of([&] { meter->durable(); }).code, "disk_failed");
    meter.reset();
    EXPECT_EQ((*bench.open())->sums(testing::project).runs, 1);
}

TEST(Starts, FindEverythingAgain) {
    Bench bench;
    std::vector<std::string> leaves;
    std::string note;
    {
        auto meter = bench.open();
        for (int i = 0; i < 100; ++i) {
            leaves.push_back(run_once(*meter->meter, {i, i, 0}).leaf);
            if (i % 10 == 0) meter->durable();
        }
        (*meter)->close();
        note = (*meter)->checkpoint();
        EXPECT_THAT(error_of([&] { (*meter)->hold(chat()); }).said, HasSubstr("stopping"));
    }
    const auto verdict = bench.verdict();
    EXPECT_TRUE(verdict.good) << verdict.said;
    EXPECT_EQ(verdict.receipts, 100);
    EXPECT_EQ(verdict.checkpoints, 11);
    auto meter = bench.open();
    EXPECT_EQ((*meter)->checkpoint(), note);
    const auto all = (*meter)->list({.projects = {}, .organization = testing::organization, .limit = 1000, .before_index = {}});
    ASSERT_EQ(all.size(), 100u);
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(all[99 - i].leaf, leaves[i]);
    EXPECT_EQ((*meter)->sums(testing::project).input_tokens, 4950);
    EXPECT_EQ(run_once(*meter->meter).index, 100);
    std::size_t segments = 0;
    for (const auto& name : bench.world.disk().list(directory).value()) segments += name.ends_with(".seg");
    EXPECT_GT(segments, 3u) << "the test is about several segments";
}

TEST(Starts, CloseWhatADeadProcessLeftOpen) {
    Bench bench;
    auto meter = bench.open();
    auto hold = (*meter)->hold(chat());
    const auto id = hold.id();
    bench.world.run_for(5s);
    run_once(*meter->meter);
    bench.world.run_for(3s);
    bench.world.disk().crash(SimDisk::Unsynced::kept);
    {
        const auto dropped = std::move(hold);
    }  // writes to a dead disk
    meter.reset();
    bench.world.run_for(24h);
    auto again = bench.open();
    const auto receipt = (*again)->find(id).value();
    EXPECT_EQ(receipt.outcome, Outcome::interrupted);
    EXPECT_EQ(receipt.usage.input_tokens, 0);
    EXPECT_EQ(receipt.cost, Money());
    EXPECT_EQ(receipt.took, 5s) << "it was alive then; of later nothing is known";
    EXPECT_EQ(read_note((*again)->checkpoint())->size, 2u);
    again.reset();
    EXPECT_EQ((*bench.open())->sums(testing::project).runs, 2);
}

TEST(Starts, CutWhatAPowerCutTore) {
    Bench bench;
    {
        auto meter = bench.open();
        run_once(*meter->meter);
        meter->durable();
        run_once(*meter->meter);
    }
    auto& disk = bench.world.disk();
    const auto path = first_segment(bench);
    auto bytes = disk.read_file(path).value();
    bytes.resize(bytes.find_last_not_of('\0') + 1 - 10);  // the last record lacks its end
    ASSERT_TRUE(disk.replace_file(path, bytes));
    EXPECT_TRUE(bench.verdict().good);
    EXPECT_THAT(bench.verdict().said, HasSubstr("torn"));
    auto meter = bench.open();
    EXPECT_EQ((*meter)->sums(testing::project).runs, 2) << "the second was open, and is closed";
    EXPECT_EQ(run_once(*meter->meter).index, 2);
    meter.reset();
    EXPECT_TRUE(bench.verdict().good);
}

TEST(Starts, RefuseADamagedMiddle) {
    Bench bench;
    {
        auto meter = bench.open();
        for (int i = 0; i < 3; ++i) {
            run_once(*meter->meter);
            meter->durable();
        }
        (*meter)->close();
    }
    bench.world.disk().flip_bit(first_segment(bench), 300, 3);
    const auto refused = bench.try_open();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().said, HasSubstr(first_segment(bench) + " at byte "));
    EXPECT_THAT(refused.error().said, HasSubstr("meridian restore"));
}

TEST(Starts, RefuseAnEndThatWasThere) {
    Bench bench;
    {
        auto meter = bench.open();
        for (int i = 0; i < 3; ++i) run_once(*meter->meter);
        (*meter)->close();
    }
    auto& disk = bench.world.disk();
    const auto path = first_segment(bench);
    ASSERT_TRUE(disk.open(path, Disk::Open::write_existing).value()->truncate(1500));
    EXPECT_FALSE(bench.try_open());
    EXPECT_FALSE(bench.verdict().good);
    ASSERT_TRUE(disk.remove(path));
    EXPECT_FALSE(bench.try_open());
    EXPECT_FALSE(bench.verdict().good);
}

TEST(Starts, RefuseAnotherKeysLedger) {
    Bench bench;
    {
        auto meter = bench.open();
        run_once(*meter->meter);
        (*meter)->close();
    }
    bench.key = keys::SigningKey::generate(bench.world.rng());
    const auto refused = bench.try_open();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().said, HasSubstr("key"));
}

TEST(Starts, RefuseASecondMeridian) {
    Bench bench;
    const auto first = bench.open();
    const auto second = bench.try_open();
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().said, HasSubstr("in use by another Meridian"));
}

TEST(Starts, SayWhenTheDirectoryCannotBeWritten) {
    Bench bench;
    for (unsigned call = 0; call < 20; ++call) {
        bench.world.disk().fail_next(DiskError::Kind::read_only, call);
        const auto opened = bench.try_open();
        if (!opened) EXPECT_FALSE(opened.error().said.empty());
    }
    EXPECT_TRUE(bench.try_open());
}

TEST(FullDisks, RefuseNewRunsAndSettleOldOnes) {
    Bench bench;
    auto meter = bench.open();
    bench.world.disk().fill_up(0);
    std::vector<Hold> holds;
    const auto refused = error_of([&] {
        for (;;) holds.push_back((*meter)->hold(chat()));
    });
    EXPECT_EQ(refused.fault, Fault::unavailable);
    EXPECT_THAT(refused.said, HasSubstr("disk is full"));
    ASSERT_GT(holds.size(), 3u);
    for (auto& hold : holds) {
        (*meter)->settle(std::move(hold), {1'000'000, 1'000'000, 0}, Outcome::finished);
        meter->durable();  // each with a checkpoint of its own, the widest use of the room
    }
    const auto count = static_cast<std::int64_t>(holds.size());
    holds.clear();
    EXPECT_EQ((*meter)->sums(testing::project).runs, count);
    bench.world.disk().crash(SimDisk::Unsynced::lost);
    meter.reset();
    meter = bench.open();
    EXPECT_EQ((*meter)->sums(testing::project).runs, count);
    bench.world.disk().fill_up(std::nullopt);
    run_once(*meter->meter);
    meter->durable();
    meter.reset();
    EXPECT_TRUE(bench.verdict().good) << bench.verdict().said;
}

}  // namespace
}  // namespace meridian::metering
