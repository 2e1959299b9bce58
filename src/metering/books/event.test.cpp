// Changes in the log: every one once, whatever dies between the outbox and the leaf, and none of them in the books.
#include "metering/books/event.h"

#include <gtest/gtest.h>

#include <map>

#include "base/json.h"
#include "metering/books/event_drain.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;
using sim::SimDisk;

const store::Author ada{.who = R"({"principal":"33333333-3333-4333-8333-333333333333","api_key":"SCWAAAAAAAAAAAAAAAAA",)"
                               R"("organization":"11111111-1111-4111-8111-111111111111","operation":"UpdateProject","product":"account",)"
                               R"("address":"192.0.2.7","user_agent":"curl","request":"r-1"})",
                        .columns = {"organization_id", "project_id", "name"}};

std::unique_ptr<store::Store> open_store(sim::World& world) {
    auto opened = store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"});
    if (!opened) throw std::runtime_error(opened.error().said);
    return std::move(*opened);
}

void prepare(store::Store& store) {
    store.write_now([](store::Tx& tx) {
        tx.run("insert into organizations (id, name, created_at, updated_at) values ($1, 'us', 0, 0)", testing::organization);
        tx.run("insert into projects (id, organization_id, name, created_at, updated_at) values ($1, $2, 'p', 0, 0)", testing::project,
               testing::organization);
    });
}
void rename(store::Store& store, const std::string& to) {
    store.write_now(ada, [&](store::Tx& tx) {
        tx.run("update projects set name = $1 where id = $2", to, testing::project);
        tx.changed("projects", testing::project.str());
    });
}
std::map<std::string, int> names_in(Meter& meter) {
    std::map<std::string, int> made;
    for (const auto& event : meter.events({.organization = testing::organization, .limit = 1000}).events) ++made[event.name];
    return made;
}

struct Events : ::testing::Test {
    testing::Bench bench;
    std::unique_ptr<store::Store> store = open_store(bench.world);
    std::unique_ptr<testing::Running> meter = bench.open();

    void SetUp() override { prepare(*store); }
    std::size_t drain() { return bench.world.run(EventDrain(*store, *meter->meter, bench.world.clock()).drain()); }
};

