#include "inference/relay.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meridian::inference {
namespace {

using std::chrono::seconds;

Asked asked_for(bool include_usage = false, std::string model = "mine") {
    Asked asked;
    asked.model = std::move(model);
    asked.stream = true;
    asked.include_usage = include_usage;
    return asked;
}

std::string event(std::string_view data) { return "data: " + std::string(data) + "\n\n"; }
std::string text_chunk(std::string_view text, std::string_view model = "inner", std::string_view id = "c") {
    return event(R"({"choices":[{"index":0,"delta":{"content":")" + std::string(text) + R"("}}],"id":")" + std::string(id) +
                 R"(","model":")" + std::string(model) + R"(","object":"chat.completion.chunk"})");
}
std::string ours(std::string_view text, std::string_view model = "mine") { return text_chunk(text, model, "chatcmpl-1"); }
const std::string last_chunk = event(
    R"({"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"id":"c","model":"inner","timings":{"prompt_ms":1.5},"usage":{"prompt_tokens":3,"completion_tokens":9}})");
const std::string usage_chunk = event(
    R"({"choices":[],"id":"c","model":"inner","usage":{"prompt_tokens":11,"completion_tokens":22,"prompt_tokens_details":{"cached_tokens":5}},"timings":{}})");
const std::string done = event("[DONE]");

metering::Receipt receipt() {
    metering::Receipt made;
    made.id = *RunId::parse("01234567-89ab-7def-8123-456789abcdef");
    made.cost = Money::nanos(8500);
    made.zone = "fr-par-1";
    made.jurisdiction = "FR";
    return made;
}

// What a relay made of a stream.
struct Told {
    std::string out, last_words;
    metering::Usage usage;
    bool finished = false, sent = false;
    std::optional<Error> failure;
};

Told relayed(const Asked& asked, std::string_view stream, std::size_t piece = 0, std::string_view backend_model = "inner") {
    StreamRelay relay(asked, backend_model, "chatcmpl-1");
    Told told;
    for (std::size_t at = 0; at < stream.size(); at += piece ? piece : stream.size()) {
        EXPECT_TRUE(relay.feed(stream.substr(at, piece ? piece : stream.size()), told.out));
    }
    told.last_words = relay.last_words(receipt());
    told.usage = relay.usage();
    told.finished = relay.finished();
    told.sent = relay.anything_sent();
    told.failure = relay.failure();
    return told;
}

std::string said(const Told& told) {
    return told.out + "|" + told.last_words + "|" + std::to_string(told.usage.input_tokens) + "," +
           std::to_string(told.usage.output_tokens) + "," + std::to_string(told.usage.cached_tokens) + (told.finished ? "|finished" : "|") +
           (told.failure ? "|" + told.failure->code : "");
}

TEST(WholeAnswer, WearsOurNameAndIdAndKeepsNothingPrivate) {
    const auto answer = whole_answer(
        asked_for(), "chatcmpl-1",
        R"({"id":"theirs","model":"inner","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":2}},"timings":{"a":1},"__verbose":{"prompt":"x"}})");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->usage.input_tokens, 7);
    EXPECT_EQ(answer->usage.output_tokens, 3);
    EXPECT_EQ(answer->usage.cached_tokens, 2);
    const auto body = parse_json(answer->body).value();
    EXPECT_EQ(body.at("id"), "chatcmpl-1");
    EXPECT_EQ(body.at("model"), "mine");
    EXPECT_EQ(body.at("choices").at(0).at("message").at("content"), "hi");
    EXPECT_EQ(body.at("usage").at("prompt_tokens"), 7);
    EXPECT_FALSE(body.as_object().contains("timings"));
    EXPECT_FALSE(body.as_object().contains("__verbose"));
}

