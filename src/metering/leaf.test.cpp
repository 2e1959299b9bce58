#include "metering/leaf.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "base/version.h"
#include "metering/price.h"
#include "metering/record.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

const geography::ZoneFacts here{*geography::Zone::parse("fr-par-1"), std::nullopt};

Receipt example() {
    Receipt r;
    r.id = *RunId::parse("01234567-89ab-7def-8123-456789abcdef");
    r.start = testing::chat();
    r.usage = {10, 20, 3};
    r.started_at = *parse_rfc3339("2026-11-23T19:29:43.932078Z");
    r.took = std::chrono::milliseconds(1500);
    r.ended_at = r.started_at + std::chrono::milliseconds(1500);
    r.cost = cost_of(r.start.price, r.usage);
    return r;
}

TEST(Prices, AreRoundedOnceAndToTheEvenSide) {
    struct Row {
        std::string_view says, in, out;
        std::int64_t in_tokens, out_tokens, nanos;
    };
    const Row rows[] = {
        {"nothing costs nothing", "0.15", "0.35", 0, 0, 0},
        {"a token of a cheap model", "0.15", "0.35", 1, 0, 150},
        {"both directions", "0.15", "0.35", 10, 20, 1500 + 7000},
        {"half a nano goes to the even side", "0.0005", "0", 1, 0, 0},
        {"and so does the next one", "0.0015", "0", 1, 0, 2},
        {"a little over half goes up", "0.000501", "0", 1, 0, 1},
        {"each direction is rounded by itself", "0.0005", "0.0005", 1, 1, 0},
        {"a million tokens cost the price", "3.999999999", "0", 1'000'000, 0, 3'999'999'999},
        {"the most there can be", "4000", "4000", tokens_max, tokens_max, 2 * 4'398'046'511'104'000'000},
    };
    for (const auto& row : rows) {
        const Price price{*Money::parse(row.in), *Money::parse(row.out)};
        ASSERT_TRUE(is_bounded(price)) << row.says;
        EXPECT_EQ(cost_of(price, {row.in_tokens, row.out_tokens, 0}).count(), row.nanos) << row.says;
    }
    EXPECT_FALSE(is_bounded({*Money::parse("4000.000000001"), Money()}));
    EXPECT_FALSE(is_bounded({Money(), *Money::parse("-1")}));
    const auto most = bounded({std::numeric_limits<std::int64_t>::max(), -5, 7});
    EXPECT_EQ(most.input_tokens, tokens_max);
    EXPECT_EQ(most.output_tokens, 0);
    EXPECT_EQ(most.cached_tokens, 7);
}

TEST(Leaves, AreTheseBytes) {
    EXPECT_EQ(
        LeafWriter(here).write(example()),
        R"({"type":"receipt","id":"01234567-89ab-7def-8123-456789abcdef","kind":"chat","outcome":"finished",)"
        R"("principal":"33333333-3333-4333-8333-333333333333","api_key":null,"organization":"11111111-1111-4111-8111-111111111111",)"
        R"("project":"22222222-2222-4222-8222-222222222222","zone":"fr-par-1","place":"undeclared","jurisdiction":"undeclared",)"
        R"("declared_by":null,"declared_at":null,"node":"node-1","model":"smollm2-135m-instruct",)"
        R"("model_digest":"sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",)"
        R"("deployment":"44444444-4444-4444-8444-444444444444","quote":null,"policy":null,)"
        R"("usage":{"input_tokens":10,"output_tokens":20,"cached_tokens":3},)"
        R"("price":{"input_per_million":"0.15","output_per_million":"0.35"},"ceiling":null,)"
        R"("cost_lines":[{"unit":"input_token","quantity":10,"amount":"0.0000015"},)"
        R"({"unit":"output_token","quantity":20,"amount":"0.000007"}],"cost":"0.0000085","currency":"EUR","energy":null,)"
        R"("energy_basis":"unknown","input_commitment":null,"output_commitment":null,"started_at":"2026-11-23T19:29:43.932078Z","ended_at":"2026-11-23T19:29:45.432078Z",)"
        R"("duration_ms":1500,"build":")" +
            std::string(build()) + "\"}");
}

