// Quotes through the real store, ledger and routes; what is run and estimated is made up.
#include "metering/quote/quotes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "metering/testing.h"
#include "store/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Answers with what it was told to.
struct Told final : Estimator {
    Task<Estimate> estimate(identity::Caller, ProjectId, QuoteKind, Json request) override {
        if (!request.is_object()) throw Error(Fault::invalid, "The request must be an object.");
        auto made = next;
        made.digest = to_text(request);
        co_return made;
    }
    Estimate next;
};

struct QuoteTest : ::testing::Test {
    testing::Bench bench{21};
    sim::World& world = bench.world;
    std::unique_ptr<testing::Running> running = bench.open();
    std::unique_ptr<store::Store> store = store::open_store(world);
    identity::Bootstrap first = identity::Identity(*store, world.clock(), world.rng()).bootstrap();
    keys::SealingKey key = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    Told told;
    std::optional<Quotes> quotes;
    identity::test::Door door;
    std::optional<http::Router> router;
    geography::Declaration declared{
        .place = "Paris, FR", .jurisdiction = "FR", .operator_name = "us", .declared_at = {}, .node_watts = 100};

    void SetUp() override {
        told.next = {.model = "talk", .digest = "", .offers = {offer(usage_most)}};
        door.caller.organization = first.organization;
        door.caller.project = first.project;
        begin();
    }
    void begin() {
        router.reset();
        quotes.emplace(*store, *running->meter, key, world.clock(), world.rng(), world.pool(), facts());
        for (const auto kind : {QuoteKind::chat, QuoteKind::completion, QuoteKind::embedding, QuoteKind::quantum_job})
            quotes->serve(kind, told);
        quotes->load();
        router.emplace(door);
        add_quote_routes(*router, *quotes);
    }
    [[nodiscard]] geography::ZoneFacts facts() const { return {*geography::Zone::parse("fr-par-1"), declared}; }
    // As after kill -9.
    void restart() {
        quotes.reset();
        running.reset();
        running = bench.open();
        begin();
    }
    static Offer offer(const Usage& most, Price rates = {*Money::parse("0.2"), *Money::parse("0.4")}) {
        Offer made{.zone = "fr-par-1", .node_type = "CPU-2C-8G", .binding = Binding::ceiling, .rates = rates};
        made.interval = interval_of("chat", "talk", "node-1");
        made.work = token_work(most.input_tokens, most.output_tokens);
        made.guess = 0.01;
        price_offer(made, most);
        return made;
    }
    SeenQuote quote(QuoteKind kind = QuoteKind::chat, std::string request = "{}") {
        return world.run(quotes->create(door.caller, {.kind = kind, .project = {}, .request = parse_json(request).value()}));
    }
    SeenQuote get(const QuoteId& id) { return world.run(quotes->get(door.caller, id)); }
    [[nodiscard]] Claim claim(QuoteKind kind = QuoteKind::chat, std::string_view model = "talk", std::string_view digest = "{}") const {
        return {.project = first.project, .kind = kind, .model = model, .digest = digest};
    }
    std::optional<Error> refused(const QuoteId& id, const Claim& by) {
        try {
            quotes->claim(id, by);
            return std::nullopt;
        } catch (const Error& error) {
            return error;
        }
    }
    RunStart start(const QuoteId& id, const Claimed& claimed, Kind kind = Kind::chat) {
        auto made = testing::chat();
        made.kind = kind;
        made.organization = first.organization;
        made.project = first.project;
        made.model = "talk";
        made.price = claimed.price;
        made.ceiling = claimed.ceiling;
        made.quote = id;
        return made;
    }
    Json ask(std::string method, const std::string& target, int status, const std::string& body = "") {
        http::test::WholeExchange exchange(std::move(method), target);
        exchange.asked.body = body;
        world.run(router->handle(exchange));
        EXPECT_EQ(exchange.answered->status, status) << exchange.answered->body;
        return parse_json(exchange.answered->body).value();
    }
    static constexpr Usage usage_most{.input_tokens = 1000, .output_tokens = 500};
};

