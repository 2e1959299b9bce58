// The data path of a run: hold and settle, in process, on the real disk's page cache. Expected on two cores of a small virtual
// machine: below 8 us for both together on one thread, and no less throughput on two.
#include <benchmark/benchmark.h>

#include "metering/bench.h"
#include "metering/leaf.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using Ledger = testing::RealLedger;

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
