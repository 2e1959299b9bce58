// The gateway on good days: whole answers and streams with their receipts, and whom it turns away.
#include "inference/gateway.h"

#include <gmock/gmock.h>

#include "inference/gateway.test.h"

namespace meridian::inference {
namespace {

using test::answers;
using test::ask;
using test::ask_stream;
using test::done;
using test::good_body;
using test::streams;
using test::text_chunk;
using test::told_chunk;
using test::usage_event;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using metering::Outcome;

class Gateways : public test::GatewayTest {};

TEST_F(Gateways, AnswerWholeWithAReceipt) {
    site("127.0.0.1:9001", {answers(200, good_body)});
    publish({served("talk", {backend("a", "127.0.0.1:9001")})});
    const auto asked = exchange(ask);
    ASSERT_FALSE(run(*asked));
    ASSERT_TRUE(asked->answered);
    EXPECT_EQ(asked->answered->status, 200);
    const auto receipt = only_receipt();
    EXPECT_EQ(receipt.outcome, Outcome::finished);
    EXPECT_EQ(receipt.usage.input_tokens, 7);
    EXPECT_EQ(receipt.usage.output_tokens, 3);
    EXPECT_EQ(receipt.start.kind, metering::Kind::chat);
    EXPECT_EQ(receipt.start.model, "talk");
    EXPECT_EQ(receipt.start.node, "a");
    EXPECT_EQ(receipt.cost.str(), "0.0000021");
    EXPECT_EQ(asked->answered->headers.get("X-Meridian-Receipt"), receipt.id.str());
    EXPECT_EQ(asked->json().at("id"), Json("chatcmpl-" + receipt.id.str()));
    EXPECT_EQ(asked->json().at("model"), "talk");
}

TEST_F(Gateways, StreamWithAReceiptAndUsageLast) {
    struct Row {
        std::string_view says, options, tail;
    };
    const Row rows[] = {
        {"plain", "", ": meridian RECEIPT\n\ndata: [DONE]\n\n"},
        {"with usage", R"(,"stream_options":{"include_usage":true})",
         "data: {\"choices\":[],\"id\":\"ID\",\"model\":\"talk\",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3},"
         "\"meridian\":RECEIPT}\n\ndata: [DONE]\n\n"},
    };
    site("127.0.0.1:9001", {streams({": ping\n\n", text_chunk("a"), text_chunk("b"), usage_event + done})});
    publish({served("talk", {backend("a", "127.0.0.1:9001")})});
    std::size_t count = 0;
    for (const auto& row : rows) {
        auto body = ask_stream;
        body.insert(body.size() - 1, row.options);
        const auto asked = exchange(body);
        ASSERT_FALSE(run(*asked)) << row.says;
        EXPECT_EQ(asked->status, 200);
        std::string tail(row.tail);
        const std::string id(asked->headers.get("X-Meridian-Receipt"));
        if (const auto at = tail.find("ID"); at != std::string::npos) tail.replace(at, 2, "chatcmpl-" + id);
        tail.replace(tail.find("RECEIPT"), 7,
                     R"({"receipt":")" + id +
                         R"(","cost":"0.0000021","currency":"EUR","energy_millijoules":null,"zone":"fr-par-1",)"
                         R"("jurisdiction":"undeclared"})");
        EXPECT_EQ(asked->headers.get("content-type"), "text/event-stream; charset=utf-8");
        EXPECT_EQ(asked->written, ": ping\n\n" + told_chunk(*asked, "a") + told_chunk(*asked, "b") + tail) << row.says;
        EXPECT_TRUE(asked->ended);
        const auto all = receipts();
        ASSERT_EQ(all.size(), ++count);
        EXPECT_EQ(asked->headers.get("X-Meridian-Receipt"), all.front().id.str());
        EXPECT_EQ(all.front().outcome, Outcome::finished);
        EXPECT_EQ(all.front().usage.output_tokens, 3);
    }
}

