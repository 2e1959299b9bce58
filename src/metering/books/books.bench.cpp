// What questions to the books cost, over books of 1, 10 and 100 million receipts of 30 days: 20 projects, 500 principals with a key
// each, 8 models. Expected on a small virtual machine, whatever the number of receipts: what a budget asks below 1 us; a month's
// sums of an organization's 4,000 combinations below 20 ms, of a project's 200 below 1 ms; adding a receipt below 1 us.
#include <benchmark/benchmark.h>

#include <memory>

#include "base/rng.h"
#include "metering/books/rollup.h"
#include "metering/leaf.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

constexpr int projects = 20, principals = 500, models = 8;
const Timestamp month = *parse_rfc3339("2026-11-01T00:00:00Z");
constexpr auto length = std::chrono::hours(24 * 30);

Uuid numbered(std::uint8_t what, int number) {
    Uuid made{{what}};
    made.bytes[14] = static_cast<std::uint8_t>(number >> 8);
    made.bytes[15] = static_cast<std::uint8_t>(number);
    return made;
}
const OrganizationId organization(numbered(1, 0));

struct Runs {
    explicit Runs(std::uint64_t count) : count(count), step(Timestamp::duration(length) / static_cast<std::int64_t>(count)) {}
    // In the order of their time, as receipts come.
    const LeafFacts& next() {
        const auto principal = static_cast<int>(rng.below(principals));
        facts.organization = organization;
        facts.project = ProjectId(numbered(2, principal % projects));
        facts.principal = PrincipalId(numbered(3, principal));
        facts.api_key = "SCW" + std::string(14, 'A') + std::to_string(100 + principal);
        facts.model = "a-model-with-a-usual-name-" + std::to_string(rng.below(models));
        facts.usage.input_tokens = static_cast<std::int64_t>(rng.below(4000));
        facts.cost = Money::nanos(static_cast<std::int64_t>(rng.below(1'000'000)));
        facts.started_at = month + step * static_cast<std::int64_t>(made++);
        return facts;
    }
    std::uint64_t count, made = 0;
    Timestamp::duration step;
    SeededRng rng{7};
    LeafFacts facts;
};

// One at a time: the largest takes about a gigabyte.
struct Books {
    std::uint64_t count = 0;
    std::unique_ptr<Rollup> rollup;
} books;

const Rollup& books_of(std::int64_t millions) {
    const auto count = static_cast<std::uint64_t>(millions) * 1'000'000;
    if (books.count == count) return *books.rollup;
    books.rollup.reset();
    books.rollup = std::make_unique<Rollup>();
    for (Runs runs(count); runs.made < count;) books.rollup->add(runs.next());
    books.count = count;
    return *books.rollup;
}

std::vector<Timestamp> days() {
    std::vector<Timestamp> edges;
    for (int i = 0; i <= 30; ++i) edges.push_back(month + i * 24h);
    return edges;
}
const Scope project = ProjectId(numbered(2, 3));

void ask(benchmark::State& state) {
    const auto& rollup = books_of(state.range(0));
    const auto time = [&](const char* name, int times, auto question) {
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < times; ++i) benchmark::DoNotOptimize(question());
        state.counters[name] = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count() / times;
    };
    for (auto _ : state) {
        time("spent_month_us", 100'000, [&] { return rollup.spent(organization, month, month + length); });
        time("spent_key_day_us", 100'000, [&] { return rollup.spent(AccessKey{"SCWAAAAAAAAAAAAAA107"}, month + 240h, month + 264h); });
        time("month_org_us", 20, [&] { return rollup.usage({organization, {month, month + length}}); });
        time("month_project_us", 100, [&] { return rollup.usage({project, {month, month + length}}); });
        time("days_org_us", 2, [&] { return rollup.usage({organization, days()}); });
        time("days_project_us", 20, [&] { return rollup.usage({project, days()}); });
    }
}
BENCHMARK(ask)->Arg(1)->Arg(10)->Arg(100)->Iterations(1)->Unit(benchmark::kMillisecond);

void add_receipt(benchmark::State& state) {
    Rollup rollup;
    Runs runs(10'000'000);
    for (auto _ : state) rollup.add(runs.next());
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(add_receipt)->Iterations(2'000'000);

}  // namespace
}  // namespace meridian::metering
