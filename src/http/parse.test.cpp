#include "http/parse.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace meridian::http {
namespace {

// Feeds `text` in pieces of `step` bytes, as a connection would; what was left over is returned.
expected<std::string> feed_all(RequestParser& parser, std::string_view text, std::size_t step) {
    while (!parser.done() && !text.empty()) {
        auto piece = text.substr(0, step);
        while (!parser.done() && !piece.empty()) {
            const auto used = parser.feed(piece);
            if (!used) return std::unexpected(used.error());
            piece.remove_prefix(*used);
            text.remove_prefix(*used);
        }
    }
    return std::string(text);
}

constexpr std::string_view chunked_post =
    "POST /v1/chat/completions?a=1&b=x%20y+z HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n";

TEST(RequestParser, ReadsTheSameWhereverTheBytesAreSplit) {
    const std::string text = std::string(chunked_post) + "GET /next";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        RequestParser parser;
        const auto left = feed_all(parser, text, step);
        ASSERT_TRUE(left) << step << left.error().said;
        ASSERT_TRUE(parser.done()) << step;
        EXPECT_EQ(*left, "GET /next") << step;
        const auto& request = parser.request();
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.path, "/v1/chat/completions");
        EXPECT_EQ(request.query_value("b"), "x y z");
        EXPECT_EQ(request.headers.get("x-a"), "1");
        EXPECT_EQ(request.headers.size(), 3u);  // trailers are not fields of the head
        EXPECT_EQ(request.body, "hello world") << step;
        EXPECT_TRUE(parser.keep_alive());
    }
}