Receipt quantum_example() {
    auto r = example();
    r.start.kind = Kind::quantum_job;
    r.start.model = "EMU-AER-2C-24M";
    r.start.deployment = {};
    r.start.price = {.per_hour = *Money::parse("0.82"), .per_shot = *Money::parse("0.000001"), .per_circuit = *Money::parse("0.3")};
    r.usage = {.milliseconds = 1500, .shots = 3000, .circuits = 3, .energy = Millijoules(42), .energy_basis = EnergyBasis::counter};
    r.cost = cost_of(r.start.price, r.usage);
    return r;
}

TEST(Prices, OfAQuantumJobAddTimeShotsAndCircuits) {
    const auto r = quantum_example();
    EXPECT_EQ(r.cost, *Money::parse("0.903341667"));
    EXPECT_FALSE(is_bounded({.per_shot = Money::nanos(piece_price_max.count() + 1)}));
    const auto most = bounded({.milliseconds = std::numeric_limits<std::int64_t>::max(),
                               .shots = std::numeric_limits<std::int64_t>::max(),
                               .circuits = std::numeric_limits<std::int64_t>::max()});
    EXPECT_GT(cost_of({.per_hour = price_max, .per_shot = piece_price_max, .per_circuit = piece_price_max}, most), Money());
}

TEST(Leaves, OfAQuantumJobAreTheseBytes) {
    const auto leaf = LeafWriter(here).write(quantum_example());
    EXPECT_NE(leaf.find(R"("kind":"quantum_job",)"), std::string::npos);
    EXPECT_NE(leaf.find(R"("deployment":null,"quote":null,"policy":null,"usage":{"milliseconds":1500,"shots":3000,"circuits":3},)"
                        R"("price":{"per_hour":"0.82","per_shot":"0.000001","per_circuit":"0.3"},"ceiling":null,)"
                        R"("cost_lines":[{"unit":"millisecond","quantity":1500,"amount":"0.000341667"},)"
                        R"({"unit":"shot","quantity":3000,"amount":"0.003"},{"unit":"circuit","quantity":3,"amount":"0.9"}],)"
                        R"("cost":"0.903341667","currency":"EUR",)"
                        R"("energy":42,"energy_basis":"counter",)"),
              std::string::npos)
        << leaf;
    const auto read = read_leaf(leaf);
    ASSERT_TRUE(read) << read.error().said;
    EXPECT_EQ(LeafWriter(here).write(*read), leaf);
    EXPECT_EQ(read->usage.shots, 3000);
    std::string payload;
    add_opening(payload, quantum_example().id, quantum_example().start, quantum_example().started_at);
    const auto opening = read_opening(payload);
    ASSERT_TRUE(opening);
    EXPECT_EQ(opening->start.price.per_circuit, *Money::parse("0.3"));
    EXPECT_FALSE(read_opening(payload.substr(0, payload.size() - 1)));
}

TEST(Leaves, OfABookingSayItsTime) {
    auto r = quantum_example();
    r.start.kind = Kind::quantum_booking;
    r.start.model_digest = "";
    r.start.price = {.per_hour = *Money::parse("0.82")};
    r.usage = {.milliseconds = 1'800'000};
    r.cost = cost_of(r.start.price, r.usage);
    const auto leaf = LeafWriter(here).write(r);
    EXPECT_NE(leaf.find(R"("kind":"quantum_booking",)"), std::string::npos);
    EXPECT_NE(leaf.find(R"("cost":"0.41")"), std::string::npos) << leaf;
    EXPECT_LE(leaf.size(), LeafWriter(here).room(r.start));
    const auto read = read_leaf(leaf);
    ASSERT_TRUE(read) << read.error().said;
    EXPECT_EQ(LeafWriter(here).write(*read), leaf);
    std::string payload;
    add_opening(payload, r.id, r.start, r.started_at);
    ASSERT_TRUE(read_opening(payload));
    EXPECT_EQ(read_opening(payload)->start.kind, Kind::quantum_booking);
}

TEST(Leaves, StateThePlaceAsItWasDeclared) {
    auto facts = here;
    facts.declared = geography::Declaration{"Lille \"Nord\", FR", "FR", "Example SA", *parse_rfc3339("2026-01-02T03:04:05Z")};
    const auto json = parse_json(LeafWriter(facts).write(example())).value();
    EXPECT_EQ(view(*text_member(json, "place")), "Lille \"Nord\", FR");
    EXPECT_EQ(view(*text_member(json, "jurisdiction")), "FR");
    EXPECT_EQ(view(*text_member(json, "declared_by")), "Example SA");
    EXPECT_EQ(view(*text_member(json, "declared_at")), "2026-01-02T03:04:05.000000Z");
}

