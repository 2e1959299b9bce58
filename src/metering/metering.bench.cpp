// The data path of a run: hold and settle, in process, on the real disk's page cache. Expected on two cores of a small virtual
// machine: below 8 us for both together on one thread, and no less throughput on two.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/real/real.h"
#include "metering/leaf.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

struct Ledger {
    Ledger() : directory(std::filesystem::temp_directory_path() / fmt::format("meridian-ledger-bench-{}", ::getpid())) {
        log::configure(log::Level::error, log::Form::text);
        loops.start();
        auto opened = Meter::open(disk, clock, rng, pool, key, {*geography::Zone::parse("fr-par-1"), std::nullopt},
                                  {.directory = directory.string()});
        if (!opened) throw std::runtime_error(opened.error().said);
        meter = std::move(*opened);
        commits.spawn("commits", meter->run_commits());
    }
    ~Ledger() {
        commits.cancel();
        loops.wait(loops.executor(0), commits.join());
        meter.reset();
        std::filesystem::remove_all(directory);
    }
    std::filesystem::path directory;
    real::PosixDisk disk;
    real::WallClock clock;
    SystemRng rng;
    real::ThreadPool pool{1};
    keys::SigningKey key = keys::SigningKey::generate(rng);
    real::Loops loops{1};
    std::unique_ptr<Meter> meter;
    TaskGroup commits{loops.executor(0)};
};

std::unique_ptr<Ledger> ledger;

void hold_and_settle(benchmark::State& state) {
    if (state.thread_index() == 0) ledger = std::make_unique<Ledger>();
    const auto start = testing::chat();
    for (auto _ : state) benchmark::DoNotOptimize(ledger->meter->settle(ledger->meter->hold(start), {10, 20, 0}, Outcome::finished));
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) ledger.reset();
}
BENCHMARK(hold_and_settle)->Threads(1)->Threads(2)->UseRealTime();

void write_leaf(benchmark::State& state) {
    const LeafWriter writer({*geography::Zone::parse("fr-par-1"), std::nullopt});
    Receipt receipt;
    receipt.start = testing::chat();
    for (auto _ : state) benchmark::DoNotOptimize(writer.write(receipt));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(write_leaf);

// What a start does for each receipt there is.
void read_facts(benchmark::State& state) {
    Receipt receipt;
    receipt.id = RunId(Uuid{{1}});
    receipt.start = testing::chat();
    const auto leaf = LeafWriter({*geography::Zone::parse("fr-par-1"), std::nullopt}).write(receipt);
    for (auto _ : state) benchmark::DoNotOptimize(facts_of(leaf));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(read_facts);

}  // namespace
}  // namespace meridian::metering
