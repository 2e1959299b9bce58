// Reserve and settle under four budgets each, at a steady rate: the goal is a p99 below 20 us at 50,000 runs a second on two cores.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <thread>

#include "metering/bench.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

constexpr std::size_t runs = 250'000;  // of each thread
constexpr unsigned threads = 2;

struct Ledger : testing::RealLedger {
    void add_budgets() {
        const auto start = run();
        std::vector<Budget> all;
        const std::pair<ScopeKind, std::string> scopes[] = {{ScopeKind::organization, start.organization.str()},
                                                            {ScopeKind::project, start.project.str()},
                                                            {ScopeKind::user, start.principal.str()},
                                                            {ScopeKind::api_key, start.api_key}};
        for (const auto& [scope, id] : scopes) {
            Budget made;
            made.id = BudgetId::random(rng);
            made.organization = start.organization;
            made.scope = scope;
            made.scope_id = id;
            made.limit = budget_max;
            all.push_back(made);
        }
        meter->know_budgets(all);
        const auto now = clock.now();
        for (const auto& budget : all)
            meter->lend({budget.id, TimeZone::utc().month_of(now).from, budget_max, {}, now + std::chrono::hours(1)});
    }
    static RunStart run() {
        auto start = testing::chat();
        start.api_key = "SCW0123456789ABCDEFG";
        start.ceiling = Money::nanos(100'000);
        return start;
    }
};

// Each thread begins a run every `threads / rate` seconds; one that is late begins the next at once. Nanoseconds of each. A thread
// without a run leaves its core to the committer, as an event loop does.
std::vector<std::int64_t> paced(Meter& meter, double rate) {
    using clock = std::chrono::steady_clock;
    const auto start = Ledger::run();
    const auto gap = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * threads / rate));
    std::vector<std::int64_t> took;
    took.reserve(runs);
    auto due = clock::now();
    for (std::size_t i = 0; i < runs; ++i, due += gap) {
        while (clock::now() < due) std::this_thread::yield();
        const auto begun = clock::now();
        auto hold = meter.hold(start);
        meter.settle(std::move(hold), {10, 20, 0}, Outcome::finished);
        took.push_back(std::chrono::nanoseconds(clock::now() - begun).count());
    }
    return took;
}

void reserve_and_settle(benchmark::State& state) {
    const auto rate = static_cast<double>(state.range(0));
    for (auto _ : state) {
        Ledger ledger;
        ledger.add_budgets();
        std::vector<std::vector<std::int64_t>> took(threads);
        const auto begun = std::chrono::steady_clock::now();
        {
            std::vector<std::jthread> all;
            for (auto& each : took) all.emplace_back([&each, &ledger, rate] { each = paced(*ledger.meter, rate); });
        }
        const std::chrono::duration<double> length = std::chrono::steady_clock::now() - begun;
        std::vector<std::int64_t> every;
        for (const auto& each : took) every.insert(every.end(), each.begin(), each.end());
        std::ranges::sort(every);
        const auto at = [&](double share) {
            return static_cast<double>(every[static_cast<std::size_t>(share * (every.size() - 1.0))]) / 1e3;
        };
        state.counters["runs_s"] = static_cast<double>(every.size()) / length.count();
        state.counters["p50_us"] = at(0.5);
        state.counters["p99_us"] = at(0.99);
        state.counters["p999_us"] = at(0.999);
    }
}
BENCHMARK(reserve_and_settle)->Arg(20'000)->Arg(50'000)->Iterations(1)->Unit(benchmark::kSecond)->UseRealTime();

}  // namespace
}  // namespace meridian::metering
