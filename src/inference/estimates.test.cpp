// Quotes of requests and their runs, through the real gateway, meter and store; the runtime follows a script.
#include "inference/estimates.h"

#include <gmock/gmock.h>

#include "inference/gateway.test.h"
#include "store/store.h"

namespace meridian::inference {
namespace {

using metering::Binding;
using metering::Offer;
using metering::QuoteKind;
using test::answer_text;
using test::answers;
using test::reads;
using test::says;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(RequestBounds, TheSameRequestHasTheSameDigestHoweverItIsWritten) {
    const auto digest = [](std::string_view text) { return digest_of(read_request(Operation::chat, text)); };
    const auto plain = digest(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5})");
    EXPECT_EQ(plain, digest(R"({"max_tokens":5, "messages":[{"content":"hi","role":"user"}], "model":"m", "stream":true, "seed":null})"));
    EXPECT_EQ(
        plain,
        digest(
            R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"user":"u","stream_options":{"include_usage":true}})"));
    EXPECT_NE(plain, digest(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":6})"));
    EXPECT_NE(plain, digest(R"({"model":"m","messages":[{"role":"user","content":"ho"}],"max_tokens":5})"));
    EXPECT_NE(plain, digest(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"n":2})"));
}

TEST(RequestBounds, AreThoseOfTheLargestReading) {
    const auto asked = read_request(Operation::chat, R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5,)"
                                                     R"("max_completion_tokens":9,"n":3})");
    EXPECT_EQ(asked.output_max, 9);
    EXPECT_EQ(asked.choices, 3);
    EXPECT_GT(input_at_most(asked), 100);
    EXPECT_FALSE(read_request(Operation::embedding, R"({"model":"m","input":"x"})").output_max);
}

class QuotedRuns : public test::GatewayTest {
protected:
    void SetUp() override {
        const identity::Bootstrap first = identity::Identity(*store, world.clock(), world.rng()).bootstrap();
        caller.organization = first.organization;
        caller.project = first.project;
        prices.load();
        for (const auto kind : {QuoteKind::chat, QuoteKind::completion, QuoteKind::embedding, QuoteKind::batch, QuoteKind::deployment})
            quotes.serve(kind, estimates);
        quotes.load();
    }
    std::shared_ptr<Served> talking(std::vector<Backend> backends, std::uint32_t context = 2048) {
        auto made = served("talk", std::move(backends));
        made->context = context;
        made->node_type = "CPU-2C-8G";
        return made;
    }
    static Backend counting() {
        auto made = backend("a", "127.0.0.1:9001");
        made.counts_tokens = true;
        made.fresh_for_streams = false;
        return made;
    }
    metering::SeenQuote quote(QuoteKind kind, const std::string& request) {
        return world.run(quotes.create(caller, {.kind = kind, .project = {}, .request = parse_json(request).value()}));
    }
    std::optional<Error> refused(QuoteKind kind, const std::string& request) {
        try {
            quote(kind, request);
            return std::nullopt;
        } catch (const Error& error) {
            return error;
        }
    }
    std::optional<Error> run_by(const QuoteId& id, const std::string& body, Operation operation = Operation::chat) {
        const auto asked = exchange(body);
        asked->request().headers.add("X-Meridian-Quote", id.str());
        try {
            world.run(operation == Operation::chat ? quoted_gateway.chat(*asked) : quoted_gateway.embedding(*asked));
            return std::nullopt;
        } catch (const Error& error) {
            return error;
        }
    }

    static std::unique_ptr<store::Store> opened(sim::World& world) {
        auto made = store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"});
        if (!made) throw std::runtime_error(made.error().said);
        return std::move(*made);
    }
    std::unique_ptr<store::Store> store = opened(world);
    keys::SealingKey key = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    geography::Zone zone = *geography::Zone::parse("fr-par-1");
    metering::Prices prices{*store,
                            world.clock(),
                            world.rng(),
                            zone,
                            {{.sku = "talk",
                              .unit = metering::Unit::output_token,
                              .rate = *Money::parse("0.1"),
                              .per = 1'000'000,
                              .tier = metering::Tier::batch}}};
    metering::Quotes quotes{
        *store, *running->meter, key, world.clock(), world.rng(), world.pool(), {*geography::Zone::parse("fr-par-1"), std::nullopt}};
    Gateway quoted_gateway{serving, *running->meter, world.rng(), [this](const Executor&) -> http::Client& { return client; },
                           &prices, &quotes};
    store::ArtifactStore artifacts{world.disk(), "/data/artifacts"};
    catalog::Catalog catalog{*store, artifacts, world.clock(), world.rng(), world.pool(), key, world.disk(), "models: []"};
    Deployments deployments{*store, catalog, {}, zone, world.clock(), world.rng(), {}};
    Estimates estimates{quoted_gateway, deployments, catalog, prices, [this](const Executor&) -> http::Client& { return client; }};
};

