#include "base/json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

namespace meridian {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ReadsAndWrites) {
    const auto json = parse_json(R"( {"a": [1, -2, 0.5, "\u00e9\ud83e\udd99", true, null], "b": {}} )");
    ASSERT_TRUE(json) << json.error().said;
    EXPECT_EQ(to_text(*json), "{\"a\":[1,-2,5E-1,\"\xc3\xa9\xf0\x9f\xa6\x99\",true,null],\"b\":{}}");
}

TEST(Json, KeepsStringsLongerThanItsBuffer) {
    const std::string text(100'000, 'x');
    const auto json = parse_json("\"" + text + "\"");
    ASSERT_TRUE(json);
    EXPECT_EQ(view(json->as_string()), text);
}

TEST(Json, ReadsDoublesExactly) {
    EXPECT_EQ(parse_json("133333333333330333333")->as_double(), 133333333333330333333.0);
    EXPECT_EQ(parse_json("0.1")->as_double(), 0.1);
    rc::check("what is written reads as the same", [](double d) {
        if (std::isfinite(d)) RC_ASSERT(parse_json(to_text(d))->to_number<double>() == d);
    });
    for (const auto* text : {"1e400", "-1e400", "1e99999999999"}) EXPECT_FALSE(parse_json(text)) << text;
}

TEST(Json, EndsAtTheDepthThatWasAskedFor) {
    EXPECT_TRUE(parse_json(nested(json_depth_max)));
    const auto deep = parse_json(nested(json_depth_max + 1));
    ASSERT_FALSE(deep);
    EXPECT_NE(deep.error().said.find("too deeply"), std::string::npos) << deep.error().said;
    EXPECT_EQ(deep.error().at, json_depth_max);
    EXPECT_FALSE(parse_json(nested(1'000'000)));
    EXPECT_TRUE(parse_json(nested(3), 3));
    EXPECT_FALSE(parse_json(nested(4), 3));
}

TEST(Json, RefusesEverythingElseAndSaysWhere) {
    struct Row {
        const char* text;
        std::size_t at;
        const char* says;
    };
    const Row rows[] = {
        {"", 0, "too early"},
        {"{\"a\": ", 6, "too early"},
        {"{\"a\": 1,}", 8, "not valid JSON"},
        {"[1, 2", 5, "too early"},
        {"[1] x", 4, "follows"},
        {"{a: 1}", 1, "not valid JSON"},
        {"[01]", 2, "not valid JSON"},
        {"[1, NaN]", 4, "not valid JSON"},
        {"[1] // no comments", 4, "follows"},
        {"['x']", 1, "not valid JSON"},
        {"[\"a\tb\"]", 3, "not valid JSON"},
        {"[\"a\xff\"]", 3, "UTF-8"},
        {"[\"\xed\xa0\x80\"]", 2, "UTF-8"},
        {"[\"\xc3", 3, "UTF-8"},
        {"[\"\\ud800\"]", 8, "not valid JSON"},
        {"[\"\\udc00\"]", 8, "surrogate"},
        {"\xef\xbb\xbf[]", 0, "not valid JSON"},
    };
    for (const auto& row : rows) {
        const auto json = parse_json(row.text);
        ASSERT_FALSE(json) << row.text;
        EXPECT_EQ(json.error().at, row.at) << row.text;
        EXPECT_NE(json.error().said.find(row.says), std::string::npos) << row.text << ": " << json.error().said;
    }
}

TEST(Json, RefusesAMemberThatIsNamedTwice) {
    for (const auto* text : {R"({"a": 1, "a": 2})", R"([{"b": {"a": 1, "c": 2, "a": 1}}])", R"({"a": 1, "\u0061": 2})"})
        EXPECT_FALSE(parse_json(text)) << text;
    EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": 2, "b": {"a": 3}}])"));
}

TEST(Json, MembersThatAreMissingOrOfAnotherKindAreNull) {
    const auto json = *parse_json(R"({"text": "yes", "number": 1})");
    EXPECT_EQ(view(*text_member(json, "text")), "yes");
    EXPECT_EQ(text_member(json, "number"), nullptr);
    EXPECT_EQ(member(json, "absent"), nullptr);
    EXPECT_EQ(member(*parse_json("[1]"), "text"), nullptr);
    ASSERT_NE(member(json, "number"), nullptr);
    EXPECT_EQ(member(json, "number")->as_int64(), 1);
}

}  // namespace
}  // namespace meridian