// Ledgers are kept for years, so what was once written is read for ever.
TEST(Leaves, OfMeridian010AreRead) {
    const std::string_view leaf =
        R"({"type":"receipt","id":"01234567-89ab-7def-8123-456789abcdef","kind":"chat","outcome":"finished",)"
        R"("principal":"33333333-3333-4333-8333-333333333333","organization":"11111111-1111-4111-8111-111111111111",)"
        R"("project":"22222222-2222-4222-8222-222222222222","zone":"fr-par-1","place":"undeclared","jurisdiction":"undeclared",)"
        R"("declared_by":null,"declared_at":null,"node":"node-1","model":"a \"name\"",)"
        R"("model_digest":"sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",)"
        R"("deployment":"44444444-4444-4444-8444-444444444444","usage":{"input_tokens":10,"output_tokens":20,"cached_tokens":3},)"
        R"("price":{"input_per_million":"0.15","output_per_million":"0.35"},"cost":"0.0000085","currency":"EUR","energy":null,)"
        R"("energy_basis":"unknown","started_at":"2026-11-23T19:29:43.932078Z","ended_at":"2026-11-23T19:29:45.432078Z",)"
        R"("duration_ms":1500,"build":"meridian/0.1.0"})";
    const auto facts = facts_of(leaf);
    ASSERT_TRUE(facts) << facts.error().said;
    EXPECT_EQ(facts->api_key, "");
    EXPECT_EQ(facts->model, "a \"name\"");
    EXPECT_EQ(facts->started_at, example().started_at);
    const auto read = read_leaf(leaf);
    ASSERT_TRUE(read) << read.error().said;
    EXPECT_TRUE(read->start.quote.is_nil());
    EXPECT_FALSE(read->start.ceiling);
    EXPECT_FALSE(read->commitments.input);
}

TEST(Leaves, SayWhatARunWasHeldTo) {
    auto r = example();
    r.start.api_key = "SCW0123456789ABCDEFG";
    r.start.quote = *QuoteId::parse("55555555-5555-4555-8555-555555555555");
    r.start.policy = "rights/1";
    r.start.price.cached_per_million = Money();
    r.start.ceiling = Money::nanos(8000);
    r.commitments.input = sha256("asked");
    r.commitments.output = sha256("answered");
    r.cost = Cost(r.start.price, r.usage, r.start.ceiling).total();
    EXPECT_EQ(r.cost, Money::nanos(8000));
    const auto leaf = LeafWriter(here).write(r);
    EXPECT_NE(leaf.find(R"("cost_lines":[{"unit":"input_token","quantity":7,"amount":"0.00000105"},)"
                        R"({"unit":"output_token","quantity":20,"amount":"0.000007"},)"
                        R"({"unit":"over_ceiling","quantity":1,"amount":"-0.00000005"}],"cost":"0.000008")"),
              std::string::npos)
        << leaf;
    const auto read = read_leaf(leaf);
    ASSERT_TRUE(read) << read.error().said;
    EXPECT_EQ(LeafWriter(here).write(*read), leaf);
    EXPECT_EQ(facts_of(leaf)->api_key, r.start.api_key);
    std::string payload;
    add_opening(payload, r.id, r.start, r.started_at);
    const auto opening = read_opening(payload);
    ASSERT_TRUE(opening);
    EXPECT_EQ(opening->start.quote, r.start.quote);
    EXPECT_EQ(opening->start.price, r.start.price);
    EXPECT_EQ(opening->start.ceiling, r.start.ceiling);
    EXPECT_EQ(opening->start.api_key, r.start.api_key);
}

