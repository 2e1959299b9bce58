// A ledger that something happened to while nobody had it open: after every flipped bit and every cut the start either has all that
// was acknowledged, or refuses with a sentence, and never takes something else for it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "metering/log/service.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;
using testing::directory;

// How many bytes apart the damage is at most; MERIDIAN_DAMAGE_STRIDE=1 tries every byte.
std::uint64_t stride() {
    const char* wanted = std::getenv("MERIDIAN_DAMAGE_STRIDE");
    return wanted ? std::max(1ull, std::strtoull(wanted, nullptr, 10)) : 60;
}

enum class End { closed, killed };  // a killed process leaves runs without receipts, and receipts without a checkpoint

struct Damaged : ::testing::TestWithParam<End> {
    testing::Bench bench{31};
    std::map<std::string, std::string> files;
    std::map<RunId, std::string> acknowledged;

    void SetUp() override {
        auto running = bench.open();
        for (int i = 0; i < 12; ++i) {
            const auto receipt = testing::run_once(*running->meter);
            acknowledged[receipt.id] = receipt.leaf;
            if (i % 5 == 0) running->durable();
        }
        running->durable();
        (*running)->log().keep_witnessed((*running)->checkpoint());
        std::optional<Hold> open;
        if (GetParam() == End::closed) {
            (*running)->close();
        } else {
            open.emplace((*running)->hold(testing::chat()));
            for (int i = 0; i < 3; ++i) testing::run_once(*running->meter);
            bench.world.disk().crash(SimDisk::Unsynced::kept);
        }
        open.reset();
        running.reset();
        for (const auto& name : bench.world.disk().list(directory).value())
            files[name] = bench.world.disk().read_file(directory + "/" + name).value();
        files.erase("lock");
    }
    // The ledger with one of its files changed.
    void lay_out(const std::string& name, const std::string& bytes) {
        auto& disk = bench.world.disk();
        for (const auto& each : disk.list(directory).value())
            if (each != "lock") ASSERT_TRUE(disk.remove(directory + "/" + each));
        for (const auto& [each, whole] : files) ASSERT_TRUE(disk.replace_file(directory + "/" + each, each == name ? bytes : whole));
    }
    // Whether it opened.
    bool check(const std::string& what) {
        auto opened = bench.try_open();
        if (!opened) {
            EXPECT_GT(opened.error().said.size(), 30u) << what << ": " << opened.error().said;
            EXPECT_NE(opened.error().said.find(directory), std::string::npos) << what << ": " << opened.error().said;
            return false;
        }
        for (const auto& [id, leaf] : acknowledged) {
            const auto receipt = (**opened)->find(id);
            EXPECT_TRUE(receipt && receipt->leaf == leaf) << what << ": a receipt that was acknowledged is not there";
        }
        (**opened)->close();
        opened->reset();
        EXPECT_TRUE(bench.verdict().good) << what << ": " << bench.verdict().said;
        return true;
    }
};

TEST_P(Damaged, ByOneBit) {
    SeededRng rng(7);
    std::map<std::string, int> refused;
    for (const auto& [name, whole] : files) {
        // Each byte of what is written, and some of the zeros behind it.
        const auto written = whole.find_last_not_of('\0') + 1;
        for (std::size_t byte = 0; byte < whole.size(); byte += byte < written ? 1 + rng.below(stride()) : 500) {
            auto bytes = whole;
            bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << rng.below(8)));
            lay_out(name, bytes);
            refused[name] += !check(fmt::format("{} at byte {}", name, byte));
        }
    }
    EXPECT_GT(refused.at("00000000000000000001.seg"), 200);
    EXPECT_GT(refused.at("witnessed"), 3);
}

TEST_P(Damaged, ByACut) {
    SeededRng rng(8);
    for (const auto& [name, whole] : files) {
        for (std::size_t size = 0; size < whole.size(); size += 1 + rng.below(4 * stride())) {
            lay_out(name, whole.substr(0, size));
            check(fmt::format("{} cut to {} bytes", name, size));
        }
    }
}

TEST_P(Damaged, ByAFileThatIsGone) {
    for (const auto& [name, whole] : files) {
        lay_out(name, whole);
        ASSERT_TRUE(bench.world.disk().remove(directory + "/" + name));
        const bool has_opened = check(name + " is gone");
        // The second segment was begun, and has nothing in it that was acknowledged.
        EXPECT_EQ(has_opened, name != "00000000000000000001.seg") << name;
    }
}

TEST_P(Damaged, ByNothing) {
    lay_out("", "");
    EXPECT_TRUE(check("nothing"));
    const auto running = bench.open();
    const auto second = bench.try_open();
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().said.find("in use by another Meridian"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Ledger, Damaged, ::testing::Values(End::closed, End::killed),
                         [](const auto& which) { return which.param == End::closed ? "Closed" : "Killed"; });

}  // namespace
}  // namespace meridian::metering