TEST(WholeAnswer, WithoutUsageCostsNothingAndNonsenseIsNoUsage) {
    const std::string_view rows[] = {
        "{}",
        R"({"usage":null})",
        R"({"usage":[]})",
        R"({"usage":{"prompt_tokens":-5,"completion_tokens":-1}})",
        R"({"usage":{"prompt_tokens":"7","completion_tokens":1.5}})",
        R"({"usage":{"prompt_tokens":18446744073709551615}})",
    };
    for (const auto row : rows) {
        const auto answer = whole_answer(asked_for(), "x", row);
        ASSERT_TRUE(answer) << row;
        EXPECT_EQ(answer->usage.input_tokens, 0) << row;
        EXPECT_EQ(answer->usage.output_tokens, 0) << row;
    }
}

TEST(WholeAnswer, ABrokenAnswerIsAComplaint) {
    for (const auto* body : {"", "{", "[]", "<html>", "\"x\""}) EXPECT_FALSE(whole_answer(asked_for(), "x", body)) << body;
}

TEST(WholeAnswer, EmbeddingsBecomeBase64WhereWanted) {
    auto asked = asked_for();
    asked.operation = Operation::embedding;
    const std::string_view floats =
        R"({"data":[{"embedding":[1,-0.5,0.0],"index":0},{"index":1}],"model":"inner","usage":{"prompt_tokens":4}})";
    const auto plain = parse_json(whole_answer(asked, "x", floats)->body).value();
    EXPECT_EQ(plain.at("data").at(0).at("embedding"), parse_json("[1,-0.5,0.0]").value());
    EXPECT_FALSE(plain.as_object().contains("id"));
    asked.base64_embeddings = true;
    const auto packed = whole_answer(asked, "x", floats);
    EXPECT_EQ(parse_json(packed->body)->at("data").at(0).at("embedding"), "AACAPwAAAL8AAAAA");
    EXPECT_EQ(packed->usage.input_tokens, 4);
}

TEST(StreamRelay, PassesChunksOnUnderTheCallersModelName) {
    const auto told = relayed(asked_for(), text_chunk("a") + text_chunk("b") + done);
    EXPECT_EQ(told.out, ours("a") + ours("b"));
    EXPECT_TRUE(told.finished);
    EXPECT_TRUE(told.sent);
    EXPECT_FALSE(told.failure);
    EXPECT_EQ(told.usage.output_tokens, 2) << "about one a chunk while the backend has not told";
    EXPECT_EQ(relayed(asked_for(false, "inner"), text_chunk("a") + text_chunk("b")).out, ours("a", "inner") + ours("b", "inner"));
}

TEST(StreamRelay, EveryChunkHasOurIdInWhateverOrderTheBackendWritesIt) {
    const std::string_view rows[] = {
        R"({"id":"c","object":"chat.completion.chunk","model":"inner","choices":[{"delta":{"content":"a"}}]})",
        R"({"model":"inner","choices":[{"delta":{"content":"a"}}],"id":"c"})",
        R"({"id":"c","model":"mine","choices":[{"delta":{"content":"a"}}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"id":"call_1"}]}}],"id":"c","model":"inner"})",
        R"({"choices":[{"delta":{"content":"\"id\":\"c\""}}],"id":"c","model":"inner"})",
        R"({"id":"another every time","choices":[{"delta":{"content":"a"}}],"model":"inner"})",
        R"({"choices":[{"delta":{"content":"a"}}],"model":"inner"})",
    };
    for (const auto first : rows) {
        for (const auto second : rows) {
            const auto told = relayed(asked_for(), event(first) + event(second));
            const auto end = told.out.find("\n\n");
            ASSERT_NE(end, std::string::npos) << first;
            for (const auto& [sent, out] : {std::pair(first, told.out.substr(0, end)), std::pair(second, told.out.substr(end + 2))}) {
                const auto chunk = parse_json(std::string_view(out).substr(6)).value();
                EXPECT_EQ(chunk.at("id"), "chatcmpl-1") << first << second;
                EXPECT_EQ(chunk.at("model"), "mine") << first << second;
                EXPECT_EQ(chunk.at("choices"), parse_json(sent)->at("choices")) << first << second;
            }
        }
    }
}