TEST_F(Gateways, ServeCompletionsAndEmbeddingsToo) {
    auto& a = site("127.0.0.1:9001", {answers(200, R"({"data":[{"embedding":[1.0]}],"usage":{"prompt_tokens":2}})")});
    publish({served("talk", {backend("a", "127.0.0.1:9001")})});
    const auto completion = exchange(R"({"model":"talk","prompt":"x"})");
    world.run(gateway.completion(*completion));
    const auto embedding = exchange(R"({"model":"talk","input":"x","encoding_format":"base64"})");
    world.run(gateway.embedding(*embedding));
    EXPECT_EQ(embedding->json().at("data").at(0).at("embedding"), "AACAPw==");
    ASSERT_EQ(a.requests.size(), 2u);
    EXPECT_THAT(a.requests[0], HasSubstr("POST /v1/completions HTTP/1.1"));
    EXPECT_THAT(a.requests[1], HasSubstr("POST /v1/embeddings HTTP/1.1"));
    const auto all = receipts();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].start.kind, metering::Kind::completion);
    EXPECT_EQ(all[0].start.kind, metering::Kind::embedding);
    EXPECT_EQ(all[0].usage.input_tokens, 2);
}

TEST_F(Gateways, TellTheBackendItsOwnKeyAndNothingOfTheCaller) {
    auto& a = site("127.0.0.1:9001", {answers(200, good_body)});
    publish({served("talk", {backend("a", "127.0.0.1:9001")})});
    const auto asked = exchange(ask);
    for (const auto* name : {"Authorization", "X-Auth-Token", "Cookie", "X-Whatever"})
        asked->request().headers.add(name, "Bearer callers-secret");
    asked->request().headers.add("X-Forwarded-For", "192.0.2.1");
    ASSERT_FALSE(run(*asked));
    ASSERT_EQ(a.requests.size(), 1u);
    EXPECT_THAT(a.requests[0], HasSubstr("POST /v1/chat/completions HTTP/1.1"));
    EXPECT_THAT(a.requests[0], HasSubstr("Authorization: Bearer secret-of-a"));
    EXPECT_THAT(a.requests[0], HasSubstr(R"("model":"inner")"));
    for (const auto* word : {"callers-secret", "SCWTEST", "192.0.2.1", "talk"}) EXPECT_THAT(a.requests[0], Not(HasSubstr(word)));
}

TEST_F(Gateways, TurnAwayWhatCannotBeAnsweredWithoutAReceipt) {
    auto& a = site("127.0.0.1:9001", {answers(200, good_body)});
    const auto ours = served("talk", {backend("a", "127.0.0.1:9001")});
    const auto theirs = served("theirs", {backend("a", "127.0.0.1:9001")});
    theirs->owner = {caller.organization, *ProjectId::parse("99999999-9999-4999-8999-999999999999")};
    // An organization-wide key of one organization, a project of another.
    const auto foreign = served("foreign", {backend("a", "127.0.0.1:9001")});
    foreign->owner = {*OrganizationId::parse("88888888-8888-4888-8888-888888888888"), caller.project};
    const auto waiting = served("waiting", {});
    waiting->waiting_for = "creating, fetching 1.0 of 2.0 MB";
    auto full = backend("a", "127.0.0.1:9001");
    full.load->running = full.running_max;
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    publish({ours, theirs, foreign, waiting, served("full", {full})});
    struct Row {
        std::string_view says, body;
        Fault fault;
        std::string_view code;
        std::optional<Duration> retry_after;
    };
    const Row rows[] = {
        {"no JSON", "{", Fault::invalid, "invalid_json", {}},
        {"an unknown model", R"({"model":"none","messages":[{"role":"user","content":"x"}]})", Fault::not_found, "model_not_found", {}},
        {"another project's", R"({"model":"theirs","messages":[{"role":"user","content":"x"}]})", Fault::not_found, "model_not_found", {}},
        {"another organization's",
         R"({"model":"foreign","messages":[{"role":"user","content":"x"}]})",
         Fault::not_found,
         "model_not_found",
         {}},
        {"no backend", R"({"model":"waiting","messages":[{"role":"user","content":"x"}]})", Fault::unavailable, "model_not_ready", 2s},
        {"all full", R"({"model":"full","messages":[{"role":"user","content":"x"}]})", Fault::busy, "rate_limit_exceeded", 1s},
        {"tools",
         R"({"model":"talk","messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":"a"}}]})",
         Fault::invalid,
         "unsupported_parameter",
         {}},
    };
    for (const auto& row : rows) {
        const auto asked = exchange(std::string(row.body));
        const auto error = run(*asked);
        ASSERT_TRUE(error) << row.says;
        EXPECT_EQ(error->fault, row.fault) << row.says;
        EXPECT_EQ(error->code, row.code) << row.says;
        EXPECT_EQ(error->retry_after, row.retry_after) << row.says;
        EXPECT_FALSE(asked->begun()) << row.says;
        if (row.says == "no backend") EXPECT_THAT(error->said, HasSubstr("fetching 1.0 of 2.0 MB"));
    }
    EXPECT_EQ(a.connections, 0u);
    EXPECT_TRUE(receipts().empty());
}

