#include "http/server.h"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include "base/error.h"
#include "base/sim/world.h"
#include "http/parse.h"

namespace meridian::http {
namespace {

using namespace std::chrono_literals;

class KeyAuthorizer final : public Authorizer {
public:
    std::shared_ptr<const Principal> authorize(const Request& request, const Permission& permission) override {
        if (permission.action != "any" && request.headers.get("authorization") != "Bearer k") throw Error(Fault::unauthenticated, "Send a key.");
        return nullptr;
    }
};

// What handlers tell the test.
struct Seen {
    unsigned calls = 0, hangups = 0, ended = 0, failed_writes = 0;
    Duration hung_up_at{};
};

Task<> echo(Exchange& exchange) {
    auto& request = exchange.request();
    co_await exchange.answer({200, {{"Content-Type", "text/plain"}}, request.method + " " + request.path + " " + request.body});
}
Task<> three_pieces(Exchange& exchange) {
    co_await exchange.begin(200, {{"Content-Type", "text/event-stream"}});
    for (const std::string_view piece : {"one ", "two ", "three"}) co_await exchange.write(piece);
    co_await exchange.end();
}
Task<> announced(Exchange& exchange) {
    co_await exchange.begin(200, {{"Content-Length", "6"}});
    co_await exchange.write("abc");
    co_await exchange.write("def");
    co_await exchange.end();
}
Task<> breaks_off(Exchange& exchange) {
    co_await exchange.begin(200, {});
    co_await exchange.write("half");
    throw std::runtime_error("lost the model");
}
Task<> fails(Exchange&) {
    throw std::runtime_error("inner detail");
    co_return;
}
Task<> empty(Exchange& exchange) { co_await exchange.answer({204, {}, {}}); }
Task<> smuggles(Exchange& exchange) { co_await exchange.answer({200, {{"X-Said", "a\r\nX-Evil: 1"}, {"Content-Length", "99"}}, "ok"}); }

Task<> sleeps(Exchange& exchange, Clock& clock, Seen& seen) {
    ++seen.calls;
    co_await clock.sleep(5s);
    co_await exchange.answer({200, {}, "slept"});
    ++seen.ended;
}
// Waits for the client to leave, as a relay of a slow model does.
Task<> waits(Exchange& exchange, Clock& clock, Seen& seen) {
    ++seen.calls;
    Event left(co_await asio::this_coro::executor);
    exchange.on_hangup([&seen, &clock, left]() mutable {
        ++seen.hangups;
        seen.hung_up_at = clock.steady().time_since_epoch();
        left.notify();
    });
    co_await left.wait(clock, 1h);
    ++seen.ended;
}
Task<> floods(Exchange& exchange, Seen& seen) {
    co_await exchange.begin(200, {});
    const std::string piece(10'000, 'x');
    while (co_await exchange.write(piece)) ++seen.calls;
    ++seen.failed_writes;
    co_await exchange.end();
    ++seen.ended;
}

struct Answer1 {
    int status = 0;
    Headers headers;
    std::string body;
    bool is_whole = false;
};

// A client that speaks bytes.
struct Peer {
    std::unique_ptr<Stream> stream;
    std::string unread;
    bool is_ended = false;
};

Task<> send(Peer& peer, std::string bytes) { co_await peer.stream->write(bytes); }

Task<bool> read_more(Peer& peer) {
    std::array<char, 8192> buffer;
    const auto got = co_await peer.stream->read_some(buffer);
    if (got) peer.unread.append(buffer.data(), *got);
    peer.is_ended = !got;
    co_return got.has_value();
}

Task<Answer1> receive(Peer& peer, ResponseParser::Body body) {
    ResponseParser parser;
    parser.reset(body);
    while (!parser.done()) {
        if (peer.unread.empty() && !co_await read_more(peer)) {
            (void)parser.finish_at_eof();
            break;
        }
        const auto used = parser.feed(peer.unread);
        if (!used) break;
        peer.unread.erase(0, *used);
    }
    co_return Answer1{parser.status(), parser.headers(), parser.take_body(), parser.done()};
}

Task<std::unique_ptr<Stream>> dial(Network& network) {
    auto stream = co_await network.connect(*Address::parse("127.0.0.1:80"), 1s);
    co_return stream ? std::move(*stream) : nullptr;
}

Task<> read_to_end(Peer& peer) {
    while (co_await read_more(peer)) {
    }
}

class ServerTest : public testing::Test {
protected:
    ServerTest() : router(authorizer) {
        add("GET", "/echo", echo);
        add("POST", "/echo", echo);
        add("GET", "/three", three_pieces);
        add("GET", "/announced", announced);
        add("GET", "/half", breaks_off);
        add("GET", "/fails", fails);
        add("GET", "/empty", empty);
        add("GET", "/smuggles", smuggles);
        add("GET", "/sleeps", [this](Exchange& e) { return sleeps(e, world.clock(), seen); });
        add("GET", "/waits", [this](Exchange& e) { return waits(e, world.clock(), seen); });
        add("GET", "/floods", [this](Exchange& e) { return floods(e, seen); });
        router.add({"POST", "/v1/closed", {"write", "project"}, Dialect::openai, echo, {}, 0});
    }
    ~ServerTest() override {
        if (server) world.run(server->drain(0s));
    }
    void add(std::string method, std::string pattern, Handler handler) {
        router.add({std::move(method), std::move(pattern), anyone(), Dialect::openai, std::move(handler), {}, 0});
    }
    void start() {
        server.emplace(router, world.clock(), world.rng(), world.executor(), limits, nullptr, [this](const Access& access) {
            log.push_back(std::to_string(access.status) + " " + std::string(access.method) + " " + std::string(access.route));
        });
        server->serve(std::move(*world.network().listen(world.executor(), *Address::parse("127.0.0.1:80"))));
    }
    Peer connect() {
        if (!server) start();
        return {world.run(dial(world.network())), {}};
    }
    void tell(Peer& peer, std::string bytes) { world.run(send(peer, std::move(bytes))); }
    Answer1 hear(Peer& peer, ResponseParser::Body body = ResponseParser::Body::expected) { return world.run(receive(peer, body)); }
    Answer1 ask(std::string bytes) {
        auto peer = connect();
        tell(peer, std::move(bytes));
        return hear(peer);
    }
    Duration now() { return world.clock().steady().time_since_epoch(); }

    sim::World world{7};
    KeyAuthorizer authorizer;
    Router router;
    ServerLimits limits;
    Seen seen;
    std::vector<std::string> log;
    std::optional<Server> server;
};

TEST_F(ServerTest, AnswersPipelinedRequestsInOrderOnOneConnection) {
    auto peer = connect();
    tell(peer, "\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /three HTTP/1.1\r\nHost: h\r\n\r\n");
    tell(peer, "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(hear(peer).body, "GET /echo ");
    EXPECT_EQ(hear(peer).body, "POST /echo abc");
    EXPECT_EQ(hear(peer).body, "one two three");
    const auto last = hear(peer);
    EXPECT_EQ(last.body, "GET /echo ");
    EXPECT_EQ(last.headers.get("connection"), "close");
    world.run(read_to_end(peer));
    EXPECT_TRUE(peer.unread.empty());
    EXPECT_EQ(log, (std::vector<std::string>{"200 GET /echo", "200 POST /echo", "200 GET /three", "200 GET /echo"}));
    EXPECT_EQ(server->counters().connections_total, 1u);
    EXPECT_EQ(server->counters().requests_total, 4u);
    EXPECT_EQ(server->counters().requests_running, 0u);
    EXPECT_EQ(server->counters().status_class[2], 4u);
    EXPECT_EQ(server->counters().connections_open, 0u);
}

TEST_F(ServerTest, EveryAnswerSaysDateServerAndId) {
    const auto good = ask("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto bad = ask("nonsense\r\n\r\n");
    for (const auto& answer : {good, bad}) {
        EXPECT_EQ(answer.headers.get("server"), "meridian");
        EXPECT_EQ(answer.headers.get("date").size(), 29u);
        EXPECT_EQ(answer.headers.get("x-request-id").size(), 28u);
        EXPECT_TRUE(answer.headers.get("x-request-id").starts_with("req_"));
    }
    EXPECT_NE(good.headers.get("x-request-id"), bad.headers.get("x-request-id"));
}

TEST_F(ServerTest, ReadsRequestsHoweverTheyAreSplit) {
    const std::string text = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (std::size_t at = 1; at < text.size(); ++at) {
        auto peer = connect();
        tell(peer, text.substr(0, at));
        world.run_for(1ms);
        tell(peer, text.substr(at));
        EXPECT_EQ(hear(peer).body, "POST /echo abcde") << at;
    }
    auto peer = connect();
    for (const char c : text) {
        tell(peer, std::string(1, c));
        world.run_for(1us);
    }
    EXPECT_EQ(hear(peer).body, "POST /echo abcde");
}

TEST_F(ServerTest, FramesAnswersAsTheClientCanReadThem) {
    struct Row {
        std::string_view says, request, framing, body;
    };
    const Row rows[] = {
        {"chunks", "GET /three HTTP/1.1\r\nHost: h\r\n\r\n", "chunked", "one two three"},
        {"until close", "GET /three HTTP/1.0\r\n\r\n", "close", "one two three"},
        {"1.0 with a length", "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", "GET /echo "},
        {"announced", "GET /announced HTTP/1.1\r\nHost: h\r\n\r\n", "6", "abcdef"},
        {"nothing", "GET /empty HTTP/1.1\r\nHost: h\r\n\r\n", "", ""},
        {"our length wins", "GET /smuggles HTTP/1.1\r\nHost: h\r\n\r\n", "2", "ok"},
    };
    for (const auto& row : rows) {
        const auto answer = ask(std::string(row.request));
        EXPECT_TRUE(answer.is_whole) << row.says;
        EXPECT_EQ(answer.body, row.body) << row.says;
        const auto& headers = answer.headers;
        const bool is_there = row.framing == headers.get("transfer-encoding") || row.framing == headers.get("connection") ||
                              row.framing == headers.get("content-length");
        EXPECT_TRUE(is_there) << row.says;
        EXPECT_FALSE(headers.has("x-evil")) << row.says;
    }
}

TEST_F(ServerTest, HeadHasTheHeadersOfGetAndNoBody) {
    auto peer = connect();
    tell(peer, "HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\nHEAD /three HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(hear(peer, ResponseParser::Body::absent).headers.get("content-length"), "11");
    EXPECT_EQ(hear(peer, ResponseParser::Body::absent).headers.get("transfer-encoding"), "chunked");
    EXPECT_EQ(hear(peer).body, "GET /echo ");
}

TEST_F(ServerTest, AsksForABodyThatWaitsToBeAskedFor) {
    auto peer = connect();
    tell(peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    world.run(read_more(peer));
    EXPECT_EQ(peer.unread, "HTTP/1.1 100 Continue\r\n\r\n");
    tell(peer, "abc");
    EXPECT_EQ(hear(peer).body, "POST /echo abc");

    auto refused = connect();
    tell(refused, "POST /v1/closed HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(hear(refused).status, 401);
}

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
        tell(body, "POST /echo HTTP/1.1\r\nHost: h\r\n" +
                       (is_chunked ? "Transfer-Encoding: chunked\r\n\r\n7a120\r\n" + bytes + "\r\n0\r\n\r\n" : "Content-Length: 500000\r\n\r\n" + bytes));
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
