// The gateway on bad days: backends that die, load or lie, and clients that go away. One receipt a run, whatever happens.
#include <gmock/gmock.h>

#include "inference/gateway.test.h"

namespace meridian::inference {
namespace {

using test::answers;
using test::ask;
using test::ask_stream;
using test::dies;
using test::done;
using test::good_body;
using test::piece;
using test::reads;
using test::says;
using test::Script;
using test::stream_end;
using test::stream_head;
using test::streams;
using test::text_chunk;
using test::told_chunk;
using test::told_end;
using test::usage_event;
using test::waits_for_close;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;
using metering::Outcome;

const std::string at_a = "127.0.0.1:9001", at_b = "127.0.0.1:9002";
const Script good_stream = streams({text_chunk("a"), usage_event, done});

class GatewaysOnBadDays : public test::GatewayTest {};

TEST_F(GatewaysOnBadDays, RetryOnceOnAnotherBackendWhileNothingWasSent) {
    struct Row {
        std::string_view says;
        std::optional<Script> first;  // nothing: nobody listens
    };
    const Row rows[] = {
        {"nobody listens", {}},
        {"closes without an answer", dies()},
        {"is loading", answers(503, R"({"error":{"message":"Loading model"}})")},
        {"breaks off within the head", Script{reads(), says("HTTP/1.1 200 O")}},
        {"breaks off within the body", Script{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\"")}},
        {"breaks off within the first event", Script{reads(), says(stream_head + piece("data: {\"cho"))}},
        {"speaks no HTTP", Script{reads(), says("hello\r\n\r\n")}},
    };
    std::uint16_t port = 9100;
    std::size_t runs = 0;
    for (const auto& row : rows) {
        for (const bool stream : {false, true}) {
            const auto first = fmt::format("127.0.0.1:{}", port++), second = fmt::format("127.0.0.1:{}", port++);
            if (row.first) site(first, {*row.first});
            auto& b = site(second, {stream ? good_stream : answers(200, good_body)});
            const auto one = backend("a", first), two = backend("b", second);
            publish({served("talk", {one, two})});
            const auto asked = exchange(stream ? ask_stream : ask);
            const auto error = run(*asked);
            ASSERT_FALSE(error) << row.says << stream << error->said;
            EXPECT_TRUE(asked->ended) << row.says;
            if (stream) EXPECT_EQ(asked->written, told_chunk(*asked, "a") + told_end(*asked)) << row.says;
            EXPECT_EQ(b.connections, 1u) << row.says;
            EXPECT_THAT(b.requests.at(0), HasSubstr("secret-of-b"));
            const auto all = receipts();
            ASSERT_EQ(all.size(), ++runs) << row.says;
            EXPECT_EQ(all.front().outcome, Outcome::finished) << row.says;
            EXPECT_EQ(all.front().start.node, "b") << row.says;
            EXPECT_EQ(one.load->running + two.load->running, 0) << row.says;
        }
    }
}

TEST_F(GatewaysOnBadDays, RetryOnABusierBackendRatherThanOnTheOneThatFailed) {
    auto& a = site(at_a, {dies(), answers(200, good_body)});
    site(at_b, {answers(200, good_body)});
    auto busier = backend("b", at_b);
    busier.load->running = 3;
    publish({served("talk", {backend("a", at_a), busier})});
    EXPECT_FALSE(run(*exchange(ask)));
    EXPECT_EQ(only_receipt().start.node, "b");
    EXPECT_EQ(a.connections, 1u);
}

TEST_F(GatewaysOnBadDays, RetryOnTheOnlyBackendThereIs) {
    auto& a = site(at_a, {dies(), answers(200, good_body)});
    publish({served("talk", {backend("a", at_a)})});
    EXPECT_FALSE(run(*exchange(ask)));
    EXPECT_EQ(a.connections, 2u);
    EXPECT_EQ(only_receipt().outcome, Outcome::finished);
}

TEST_F(GatewaysOnBadDays, GiveUpAfterTheSecondTryWithAClean503) {
    struct Row {
        std::string_view says;
        Script script;
        std::string_view code;
        Duration retry_after;
    };
    const Row rows[] = {
        {"dead", dies(), "runtime_error", 1s},
        {"loading", answers(503, R"({"error":{"message":"Loading model"}})"), "model_loading", 2s},
    };
    std::uint16_t port = 9200;
    std::size_t runs = 0;
    for (const auto& row : rows) {
        for (const auto& body : {ask, ask_stream}) {
            const auto first = fmt::format("127.0.0.1:{}", port++), second = fmt::format("127.0.0.1:{}", port++);
            auto& a = site(first, {row.script});
            auto& b = site(second, {row.script});
            publish({served("talk", {backend("a", first), backend("b", second)})});
            const auto asked = exchange(body);
            const auto error = run(*asked);
            ASSERT_TRUE(error) << row.says;
            EXPECT_EQ(error->fault, Fault::unavailable) << row.says;
            EXPECT_EQ(error->code, row.code) << row.says;
            EXPECT_EQ(error->retry_after, row.retry_after) << row.says;
            EXPECT_FALSE(asked->begun()) << row.says;
            EXPECT_EQ(a.connections + b.connections, 2u) << row.says;
            ASSERT_EQ(receipts().size(), ++runs) << row.says;
            EXPECT_EQ(receipts().front().outcome, Outcome::failed) << row.says;
            EXPECT_EQ(receipts().front().cost, Money()) << row.says;
        }
    }
}

TEST_F(GatewaysOnBadDays, DoNotRetryWhatABackendRefuses) {
    auto& a = site(at_a, {answers(400, R"({"error":{"type":"exceed_context_size_error","message":"too long"}})")});
    auto& b = site(at_b, {answers(200, good_body)});
    publish({served("talk", {backend("a", at_a), backend("b", at_b)})});
    for (const auto& body : {ask, ask_stream}) {
        const auto error = run(*exchange(body));
        ASSERT_TRUE(error);
        EXPECT_EQ(error->fault, Fault::invalid);
        EXPECT_EQ(error->code, "context_length_exceeded");
    }
    EXPECT_EQ(a.connections, 2u);
    EXPECT_EQ(b.connections, 0u);
    const auto all = receipts();
    ASSERT_EQ(all.size(), 2u);
    for (const auto& receipt : all) EXPECT_EQ(receipt.outcome, Outcome::failed);
}

TEST_F(GatewaysOnBadDays, ABrokenWholeAnswerIsACleanError) {
    site(at_a, {answers(200, "<html>secret</html>")});
    publish({served("talk", {backend("a", at_a)})});
    const auto error = run(*exchange(ask));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, "runtime_error");
    EXPECT_THAT(error->said, Not(HasSubstr("secret")));
    EXPECT_EQ(only_receipt().outcome, Outcome::failed);
}

