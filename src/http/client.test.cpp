#include "http/client.test.h"

namespace meridian::http::test {
namespace {

TEST_F(ClientTest, SendsARequestAndReadsItsAnswer) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("hello", "X-Kind: greeting\r\n"), waits_for_close()}});
    const auto got = get(replica(), post("body"));
    ASSERT_TRUE(got) << text(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->headers.get("x-kind"), "greeting");
    EXPECT_EQ(got->body, "hello");
    ASSERT_EQ(site.requests.size(), 1U);
    EXPECT_EQ(site.requests[0], "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(network.resolved, 0U);
}

TEST_F(ClientTest, ReusesAConnectionThatWasReadToItsEnd) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads(), answers("2"), reads(), answers("3"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    EXPECT_EQ(text(get(replica(), post("x"))), "2");
    EXPECT_EQ(text(get(replica())), "3");
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, ReusesNoConnectionThat) {
    struct Row {
        const char* says;
        std::string answer;
        bool fresh = false;
    };
    const std::string plain = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    const Row rows[] = {
        {"was asked to be fresh", plain, true},
        {"the peer will close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"},
        {"speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"},
        {"has said more than its answer", plain + "HTTP/1.1 200 OK\r\n"},
        {"announced that this was its last request", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=1\r\nContent-Length: 1\r\n\r\na"},
    };
    std::uint16_t port = 8100;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        auto& site = serve(at, {{reads(), says(row.answer), waits_for_close()}});
        Target target{false, "", 0, Address::parse(at)};
        for (int i = 0; i < 2; ++i) {
            Outgoing request;
            request.fresh_connection = row.fresh;
            EXPECT_EQ(text(get(target, request)), "a") << row.says;
        }
        EXPECT_EQ(site.connections, 2U) << row.says;
    }
}