TEST(AnswerIds, NameTheKindAndTheRun) {
    const auto run = *RunId::parse("44444444-4444-7444-8444-444444444444");
    EXPECT_EQ(answer_id(Operation::chat, run), "chatcmpl-" + run.str());
    EXPECT_EQ(answer_id(Operation::completion, run), "cmpl-" + run.str());
    EXPECT_EQ(answer_id(Operation::embedding, run), "") << "embeddings have none";
}

TEST(StreamRelay, OnlyTheModelMemberIsReplacedNeverWhatTheModelSaid) {
    const auto chunk = text_chunk("first") + text_chunk(R"(the \"model\":\"inner\" and \"usage\" and \"error\")");
    const auto told = relayed(asked_for(), chunk);
    EXPECT_EQ(told.out, ours("first") + ours(R"(the \"model\":\"inner\" and \"usage\" and \"error\")"));
    EXPECT_FALSE(told.failure);
}

TEST(StreamRelay, AnEndpointsOwnSpellingOfTheModelIsReplacedToo) {
    const std::string_view rows[] = {
        R"({"choices":[{"delta":{"content":"a"}}],"model":"inner-2026-01-01"})",
        R"({"choices": [{"delta": {"content": "a"}}], "model": "inner"})",
        R"({"choices":[{"delta":{"content":"a"}}]})",
    };
    for (const auto row : rows) {
        for (const auto* asked_name : {"mine", "inner"}) {
            const auto asked = asked_for(false, asked_name);
            const auto out = relayed(asked, event(row)).out;
            ASSERT_TRUE(out.starts_with("data: ")) << row;
            const auto chunk = parse_json(std::string_view(out).substr(6, out.size() - 8)).value();
            EXPECT_EQ(chunk.at("model"), asked_name) << row;
            EXPECT_EQ(chunk.at("choices").at(0).at("delta").at("content"), "a") << row;
        }
    }
}

TEST(StreamRelay, UsageIsHiddenUnlessAskedForAndThenComesAlone) {
    const auto stream = text_chunk("a") + last_chunk + usage_chunk + done;
    const auto without = relayed(asked_for(false), stream);
    EXPECT_EQ(without.out.find("usage"), std::string::npos) << without.out;
    EXPECT_EQ(without.last_words, R"(: meridian {"receipt":"01234567-89ab-7def-8123-456789abcdef","cost":"0.0000085","currency":"EUR",)"
                                  R"("energy_millijoules":null,"zone":"fr-par-1","jurisdiction":"FR"})"
                                  "\n\n");
    const auto with = relayed(asked_for(true), stream);
    EXPECT_EQ(with.out, without.out);
    ASSERT_TRUE(with.last_words.starts_with("data: {"));
    const auto chunk = parse_json(std::string_view(with.last_words).substr(6, with.last_words.size() - 8)).value();
    EXPECT_EQ(chunk.at("usage").at("completion_tokens"), 22);
    EXPECT_EQ(chunk.at("model"), "mine");
    EXPECT_TRUE(chunk.at("choices").as_array().empty());
    for (const auto* told : {&without, &with}) {
        EXPECT_EQ(told->usage.input_tokens, 11) << "known either way, for the receipt";
        EXPECT_EQ(told->usage.output_tokens, 22);
        EXPECT_EQ(told->usage.cached_tokens, 5);
        EXPECT_EQ(told->out.find("timings"), std::string::npos);
        EXPECT_EQ(told->out.find("DONE"), std::string::npos);
        EXPECT_EQ(told->out.find("inner"), std::string::npos);
    }
}

TEST(StreamRelay, NullUsageAndNullErrorAreNothing) {
    const auto told = relayed(asked_for(), event(R"({"choices":[{"delta":{"content":"a"}}],"model":"inner","usage":null,"error":null})"));
    EXPECT_FALSE(told.failure);
    EXPECT_TRUE(told.sent);
    EXPECT_EQ(told.usage.output_tokens, 1);
}

