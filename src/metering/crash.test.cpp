// Power cuts and failing disks at any moment: what was acknowledged is there afterwards, and every run has one receipt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "metering/testing.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;
using testing::Bench;
using testing::chat;
using testing::directory;
using testing::Running;

using Holds = std::vector<std::unique_ptr<Hold>>;

// A failure that was asked for and did not come does not come any more.
void calm(SimDisk& disk) { disk.fail_next(DiskError::Kind::io, 1'000'000'000); }

// What a schedule knows of the ledger.
struct Known {
    std::set<std::string> opened;
    std::map<std::string, std::string> settled, durable;  // run to leaf
};

class Schedule {
public:
    explicit Schedule(std::uint64_t seed) : bench_(seed), rng_(seed ^ 0x5EED) {}

    void run() {
        for (int life = 0; life < 4; ++life) {
            live();
            check(bench_.open());
            const auto verdict = bench_.verdict();
            ASSERT_TRUE(verdict.good) << verdict.said;
        }
    }

private:
    void live() {
        auto opened = open_under_faults();
        Holds holds;
        for (auto left = rng_.below(60); left > 0; --left) {
            try {
                step(opened, holds);
            } catch (const Error& e) {
                EXPECT_EQ(e.fault, Fault::unavailable) << e.said;
            }
        }
        const SimDisk::Unsynced kinds[] = {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept};
        bench_.world.disk().crash(kinds[rng_.below(3)]);
        holds.clear();
        opened.reset();
        bench_.world.disk().fill_up(std::nullopt);
        calm(bench_.world.disk());
        if (rng_.below(4) == 0) bench_.world.jump_wall_clock(std::chrono::hours(static_cast<int>(rng_.below(48)) - 24));
    }

    std::unique_ptr<Running> open_under_faults() {
        auto& disk = bench_.world.disk();
        if (rng_.below(2) == 0) disk.fail_next(DiskError::Kind::io, static_cast<unsigned>(rng_.below(250)));
        if (auto opened = bench_.try_open()) {
            if (rng_.below(4) == 0) disk.fill_up(rng_.below(40'000));
            return std::move(*opened);
        }
        auto opened = bench_.try_open();  // the failure has passed
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }

    void step(std::unique_ptr<Running>& running, Holds& holds) {
        auto& meter = *running->meter;
        switch (rng_.below(7)) {
            case 0:
            case 1:
                holds.push_back(std::make_unique<Hold>(meter.hold(chat())));
                known_.opened.insert(holds.back()->id().str());
                return;
            case 2:
            case 3: {
                if (holds.empty()) return;
                std::swap(holds.back(), holds[rng_.below(holds.size())]);
                const auto hold = std::move(holds.back());
                holds.pop_back();
                const auto receipt = meter.settle(std::move(*hold), {static_cast<std::int64_t>(rng_.below(1000)), 5, 0}, Outcome::finished);
                known_.settled[receipt.id.str()] = receipt.leaf;
                return;
            }
            case 4: {
                const auto before = known_.settled;
                running->durable();
                known_.durable = before;
                return;
            }
            case 5:
                bench_.world.run_for(std::chrono::milliseconds(rng_.below(120)));
                return;
            case 6:
                if (!holds.empty()) holds.pop_back();
                return;
        }
    }

    void check(std::unique_ptr<Running> running) {
        std::set<std::string> found;
        const auto all = (*running)->list({.projects = {}, .organization = testing::organization, .limit = 100'000, .before_index = {}});
        std::int64_t tokens = 0;
        for (const auto& receipt : all) {
            const auto id = receipt.id.str();
            EXPECT_TRUE(found.insert(id).second) << "two receipts of " << id;
            EXPECT_TRUE(known_.opened.contains(id)) << "a receipt of no run";
            EXPECT_LE(receipt.started_at, receipt.ended_at);
            if (const auto ours = known_.settled.find(id); ours != known_.settled.end() && receipt.outcome != Outcome::interrupted)
                EXPECT_EQ(receipt.leaf, ours->second);
            tokens += receipt.usage.input_tokens;
        }
        for (const auto& [id, leaf] : known_.durable) {
            const auto receipt = (*running)->find(*RunId::parse(id));
            ASSERT_TRUE(receipt) << id << " was acknowledged as durable";
            EXPECT_EQ(receipt->leaf, leaf);
        }
        EXPECT_EQ((*running)->sums(testing::project).runs, static_cast<std::int64_t>(all.size()));
        EXPECT_EQ((*running)->sums(testing::project).input_tokens, tokens);
        // What is there now stays, for the start has committed it.
        known_.settled.clear();
        for (const auto& receipt : all) known_.settled[receipt.id.str()] = receipt.leaf;
        known_.durable = known_.settled;
    }

    Bench bench_;
    SeededRng rng_;
    Known known_;
};

TEST(Crashes, LoseNothingThatWasAcknowledged) {
    const char* wanted = std::getenv("MERIDIAN_SCHEDULES");
    const std::uint64_t count = wanted ? std::strtoull(wanted, nullptr, 10) : 40;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        SCOPED_TRACE(seed);
        Schedule(seed).run();
        if (::testing::Test::HasFailure()) return;
    }
}

// A cut after each number of disk calls of one short story.
TEST(Crashes, AreSurvivedAtEveryWritePoint) {
    for (unsigned call = 0; call < 60; ++call) {
        for (const auto kind : {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept}) {
            SCOPED_TRACE(call);
            Bench bench(call + 1);
            std::string durable;
            bench.world.disk().fail_next(DiskError::Kind::io, call);
            if (auto opened = bench.try_open()) {
                try {
                    testing::run_once(*(*opened)->meter);
                    const auto receipt = testing::run_once(*(*opened)->meter);
                    (*opened)->durable();
                    durable = receipt.id.str();
                    testing::run_once(*(*opened)->meter);
                    (*opened)->meter->close();
                } catch (const Error& e) {
                    EXPECT_EQ(e.fault, Fault::unavailable);
                }
                bench.world.disk().crash(kind);
            } else {
                bench.world.disk().crash(kind);
            }
            calm(bench.world.disk());
            auto again = bench.open();
            if (!durable.empty()) EXPECT_TRUE((*again)->find(*RunId::parse(durable)));
            again.reset();
            EXPECT_TRUE(bench.verdict().good) << bench.verdict().said;
        }
    }
}

TEST(FlippedBits, AreFoundAnywhere) {
    Bench made(3);
    {
        auto running = made.open();
        for (int i = 0; i < 3; ++i) {
            testing::run_once(*running->meter);
            running->durable();
        }
        (*running)->close();
    }
    auto& disk = made.world.disk();
    SeededRng rng(9);
    for (const auto& name : disk.list(directory).value()) {
        const auto path = directory + "/" + name;
        const auto whole = disk.read_file(path).value();
        for (std::size_t byte = 0; byte < whole.size(); byte += 1 + rng.below(8)) {
            const auto bit = static_cast<unsigned>(rng.below(8));
            disk.flip_bit(path, byte, bit);
            EXPECT_FALSE(made.verdict().good) << path << " at byte " << byte << " bit " << bit;
            disk.flip_bit(path, byte, bit);
        }
    }
    EXPECT_TRUE(made.verdict().good);
}

}  // namespace
}  // namespace meridian::metering