const std::string ask_five = R"({"model":"talk","messages":[{"role":"user","content":"hi"}],"max_tokens":5})";

TEST_F(QuotedRuns, CountTokensWhereTheRuntimeDoes) {
    site("127.0.0.1:9001", {answers(200, R"({"prompt":"<|im_start|>user\nhi<|im_end|>"})"), answers(200, R"({"tokens":[1,2,3,4,5,6,7]})"),
                            answers(200, test::good_body)});
    publish({talking({counting()})});
    const auto made = quote(QuoteKind::chat, ask_five).quote;
    const Offer& offer = made.offers.front();
    EXPECT_EQ(offer.binding, Binding::ceiling);
    EXPECT_EQ(offer.lines.at(0).quantity, 7);
    EXPECT_EQ(offer.lines.at(1).quantity, 5);
    EXPECT_EQ(offer.price, *Money::parse("0.0000028"));  // 7 x 0.15 + 5 x 0.35 for a million
    ASSERT_FALSE(run_by(made.id, R"({"max_tokens":5,"model":"talk","messages":[{"role":"user","content":"hi"}]})"));
    const auto receipt = only_receipt();
    EXPECT_EQ(receipt.start.quote, made.id);
    EXPECT_EQ(receipt.start.ceiling, offer.price);
    EXPECT_LE(receipt.cost, offer.price);
    EXPECT_EQ(run_by(made.id, ask_five)->fault, Fault::conflict) << "once";
}

TEST_F(QuotedRuns, AreBoundedByBytesWhereItDoesNot) {
    publish({talking({backend("a", "127.0.0.1:9001")})});
    const auto five = quote(QuoteKind::chat, ask_five).quote.offers.front();
    EXPECT_GT(five.lines.at(0).quantity, 300);
    EXPECT_LT(five.lines.at(0).quantity, 500);
    const auto open = quote(QuoteKind::chat, test::ask).quote.offers.front();
    EXPECT_EQ(open.lines.at(0).quantity + open.lines.at(1).quantity, 2048) << "the context bounds what has no other bound";
}

TEST_F(QuotedRuns, CostNoMoreThanTheirCeilingWhateverTheRuntimeSays) {
    const auto& many = R"({"id":"x","model":"inner","choices":[{"message":{"role":"assistant","content":"hello"}}],)"
                       R"("usage":{"prompt_tokens":70000,"completion_tokens":90000}})";
    site("127.0.0.1:9001", {answers(200, many)});
    publish({talking({backend("a", "127.0.0.1:9001")})});
    const auto made = quote(QuoteKind::chat, ask_five).quote;
    ASSERT_FALSE(run_by(made.id, ask_five));
    EXPECT_EQ(only_receipt().cost, made.offers.front().price);
}

TEST_F(QuotedRuns, OfEmbeddingsAreExact) {
    site("127.0.0.1:9001", {answers(200, R"({"tokens":[1,2,3,4]})"), answers(200, R"({"tokens":[1,2,3]})"),
                            answers(200, R"({"data":[{"embedding":[0.5],"index":0},{"embedding":[0.5],"index":1}],)"
                                         R"("usage":{"prompt_tokens":7,"total_tokens":7}})")});
    publish({talking({counting()})});
    const std::string body = R"({"model":"talk","input":["one two","three"]})";
    const auto made = quote(QuoteKind::embedding, body).quote;
    EXPECT_EQ(made.offers.front().binding, Binding::exact);
    ASSERT_FALSE(run_by(made.id, body, Operation::embedding));
    EXPECT_EQ(only_receipt().cost, made.offers.front().price);
}

