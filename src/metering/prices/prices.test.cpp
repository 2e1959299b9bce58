// Which price holds where and when, through the real store and routes.
#include "metering/prices/prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "metering/price.h"
#include "metering/testing.h"
#include "store/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Timestamp at(std::string_view text) { return parse_rfc3339(text).value(); }
Money eur(std::string_view text) { return Money::parse(text).value(); }

PriceEntry entry(std::string sku, Unit unit, std::string_view euros, std::int64_t per = 1) {
    return {.sku = std::move(sku), .unit = unit, .rate = eur(euros), .per = per};
}
Hours night(std::string_view zone = "Europe/Paris") { return {22 * 60, 6 * 60, TimeZone::find(zone).value()}; }

TEST(Prices, PreferTheSkuThenTheZoneThenTheTierThenTheNewest) {
    auto any = entry("*", Unit::input_token, "1", 1'000'000);
    auto own = entry("talk", Unit::input_token, "2", 1'000'000);
    auto newer = own, local = own, batch = own, local_night = own;
    newer.rate = eur("3"), newer.valid_from = at("2026-06-01T00:00:00Z");
    local.rate = eur("4"), local.zone = "it-mil-1";
    batch.rate = eur("0.5"), batch.tier = Tier::batch;
    local_night.rate = eur("0.7"), local_night.zone = "it-mil-1", local_night.tier = Tier::off_peak,
    local_night.hours = night("Europe/Rome");
    const PriceBook book({any, own, newer, local, batch, local_night});
    struct Row {
        std::string_view says, sku, zone;
        Tier tier;
        std::string_view when, euros;
    };
    const Row rows[] = {
        {"any sku where none is named", "other", "fr-par-1", Tier::interactive, "2026-07-01T12:00:00Z", "1"},
        {"its own before any", "talk", "fr-par-1", Tier::interactive, "2026-05-01T12:00:00Z", "2"},
        {"until a newer one begins", "talk", "fr-par-1", Tier::interactive, "2026-05-31T23:59:59.999999Z", "2"},
        {"which holds from its first microsecond", "talk", "fr-par-1", Tier::interactive, "2026-06-01T00:00:00Z", "3"},
        {"the zone's before everybody's", "talk", "it-mil-1", Tier::interactive, "2026-07-01T12:00:00Z", "4"},
        {"a batch run has the batch price", "talk", "fr-par-1", Tier::batch, "2026-07-01T12:00:00Z", "0.5"},
        {"the zone goes before the tier", "talk", "it-mil-1", Tier::batch, "2026-07-01T12:00:00Z", "4"},
        {"at night the off-peak price", "talk", "it-mil-1", Tier::interactive, "2026-07-01T21:00:00Z", "0.7"},
        {"nobody asks for off-peak by day", "talk", "it-mil-1", Tier::off_peak, "2026-07-01T12:00:00Z", "4"},
    };
    for (const auto& row : rows) {
        const auto rate = book.rate({.sku = row.sku, .zone = row.zone, .tier = row.tier, .at = at(row.when)}, Unit::input_token);
        EXPECT_EQ(rate, eur(row.euros)) << row.says;
    }
    EXPECT_FALSE(book.rate({.sku = "talk", .zone = "fr-par-1", .tier = Tier::interactive, .at = at("2026-07-01T12:00:00Z")}, Unit::image));
}

TEST(Prices, EndBeforeTheirLastMomentAndFallBackToTheOlder) {
    auto campaign = entry("talk", Unit::output_token, "0.1", 1'000'000);
    campaign.valid_from = at("2026-06-01T00:00:00Z"), campaign.valid_until = at("2026-07-01T00:00:00Z");
    const PriceBook book({entry("talk", Unit::output_token, "1", 1'000'000), campaign});
    const auto price = [&](std::string_view when) {
        return book.find({.sku = "talk", .zone = "fr-par-1", .tier = Tier::interactive, .at = at(when)}, {}).output_per_million;
    };
    EXPECT_EQ(price("2026-05-31T23:59:59.999999Z"), eur("1"));
    EXPECT_EQ(price("2026-06-01T00:00:00Z"), eur("0.1"));
    EXPECT_EQ(price("2026-06-30T23:59:59.999999Z"), eur("0.1"));
    EXPECT_EQ(price("2026-07-01T00:00:00Z"), eur("1"));
}

