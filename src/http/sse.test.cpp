#include "http/sse.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace meridian::http {
namespace {

struct Told {
    std::string raw, data, name;
    bool operator==(const Told&) const = default;
};

void drain(SseCutter& cutter, std::vector<Told>& out) {
    SseCutter::Event event;
    while (cutter.next(event)) out.push_back({std::string(event.raw), std::string(event.data), std::string(event.name)});
}

std::vector<Told> cut(std::string_view stream, std::size_t piece) {
    SseCutter cutter;
    std::vector<Told> out;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        EXPECT_TRUE(cutter.feed(stream.substr(at, piece)));
        drain(cutter, out);
    }
    return out;
}

TEST(SseCutter, CutsEventsWhateverEndsTheirLines) {
    struct Row {
        std::string_view says, stream;
        std::vector<Told> events;
    };
    const Row rows[] = {
        {"one event", "data: a\n\n", {{"data: a\n\n", "a", ""}}},
        {"two events", "data: a\n\ndata: b\n\n", {{"data: a\n\n", "a", ""}, {"data: b\n\n", "b", ""}}},
        {"carriage return and line feed", "data: a\r\n\r\ndata: b\r\n\r\n", {{"data: a\r\n\r\n", "a", ""}, {"data: b\r\n\r\n", "b", ""}}},
        {"carriage returns alone do not wait", "data: a\r\r", {{"data: a\r\r", "a", ""}}},
        {"and a late line feed is skipped", "data: a\r\r\ndata: b\n\n", {{"data: a\r\r", "a", ""}, {"\ndata: b\n\n", "b", ""}}},
        {"mixed ends", "data: a\n\r\ndata: b\r\n\n", {{"data: a\n\r\n", "a", ""}, {"data: b\r\n\n", "b", ""}}},
        {"one blank after the colon goes", "data:  a\n\n", {{"data:  a\n\n", " a", ""}}},
        {"or none", "data:a\n\n", {{"data:a\n\n", "a", ""}}},
        {"several data lines", "data: a\ndata\ndata: b\n\n", {{"data: a\ndata\ndata: b\n\n", "a\n\nb", ""}}},
        {"a comment", ": ping\n\n", {{": ping\n\n", "", ""}}},
        {"a comment within", "data: a\n: x\ndata: b\n\n", {{"data: a\n: x\ndata: b\n\n", "a\nb", ""}}},
        {"a name", "event: done\ndata: {}\n\n", {{"event: done\ndata: {}\n\n", "{}", "done"}}},
        {"other fields", "id: 7\nretry: 10\ndatas: no\ndata: a\n\n", {{"id: 7\nretry: 10\ndatas: no\ndata: a\n\n", "a", ""}}},
        {"a byte order mark",
         "\xEF\xBB\xBF"
         "data: a\n\n",
         {{"\xEF\xBB\xBF"
           "data: a\n\n",
           "a", ""}}},
        {"only at the start",
         "\n\xEF\xBB\xBF"
         "data: a\n\n",
         {{"\n", "", ""},
          {"\xEF\xBB\xBF"
           "data: a\n\n",
           "", ""}}},
        {"blank lines between", "data: a\n\n\ndata: b\n\n", {{"data: a\n\n", "a", ""}, {"\n", "", ""}, {"data: b\n\n", "b", ""}}},
        {"the unfinished is kept back", "data: a\n\ndata: b\n", {{"data: a\n\n", "a", ""}}},
        {"nothing", "", {}},
    };
    for (const auto& row : rows) {
        for (std::size_t piece = 1; piece <= row.stream.size() + 1; ++piece) {
            EXPECT_EQ(cut(row.stream, piece), row.events) << row.says << ", in pieces of " << piece;
        }
    }
}

