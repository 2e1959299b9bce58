// The gateway where money is short, and what its receipts commit to.
#include <gmock/gmock.h>

#include "base/hmac.h"
#include "inference/gateway.test.h"

namespace meridian::inference {
namespace {

using metering::Outcome;
using test::answers;
using test::ask;
using test::ask_stream;
using test::done;
using test::good_body;
using test::streams;
using test::text_chunk;
using test::usage_event;
using ::testing::HasSubstr;
using ::testing::Not;

// A model of one nano-euro a token, and a budget all of which is lent.
struct GatewaysWithLittleMoney : test::GatewayTest {
    http::test::Site& model(std::vector<test::Script> scripts) {
        auto& made = site("127.0.0.1:9001", std::move(scripts));
        auto talk = served("talk", {backend("a", "127.0.0.1:9001")});
        talk->price = {*Money::parse("0.001"), *Money::parse("0.001")};
        talk->backends.front().reports_progress = true;
        publish({talk});
        return made;
    }
    void budget(std::int64_t nanos, metering::Period period = metering::Period::total) {
        metering::Budget made;
        made.id = *BudgetId::parse("77777777-7777-4777-8777-777777777777");
        made.organization = caller.organization;
        made.name = "pocket";
        made.scope_id = caller.organization.str();
        made.limit = Money::nanos(nanos);
        made.period = period;
        running->meter->know_budgets({made});
        if (period == metering::Period::run) return;
        const auto now = world.clock().now();
        running->meter->lend({made.id, window_of(period, TimeZone::utc(), now).from, made.limit, {}, now + std::chrono::hours(1)});
    }
    static std::string with(std::string body, const std::string& member) { return body.insert(body.size() - 1, "," + member); }
};

TEST_F(GatewaysWithLittleMoney, ARunThatMayCostTooMuchIsRefusedBeforeItStarts) {
    auto& backend = model({answers(200, good_body)});
    budget(1000);
    const auto asked = exchange(with(ask, R"("max_tokens":2000)"));
    const auto error = run(*asked);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, "insufficient_quota");
    EXPECT_THAT(error->said, HasSubstr("'pocket'"));
    EXPECT_TRUE(backend.requests.empty());
    EXPECT_TRUE(receipts().empty());
}

TEST_F(GatewaysWithLittleMoney, AnAnswerWithoutALimitGetsTheOneThatTheMoneyReaches) {
    auto& backend = model({answers(200, good_body)});
    const auto input = static_cast<std::int64_t>(ask.size()) + 512;
    budget(input + 700);  // 256 tokens, then 512 of the thousands that were wished for
    const auto asked = exchange(ask);
    ASSERT_FALSE(run(*asked));
    EXPECT_THAT(backend.requests.at(0), HasSubstr(R"("max_tokens":512)"));
    EXPECT_EQ(only_receipt().cost, Money::nanos(10));
    EXPECT_EQ(asked->answered->headers.get("X-Meridian-Cost"), "0.00000001");
}

TEST_F(GatewaysWithLittleMoney, WithoutABudgetNothingIsLimited) {
    auto& backend = model({answers(200, good_body)});
    ASSERT_FALSE(run(*exchange(ask)));
    EXPECT_THAT(backend.requests.at(0), Not(HasSubstr("max_tokens")));
    EXPECT_FALSE(only_receipt().start.ceiling);
}

TEST_F(GatewaysWithLittleMoney, AStreamEndsWithLengthWhenTheMoneyEnds) {
    std::vector<std::string> pieces;
    for (int i = 0; i < 600; ++i) pieces.push_back(text_chunk("a"));
    pieces.push_back(usage_event + done);
    model({streams(pieces)});
    const auto input = static_cast<std::int64_t>(ask_stream.size()) + 512;
    budget(input + 256);
    const auto asked = exchange(ask_stream);
    ASSERT_FALSE(run(*asked));
    EXPECT_THAT(asked->written, HasSubstr(R"("finish_reason":"length")"));
    EXPECT_THAT(asked->written, HasSubstr(R"("reason":"insufficient_quota")"));
    EXPECT_TRUE(asked->written.ends_with("data: [DONE]\n\n"));
    const auto receipt = only_receipt();
    EXPECT_EQ(receipt.outcome, Outcome::finished);
    EXPECT_EQ(receipt.usage.output_tokens, 256);
    EXPECT_LE(receipt.cost, Money::nanos(input + 256));
}

TEST_F(GatewaysWithLittleMoney, AStreamThatEndsWithTheMoneySaysItsUsageToWhoAsked) {
    std::vector<std::string> pieces(600, text_chunk("a"));
    model({streams(pieces)});
    const auto body = with(ask_stream, R"("stream_options":{"include_usage":true})");
    budget(static_cast<std::int64_t>(body.size()) + 512 + 256);
    const auto asked = exchange(body);
    ASSERT_FALSE(run(*asked));
    EXPECT_THAT(asked->written, HasSubstr(R"("choices":[],"usage":{)"));
    EXPECT_THAT(asked->written, HasSubstr(R"("completion_tokens":256)"));
}

TEST_F(GatewaysWithLittleMoney, AStreamGoesOnWhileThereIsMoney) {
    std::vector<std::string> pieces;
    for (int i = 0; i < 600; ++i) pieces.push_back(text_chunk("a"));
    pieces.push_back(usage_event + done);
    model({streams(pieces)});
    budget(1'000'000);
    const auto asked = exchange(ask_stream);
    ASSERT_FALSE(run(*asked));
    EXPECT_THAT(asked->written, Not(HasSubstr(R"("finish_reason":"length")")));
    EXPECT_EQ(only_receipt().cost, Money::nanos(10));
    EXPECT_EQ(running->meter->budget(*BudgetId::parse("77777777-7777-4777-8777-777777777777"), world.clock().now())->reserved, Money());
}

TEST_F(GatewaysWithLittleMoney, ALimitByTheRunHoldsEachRun) {
    model({answers(200, good_body)});
    budget(1000, metering::Period::run);
    EXPECT_FALSE(run(*exchange(with(ask, R"("max_tokens":100)"))));
    EXPECT_FALSE(run(*exchange(with(ask, R"("max_tokens":100)"))));
    const auto error = run(*exchange(with(ask, R"("max_tokens":1000)")));
    ASSERT_TRUE(error);
    EXPECT_THAT(error->said, HasSubstr("for one run"));
}

TEST_F(GatewaysWithLittleMoney, ReceiptsCommitToWhatWentInAndCameOut) {
    model({answers(200, good_body)});
    const auto asked = exchange(ask);
    ASSERT_FALSE(run(*asked));
    const auto key = unbase64(asked->answered->headers.get("X-Meridian-Commitment-Key")).value();
    ASSERT_EQ(key.size(), 32u);
    const auto receipt = only_receipt();
    using namespace std::string_literals;
    EXPECT_EQ(receipt.commitments.input, hmac_sha256(key, "meridian/input/v1\0"s + ask));
    EXPECT_EQ(receipt.commitments.output, hmac_sha256(key, "meridian/output/v1\0"s + asked->answered->body));
}

TEST_F(GatewaysWithLittleMoney, ReceiptsOfStreamsCommitToTheirEvents) {
    model({streams({text_chunk("a"), text_chunk("b"), usage_event + done})});
    const auto asked = exchange(ask_stream);
    ASSERT_FALSE(run(*asked));
    const auto key = unbase64(asked->headers.get("X-Meridian-Commitment-Key")).value();
    using namespace std::string_literals;
    const auto events = asked->written.substr(0, asked->written.find(": meridian"));
    EXPECT_EQ(only_receipt().commitments.output, hmac_sha256(key, "meridian/output/v1\0"s + events));
}

TEST_F(GatewaysWithLittleMoney, TheLengthOfThePromptIsKnownBeforeTheAnswer) {
    const auto progress = std::string(
        "data: {\"choices\":[],\"id\":\"c\",\"model\":\"inner\",\"prompt_progress\":{\"total\":41,\"cache\":5,\"processed\":41}}\n\n");
    auto& backend = model({test::Script{http::test::reads(), http::test::says(test::stream_head), http::test::says(test::piece(progress)),
                                        http::test::says(test::piece(text_chunk("a")))}});
    const auto asked = exchange(ask_stream);
    run(*asked);
    EXPECT_THAT(backend.requests.at(0), HasSubstr(R"("return_progress":true)"));
    EXPECT_THAT(asked->written, Not(HasSubstr("prompt_progress")));
    const auto receipt = only_receipt();
    EXPECT_EQ(receipt.outcome, Outcome::failed);
    EXPECT_EQ(receipt.usage.input_tokens, 41);
    EXPECT_EQ(receipt.usage.cached_tokens, 5);
    EXPECT_EQ(receipt.usage.output_tokens, 1);
}

}  // namespace
}  // namespace meridian::inference
