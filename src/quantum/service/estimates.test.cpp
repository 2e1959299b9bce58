// Jobs that are held to a quote, from the quote to the receipt.
#include "quantum/service/estimates.h"

#include <gmock/gmock.h>

#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using metering::QuoteState;
using sim::SimDisk;
using test::error_of;
using test::House;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const std::string ten_shots = R"({"shots":10})";

struct QuotedJobs : ::testing::Test {
    House house;
    SessionId session = house.open();

    metering::Quotes& quotes() { return *house.life->quotes; }
    Task<metering::SeenQuote> asking(Json request) {
        return quotes().create(house.caller(), {.kind = metering::QuoteKind::quantum_job, .project = {}, .request = std::move(request)});
    }
    QuoteId quote(const std::string& text) { return house.world.run(asking(request(text))).quote.id; }
    Json request(const std::string& text) {
        return JsonObject{{"platform_id", house.quantum().platforms().front().id.str()},
                          {"circuit", JsonObject{{"qiskit_circuit", text}}},
                          {"parameters", JsonObject{{"shots", 10}}}};
    }
    Task<Job> posting(const std::string& text, QuoteId id, std::string parameters = ten_shots) {
        JobWish wish;
        wish.session = session;
        wish.circuit = text;
        wish.parameters = std::move(parameters);
        wish.quote = id;
        return house.quantum().create_job(house.caller(), std::move(wish));
    }
    QuoteState state(const QuoteId& id) { return house.world.run(quotes().get(house.caller(), id)).state; }
};

TEST_F(QuotedJobs, CostNoMoreThanTheirQuoteAndSayItBeforeTheyRun) {
    const auto made = house.world.run(asking(request("run 250"))).quote;
    const auto& offer = made.offers.front();
    EXPECT_EQ(offer.binding, metering::Binding::ceiling);
    EXPECT_EQ(offer.price, *Money::parse("0.0005"));  // at most twice 250 ms at 3.6 an hour
    EXPECT_NEAR(offer.seconds.expected, 0.252, 0.001);
    const auto job = house.world.run(posting("run 250", made.id)).id;
    house.start();
    house.world.run_for(20ms);
    const auto moment = house.quantum().board().find(job);
    ASSERT_TRUE(moment && moment->quote);
    EXPECT_THAT(in_words(*moment->quote), HasSubstr("held to quote " + made.id.str()));
    const auto ended = house.ended(job);
    EXPECT_EQ(ended.state, JobState::completed);
    const auto receipt = house.receipts().front();
    EXPECT_EQ(receipt.start.quote, made.id);
    EXPECT_EQ(receipt.start.ceiling, offer.price);
    EXPECT_LE(receipt.cost, offer.price);
    EXPECT_EQ(state(made.id), QuoteState::used);
}

TEST_F(QuotedJobs, AreTheOnesThatWereQuotedAndOnce) {
    const auto id = quote("run 30");
    EXPECT_EQ(error_of(house.world, posting("run 31", id))->fault, Fault::conflict);
    EXPECT_EQ(error_of(house.world, posting("run 30", id, R"({"shots":11})"))->fault, Fault::conflict);
    EXPECT_EQ(error_of(house.world, posting("run 30", QuoteId::random(house.world.rng())))->fault, Fault::not_found);
    EXPECT_FALSE(error_of(house.world, posting("run 30", id)));
    EXPECT_EQ(error_of(house.world, posting("run 30", id))->fault, Fault::conflict);
}

TEST_F(QuotedJobs, GiveTheirQuoteBackWhenTheyNeverRan) {
    const auto id = quote("run 30");
    const auto job = house.world.run(posting("run 30", id)).id;
    house.world.run(house.quantum().cancel(house.caller(), job));
    house.start();
    EXPECT_EQ(house.ended(job).state, JobState::cancelled);
    EXPECT_EQ(state(id), QuoteState::open);
    const auto next = house.world.run(posting("run 30", id)).id;
    EXPECT_EQ(house.ended(next).state, JobState::completed);
    EXPECT_EQ(state(id), QuoteState::used);
}

TEST_F(QuotedJobs, KeepTheirQuoteOverARestart) {
    const auto id = quote("run 30");
    const auto job = house.world.run(posting("run 30", id)).id;
    house.crash(SimDisk::Unsynced::kept);
    EXPECT_EQ(error_of(house.world, posting("run 30", id))->fault, Fault::conflict);
    EXPECT_EQ(house.ended(job).state, JobState::completed);
    EXPECT_EQ(house.receipts().front().start.quote, id);
    house.crash(SimDisk::Unsynced::kept);
    EXPECT_EQ(error_of(house.world, posting("run 30", id))->fault, Fault::conflict);
}

TEST_F(QuotedJobs, AreRefusedAQuoteWithTheReasonOfTheRun) {
    EXPECT_THAT(error_of(house.world, asking(request("refuse not this one")))->said, HasSubstr("not this one"));
    struct Row {
        std::string_view json;
        Fault fault;
    };
    const Row rows[] = {{R"({"platform_id":"99999999-9999-4999-8999-999999999999","circuit":"run 1"})", Fault::not_found},
                        {R"({"circuit":"run 1"})", Fault::invalid},
                        {R"({"platform_id":"ID"})", Fault::invalid},
                        {R"({"platform_id":"ID","circuit":"run 1","parameters":{}})", Fault::invalid},
                        {R"({"platform_id":"ID","model_id":"99999999-9999-4999-8999-999999999999"})", Fault::not_found}};
    for (const auto& row : rows) {
        std::string text(row.json);
        if (const auto at = text.find("\"ID\""); at != std::string::npos)
            text.replace(at + 1, 2, house.quantum().platforms().front().id.str());
        const auto error = error_of(house.world, asking(parse_json(text).value()));
        ASSERT_TRUE(error) << text;
        EXPECT_EQ(error->fault, row.fault) << text;
    }
}

}  // namespace
}  // namespace meridian::quantum::service