TEST(StreamRelay, CommentsAreRelayedAsTheyAre) {
    const auto told = relayed(asked_for(), ": ping\n\n" + text_chunk("a") + ":\n\n");
    EXPECT_EQ(told.out, ": ping\n\n" + ours("a") + ":\n\n");
    EXPECT_FALSE(relayed(asked_for(), ": ping\n\n").sent) << "a comment is no part of the answer";
}

TEST(StreamRelay, AnErrorInTheMiddleIsAFailureAndEndsTheStream) {
    struct Row {
        std::string_view data, code;
        Fault fault;
    };
    const Row rows[] = {
        {R"({"error":{"code":500,"message":"secret path","type":"server_error"}})", "runtime_error", Fault::unavailable},
        {R"({"error":{"code":400,"type":"exceed_context_size_error","message":"too long"}})", "context_length_exceeded", Fault::invalid},
        {R"({"error":{"code":"overloaded","message":"x"}})", "runtime_error", Fault::unavailable},
        {R"({"error":"x"})", "runtime_error", Fault::unavailable},
    };
    for (const auto& row : rows) {
        const auto told = relayed(asked_for(), text_chunk("a") + event(row.data) + text_chunk("b") + done);
        ASSERT_TRUE(told.failure) << row.data;
        EXPECT_EQ(told.failure->code, row.code) << row.data;
        EXPECT_EQ(told.failure->fault, row.fault) << row.data;
        EXPECT_TRUE(told.finished);
        EXPECT_EQ(told.out, ours("a")) << "nothing after it is passed on";
    }
}

TEST(StreamRelay, BrokenChunksAreAFailure) {
    for (const auto* data : {"{", "[1]", "hello", R"({"usage":)", "\"text\"", "7"}) {
        const auto told = relayed(asked_for(), text_chunk("a") + event(data) + text_chunk("b"));
        ASSERT_TRUE(told.failure) << data;
        EXPECT_EQ(told.failure->code, "runtime_error");
        EXPECT_EQ(told.out, ours("a")) << data;
    }
}

TEST(StreamRelay, AnEndlessEventIsGivenUp) {
    const auto asked = asked_for();
    StreamRelay relay(asked, "inner", "chatcmpl-1");
    std::string out;
    const std::string piece(1 << 20, 'x');
    bool going = relay.feed("data: ", out);
    for (int i = 0; i < 8 && going; ++i) going = relay.feed(piece, out);
    EXPECT_FALSE(going);
    EXPECT_EQ(out, "");
}

TEST(StreamRelay, SplittingAtEveryByteGivesTheSame) {
    const std::string stream = ": hi\n\n" + text_chunk("a") + "data:" + text_chunk("crlf").substr(5, text_chunk("crlf").size() - 7) +
                               "\r\n\r\n" + last_chunk + usage_chunk + done + text_chunk("late");
    const auto asked = asked_for(true);
    const auto whole = said(relayed(asked, stream));
    EXPECT_TRUE(whole.ends_with("|11,22,5|finished")) << whole;
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        StreamRelay relay(asked, "inner", "chatcmpl-1");
        Told told;
        ASSERT_TRUE(relay.feed(std::string_view(stream).substr(0, cut), told.out));
        ASSERT_TRUE(relay.feed(std::string_view(stream).substr(cut), told.out));
        told = {told.out, relay.last_words(receipt()), relay.usage(), relay.finished(), relay.anything_sent(), relay.failure()};
        ASSERT_EQ(said(told), whole) << "cut at " << cut;
    }
    EXPECT_EQ(said(relayed(asked, stream, 1)), whole);
}