TEST(Leaves, OfTheWidestRunFitTheirRoom) {
    auto r = example();
    r.start.kind = Kind::embedding;
    r.start.quote = *QuoteId::parse("55555555-5555-4555-8555-555555555555");
    r.start.api_key = r.start.policy = std::string(1000, '"');
    r.start.price = {price_max, price_max, price_max};
    r.start.ceiling = Money();
    r.commitments.input = r.commitments.output = sha256("x");
    r.usage = bounded({tokens_max, tokens_max, tokens_max / 2});
    r.usage.energy = Millijoules(std::numeric_limits<std::int64_t>::min());
    r.outcome = Outcome::interrupted;
    r.start.model = r.start.model_digest = std::string(1000, '"');
    r.start.node = std::string(1000, '\\');
    r.cost = Money::nanos(std::numeric_limits<std::int64_t>::min());
    r.took = Duration::max();
    tidy(r.start);
    auto facts = here;
    facts.declared = geography::Declaration{std::string(200, '"'), "FR", std::string(200, '"'), r.started_at};
    const LeafWriter writer(facts);
    auto quantum = r;
    quantum.start.kind = Kind::quantum_job;
    quantum.start.price = {.per_hour = price_max, .per_shot = piece_price_max, .per_circuit = piece_price_max};
    quantum.usage = bounded({.milliseconds = milliseconds_max, .shots = pieces_max, .circuits = pieces_max});
    quantum.usage.energy = Millijoules(std::numeric_limits<std::int64_t>::min());
    EXPECT_LE(writer.write(quantum).size(), writer.room(quantum.start));
    const auto leaf = writer.write(r);
    EXPECT_LE(leaf.size(), writer.room(r.start));
    EXPECT_LT(leaf.size(), payload_max);
    EXPECT_TRUE(parse_json(leaf));
}

RC_GTEST_PROP(Leaves, ReadBackWhatWasWritten, (std::string model, std::string digest, std::string node)) {
    auto r = example();
    r.start.model = model;
    r.start.model_digest = digest;
    r.start.node = node;
    tidy(r.start);
    r.usage = bounded({*rc::gen::arbitrary<std::int64_t>(), *rc::gen::arbitrary<std::int64_t>(), 0});
    r.outcome = static_cast<Outcome>(*rc::gen::inRange(0, 4));
    r.cost = cost_of(r.start.price, r.usage);
    const LeafWriter writer(here);
    const auto leaf = writer.write(r);
    RC_ASSERT(leaf.size() <= writer.room(r.start));
    const auto read = read_leaf(leaf);
    RC_ASSERT(read.has_value());
    RC_ASSERT(writer.write(*read) == leaf);
    RC_ASSERT(read->start.model == r.start.model);
    RC_ASSERT(read->usage.input_tokens == r.usage.input_tokens);
    RC_ASSERT(read->cost == r.cost);
}

RC_GTEST_PROP(Openings, ReadBackWhatWasWritten, (std::string model, std::string node)) {
    auto start = testing::chat();
    start.model = model;
    start.node = node;
    if (*rc::gen::arbitrary<bool>()) start.model_digest = *rc::gen::arbitrary<std::string>();
    tidy(start);
    std::string payload;
    add_opening(payload, example().id, start, example().started_at);
    const auto read = read_opening(payload);
    RC_ASSERT(read.has_value());
    std::string again;
    add_opening(again, read->id, read->start, read->at);
    RC_ASSERT(again == payload);
    RC_ASSERT(read->start.model_digest == start.model_digest);
    RC_ASSERT(!read_opening(payload.substr(0, payload.size() - 1)));
    RC_ASSERT(!read_opening(payload + "x"));
}

TEST(Records, WithAChangedBitAreNone) {
    auto record = unsealed();
    record += "payload";
    seal(record, RecordType::receipt, 7);
    ASSERT_TRUE(record_at(record, 0));
    EXPECT_EQ(record_at(record, 0)->sequence, 7u);
    EXPECT_EQ(record_at(record, 0)->end(), record.size());
    for (std::size_t byte = 0; byte < record.size(); ++byte) {
        for (int bit = 0; bit < 8; ++bit) {
            auto changed = record;
            changed[byte] = static_cast<char>(changed[byte] ^ (1 << bit));
            EXPECT_FALSE(record_at(changed, 0)) << byte;
        }
        EXPECT_FALSE(record_at(std::string_view(record).substr(0, byte), 0)) << byte;
    }
    EXPECT_FALSE(record_at(std::string(100, '\0'), 0));
    EXPECT_FALSE(record_at(record, record.size() + 5));
}

}  // namespace
}  // namespace meridian::metering