TEST_F(GatewaysOnBadDays, AnErrorBeforeTheFirstChunkIsAnErrorAndNoStream) {
    site(at_a, {streams({test::event(R"({"error":{"code":500,"message":"failed to parse grammar"}})")})});
    publish({served("talk", {backend("a", at_a)})});
    const auto asked = exchange(ask_stream);
    const auto error = run(*asked);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, "invalid_json_schema");
    EXPECT_FALSE(asked->begun());
    EXPECT_EQ(only_receipt().outcome, Outcome::failed);
}

TEST_F(GatewaysOnBadDays, ADeathInTheMiddleIsAnErrorEventAndAFailedReceipt) {
    const auto begun = [](std::vector<Script::value_type> more) {
        Script script{reads(), says(stream_head), says(piece(text_chunk("a"))), test::pauses(10ms), says(piece(text_chunk("b")))};
        script.insert(script.end(), more.begin(), more.end());
        return script;
    };
    struct Row {
        std::string_view says;
        Script script;
        std::string_view code;
    };
    const Row rows[] = {
        {"closes", begun({}), "runtime_error"},
        {"ends without [DONE]", begun({says(stream_end)}), "runtime_error"},
        {"breaks its framing", begun({says("zz\r\n")}), "runtime_error"},
        {"says an error", begun({says(piece(test::event(R"({"error":{"code":500,"message":"/secret"}})")))}), "runtime_error"},
        {"sends nonsense", begun({says(piece("data: {\"usage\":\n\n"))}), "runtime_error"},
    };
    std::uint16_t port = 9300;
    std::size_t runs = 0;
    for (const auto& row : rows) {
        const auto first = fmt::format("127.0.0.1:{}", port++), second = fmt::format("127.0.0.1:{}", port++);
        site(first, {row.script});
        auto& b = site(second, {good_stream});
        publish({served("talk", {backend("a", first), backend("b", second)})});
        const auto asked = exchange(ask_stream);
        const auto error = run(*asked);
        ASSERT_FALSE(error) << row.says << error->said;
        EXPECT_TRUE(asked->ended) << row.says;
        const auto text = told_chunk(*asked, "a") + told_chunk(*asked, "b");
        ASSERT_THAT(asked->written, StartsWith(text + "data: {\"error\":")) << row.says;
        EXPECT_THAT(asked->written, HasSubstr(fmt::format(R"("code":"{}")", row.code))) << row.says;
        EXPECT_THAT(asked->written, Not(HasSubstr("[DONE]"))) << row.says;
        EXPECT_THAT(asked->written, Not(HasSubstr("/secret"))) << row.says;
        EXPECT_EQ(b.connections, 0u) << row.says << ": what was sent cannot be taken back";
        ASSERT_EQ(receipts().size(), ++runs) << row.says;
        EXPECT_EQ(receipts().front().outcome, Outcome::failed) << row.says;
        EXPECT_EQ(receipts().front().usage.output_tokens, 2) << row.says << ": about one a chunk";
    }
}