// In Paris on 29 March 2026 clocks leap from 2:00 to 3:00, and on 25 October 2:00 to 3:00 comes twice.
TEST(Prices, OffPeakHoursAreThoseOfTheClocksThere) {
    const Hours morning{2 * 60 + 30, 3 * 60, TimeZone::find("Europe/Paris").value()};
    struct Row {
        std::string_view says, when;
        bool is_in;
    };
    const Row rows[] = {
        {"on an ordinary day", "2026-03-28T01:30:00Z", true},
        {"its end is not in it", "2026-03-28T02:00:00Z", false},
        {"just before it", "2026-03-28T01:29:59.999999Z", false},
        {"a time that is left out does not come", "2026-03-29T00:59:59Z", false},
        {"the leap lands behind it", "2026-03-29T01:00:00Z", false},
        {"the first of two", "2026-10-25T00:30:00Z", true},
        {"between them", "2026-10-25T01:15:00Z", false},
        {"the second of two", "2026-10-25T01:45:00Z", true},
    };
    for (const auto& row : rows) EXPECT_EQ(morning.contains(at(row.when)), row.is_in) << row.says;
    EXPECT_TRUE(night().contains(at("2026-07-01T20:00:00Z"))) << "22:00 in summer";
    EXPECT_FALSE(night().contains(at("2026-12-01T20:59:59Z"))) << "21:59 in winter";
    EXPECT_TRUE(night().contains(at("2026-12-01T04:59:59Z")));
    EXPECT_FALSE(night().contains(at("2026-12-01T05:00:00Z")));
}

TEST(Prices, AreNeverRounded) {
    EXPECT_EQ(standard_rate(entry("n", Unit::node_second, "0.036", 3600)), eur("0.036"));
    EXPECT_EQ(standard_rate(entry("n", Unit::input_token, "0.000000001")), eur("0.001"));
    EXPECT_FALSE(standard_rate(entry("n", Unit::image, "1", 3)));
    EXPECT_FALSE(standard_rate(entry("n", Unit::input_token, "9000000000", 1)));
    EXPECT_THAT(complaint_about(entry("n", Unit::image, "1", 3)).value_or(""), HasSubstr("whole number of nano-euros"));
}

