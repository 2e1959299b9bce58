#include "http/server.test.h"

namespace meridian::http {
namespace {

using namespace server_testing;

TEST_F(ServerTest, SlowClientsAreClosedInTime) {
    struct Row {
        std::string_view says, first, drip;
        Duration from, to;
    };
    const Row rows[] = {
        {"says nothing at all", "", "", 10s, 10'500ms},
        {"dribbles a head", "GET /echo HT", "x", 10s, 10'500ms},
        {"stops inside of a body", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nabc", "", 60s, 60'500ms},
        {"idles after an answer", "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", "", 75s, 75'500ms},
    };
    for (const auto& row : rows) {
        auto peer = connect();
        const auto began = now();
        tell(peer, std::string(row.first));
        while (!row.drip.empty() && now() - began < row.from - 1s) {
            world.run_for(1s);
            tell(peer, std::string(row.drip));
        }
        world.run(read_to_end(peer));
        EXPECT_GE(now() - began, row.from) << row.says;
        EXPECT_LE(now() - began, row.to) << row.says;
    }
}

TEST_F(ServerTest, ADrippingBodyIsWaitedForAndAStuckReaderIsNot) {
    auto patient = connect();
    tell(patient, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
    for (const char c : std::string("abc")) {
        world.run_for(50s);
        tell(patient, std::string(1, c));
    }
    EXPECT_EQ(hear(patient).body, "POST /echo abc");

    auto stuck = connect();
    tell(stuck, "GET /floods HTTP/1.1\r\nHost: h\r\n\r\n");
    world.run_for(59s);
    EXPECT_GT(seen.calls, 0u);  // back-pressure: some pieces went out, then the handler waited
    EXPECT_LT(seen.calls, 100u);
    EXPECT_EQ(seen.failed_writes, 0u);
    world.run_for(2s);
    EXPECT_EQ(seen.failed_writes, 1u);
    EXPECT_EQ(seen.ended, 1u);
    EXPECT_EQ(server->counters().requests_running, 0u);
}

TEST_F(ServerTest, WhatIsTooLongIsRefusedSoThatTheClientCanReadWhy) {
    limits.body_bytes = 1000;
    auto head = connect();
    tell(head, "GET /echo HTTP/1.1\r\nHost: h\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n");
    EXPECT_EQ(hear(head).status, 431);

    for (const bool is_chunked : {false, true}) {
        auto body = connect();
        const std::string bytes(500'000, 'x');
        tell(body,
             "POST /echo HTTP/1.1\r\nHost: h\r\n" + (is_chunked ? "Transfer-Encoding: chunked\r\n\r\n7a120\r\n" + bytes + "\r\n0\r\n\r\n"
                                                                : "Content-Length: 500000\r\n\r\n" + bytes));
        const auto answer = hear(body);
        EXPECT_EQ(answer.status, 413);
        EXPECT_EQ(answer.headers.get("connection"), "close");
        EXPECT_NE(answer.body.find("request_too_large"), std::string::npos) << answer.body;
    }
    EXPECT_EQ(ask("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n").status, 400);
    EXPECT_EQ(server->counters().status_class[4], 4u);
}

TEST_F(ServerTest, CredentialsAreJudgedBeforeTheBodyIsRead) {
    auto peer = connect();
    tell(peer, "POST /v1/closed HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(hear(peer).status, 401);
    EXPECT_EQ(hear(peer).body, "GET /echo ");  // a short body was read over

    auto big = connect();
    tell(big, "POST /v1/closed HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n");
    EXPECT_EQ(hear(big).status, 401);  // at once, with nothing of it sent
    EXPECT_EQ(ask("POST /v1/closed HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\nContent-Length: 1\r\n\r\na").status, 200);
}

TEST_F(ServerTest, FailuresAreRenderedOrBreakTheAnswerOff) {
    const auto failed = ask("GET /fails HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(failed.status, 500);
    EXPECT_EQ(failed.body.find("inner detail"), std::string::npos);
    const auto half = ask("GET /half HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(half.body, "half");
    EXPECT_FALSE(half.is_whole);
    EXPECT_EQ(ask("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n").status, 404);
    EXPECT_EQ(ask("PUT /echo HTTP/1.1\r\nHost: h\r\n\r\n").headers.get("allow"), "GET, HEAD, POST");
}

TEST_F(ServerTest, AClientTooManyIsToldToComeAgain) {
    limits.connections = 1;
    auto first = connect();
    tell(first, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(hear(first).status, 200);
    auto second = connect();
    tell(second, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto answer = hear(second);
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.headers.get("retry-after"), "1");
    EXPECT_TRUE(answer.headers.has("x-request-id"));
    world.run(read_to_end(second));
    EXPECT_EQ(server->counters().refused_total, 1u);
    first.stream.reset();
    world.run_for(1ms);
    EXPECT_EQ(ask("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
}

TEST_F(ServerTest, AHandlerLearnsAtOnceThatItsClientHasGone) {
    auto peer = connect();
    tell(peer, "GET /waits HTTP/1.1\r\nHost: h\r\n\r\n");
    world.run_for(100ms);
    ASSERT_EQ(seen.calls, 1u);
    EXPECT_EQ(seen.hangups, 0u);
    const auto left = now();
    peer.stream.reset();
    world.run_for(1s);
    EXPECT_EQ(seen.hangups, 1u);
    EXPECT_EQ(seen.ended, 1u);
    EXPECT_EQ(seen.hung_up_at, left);
    EXPECT_EQ(server->counters().connections_open, 0u);
}

TEST_F(ServerTest, APipelinedRequestDoesNotHideAHangup) {
    auto peer = connect();
    tell(peer, "GET /waits HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    world.run_for(100ms);
    EXPECT_EQ(seen.hangups, 0u);
    peer.stream.reset();
    world.run_for(1ms);
    EXPECT_EQ(seen.hangups, 1u);
}

TEST_F(ServerTest, DrainingLetsRequestsEndAndIdleConnectionsGo) {
    auto idle = connect();
    tell(idle, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(hear(idle).status, 200);
    auto busy = connect();
    tell(busy, "GET /sleeps HTTP/1.1\r\nHost: h\r\n\r\n");
    world.run_for(1s);
    const auto began = now();
    world.run(server->drain(30s));
    EXPECT_LT(now() - began, 5s);
    const auto answer = hear(busy);
    EXPECT_EQ(answer.body, "slept");
    EXPECT_EQ(answer.headers.get("connection"), "close");
    world.run(read_to_end(idle));
    EXPECT_EQ(world.run(dial(world.network())), nullptr);
}

TEST_F(ServerTest, DrainingEndsWhatDoesNotEndByItself) {
    auto one = connect(), other = connect();
    tell(one, "GET /waits HTTP/1.1\r\nHost: h\r\n\r\n");
    tell(other, "GET /sleeps HTTP/1.1\r\nHost: h\r\n\r\n");
    world.run_for(1s);
    const auto began = now();
    world.run(server->drain(2s));
    EXPECT_LE(now() - began, 2100ms);
    EXPECT_EQ(seen.hangups, 1u);
    EXPECT_EQ(server->counters().connections_open, 0u);
    EXPECT_FALSE(hear(one).is_whole);
}

}  // namespace
}  // namespace meridian::http