TEST_F(QuoteTest, SaysTheCo2OfItsEnergyWhereBothAreKnownAndElseNothing) {
    const auto co2 = [&](std::optional<std::uint32_t> watts, std::optional<std::uint32_t> carbon) {
        declared.node_watts = watts, declared.carbon_grams_per_kwh = carbon;
        begin();
        return quote().quote.offers.at(0);
    };
    const auto known = co2(360, 50);
    // 360 W for an hour are 0.36 kWh, which stand for 18 g.
    EXPECT_NEAR(static_cast<double>(*known.co2_milligrams), known.energy->count() / 1000.0 / 360 / 3600 * 18'000, 1);
    EXPECT_EQ(co2(1, 1).co2_milligrams, 1) << "something is never none";
    EXPECT_EQ(co2(360, 0).co2_milligrams, 0) << "as it was declared";
    EXPECT_EQ(co2(360, std::nullopt).co2_milligrams, std::nullopt);
    EXPECT_EQ(co2(std::nullopt, 50).co2_milligrams, std::nullopt) << "of no known energy";
    told.next.offers[0].node_type = "";
    EXPECT_EQ(co2(360, 50).co2_milligrams, std::nullopt) << "of an external endpoint";
    told.next.offers[0].energy = Millijoules(3'600'000'000), told.next.offers[0].zone = "fr-par-2";
    EXPECT_EQ(co2(360, 50).co2_milligrams, std::nullopt) << "of a zone that nobody here declared";
    told.next.offers[0].zone = "fr-par-1";
    EXPECT_EQ(co2(360, 50).co2_milligrams, 50'000) << "a kilowatt hour, as the estimator said";
    const auto seen = ask("POST", "/meridian/v1/quotes", 201, R"({"kind":"chat","request":{"model":"talk"}})");
    EXPECT_EQ(seen.at("offers").at(0).at("co2_milligrams"), 50'000);
    restart();
    EXPECT_EQ(ask("GET", "/meridian/v1/quotes/" + std::string(seen.at("id").as_string()), 200), seen);
}

TEST_F(QuoteTest, SaysPriceEnergyAndTimeAndIsKept) {
    const auto made = ask("POST", "/meridian/v1/quotes", 201, R"({"kind":"chat","request":{"model":"talk"}})");
    EXPECT_EQ(door.asked, "invoke quotes");
    const auto& offer = made.at("offers").at(0);
    EXPECT_EQ(offer.at("binding"), "ceiling");
    EXPECT_EQ(offer.at("price"), "0.0004");
    EXPECT_EQ(offer.at("zone"), "fr-par-1");
    EXPECT_EQ(offer.at("node_type"), "CPU-2C-8G");
    EXPECT_EQ(offer.at("lines").as_array().size(), 2u);
    EXPECT_EQ(offer.at("energy_basis"), "declared_watts");
    EXPECT_TRUE(offer.at("co2_milligrams").is_null());
    EXPECT_EQ(offer.at("seconds").at("learned_from_runs"), 0);
    EXPECT_GT(offer.at("seconds").at("high").as_double(), offer.at("seconds").at("low").as_double());
    EXPECT_EQ(made.at("state"), "open");
    const std::string id(made.at("id").as_string());
    EXPECT_EQ(ask("GET", "/meridian/v1/quotes/" + id, 200), made);
    restart();
    EXPECT_EQ(ask("GET", "/meridian/v1/quotes/" + id, 200), made);
    EXPECT_EQ(ask("GET", "/meridian/v1/quotes", 200).at("quotes").at(0), made);
}

TEST_F(QuoteTest, IsListedInPagesNewestFirstAndOnlyToWhomItBelongs) {
    std::vector<std::string> newest_first;
    for (int i = 0; i < 5; ++i) {
        newest_first.insert(newest_first.begin(), quote().quote.id.str());
        world.run_for(5ms);
    }
    std::vector<std::string> listed;
    std::string token;
    do {
        const auto page = ask("GET", "/meridian/v1/quotes?page_size=2" + (token.empty() ? "" : "&page_token=" + token), 200);
        for (const auto& each : page.at("quotes").as_array()) listed.emplace_back(each.at("id").as_string());
        token = page.at("next_page_token").is_null() ? "" : std::string(page.at("next_page_token").as_string());
    } while (!token.empty());
    EXPECT_EQ(listed, newest_first);
    door.caller.reach = door.caller.sight = identity::Reach::of({ProjectId::random(world.rng())});
    EXPECT_TRUE(ask("GET", "/meridian/v1/quotes", 200).at("quotes").as_array().empty());
    ask("GET", "/meridian/v1/quotes/" + newest_first.front(), 404);
    ask("POST", "/meridian/v1/quotes", 404, R"({"kind":"chat","request":{}})");
}

TEST_F(QuoteTest, RefusesABadBodyWithASentence) {
    const std::pair<std::string, std::string> rows[] = {
        {R"({"request":{}})", "kind"},
        {R"({"kind":"dance","request":{}})", "kind"},
        {R"({"kind":"batch","request":{}})", "no quotes for the kind"},
        {R"({"kind":"chat","request":"hello"})", "must be an object"},
        {R"({"kind":"chat","request":{},"colour":1})", "colour"},
    };
    for (const auto& [body, word] : rows) EXPECT_THAT(to_text(ask("POST", "/meridian/v1/quotes", 400, body)), HasSubstr(word)) << body;
    ask("POST", "/meridian/v1/quotes", 404, R"({"kind":"chat","request":{},"project_id":"99999999-9999-4999-8999-999999999999"})");
    EXPECT_TRUE(ask("GET", "/meridian/v1/quotes", 200).at("quotes").as_array().empty());
}

TEST_F(QuoteTest, IsClaimedByItsRequestAlone) {
    const auto id = quote().quote.id;
    struct Row {
        std::string_view says;
        Claim by;
        Fault fault;
    };
    auto other_project = claim();
    other_project.project = ProjectId::random(world.rng());
    const Row rows[] = {
        {"another project's does not exist", other_project, Fault::not_found},
        {"another kind", claim(QuoteKind::completion), Fault::conflict},
        {"another model", claim(QuoteKind::chat, "write"), Fault::conflict},
        {"another request", claim(QuoteKind::chat, "talk", R"({"a":1})"), Fault::conflict},
    };
    for (const auto& row : rows) {
        const auto error = refused(id, row.by);
        ASSERT_TRUE(error) << row.says;
        EXPECT_EQ(error->fault, row.fault) << row.says;
    }
    EXPECT_EQ(refused(QuoteId::random(world.rng()), claim())->fault, Fault::not_found);
    EXPECT_FALSE(refused(id, claim()));
    const auto again = refused(id, claim());
    EXPECT_EQ(again->fault, Fault::conflict);
    EXPECT_THAT(again->said, HasSubstr("used"));
    EXPECT_EQ(get(id).state, QuoteState::used);
    quotes->release(id);
    EXPECT_EQ(get(id).state, QuoteState::open);
    EXPECT_FALSE(refused(id, claim()));
}

TEST_F(QuoteTest, ExpiresAndSaysSoUntilItIsForgotten) {
    const auto id = quote().quote.id;
    world.run_for(15min - 1ms);
    quotes->release(id);
    {
        const HeldQuote held(*quotes, id, claim());
    }
    world.run_for(1ms);
    EXPECT_EQ(refused(id, claim())->fault, Fault::gone);
    EXPECT_EQ(get(id).state, QuoteState::expired);
    restart();
    EXPECT_EQ(refused(id, claim())->fault, Fault::gone);
    world.run_for(25h);
    quote();
    EXPECT_EQ(refused(id, claim())->fault, Fault::not_found);
}

TEST_F(QuoteTest, IsUsedOnceAlsoByManyAtOnce) {
    const auto id = quote().quote.id;
    std::atomic<int> taken{0}, told_so{0};
    {
        std::vector<std::jthread> all;
        for (int i = 0; i < 8; ++i)
            all.emplace_back([&] {
                for (int k = 0; k < 200; ++k) ++(refused(id, claim()) ? told_so : taken);
            });
    }
    EXPECT_EQ(taken, 1);
    EXPECT_EQ(told_so, 8 * 200 - 1);
}

TEST_F(QuoteTest, StaysUsedAfterARestartWhenItsRunHadBegun) {
    const auto settled = quote().quote.id, open = quote().quote.id, never = quote().quote.id;
    const auto first_run = running->meter->hold(start(settled, quotes->claim(settled, claim()))).id();
    std::optional<Hold> lost(running->meter->hold(start(open, quotes->claim(open, claim()))));
    quotes->claim(never, claim());
    EXPECT_EQ(get(settled).run, first_run) << "a hold that was dropped has its receipt";
    running->durable();
    // The process dies with one run open.
    world.disk().crash(sim::SimDisk::Unsynced::kept);
    lost.reset();  // writes to a dead disk
    router.reset();
    quotes.reset();
    running.reset();
    store.reset();
    running = bench.open();
    store = store::open_store(world);
    begin();
    EXPECT_EQ(refused(settled, claim())->fault, Fault::conflict);
    EXPECT_EQ(refused(open, claim())->fault, Fault::conflict);
    EXPECT_EQ(get(open).state, QuoteState::used);
    EXPECT_FALSE(refused(never, claim())) << "no run of it had begun";
}

TEST_F(QuoteTest, HoldsThePricesThatItWasMadeWith) {
    const auto id = quote().quote.id;
    told.next.offers = {offer(usage_most, {*Money::parse("9"), *Money::parse("9")})};
    const auto claimed = quotes->claim(id, claim());
    EXPECT_EQ(claimed.price.input_per_million.str(), "0.2");
    EXPECT_EQ(claimed.ceiling.str(), "0.0004");
}

// Each kind, under random rates and usage: never dearer than quoted, and the same where the quote says exact.
TEST_F(QuoteTest, IsNeverLessThanTheBill) {
    const auto upto = [&](std::int64_t most) { return static_cast<std::int64_t>(world.rng().below(static_cast<std::uint64_t>(most) + 1)); };
    const std::pair<QuoteKind, Kind> kinds[] = {{QuoteKind::chat, Kind::chat},
                                                {QuoteKind::completion, Kind::completion},
                                                {QuoteKind::embedding, Kind::embedding},
                                                {QuoteKind::quantum_job, Kind::quantum_job}};
    for (const auto& [kind, run_kind] : kinds) {
        int exact = 0;
        for (int i = 0; i < 1000; ++i) {
            const auto rate = [&] { return Money::nanos(upto(3'000'000'000)); };
            Price rates;
            Usage most;
            const bool is_exact = upto(1) == 1;
            if (is_by_token(run_kind)) {
                rates = {.input_per_million = rate(), .output_per_million = is_exact ? Money() : rate()};
                if (upto(2) == 0 && !is_exact) rates.cached_per_million = rate();
                most = {.input_tokens = upto(20'000), .output_tokens = upto(4'000)};
            } else {
                rates = {.per_hour = is_exact ? Money() : rate(), .per_shot = Money::nanos(upto(1'000'000)), .per_circuit = rate()};
                most = {.milliseconds = upto(100'000), .shots = upto(10'000), .circuits = upto(50)};
            }
            auto made = offer(most, rates);
            made.binding = is_exact ? Binding::exact : Binding::ceiling;
            told.next.offers = {made};
            const auto quoted = quote(kind).quote;
            auto hold = running->meter->hold(start(quoted.id, quotes->claim(quoted.id, claim(kind)), run_kind));
            // Where the price is exact the quantities that it depends on are known before.
            Usage used = most;
            used.output_tokens = upto(most.output_tokens);
            used.milliseconds = upto(most.milliseconds);
            if (!is_exact) used.input_tokens = upto(most.input_tokens + 10), used.cached_tokens = upto(used.input_tokens);
            world.run_for(1ms);
            const auto receipt = running->meter->settle(std::move(hold), used, Outcome::finished);
            ASSERT_LE(receipt.cost, quoted.offers.front().price) << word(kind) << ' ' << i;
            if (is_exact) ASSERT_EQ(receipt.cost, quoted.offers.front().price) << word(kind) << ' ' << i;
            exact += is_exact ? 1 : 0;
        }
        EXPECT_GT(exact, 300);
    }
}

TEST_F(QuoteTest, LearnsFromReceiptsAlsoAfterARestart) {
    const auto run = [&](Duration length) {
        auto begun = testing::chat();
        begun.model = "talk";
        auto hold = running->meter->hold(begun);
        world.run_for(length);
        running->meter->settle(std::move(hold), {.input_tokens = 100, .output_tokens = 37}, Outcome::finished);
    };
    for (int i = 0; i < 50; ++i) run(500ms);
    told.next.offers = {offer({.input_tokens = 100, .output_tokens = 37})};
    for (int i = 0; i < 2; ++i) {
        const auto seconds = quote().quote.offers.front().seconds;
        EXPECT_NEAR(seconds.expected, 0.5, 0.02);
        EXPECT_LE(seconds.low, 0.5);
        EXPECT_GE(seconds.high, 0.5);
        EXPECT_EQ(seconds.runs, 50u);
        restart();
    }
}

TEST_F(QuoteTest, AProjectHasSoManyOpenOnes) {
    for (std::size_t i = 0; i < limits::quotes_open_per_project; ++i) quote();
    try {
        quote();
        FAIL() << "one more was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.fault, Fault::quota);
    }
    world.run_for(15min);
    quote();
}

}  // namespace
}  // namespace meridian::metering