TEST(Prices, WhatNoEntrySaysIsTheCataloguesOwn) {
    const PriceBook book({entry("talk", Unit::cached_token, "0.01", 1'000'000)});
    const Price own{.input_per_million = eur("0.2"), .output_per_million = eur("0.4")};
    const auto price = book.find({.sku = "talk", .zone = "fr-par-1", .tier = Tier::interactive, .at = at("2026-01-01T00:00:00Z")}, own);
    EXPECT_EQ(price.input_per_million, eur("0.2"));
    EXPECT_EQ(price.cached_per_million, eur("0.01"));
    EXPECT_EQ(cost_of(price, {.input_tokens = 1'000'000, .cached_tokens = 400'000}), eur("0.124"));
    EXPECT_EQ(PriceBook().find({.sku = "talk", .zone = "fr-par-1", .tier = Tier::interactive, .at = Timestamp()}, own), own);
}

TEST(Prices, TheListThatIsShippedSaysWhatIsWrongInIt) {
    const auto said = [](std::string_view json) { return read_price_list(parse_json(json).value()).error().said; };
    EXPECT_THAT(said("[]"), HasSubstr("'prices'"));
    EXPECT_THAT(said(R"({"prices":[{"sku":"a","unit":"image","eur":"1"},{"sku":"a","unit":"fish","eur":"1"}]})"), HasSubstr("prices.1"));
    EXPECT_THAT(said(R"({"prices":[{"sku":"a","unit":"image","eur":"1.0000000001"}]})"), HasSubstr("eur"));
    EXPECT_THAT(said(R"({"prices":[{"sku":"a","unit":"image","eur":"1","tier":"off_peak"}]})"), HasSubstr("hours"));
}

struct PriceApi : ::testing::Test {
    sim::World world{11};
    std::unique_ptr<store::Store> store = store::open_store(world);
    std::optional<Prices> prices{std::in_place,
                                 *store,
                                 world.clock(),
                                 world.rng(),
                                 *geography::Zone::parse("fr-par-1"),
                                 std::vector{entry("*", Unit::node_second, "0.036", 3600)}};
    identity::test::Door door;
    http::Router router{door};

    void SetUp() override {
        prices->load();
        add_price_routes(router, *prices);
        door.caller.organization = testing::organization;
        door.caller.project = testing::project;
    }
    http::Response ask(std::string method, const std::string& body = "", const std::string& query = "") {
        http::test::WholeExchange exchange(std::move(method), "/meridian/v1/prices" + query);
        exchange.asked.body = body;
        world.run(router.handle(exchange));
        return exchange.answered.value();
    }
    Money input_price() { return prices->now("talk", {}).input_per_million; }
};

TEST_F(PriceApi, AddsPricesThatHoldAtOnceOrLaterAndAfterARestart) {
    const auto made = ask("POST", R"({"sku":"talk","unit":"input_token","eur":"0.25","per":1000000})");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(door.asked, "create prices");
    EXPECT_EQ(input_price(), eur("0.25"));
    const auto later = rfc3339(world.clock().now() + 1h);
    ASSERT_EQ(ask("POST", R"({"sku":"talk","unit":"input_token","eur":"0.5","per":1000000,"valid_from":")" + later + "\"}").status, 201);
    EXPECT_EQ(input_price(), eur("0.25"));
    world.run_for(1h);
    EXPECT_EQ(input_price(), eur("0.5"));
    prices.emplace(*store, world.clock(), world.rng(), *geography::Zone::parse("fr-par-1"), std::vector<PriceEntry>());
    prices->load();
    EXPECT_EQ(input_price(), eur("0.5"));
}

TEST_F(PriceApi, ListsThemNewestFirst) {
    ASSERT_EQ(ask("POST", R"({"sku":"talk","unit":"image","eur":"0.02"})").status, 201);
    world.run_for(1s);
    ASSERT_EQ(ask("POST", R"({"sku":"talk","unit":"image","eur":"0.03","tier":"off_peak",)"
                          R"("hours":{"from":"22:00","to":"06:30","time_zone":"Europe/Paris"}})")
                  .status,
              201);
    const auto body = parse_json(ask("GET").body).value();
    EXPECT_EQ(door.asked, "read prices");
    ASSERT_EQ(body.at("total_count"), 3);
    const auto& list = body.at("prices").as_array();
    EXPECT_EQ(list[0].at("eur"), "0.03");
    EXPECT_EQ(list[0].at("hours").at("to"), "06:30");
    EXPECT_EQ(list[0].at("hours").at("time_zone"), "Europe/Paris");
    EXPECT_EQ(list[1].at("eur"), "0.02");
    EXPECT_EQ(list[2].at("shipped"), true);
    EXPECT_EQ(parse_json(ask("GET", "", "?sku=talk").body).value().at("total_count"), 2);
}

TEST_F(PriceApi, RefusesWithASentence) {
    const std::pair<std::string, std::string> rows[] = {
        {R"({"sku":"talk","unit":"image"})", "eur"},
        {R"({"sku":"talk","unit":"image","eur":"-1"})", "not negative"},
        {R"({"sku":"talk","unit":"image","eur":"1","zone":"moon"})", "fr-par-1"},
        {R"({"sku":"talk","unit":"image","eur":"1","tier":"off_peak","hours":{"from":"7","to":"08:00","time_zone":"Europe/Paris"}})",
         "06:30"},
        {R"({"sku":"talk","unit":"image","eur":"1","tier":"off_peak","hours":{"from":"07:00","to":"08:00","time_zone":"Mars/Base"}})",
         "time"},
        {R"({"sku":"talk","unit":"image","eur":"1","valid_from":"2001-01-01T00:00:00Z"})", "past"},
        {R"({"sku":"talk","unit":"image","eur":"1","valid_until":"2001-01-01T00:00:00Z"})", "valid_until"},
        {R"({"sku":"talk","unit":"shot","eur":"11"})", "at most 10"},
        {R"({"sku":"talk","unit":"image","eur":"1","colour":"red"})", "colour"},
    };
    for (const auto& [body, word] : rows) {
        const auto answer = ask("POST", body);
        EXPECT_EQ(answer.status, 400) << body << answer.body;
        EXPECT_THAT(answer.body, HasSubstr(word)) << body;
    }
    EXPECT_EQ(parse_json(ask("GET").body).value().at("total_count"), 1);
}

}  // namespace
}  // namespace meridian::metering