TEST_F(GatewaysOnBadDays, WhatNobodyForesawLeavesAReceiptWithWhatWasNoted) {
    site(at_a, {{reads(), says(stream_head + piece(text_chunk("a"))), test::pauses(10ms), says(piece(text_chunk("b")))}});
    publish({served("talk", {backend("a", at_a)})});
    const auto asked = exchange(ask_stream);
    asked->breaks_after = 1;
    EXPECT_THROW(world.run(gateway.chat(*asked)), std::runtime_error);
    EXPECT_EQ(only_receipt().outcome, Outcome::failed);
    EXPECT_EQ(only_receipt().usage.output_tokens, 1);
}

// The power of a backend fails after any number of bytes.
TEST_F(GatewaysOnBadDays, WhereverAStreamBreaksThereIsOneReceiptAndACleanEnd) {
    const auto whole = stream_head + piece(text_chunk("a")) + piece(text_chunk("b") + usage_event) + piece(done) + stream_end;
    auto& a = site(at_a, {dies()});
    publish({served("talk", {backend("a", at_a)})});
    std::size_t runs = 0, finished = 0, cut_short = 0, refused = 0;
    for (std::size_t cut = 0; cut <= whole.size(); cut += 3) {
        a.scripts = {{reads(), says(whole.substr(0, cut))}};
        const auto asked = exchange(ask_stream);
        const auto error = run(*asked);
        const auto all = receipts();
        ASSERT_EQ(all.size(), ++runs) << cut;
        ASSERT_EQ(error.has_value(), !asked->begun()) << cut;
        if (error) {
            ++refused;
            EXPECT_EQ(all.front().outcome, Outcome::failed) << cut;
            continue;
        }
        EXPECT_TRUE(asked->ended);
        const bool complete = asked->written.ends_with(done);
        ++(complete ? finished : cut_short);
        EXPECT_EQ(all.front().outcome, complete ? Outcome::finished : Outcome::failed) << cut;
        EXPECT_EQ(asked->written.find("data: {\"error\"") == std::string::npos, complete) << cut;
    }
    EXPECT_GT(refused, 10u);
    EXPECT_GT(cut_short, 10u);
    EXPECT_GT(finished, 0u);
}

TEST_F(GatewaysOnBadDays, AClientThatGoesAwayEndsTheBackendsWorkAtOnce) {
    struct Row {
        std::string_view says;
        Script script;
        std::int64_t tokens;
    };
    const Row rows[] = {
        {"before the head", {reads(), waits_for_close()}, 0},
        {"before the first chunk", {reads(), says(stream_head), waits_for_close()}, 0},
        {"in the middle", {reads(), says(stream_head + piece(text_chunk("a")) + piece(text_chunk("b"))), waits_for_close()}, 2},
    };
    std::uint16_t port = 9400;
    std::size_t runs = 0;
    for (const auto& row : rows) {
        const auto address = fmt::format("127.0.0.1:{}", port++);
        auto& a = site(address, {row.script});
        const auto one = backend("a", address);
        publish({served("talk", {one})});
        const auto asked = exchange(ask_stream);
        start(*asked);
        world.run_for(20ms);
        ASSERT_EQ(a.requests.size(), 1u) << row.says;
        ASSERT_EQ(a.closed_by_client, 0u) << row.says;
        asked->hang_up();
        world.run_for(2ms);  // there and not back
        EXPECT_EQ(a.closed_by_client, 1u) << row.says;
        EXPECT_EQ(a.connections, 1u) << row.says << ": not tried again";
        EXPECT_EQ(one.load->running, 0) << row.says;
        ASSERT_EQ(receipts().size(), ++runs) << row.says;
        EXPECT_EQ(receipts().front().outcome, Outcome::cancelled) << row.says;
        EXPECT_EQ(receipts().front().usage.output_tokens, row.tokens) << row.says;
    }
}