TEST_F(QuotedRuns, AreRefusedForAnotherRequestAndGivenBackWhenTheyCannotBegin) {
    site("127.0.0.1:9001", {answers(200, test::good_body)});
    publish({talking({backend("a", "127.0.0.1:9001")})});
    const auto made = quote(QuoteKind::chat, ask_five).quote;
    EXPECT_EQ(run_by(made.id, test::ask)->fault, Fault::conflict);
    EXPECT_EQ(run_by(QuoteId::random(world.rng()), ask_five)->fault, Fault::not_found);
    running->meter->close();
    EXPECT_EQ(run_by(made.id, ask_five)->fault, Fault::unavailable);
    EXPECT_EQ(world.run(quotes.get(caller, made.id)).state, metering::QuoteState::open);
}

TEST_F(QuotedRuns, OfBatchesAddUpTheirLinesAtTheBatchPrice) {
    publish({talking({backend("a", "127.0.0.1:9001")})});
    const auto sizes = quote(QuoteKind::batch, R"({"model":"talk","requests":[{"count":10,"input_tokens":100,"max_tokens":50},)"
                                               R"({"count":2,"input_tokens":1000,"max_tokens":500}]})");
    const auto& offer = sizes.quote.offers.front();
    EXPECT_EQ(offer.lines.at(0).quantity, 3000);
    EXPECT_EQ(offer.lines.at(1).quantity, 1500);
    EXPECT_EQ(offer.rates.output_per_million, *Money::parse("0.1"));
    const auto line = [](std::string_view id) {
        return fmt::format(R"({{"custom_id":"{}","method":"POST","url":"/v1/chat/completions","body":{}}})", id, ask_five);
    };
    const auto text = to_text(JsonObject{{"jsonl", line("1") + "\n" + line("2") + "\n\n"}});
    EXPECT_EQ(quote(QuoteKind::batch, text).quote.offers.front().lines.at(1).quantity, 10);
}

TEST_F(QuotedRuns, SayWhatIsWrongWithTheRequest) {
    publish({talking({backend("a", "127.0.0.1:9001")})});
    const std::tuple<QuoteKind, std::string, Fault, std::string> rows[] = {
        {QuoteKind::chat, "{}", Fault::invalid, "model"},
        {QuoteKind::chat, R"({"model":"nobody","messages":[{"role":"user","content":"hi"}]})", Fault::not_found, "nobody"},
        {QuoteKind::chat, R"({"model":"talk","messages":[]})", Fault::invalid, "messages"},
        {QuoteKind::batch, R"({"model":"talk"})", Fault::invalid, "jsonl"},
        {QuoteKind::batch, R"({"model":"talk","requests":[{"count":1}]})", Fault::invalid, "input_tokens"},
        {QuoteKind::batch, R"({"model":"talk","requests":[{"count":1000000,"input_tokens":4294967296}]})", Fault::invalid, "too large"},
        {QuoteKind::batch, R"({"jsonl":"\n"})", Fault::invalid, "no request"},
        {QuoteKind::batch, R"({"jsonl":"{}"})", Fault::invalid, "line 1"},
        {QuoteKind::batch, R"({"jsonl":"nonsense"})", Fault::invalid, "line 1"},
        {QuoteKind::deployment, R"({"model":"nobody","hours":1})", Fault::not_found, "catalogue"},
        {QuoteKind::deployment, R"({"model":"talk"})", Fault::invalid, "hours"},
        {QuoteKind::deployment, R"({"model":"talk","hours":300000,"replicas":2})", Fault::invalid, "300000"},
    };
    for (const auto& [kind, body, fault, word_said] : rows) {
        const auto error = refused(kind, body);
        ASSERT_TRUE(error) << body;
        EXPECT_EQ(error->fault, fault) << body;
        auto all = error->said;
        for (const auto& problem : error->fields) all += " " + problem.name + " " + problem.help;
        EXPECT_THAT(all, HasSubstr(word_said)) << body;
    }
    EXPECT_TRUE(world.run(quotes.list(caller, std::nullopt, 10)).empty());
}

}  // namespace
}  // namespace meridian::inference