RC_GTEST_PROP(StreamRelay, AnyStreamInAnyPiecesGivesTheSame, ()) {
    const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(
        std::vector<std::string>{text_chunk("a"), text_chunk("b", "other"), last_chunk, usage_chunk, done, ": c\n\n", "\n", "\r\n",
                                 "data: {}\n\n", "data: {\"error\":{}}\n\n", "data: x\n\n", "event: error\ndata: {\"choices\":[]}\n\n"}));
    std::string stream;
    for (const auto& part : parts) stream += part;
    const auto asked = asked_for(*rc::gen::arbitrary<bool>());
    const auto piece = *rc::gen::inRange<std::size_t>(1, 64);
    RC_ASSERT(said(relayed(asked, stream, piece)) == said(relayed(asked, stream)));
}

TEST(ErrorFrom, ABackendsAnswerInOurWords) {
    struct Row {
        int status;
        std::string_view body;
        Fault fault;
        std::string_view code;
        std::optional<seconds> retry_after;
    };
    const Row rows[] = {
        {400,
         R"({"error":{"code":400,"type":"exceed_context_size_error","message":"the request exceeds the available context size","n_ctx":512}})",
         Fault::invalid,
         "context_length_exceeded",
         {}},
        {503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})", Fault::unavailable, "model_loading",
         seconds(2)},
        {503, "", Fault::unavailable, "model_loading", seconds(2)},
        {429, R"({"error":{"message":"slow down, org-17"}})", Fault::busy, "rate_limit_exceeded", seconds(1)},
        {401, R"({"error":{"message":"Incorrect API key provided: sk-abc"}})", Fault::unavailable, "upstream_credential", {}},
        {403, "", Fault::unavailable, "upstream_credential", {}},
        {400, R"({"error":{"message":"bad temperature"}})", Fault::invalid, "invalid_request", {}},
        {404, "<html>", Fault::invalid, "invalid_request", {}},
        {500,
         R"({"error":{"message":"JSON schema conversion failed: unrecognized schema","type":"server_error"}})",
         Fault::invalid,
         "invalid_json_schema",
         {}},
        {500, R"({"error":{"message":"failed to parse grammar"}})", Fault::invalid, "invalid_json_schema", {}},
        {500, R"({"error":{"message":"/var/lib/meridian: segfault"}})", Fault::unavailable, "runtime_error", seconds(1)},
        {502, "bad gateway of 10.0.0.7", Fault::unavailable, "runtime_error", seconds(1)},
        {302, "", Fault::unavailable, "runtime_error", seconds(1)},
    };
    for (const auto& row : rows) {
        const auto error = error_from(row.status, row.body);
        EXPECT_EQ(error.fault, row.fault) << row.status << row.body;
        EXPECT_EQ(error.code, row.code) << row.status << row.body;
        EXPECT_EQ(error.retry_after.has_value(), row.retry_after.has_value()) << row.status << row.body;
        if (row.retry_after) EXPECT_EQ(*error.retry_after, *row.retry_after) << row.status << row.body;
        EXPECT_FALSE(error.said.empty());
        for (const auto* secret : {"sk-abc", "/var/lib", "10.0.0.7", "org-17", "<html>"})
            EXPECT_EQ(error.said.find(secret), std::string::npos) << secret;
    }
    EXPECT_EQ(error_from(400, R"({"error":{"message":"bad temperature"}})").said, "bad temperature")
        << "what is about the caller's input comes back";
    EXPECT_EQ(error_from(500, R"({"error":{"message":"bad schema"}})").fields.front().name, "response_format");
}

TEST(ErrorEvent, IsOneEventInOpenAisForm) {
    const auto text = error_event(Error(Fault::unavailable, "It ended.", "operator's words").with_code("runtime_error"), "req_7");
    ASSERT_TRUE(text.starts_with("data: {\"error\":")) << text;
    ASSERT_TRUE(text.ends_with("}\n\n")) << text;
    const auto body = parse_json(std::string_view(text).substr(6, text.size() - 8)).value();
    EXPECT_EQ(body.at("error").at("code"), "runtime_error");
    EXPECT_EQ(text.find("operator's words"), std::string::npos);
}

}  // namespace
}  // namespace meridian::inference
