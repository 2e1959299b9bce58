// Several loops settle at once on the real disk while the committer runs and somebody reads.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/real/real.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

Task<> prove(Meter& meter, RunId id, std::string& file) { file = to_text(co_await meter.proof(id)); }

TEST(Threads, ShareOneLedger) {
    const auto directory = std::filesystem::temp_directory_path() / ("meridian-ledger-threads-" + std::to_string(::getpid()));
    constexpr int thread_count = 3, runs_each = 300;
    real::PosixDisk disk;
    real::WallClock clock;
    SystemRng rng;
    {
        real::ThreadPool pool(2);
        const auto key = keys::SigningKey::generate(rng);
        real::Loops loops(2);
        loops.start();
        TaskGroup commits(loops.executor(0));
        auto meter = Meter::open(disk, clock, rng, pool, key, {*geography::Zone::parse("fr-par-1"), std::nullopt},
                                 {.directory = directory.string(), .segment_bytes = 256 << 10, .ahead_bytes = 64 << 10})
                         .value();
        commits.spawn("commits", meter->run_commits());
        std::vector<std::thread> threads;
        for (int t = 0; t < thread_count; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < runs_each; ++i) {
                    auto hold = meter->hold(testing::chat());
                    const auto id = hold.id();
                    EXPECT_FALSE(meter->find(id));
                    const auto receipt = meter->settle(std::move(hold), {1, 2, 0}, Outcome::finished);
                    EXPECT_EQ(meter->find(id).value().leaf, receipt.leaf);
                }
            });
        }
        loops.wait(loops.executor(1), meter->durable());
        for (const auto& receipt : meter->list({.projects = {}, .organization = testing::organization, .limit = 20, .before_index = {}})) {
            std::string file;
            loops.wait(loops.executor(1), prove(*meter, receipt.id, file));
            EXPECT_TRUE(Meter::verify_file(file, meter->verifier_key()).good);
        }
        for (auto& thread : threads) thread.join();
        commits.cancel();
        loops.wait(loops.executor(0), commits.join());
        meter->close();
        EXPECT_EQ(meter->sums(testing::project).runs, thread_count * runs_each);
        EXPECT_EQ(meter->sums(testing::project).output_tokens, 2 * thread_count * runs_each);
    }
    const auto verdict = Meter::verify_directory(disk, directory.string());
    EXPECT_TRUE(verdict.good) << verdict.said;
    EXPECT_EQ(verdict.receipts, thread_count * runs_each);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace meridian::metering