TEST_F(Gateways, ChooseTheLeastLoadedOfAllThatTheCallerMayUse) {
    site("127.0.0.1:9001", {answers(200, good_body)});
    site("127.0.0.1:9002", {answers(200, good_body)});
    auto busy = backend("a", "127.0.0.1:9001");
    busy.load->running = 2;
    const auto hidden = served("talk", {backend("h", "127.0.0.1:9003")});
    hidden->owner = {caller.organization, *ProjectId::parse("99999999-9999-4999-8999-999999999999")};
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    publish({hidden, served("talk", {busy}), served("talk", {backend("b", "127.0.0.1:9002")})});
    ASSERT_FALSE(run(*exchange(ask)));
    EXPECT_EQ(only_receipt().start.node, "b");
    EXPECT_EQ(busy.load->running, 2);
}

TEST_F(Gateways, CountARequestForAsLongAsItLasts) {
    site("127.0.0.1:9001", {{test::reads(), test::pauses(1s), test::says(test::answer_text(200, good_body))}});
    auto one = backend("a", "127.0.0.1:9001");
    one.running_max = 1;
    publish({served("talk", {one})});
    const auto first = exchange(ask);
    start(*first);
    world.run_for(500ms);
    EXPECT_EQ(one.load->running, 1);
    EXPECT_EQ(run(*exchange(ask))->fault, Fault::busy);
    world.run_for(1s);
    EXPECT_TRUE(first->answered);
    EXPECT_EQ(one.load->running, 0);
    EXPECT_FALSE(run(*exchange(ask)));
}

struct Durability {
    bool wanted, stream;
};
class DurableAnswers : public test::GatewayTest, public ::testing::WithParamInterface<Durability> {};

// The power fails the moment the caller has its answer.
TEST_P(DurableAnswers, HaveAReceiptThatOutlivesThePower) {
    const auto [wanted, stream] = GetParam();
    site("127.0.0.1:9001", {stream ? streams({text_chunk("a"), usage_event + done}) : answers(200, good_body)});
    publish({served("talk", {backend("a", "127.0.0.1:9001")})});
    const auto asked = exchange(stream ? ask_stream : ask);
    if (wanted) asked->request().headers.add("X-Meridian-Durable", "1");
    ASSERT_FALSE(run(*asked));
    ASSERT_TRUE(asked->ended);
    const auto id = RunId::parse(stream ? asked->headers.get("X-Meridian-Receipt") : asked->answered->headers.get("X-Meridian-Receipt"));
    ASSERT_TRUE(id);
    world.disk().crash(sim::SimDisk::Unsynced::lost);
    running.reset();
    running = bench.open();
    const auto found = running->meter->find(*id);
    EXPECT_EQ(found && found->outcome == Outcome::finished, wanted);
}

INSTANTIATE_TEST_SUITE_P(All, DurableAnswers,
                         ::testing::Values(Durability{true, false}, Durability{true, true}, Durability{false, false},
                                           Durability{false, true}));

TEST_F(Gateways, ListWhatACallerMayUse) {
    const auto theirs = served("theirs", {});
    theirs->owner = {caller.organization, *ProjectId::parse("99999999-9999-4999-8999-999999999999")};
    const auto foreign = served("foreign", {});
    foreign->owner = {*OrganizationId::parse("88888888-8888-4888-8888-888888888888"), theirs->owner->project};
    const auto ours = served("ours", {});
    ours->owner = {caller.organization, caller.project};
    publish({theirs, foreign, served("zebra", {}), ours, served("zebra", {})});
    const auto names = [&] {
        std::vector<std::string> out;
        for (const auto& each : gateway.visible_to(caller)) out.push_back(each->model);
        return out;
    };
    EXPECT_EQ(names(), (std::vector<std::string>{"ours", "theirs", "zebra"})) << "a key for the whole organization";
    caller.reach = caller.sight = identity::Reach::of({caller.project});
    EXPECT_EQ(names(), (std::vector<std::string>{"ours", "zebra"}));
}

}  // namespace
}  // namespace meridian::inference