TEST_F(Events, AreLeavesThatSayWhoDidWhatFromWhere) {
    rename(*store, "new");
    EXPECT_EQ(drain(), 1u);
    EXPECT_TRUE(store->outbox("events", 10).empty());
    const auto page = (*meter)->events({.organization = testing::organization});
    ASSERT_EQ(page.events.size(), 1u);
    const auto& event = page.events[0];
    EXPECT_EQ(event.operation, "UpdateProject");
    EXPECT_EQ(event.product, "account");
    EXPECT_EQ(event.resource_type, "projects");
    EXPECT_EQ(event.resource, testing::project.str());
    EXPECT_EQ(event.project, testing::project) << "a project belongs to itself";
    EXPECT_EQ(event.principal->str(), "33333333-3333-4333-8333-333333333333");
    EXPECT_EQ(event.api_key, "SCWAAAAAAAAAAAAAAAAA");
    EXPECT_EQ(event.address, "192.0.2.7");
    EXPECT_EQ(event.name, "new");
    EXPECT_TRUE(event.before && event.after && *event.before != *event.after);
    EXPECT_EQ(event.leaf, event_leaf(event, "fr-par-1"));
    EXPECT_TRUE(event.leaf.starts_with(R"({"type":"event","id":")")) << event.leaf;
}

TEST_F(Events, AreInNoBookAndNoListOfReceipts) {
    const auto receipt = testing::run_once(*meter->meter);
    rename(*store, "new");
    drain();
    testing::run_once(*meter->meter);
    const auto id = (*meter)->events({.organization = testing::organization}).events.at(0).id;
    for (const bool is_restarted : {false, true}) {
        if (is_restarted) meter.reset(), meter = bench.open();
        EXPECT_EQ((*meter)->sums(testing::project).runs, 2);
        const auto at = bench.world.clock().now();
        EXPECT_EQ((*meter)->spent(testing::organization, at - 1h, at + 1h).count(), 2 * receipt.cost.count());
        EXPECT_EQ((*meter)->list({.projects = {}, .organization = testing::organization, .limit = 50, .before_index = {}}).size(), 2u);
        EXPECT_FALSE((*meter)->find(RunId(id.uuid()))) << "an event is no receipt";
        EXPECT_EQ(names_in(*meter->meter), (std::map<std::string, int>{{"new", 1}}));
    }
    meter.reset();
    EXPECT_TRUE(bench.verdict().good) << bench.verdict().said;
}

TEST_F(Events, AreFoundByTheirFilterNewestFirstInPages) {
    for (const auto* name : {"a", "b", "c", "d"}) {
        rename(*store, name);
        bench.world.run_for(1min);
    }
    drain();
    std::string names;
    EventFilter filter{.organization = testing::organization, .limit = 3};
    for (;;) {
        const auto page = (*meter)->events(filter);
        for (const auto& event : page.events) names += event.name;
        if (!page.next_before) break;
        filter.before_index = page.next_before;
    }
    EXPECT_EQ(names, "dcba");
    const auto now = bench.world.clock().now();
    const auto count = [&](EventFilter wanted) {
        wanted.organization = testing::organization;
        return (*meter)->events(wanted).events.size();
    };
    EXPECT_EQ(count({.from = now - 150s}), 2u);
    EXPECT_EQ(count({.to = now - 150s}), 2u);
    EXPECT_EQ(count({.operation = "UpdateProject", .address = "192.0.2.7"}), 4u);
    EXPECT_EQ(count({.operation = "DeleteProject"}), 0u);
    EXPECT_EQ(count({.resource_type = "api_keys"}), 0u);
    EXPECT_EQ(count({.projects = {{ProjectId(Uuid{{9}})}}}), 0u);
    EXPECT_TRUE((*meter)->events({.organization = OrganizationId(Uuid{{9}})}).events.empty());
}

// Lines that the outbox still has although the log has their leaves: what a crash between the two leaves behind.
TEST_F(Events, AreNotWrittenAgainWhenTheOutboxStillHasThem) {
    rename(*store, "new");
    const auto rows = store->outbox("events", 10);
    (*meter)->log_event(event_of(rows.at(0).id, rows.at(0).payload).value());
    EXPECT_EQ(drain(), 1u);
    EXPECT_EQ(names_in(*meter->meter), (std::map<std::string, int>{{"new", 1}}));
}

TEST_F(Events, ComeByThemselvesWhileTheDrainRuns) {
    EventDrain drain(*store, *meter->meter, bench.world.clock());
    TaskGroup tasks(bench.world.executor());
    tasks.spawn("events", drain.run());
    bench.world.run_for(1s);
    rename(*store, "new");
    bench.world.run_for(1s);
    EXPECT_EQ(names_in(*meter->meter).size(), 1u);
    tasks.cancel();
    bench.world.run(tasks.join());
}

// The power fails before every n-th write in turn; afterwards each change that was committed is in the log once.
TEST(EventCrashes, LoseNoChangeAndWriteNoneTwice) {
    for (const auto kind : {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept}) {
        for (unsigned fail_at = 0; fail_at < 40; ++fail_at) {
            testing::Bench bench(fail_at + 1);
            std::map<std::string, int> committed;
            {
                auto store = open_store(bench.world);
                auto meter = bench.open();
                prepare(*store);
                bench.world.disk().fail_next(DiskError::Kind::io, fail_at);
                try {
                    for (const auto* name : {"a", "b", "c"}) {
                        rename(*store, name);
                        committed[name] = 1;
                        bench.world.run(EventDrain(*store, *meter->meter, bench.world.clock()).drain());
                    }
                } catch (const Error&) {  // the disk failed, and now the power does
                }
                bench.world.disk().crash(kind);
                try {
                    meter.reset();
                    store.reset();
                } catch (const Error&) {
                }
            }
            bench.world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
            auto store = open_store(bench.world);
            auto meter = bench.open();
            bench.world.run(EventDrain(*store, *meter->meter, bench.world.clock()).drain());
            const auto found = names_in(*meter->meter);
            for (const auto& [name, times] : committed) EXPECT_TRUE(found.contains(name)) << name << " was lost, failing at " << fail_at;
            for (const auto& [name, times] : found) EXPECT_EQ(times, 1) << name << ", failing at " << fail_at;
            EXPECT_TRUE(store->outbox("events", 10).empty());
        }
    }
}

}  // namespace
}  // namespace meridian::metering
