// Calls that were refused: in the log with who asked for what, within their bound, through the real router and authorizer.
#include "metering/books/refusals.h"

#include <gtest/gtest.h>

#include "http/exchange.test.h"
#include "metering/books/books.h"
#include "metering/testing.h"
#include "store/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

AdminEvent refusal(std::uint8_t principal, Timestamp at = {}) {
    AdminEvent made;
    made.id = EventId(Uuid{{principal, 1}});
    made.at = at;
    made.organization = testing::organization;
    if (principal) made.principal = PrincipalId(Uuid{{principal}});
    made.operation = "DeleteModel";
    made.resource_type = "models";
    made.is_refused = true;
    return made;
}

TEST(RefusalTallies, TellSomeOfEachPrincipalAndCountTheRest) {
    RefusalTally tally;
    std::size_t told = 0;
    const auto at = [](int i) { return Timestamp(std::chrono::seconds(1'800'000'000 + i)); };
    for (int i = 0; i < 25; ++i) told += tally.tells(refusal(1, at(i)), Steady(1s * i)) ? 1 : 0;
    EXPECT_EQ(told, limits::refusals_told);
    EXPECT_TRUE(tally.tells(refusal(2), Steady(59s))) << "another's are told as before";
    EXPECT_TRUE(tally.over(Steady(59s)).empty());
    const auto over = tally.over(Steady(60s));
    ASSERT_EQ(over.size(), 1u);
    EXPECT_EQ(over[0].principal, PrincipalId(Uuid{{1}}));
    EXPECT_TRUE(over[0].is_refused);
    EXPECT_EQ(over[0].details.at("more").as_int64(), 15);
    EXPECT_EQ(over[0].details.at("from"), Json(rfc3339(at(10))));
    EXPECT_EQ(over[0].details.at("to"), Json(rfc3339(at(24))));
    EXPECT_TRUE(read_event(event_leaf(over[0], "fr-par-1")));
    EXPECT_TRUE(tally.tells(refusal(1), Steady(61s))) << "a new window";
    EXPECT_TRUE(tally.over(Steady(10min)).empty()) << "what was told is not told again";
}

TEST(RefusalTallies, CountPrincipalsBeyondTheirNumberTogether) {
    RefusalTally tally;
    for (std::size_t i = 0; i < limits::refusal_principals; ++i) {
        auto one = refusal(0);
        one.principal = PrincipalId(Uuid{{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8), 1}});
        EXPECT_TRUE(tally.tells(one, Steady()));
    }
    std::size_t told = 0;
    for (int i = 0; i < 100; ++i) {
        auto one = refusal(0);
        one.principal = PrincipalId(Uuid{{static_cast<std::uint8_t>(i), 0, 0, 7}});
        told += tally.tells(one, Steady()) ? 1 : 0;
    }
    EXPECT_EQ(told, limits::refusals_told);
    const auto all = tally.all();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_FALSE(all[0].principal) << "nobody's alone";
    EXPECT_EQ(all[0].details.at("more").as_int64(), 90);
}

struct RefusedCalls : ::testing::Test {
    testing::Bench bench{31};
    sim::World& world = bench.world;
    std::unique_ptr<store::Store> store = store::open_store(world);
    identity::Identity identity{*store, world.clock(), world.rng()};
    identity::Bootstrap first = identity.bootstrap();
    std::string observer = identity.create_key_now(identity::Role::observer, "looks on").secret;
    std::unique_ptr<testing::Running> meter = bench.open();
    Refusals refusals{*meter->meter, world.pool(), world.clock(), world.rng()};
    RecordingDoor door{identity.authorizer(), refusals};
    http::Router router{door};
    std::optional<TaskGroup> tasks;

    void SetUp() override {
        add_book_routes(router, {.meter = *meter->meter,
                                 .identity = identity,
                                 .pool = world.pool(),
                                 .clock = world.clock(),
                                 .zone = {*geography::Zone::parse("fr-par-1"), std::nullopt}});
        const auto add = [&](std::string method, std::string pattern, http::Permission may, std::string id, http::Handler handler = ok) {
            router.add({std::move(method),
                        std::move(pattern),
                        std::move(may),
                        http::Dialect::meridian,
                        std::move(handler),
                        {.id = std::move(id), .summary = "", .tag = "things"}});
        };
        add("DELETE", "/zones/{zone}/models/{name}", {"remove", "models"}, "DeleteModel");
        add("POST", "/keys", {"create", "keys"}, "CreateKey");
        add("GET", "/backup", {"admin", "system"}, "LookAtBackup");
        add("POST", "/chat", {"invoke", "inference"}, "Chat");
        add("POST", "/sessions", {"invoke", "quantum"}, "CreateSession");
        add("POST", "/within", {"read", "models"}, "ChangeWithin");
        add("POST", "/limits", {"invoke", "quotes"}, "Denied", denied);
        add("PUT", "/projects/{id}", {"update", "projects"}, "UpdateProject", denied);
        tasks.emplace(world.executor());
        tasks->spawn("refused calls", refusals.run());
    }
    void TearDown() override { stop(); }
    void stop() {
        if (!tasks) return;
        world.run(refusals.end());
        tasks->cancel();
        world.run(tasks->join());
        tasks.reset();
    }
    static Task<> ok(http::Exchange& exchange) { co_await exchange.answer({200, {}, "ok"}); }
    static Task<> denied(http::Exchange&) {
        throw Error(Fault::denied, "A key for one project cannot do this.");
        co_return;
    }
    int call(std::string method, const std::string& target, const std::string& secret) {
        http::test::WholeExchange exchange(std::move(method), target);
        exchange.asked.headers.add("X-Auth-Token", secret);
        exchange.asked.headers.add("User-Agent", "curl\x01");
        exchange.asked.peer = "192.0.2.7:4711";
        world.run(router.handle(exchange));
        answered = exchange.answered->body;
        return exchange.answered->status;
    }
    Json ask(const std::string& target) {
        EXPECT_EQ(call("GET", target, first.first_key->secret), 200) << answered;
        return parse_json(answered).value();
    }
    std::vector<AdminEvent> all() {
        world.run_for(1s);
        return (*meter)->events({.organization = first.organization, .limit = 1000}).events;
    }
    std::string answered;
};

TEST_F(RefusedCalls, AreEventsWhereTheyWouldHaveChangedSomething) {
    EXPECT_EQ(call("GET", "/backup", observer), 403);
    EXPECT_EQ(call("POST", "/chat", observer), 403);
    EXPECT_EQ(call("POST", "/within", observer), 200);
    EXPECT_EQ(call("POST", "/keys", "nobody's"), 401);
    EXPECT_EQ(call("POST", "/limits", first.first_key->secret), 403) << "a use";
    EXPECT_TRUE(all().empty()) << "reads, uses and strangers";
    EXPECT_EQ(call("DELETE", "/zones/fr-par-1/models/tiny%0A", observer), 403);
    const auto found = all();
    ASSERT_EQ(found.size(), 1u);
    const auto& event = found[0];
    EXPECT_TRUE(event.is_refused);
    EXPECT_EQ(event.operation, "DeleteModel");
    EXPECT_EQ(event.product, "things");
    EXPECT_EQ(event.resource_type, "models");
    EXPECT_EQ(event.resource, "tiny?") << "the last thing that the path names, as far as it prints";
    EXPECT_EQ(event.address, "192.0.2.7");
    EXPECT_EQ(event.user_agent, "curl?");
    EXPECT_TRUE(event.principal && event.api_key.starts_with("SCW"));
    EXPECT_FALSE(event.before || event.after);
    EXPECT_NE(event.leaf.find(R"("outcome":"refused")"), std::string::npos) << event.leaf;
    EXPECT_NE(event.leaf.find(R"("status":403)"), std::string::npos) << event.leaf;
    EXPECT_EQ(call("POST", "/sessions", observer), 403);
    EXPECT_EQ(call("POST", "/keys", observer), 403);
    EXPECT_EQ(call("PUT", "/projects/p", first.first_key->secret), 403) << "denied by the handler";
    std::string types;
    for (const auto& each : all()) types += each.resource_type + ":" + each.resource + " ";
    EXPECT_EQ(types, "projects:p api_keys: quantum: models:tiny? ");
}

TEST_F(RefusedCalls, OfAHostileCallerDoNotFillTheLog) {
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(call("POST", "/keys", observer), 403);
    EXPECT_EQ(all().size(), limits::refusals_told);
    world.run_for(3min);
    const auto found = all();
    ASSERT_EQ(found.size(), limits::refusals_told + 1);
    EXPECT_EQ(found[0].details.at("more").as_int64(), 1000 - static_cast<std::int64_t>(limits::refusals_told));
    for (int i = 0; i < 15; ++i) call("POST", "/keys", observer);
    stop();
    EXPECT_EQ(all().size(), 2 * (limits::refusals_told + 1)) << "a clean stop says what was counted until then";
}

TEST_F(RefusedCalls, WaitForADiskThatIsFull) {
    world.disk().fill_up(0);
    std::size_t before = 0;
    try {
        for (std::uint8_t i = 1; i < 250; ++i, ++before) {
            auto one = refusal(i, world.clock().now());
            one.organization = first.organization;
            (*meter)->log_event(one);
        }
    } catch (const Error& error) {
        EXPECT_EQ(error.fault, Fault::unavailable);
    }
    ASSERT_LT(before, 249u) << "the room that was taken ahead is used up";
    for (int i = 0; i < 3; ++i) EXPECT_EQ(call("POST", "/keys", observer), 403);
    EXPECT_EQ(all().size(), before);
    world.disk().fill_up(std::nullopt);
    world.run_for(3min);
    EXPECT_EQ(all().size(), before + 3);
}

TEST_F(RefusedCalls, AreInBothListsWithTheirOutcome) {
    call("POST", "/keys", observer);
    AdminEvent done = refusal(3, world.clock().now());
    done.organization = first.organization;
    done.is_refused = false;
    done.after = "sha256:00";
    (*meter)->log_event(done);
    EXPECT_EQ(all().size(), 2u);
    const auto count = [&](const std::string& target, const char* key) { return ask(target).at(key).as_array().size(); };
    EXPECT_EQ(count("/meridian/v1/changes", "changes"), 2u);
    EXPECT_EQ(count("/meridian/v1/changes?outcome=refused", "changes"), 1u);
    EXPECT_EQ(count("/meridian/v1/changes?outcome=done", "changes"), 1u);
    EXPECT_EQ(call("GET", "/meridian/v1/changes?outcome=maybe", first.first_key->secret), 400);
    const std::string trail = "/audit-trail/v1alpha1/regions/fr-par/events";
    EXPECT_EQ(count(trail, "events"), 2u);
    EXPECT_EQ(count(trail + "?status=200", "events"), 1u);
    EXPECT_EQ(count(trail + "?status=404", "events"), 0u);
    const auto refused = ask(trail + "?status=403").at("events").at(0);
    EXPECT_EQ(refused.at("status_code").as_int64(), 403);
    EXPECT_EQ(refused.at("method_name"), Json("CreateKey"));
    EXPECT_EQ(refused.at("resources").at(0).at("type"), Json("iam_api_key"));
    for (const auto* nothing : {"created_at", "updated_at", "deleted_at", "action"})
        EXPECT_TRUE(refused.at("resources").at(0).at(nothing).is_null()) << nothing;
}

}  // namespace
}  // namespace meridian::metering
