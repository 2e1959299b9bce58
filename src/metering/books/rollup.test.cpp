// The books against sums made the slow way, and what a start makes of them.
#include "metering/books/rollup.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/leaf.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

const Timestamp morning = *parse_rfc3339("2026-11-23T08:00:00Z");

LeafFacts run_at(Timestamp at, std::int64_t nanos = 1) {
    LeafFacts made;
    made.organization = testing::organization;
    made.project = testing::project;
    made.principal = *PrincipalId::parse("33333333-3333-4333-8333-333333333333");
    made.model = "tiny";
    made.usage.input_tokens = 3;
    made.cost = Money::nanos(nanos);
    made.started_at = at;
    made.ended_at = at + 1s;
    return made;
}

TEST(Rollups, CountARunInTheQuarterHourInWhichItBegan) {
    struct Row {
        std::string_view says;
        Timestamp from, to;
        std::int64_t nanos;
    };
    Rollup books;
    books.add(run_at(morning, 1));
    books.add(run_at(morning + 15min - 1us, 10));
    books.add(run_at(morning + 15min, 100));
    books.add(run_at(morning + 24h, 1000));
    books.add(run_at(Timestamp(-1us), 10'000));
    const Row rows[] = {
        {"its quarter", morning, morning + 15min, 11},
        {"the next one", morning + 15min, morning + 30min, 100},
        {"both", morning, morning + 30min, 111},
        {"a span inside a quarter is that quarter", morning + 1min, morning + 2min, 11},
        {"a span over an edge has both quarters", morning + 14min, morning + 16min, 111},
        {"nothing before", morning - 15min, morning, 0},
        {"nothing after", morning + 24h + 15min, morning + 48h, 0},
        {"a day and a quarter", morning, morning + 24h + 15min, 1111},
        {"the day between", morning + 15min, morning + 24h, 100},
        {"a span that ends before it begins", morning + 30min, morning, 0},
        {"before 1970", Timestamp(-15min), Timestamp(0s), 10'000},
        {"everything", Timestamp(-24h), morning + 48h, 11'111},
    };
    for (const auto& row : rows) EXPECT_EQ(books.spent(testing::project, row.from, row.to).count(), row.nanos) << row.says;
}

TEST(Rollups, KnowEveryScopeOfARunAndNoOther) {
    SeededRng rng(3);
    Rollup books;
    auto run = run_at(morning, 7);
    run.api_key = "SCWAAAAAAAAAAAAAAAAA";
    books.add(run);
    run.api_key.clear();
    run.principal = PrincipalId::random(rng);
    books.add(run);
    const auto spent = [&](const Scope& scope) { return books.spent(scope, morning, morning + 15min).count(); };
    EXPECT_EQ(spent(run.organization), 14);
    EXPECT_EQ(spent(run.project), 14);
    EXPECT_EQ(spent(run.principal), 7);
    EXPECT_EQ(spent(AccessKey{"SCWAAAAAAAAAAAAAAAAA"}), 7);
    EXPECT_EQ(spent(AccessKey{""}), 0);
    EXPECT_EQ(spent(AccessKey{"SCWBBBBBBBBBBBBBBBBB"}), 0);
    EXPECT_EQ(spent(OrganizationId(run.project.uuid())), 0);
}

TEST(Rollups, SayWhatNobodyMeasured) {
    Rollup books;
    auto run = run_at(morning);
    books.add(run);
    run.usage.energy = Millijoules(40);
    books.add(run);
    const auto rows = books.usage({testing::organization, {morning, morning + 1h}});
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].totals.runs, 2);
    EXPECT_EQ(rows[0].totals.runs_without_energy, 1);
    EXPECT_EQ(rows[0].totals.energy, Millijoules(40));
    EXPECT_EQ(rows[0].totals.used[0], 6);
    EXPECT_EQ(rows[0].model, "tiny");
}

// A sum that Money cannot hold refuses everybody rather than nobody.
TEST(Rollups, AnswerTheMostThereIsWhenCostsLeaveMoney) {
    Rollup books;
    for (int i = 0; i < 3; ++i) books.add(run_at(morning + i * 24h, 8'000'000'000'000'000'000));
    const auto most = Money::nanos(std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(books.spent(testing::project, morning, morning + 72h), most);
    EXPECT_EQ(books.usage({testing::project, {morning, morning + 72h}}).at(0).totals.cost, most);
}

// Small worlds, so that runs meet in series, days and quarters, and come late.
LeafFacts any_run() {
    using namespace rc;
    auto run = run_at(morning + 5min * *gen::inRange(-700, 700), *gen::inRange<std::int64_t>(0, 1'000'000'000'000));
    run.kind = *gen::element(Kind::chat, Kind::embedding, Kind::quantum_job);
    run.model = *gen::element<std::string>("a", "b", "c");
    run.project = *gen::element(testing::project, ProjectId(Uuid{{1}}));
    run.principal = PrincipalId(Uuid{{static_cast<std::uint8_t>(*gen::inRange(1, 4))}});
    if (*gen::arbitrary<bool>()) run.usage.energy = Millijoules(*gen::inRange(0, 1000));
    for (const auto& quantity : quantities()) run.usage.*quantity.member = *gen::inRange(0, 100);
    return run;
}

RC_GTEST_PROP(Rollups, AgreeWithTheSumOfTheReceipts, ()) {
    std::vector<LeafFacts> runs(*rc::gen::inRange<std::size_t>(0, 120));
    Rollup books;
    for (auto& run : runs) books.add(run = any_run());
    std::vector<Timestamp> edges;
    for (const auto quarter : *rc::gen::container<std::set<int>>(rc::gen::inRange(-300, 300))) edges.push_back(morning + quarter * 15min);
    if (edges.size() < 2) return;

    const Scope scopes[] = {testing::organization, testing::project, PrincipalId(Uuid{{2}})};
    for (const auto& scope : scopes) {
        const auto is_in = [&](const LeafFacts& run) {
            return scope == Scope(run.organization) || scope == Scope(run.project) || scope == Scope(run.principal);
        };
        std::vector<Totals> answered(edges.size() - 1), expected(edges.size() - 1);
        for (const auto& row : books.usage({scope, edges})) answered[row.period] += row.totals;
        for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
            for (const auto& run : runs) {
                if (!is_in(run) || run.started_at < edges[i] || run.started_at >= edges[i + 1]) continue;
                Totals one;
                one.runs = 1;
                one.runs_without_energy = !run.usage.energy;
                one.energy = run.usage.energy.value_or(Millijoules());
                one.cost = run.cost;
                for (std::size_t q = 0; q < quantity_count; ++q)
                    if (quantities()[q].is_of_tokens == is_by_token(run.kind)) one.used[q] = run.usage.*quantities()[q].member;
                expected[i] += one;
            }
            RC_ASSERT(answered[i] == expected[i]);
            RC_ASSERT(books.spent(scope, edges[i], edges[i + 1]) == expected[i].cost);
        }
    }
}

TEST(Rollups, AreTheSameAfterARestart) {
    testing::Bench bench;
    auto meter = bench.open();
    auto quantum = testing::chat();
    quantum.kind = Kind::quantum_job;
    quantum.model = "a \"quoted\\ name";
    quantum.price = {.per_hour = *Money::parse("3.6")};
    for (int i = 0; i < 40; ++i) {
        testing::run_once(*meter->meter, {i, 2 * i, 0});
        auto hold = (*meter)->hold(quantum);
        bench.world.run_for(13min);
        Usage usage{.milliseconds = 1000 * i};
        if (i % 3 == 0) usage.energy = Millijoules(i);
        (*meter)->settle(std::move(hold), usage, Outcome::finished);
    }
    const auto at = bench.world.clock().now();
    const UsageQuery query{testing::organization, {at - 24h, at - 5h, at - 1h, at + 1h}};
    const auto before = (*meter)->usage(query);
    const auto spent = (*meter)->spent(testing::project, at - 24h, at + 1h);
    std::int64_t runs = 0, cost = 0;
    for (const auto& row : before) runs += row.totals.runs, cost += row.totals.cost.count();
    EXPECT_EQ(runs, 80);
    EXPECT_EQ(cost, spent.count());
    EXPECT_EQ(spent, (*meter)->sums(testing::project).cost);
    meter.reset();

    meter = bench.open();
    const auto after = (*meter)->usage(query);
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        EXPECT_EQ(after[i].model, before[i].model);
        EXPECT_EQ(after[i].kind, before[i].kind);
        EXPECT_EQ(after[i].period, before[i].period);
        EXPECT_EQ(after[i].totals, before[i].totals);
    }
    EXPECT_EQ((*meter)->spent(testing::project, at - 24h, at + 1h), spent);
}

}  // namespace
}  // namespace meridian::metering