TEST_F(GatewaysOnBadDays, AClientThatWaitedForAWholeAnswerAndWentCostsOneCancelledReceipt) {
    auto& a = site(at_a, {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"), waits_for_close()}});
    publish({served("talk", {backend("a", at_a)})});
    const auto asked = exchange(ask);
    start(*asked);
    world.run_for(20ms);
    asked->hang_up();
    world.run_for(2ms);
    EXPECT_EQ(a.closed_by_client, 1u);
    EXPECT_FALSE(asked->answered);
    EXPECT_EQ(only_receipt().outcome, Outcome::cancelled);
}

TEST_F(GatewaysOnBadDays, AClientWhoseEndIsNoticedByWritingIsCancelledToo) {
    auto& a = site(
        at_a, {{reads(), says(stream_head + piece(text_chunk("a"))), test::pauses(50ms), says(piece(text_chunk("b"))), waits_for_close()}});
    publish({served("talk", {backend("a", at_a)})});
    const auto asked = exchange(ask_stream);
    start(*asked);
    world.run_for(20ms);
    EXPECT_EQ(asked->written, told_chunk(*asked, "a"));
    asked->fall_silent();
    world.run_for(100ms);
    EXPECT_EQ(a.closed_by_client, 1u);
    EXPECT_EQ(only_receipt().outcome, Outcome::cancelled);
}

TEST_F(GatewaysOnBadDays, AClientThatIsKnownToBeGoneBeforeTheLastWriteIsCancelledWithWhatItUsed) {
    site(at_a, {{reads(), test::pauses(20ms), says(test::answer_text(200, good_body))}});
    site("127.0.0.1:9502", {{reads(), says(stream_head + piece(text_chunk("a"))), test::pauses(20ms), says(piece(usage_event + done))}});
    publish({served("talk", {backend("a", at_a)}), served("stream", {backend("b", "127.0.0.1:9502")})});
    auto body = ask_stream;
    body.replace(body.find("talk"), 4, "stream");
    std::size_t runs = 0;
    for (const auto& text : {ask, body}) {
        const auto asked = exchange(text);
        start(*asked);
        world.run_for(10ms);
        asked->fall_silent();
        world.run_for(100ms);
        EXPECT_FALSE(asked->ended);
        ASSERT_EQ(receipts().size(), ++runs);
        EXPECT_EQ(receipts().front().outcome, Outcome::cancelled);
        EXPECT_EQ(receipts().front().usage.output_tokens, 3) << "the work was done";
    }
}

TEST_F(GatewaysOnBadDays, ABreakInTheVeryLastWriteLeavesTheFinishedReceiptAndNoOther) {
    site(at_a, {answers(200, good_body)});
    site("127.0.0.1:9502", {good_stream});
    publish({served("talk", {backend("a", at_a)}), served("stream", {backend("b", "127.0.0.1:9502")})});
    auto body = ask_stream;
    body.replace(body.find("talk"), 4, "stream");
    std::size_t runs = 0;
    for (const auto& text : {ask, body}) {
        const auto asked = exchange(text);
        asked->breaks_after = text == ask ? 0 : 1;  // the first write of a stream is not the last
        EXPECT_THROW(world.run(gateway.chat(*asked)), std::runtime_error);
        ASSERT_EQ(receipts().size(), ++runs);
        EXPECT_EQ(receipts().front().outcome, Outcome::finished);
        EXPECT_EQ(receipts().front().usage.output_tokens, 3);
    }
}

}  // namespace
}  // namespace meridian::inference