TEST(RequestParser, StopsAfterTheHeadAndAgainAfterTheEnd) {
    RequestParser parser;
    const std::string text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET";
    EXPECT_EQ(parser.feed(text), text.size() - 6);
    EXPECT_TRUE(parser.head_done());
    EXPECT_TRUE(parser.expects_continue());
    EXPECT_EQ(parser.content_length(), 3u);
    EXPECT_TRUE(parser.limit_body(3));
    EXPECT_EQ(parser.feed("abcGET"), 3u);
    EXPECT_TRUE(parser.done());
    parser.reset();
    EXPECT_FALSE(parser.started());
    EXPECT_EQ(parser.request().body, "");
    ASSERT_TRUE(parser.feed("GET /b HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(parser.done());
    EXPECT_FALSE(parser.keep_alive());
    EXPECT_EQ(parser.request().path, "/b");
}

struct Refused {
    std::string_view says, head;
    ParseTrouble trouble = ParseTrouble::malformed;
};

TEST(RequestParser, RefusesWhatTwoReadersCouldUnderstandDifferently) {
    const std::string long_value(40'000, 'x');
    const std::string long_field = "GET / HTTP/1.1\r\nHost: h\r\nX: " + long_value + "\r\n\r\n";
    const std::string long_target = "GET /" + long_value + " HTTP/1.1\r\nHost: h\r\n\r\n";
    std::string fields = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 200; ++i) fields += "a: b\r\n";
    fields += "\r\n";
    std::string many_long = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 100; ++i) many_long += "a: " + std::string(1000, 'b') + "\r\n";
    many_long += "\r\n";
    const Refused rows[] = {
        {"length and chunks", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"chunks and length", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
        {"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"},
        {"the same length twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"},
        {"a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n"},
        {"a signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n"},
        {"a length past 64 bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        {"another coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
        {"identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"},
        {"chunks in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"a folded field", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"},
        {"a fold of blanks only", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n \r\n\r\n"},
        {"a blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n"},
        {"a bare line feed", "GET / HTTP/1.1\nHost: h\n\n\r\n\r\n"},
        {"NUL in a value", std::string_view("GET / HTTP/1.1\r\nHost: h\r\nA: \0\r\n\r\n", 33)},
        {"no host", "GET / HTTP/1.1\r\n\r\n"},
        {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
        {"a lower-case method", "get / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"a method of 30 letters", "ABCDEFGHIJABCDEFGHIJABCDEFGHIJ / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"another version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
        {"HTTP/0.9", "GET /\r\n\r\n"},
        {"no slash", "GET x HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"an authority", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"a broken escape", "GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"an escaped NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"an escaped line feed", "GET /a%0ab HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"invalid UTF-8", "GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"raw UTF-8", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"dots", "GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"escaped dots", "GET /a/%2e%2E HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"a broken query", "GET /a?b=%zz HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"a long field", long_field, ParseTrouble::head_too_large},
        {"a long target", long_target, ParseTrouble::head_too_large},
        {"200 fields", fields, ParseTrouble::head_too_large},
        {"fields that are long together", many_long, ParseTrouble::head_too_large},
    };
    for (const auto& row : rows) {
        for (const std::size_t step : {std::size_t{1'000'000}, std::size_t{7}}) {
            RequestParser parser;
            EXPECT_FALSE(feed_all(parser, row.head, step)) << row.says;
            EXPECT_EQ(parser.trouble(), row.trouble) << row.says;
        }
    }
}

TEST(RequestParser, LimitsTheBodyWhetherAnnouncedOrNot) {
    RequestParser announced;
    ASSERT_TRUE(announced.feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"));
    EXPECT_FALSE(announced.limit_body(10));
    EXPECT_EQ(announced.trouble(), ParseTrouble::body_too_large);

    RequestParser chunked;
    ASSERT_TRUE(chunked.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    ASSERT_TRUE(chunked.limit_body(10));
    EXPECT_TRUE(chunked.feed("a\r\n0123456789\r\n"));
    EXPECT_FALSE(chunked.feed("1\r\nx\r\n"));
    EXPECT_EQ(chunked.trouble(), ParseTrouble::body_too_large);
}

TEST(RequestParser, EndlessChunkLinesAreRefused) {
    for (const std::string_view tail : {"5;a=b", "0\r\na: b"}) {
        RequestParser parser;
        ASSERT_TRUE(parser.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
        ASSERT_TRUE(parser.feed(tail));
        const std::string more(1000, 'x');
        bool is_refused = false;
        for (int i = 0; i < 20 && !is_refused; ++i) is_refused = !parser.feed(more);
        EXPECT_TRUE(is_refused) << tail;
    }
}

TEST(RequestParser, TakesTheAbsoluteForm) {
    RequestParser parser;
    ASSERT_TRUE(parser.feed("GET http://other:80/a/b?c=d HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_EQ(parser.request().target, "/a/b?c=d");
    EXPECT_EQ(parser.request().path, "/a/b");
}

TEST(RequestParser, ADiscardedBodyIsReadOver) {
    RequestParser parser;
    ASSERT_TRUE(parser.feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"));
    parser.discard_body();
    EXPECT_EQ(parser.feed("abcd"), 3u);
    EXPECT_TRUE(parser.done());
    EXPECT_EQ(parser.request().body, "");
}

TEST(ResponseParser, GivesTheBodyAsItComesWhereverTheBytesAreSplit) {
    const std::string text =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "8\r\ndata: 1\n\r\n9\r\ndata: 22\n\r\n0\r\n\r\n";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        ResponseParser parser;
        std::string body;
        for (std::size_t at = 0; at < text.size(); at += step) {
            const auto piece = std::string_view(text).substr(at, step);
            ASSERT_EQ(parser.feed(piece), piece.size()) << step;
            body += parser.body();
            parser.drop_body();
        }
        EXPECT_TRUE(parser.done()) << step;
        EXPECT_EQ(parser.status(), 200);
        EXPECT_EQ(body, "data: 1\ndata: 22\n") << step;
        EXPECT_TRUE(parser.keep_alive());
    }
}

TEST(ResponseParser, EndsAsTheHeadSays) {
    ResponseParser until_close;
    ASSERT_TRUE(until_close.feed("HTTP/1.0 200 OK\r\n\r\nabc"));
    EXPECT_FALSE(until_close.done());
    EXPECT_TRUE(until_close.finish_at_eof());
    EXPECT_TRUE(until_close.done());
    EXPECT_FALSE(until_close.keep_alive());
    EXPECT_EQ(until_close.body(), "abc");

    ResponseParser cut;
    ASSERT_TRUE(cut.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
    EXPECT_FALSE(cut.finish_at_eof());
    ResponseParser nothing;
    EXPECT_FALSE(nothing.finish_at_eof());

    ResponseParser to_head;
    to_head.reset(ResponseParser::Body::absent);
    ASSERT_TRUE(to_head.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    EXPECT_TRUE(to_head.done());
    EXPECT_EQ(to_head.content_length(), 5u);

    ResponseParser not_modified;
    ASSERT_TRUE(not_modified.feed("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"));
    EXPECT_TRUE(not_modified.done());
}

RC_GTEST_PROP(Percent, DecodingUndoesEncoding, (const std::string& text)) {
    RC_PRE(text.find('\0') == std::string::npos);
    const auto decoded = percent_decode(percent_encode(text), false);
    if (decoded) RC_ASSERT(*decoded == text);
}

TEST(Percent, PlusIsABlankInQueriesOnly) {
    EXPECT_EQ(percent_decode("a+b%20", true), "a b ");
    EXPECT_EQ(percent_decode("a+b%2B", false), "a+b+");
    EXPECT_EQ(percent_decode("%", false), std::nullopt);
    EXPECT_EQ(percent_decode("%e4", false), std::nullopt);
    EXPECT_EQ(percent_decode("%C3%A4", false), "\xc3\xa4");
    EXPECT_EQ(parse_query("a=1&a=2&&b&=c"), (Query{{"a", "1"}, {"a", "2"}, {"b", ""}, {"", "c"}}));
    EXPECT_EQ(percent_encode("a b/\xc3\xa4~"), "a%20b%2F%C3%A4~");
}

TEST(Headers, CompareWithoutCaseAndKeepOrder) {
    Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
    EXPECT_EQ(headers.get("a"), "1");
    headers.set("a", "4");
    EXPECT_EQ(headers.size(), 2u);
    EXPECT_EQ(headers.get("A"), "4");
    headers.remove("B");
    EXPECT_FALSE(headers.has("b"));
}

}  // namespace
}  // namespace meridian::http