RC_GTEST_PROP(SseCutter, SplittingAnywhereGivesTheSameEvents, ()) {
    const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(
        std::vector<std::string>{"\n", "\r", "\r\n", "data: ", "data:", "event: x", ": c", "\xEF\xBB\xBF", "a", "{\"b\":1}", "\n\n"}));
    std::string stream;
    for (const auto& word : words) stream += word;
    const auto whole = cut(stream, stream.size() + 1);
    std::string raw;
    for (const auto& event : whole) raw += event.raw;
    RC_ASSERT(stream.starts_with(raw));

    SseCutter cutter;
    std::vector<Told> pieces;
    for (std::size_t at = 0; at < stream.size();) {
        const auto length = *rc::gen::inRange<std::size_t>(1, 8);
        RC_ASSERT(cutter.feed(std::string_view(stream).substr(at, length)));
        if (*rc::gen::arbitrary<bool>()) drain(cutter, pieces);
        at += length;
    }
    drain(cutter, pieces);
    RC_ASSERT(pieces == whole);
    RC_ASSERT(cutter.pending() == stream.size() - raw.size());
}

RC_GTEST_PROP(SseCutter, ReadsBackWhatIsWritten, (const std::vector<std::string>& texts)) {
    std::string stream;
    for (const auto& text : texts) stream += sse_event(text, "n") + sse_comment(text);
    const auto events = cut(stream, 3);
    RC_ASSERT(events.size() == 2 * texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::string expected;  // a line break of any kind reads back as '\n'
        for (std::size_t k = 0; k < texts[i].size(); ++k) {
            const char c = texts[i][k];
            if (c == '\n' && k > 0 && texts[i][k - 1] == '\r') continue;
            expected += c == '\r' ? '\n' : c;
        }
        RC_ASSERT(events[2 * i].data == expected);
        RC_ASSERT(events[2 * i].name == "n");
        RC_ASSERT(events[2 * i + 1].data.empty());
    }
}

TEST(SseCutter, RefusesAnEventPastTheLimit) {
    SseCutter cutter(16);
    EXPECT_TRUE(cutter.feed("data: 123\n\ndata: 1"));
    SseCutter::Event event;
    ASSERT_TRUE(cutter.next(event));
    EXPECT_TRUE(cutter.feed("234567"));
    EXPECT_FALSE(cutter.next(event));
    EXPECT_FALSE(cutter.feed("8901234567"));
}

// A second look at the same bytes for each new piece would take minutes here.
TEST(SseCutter, TakesLinearTimeForManySmallPieces) {
    SseCutter cutter(64 << 20);
    const std::string piece(16, 'x');
    ASSERT_TRUE(cutter.feed("data: "));
    SseCutter::Event event;
    for (int i = 0; i < 200'000; ++i) {
        ASSERT_TRUE(cutter.feed(piece));
        ASSERT_FALSE(cutter.next(event));
    }
    ASSERT_TRUE(cutter.feed("\n\n"));
    ASSERT_TRUE(cutter.next(event));
    EXPECT_EQ(event.data.size(), 200'000 * piece.size());
}

TEST(SseCutter, KeepsWhatItWasFedAheadOfReading) {
    SseCutter cutter;
    std::size_t read = 0;
    SseCutter::Event event;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(cutter.feed("data: one\n\ndata: two\n\n"));
        if (i % 2 == 0 && cutter.next(event)) ++read;
    }
    while (cutter.next(event)) ++read;
    EXPECT_EQ(read, 2000U);
    EXPECT_EQ(cutter.pending(), 0U);
}

TEST(SseWriter, WritesEventsAndComments) {
    EXPECT_EQ(sse_event("{}"), "data: {}\n\n");
    EXPECT_EQ(sse_event("{}", "done"), "event: done\ndata: {}\n\n");
    EXPECT_EQ(sse_event("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
    EXPECT_EQ(sse_event("x", "a\ndata: forged"), "event: a\ndata: x\n\n");
    EXPECT_EQ(sse_comment("ping"), ": ping\n\n");
    EXPECT_EQ(sse_comment("a\n\nb"), ": a\n: \n: b\n\n");
}

}  // namespace
}  // namespace meridian::http