TEST_F(ClientTest, DropsIdleConnectionsAfterTheirTime) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    world.run_for(3s);
    EXPECT_EQ(site.closed_by_client, 0U);
    world.run_for(2s);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(ClientTest, HeedsAShorterIdleTimeOfThePeer) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1", "Keep-Alive: timeout=2\r\n"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    world.run_for(1500ms);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(ClientTest, TriesOnceMoreWhenAReusedConnectionEndsBeforeTheFirstByte) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1")}, {reads(), answers("2"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    world.run_for(10ms);
    EXPECT_EQ(text(get(replica(), post("x"))), "2");
    EXPECT_EQ(site.connections, 2U);
}

TEST_F(ClientTest, TriesOnceMoreAlsoWhenTheRequestWasTaken) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads()}, {reads(), answers("2"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    EXPECT_EQ(text(get(replica())), "2");
    EXPECT_EQ(site.requests.size(), 3U);
}

TEST_F(ClientTest, DoesNotTryAgainOnAFreshConnection) {
    auto& site = serve("127.0.0.1:8080", {{reads()}});
    const auto got = get(replica());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::closed);
    EXPECT_TRUE(got.error().nothing_received);
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, DoesNotTryAgainAfterTheFirstByte) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads(), says("HTTP/1.1 2")}});
    EXPECT_EQ(text(get(replica())), "1");
    const auto got = get(replica());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::closed);
    EXPECT_FALSE(got.error().nothing_received);
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, ReadsBodiesInEveryFraming) {
    struct Row {
        const char* says;
        Script script;
        std::string body;
    };
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const Row rows[] = {
        {"chunked", {reads(), says(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")}, "hello world"},
        {"chunked, in small pieces",
         {reads(), says(head + "Transfer-Enc"), pauses(5ms), says("oding: chunked\r\n\r\n5\r\nhe"), pauses(5ms), says("llo\r"), pauses(5ms),
          says("\n0"), pauses(5ms), says("\r\n\r\n"), waits_for_close()},
         "hello"},
        {"with a trailer",
         {reads(), says(head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"), waits_for_close()},
         "a"},
        {"of a length", {reads(), says(head + "Content-Length: 4\r\n\r\nab"), pauses(5ms), says("cd"), waits_for_close()}, "abcd"},
        {"until the end", {reads(), says(head + "\r\nab"), pauses(5ms), says("cd")}, "abcd"},
        {"none", {reads(), says("HTTP/1.1 204 No Content\r\n\r\n"), waits_for_close()}, ""},
        {"empty", {reads(), says(head + "Content-Length: 0\r\n\r\n"), waits_for_close()}, ""},
        {"after an interim answer",
         {reads(), says("HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 1\r\n\r\na"), waits_for_close()},
         "a"},
        {"large", {reads(), answers(std::string(300'000, 'x')), waits_for_close()}, std::string(300'000, 'x')},
    };
    std::uint16_t port = 8200;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        serve(at, {row.script});
        EXPECT_EQ(text(get({false, "", 0, Address::parse(at)})), row.body) << row.says;
    }
}

TEST_F(ClientTest, AnAnswerToHeadHasNoBody) {
    auto& site = serve("127.0.0.1:8080",
                       {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), reads(), answers("2"), waits_for_close()}});
    Outgoing head;
    head.method = "HEAD";
    EXPECT_EQ(text(get(replica(), head)), "");
    EXPECT_EQ(text(get(replica())), "2");
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, SaysThatABodyWasCut) {
    struct Row {
        const char* says;
        std::string answer;
    };
    const Row rows[] = {{"of a length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"},
                        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"}};
    std::uint16_t port = 8300;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        serve(at, {{reads(), says(row.answer)}});
        const auto got = get({false, "", 0, Address::parse(at)});
        ASSERT_FALSE(got) << row.says;
        EXPECT_EQ(got.error().kind, Kind::closed) << row.says;
        EXPECT_FALSE(got.error().nothing_received) << row.says;
    }
}

TEST_F(ClientTest, RefusesAnswersThatAreNotHttp) {
    struct Row {
        const char* says;
        std::string answer;
        Kind kind;
    };
    const Row rows[] = {
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", Kind::malformed},
        {"a broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Kind::malformed},
        {"a head without end", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), Kind::too_large},
        {"a large head", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", Kind::too_large},
        {"endless fields",
         [] {
             std::string out = "HTTP/1.1 200 OK\r\n";
             while (out.size() < 100'000) out += "X: y\r\n";
             return out;
         }(),
         Kind::too_large},
    };
    std::uint16_t port = 8400;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        serve(at, {{reads(), says(row.answer), waits_for_close()}});
        const auto got = get({false, "", 0, Address::parse(at)});
        ASSERT_FALSE(got) << row.says;
        EXPECT_EQ(got.error().kind, row.kind) << row.says << ": " << got.error().said;
    }
}

TEST_F(ClientTest, BoundsTheBodyThatItFetches) {
    const std::string body(1001, 'x');
    serve("127.0.0.1:8080", {{reads(), answers(body), reads(), answers(body), waits_for_close()}});
    EXPECT_TRUE(world.run(here().fetch(replica(), {}, 1001)));
    const auto got = world.run(here().fetch(replica(), {}, 1000));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::too_large);
}

TEST_F(ClientTest, StreamsABodyAsItComes) {
    auto& site = serve("127.0.0.1:8080",
                       {{reads(), says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), pauses(1s), says("1\r\na\r\n"), pauses(1s),
                         says("2\r\nbc\r\n"), pauses(1s), says("0\r\n\r\n"), reads(), answers("next"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    const auto begin = world.clock().steady();
    for (const std::string_view piece : {"a", "bc", ""}) {
        const auto got = world.run((*sent)->read());
        ASSERT_TRUE(got);
        EXPECT_EQ(*got, piece);
    }
    EXPECT_NEAR(static_cast<double>((world.clock().steady() - begin).count()), 3e9, 1e8);
    EXPECT_EQ(*world.run((*sent)->read()), "");  // stays at the end
    EXPECT_EQ(text(get(replica())), "next");     // the connection went back when the end was read
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, AnAnswerLeftBeforeItsEndClosesTheConnection) {
    auto& site =
        serve("127.0.0.1:8080", {{reads(), says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    EXPECT_EQ(*world.run((*sent)->read()), "a");
    sent->reset();
    world.run_for(10ms);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(ClientTest, SendsNothingThatCouldBeReadAsAnotherRequest) {
    Outgoing rows[6];
    rows[0].path = "/x HTTP/1.1\r\nHost: b";
    rows[1].path = "x";
    rows[2].method = "GET /";
    rows[3].headers.add("X", "a\r\nY: b");
    rows[4].headers.add("X:", "a");
    rows[5].headers.add("X", std::string("a\0b", 3));
    for (const auto& row : rows) {
        const auto got = get(replica(), row);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, Kind::malformed);
    }
    EXPECT_TRUE(network.connected.empty());
}

}  // namespace
}  // namespace meridian::http::test
