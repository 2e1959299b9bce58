#include "http/server.test.h"

namespace meridian::http {
namespace {

using namespace server_testing;

TEST_F(ServerTest, AnswersPipelinedRequestsInOrderOnOneConnection) {
    auto peer = connect();
    tell(peer,
         "\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /three "
         "HTTP/1.1\r\nHost: h\r\n\r\n");
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

}  // namespace
}  // namespace meridian::http
