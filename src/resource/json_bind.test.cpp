#include "resource/json_bind.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "resource/sample.test.h"

namespace meridian {
namespace {

using sample::Endpoint;
using sample::Region;
using sample::Status;
using sample::Strict;
using sample::Thing;

Json parsed(std::string_view text) {
    auto json = parse_json(text);
    EXPECT_TRUE(json) << text;
    return json ? *json : Json();
}

// "name required; tags.0 format": the problems of reading `text` as a T, or "" for none.
template <class T>
std::string problems(std::string_view text, const Reading& reading = {}) {
    static constexpr const char* words[] = {"unknown", "required", "format", "constraint"};
    try {
        (void)from_json<T>(parsed(text), reading);
        return {};
    } catch (const Error& error) {
        EXPECT_EQ(error.fault, Fault::invalid);
        std::string all;
        for (const auto& each : error.fields) all += (all.empty() ? "" : "; ") + each.name + " " + words[static_cast<int>(each.reason)];
        return all;
    }
}

std::string said(std::string_view text) {
    try {
        (void)from_json<Thing>(parsed(text));
        return {};
    } catch (const Error& error) {
        return error.said;
    }
}

Thing full() {
    Thing t;
    t.id = *DeploymentId::parse("00112233-4455-6677-8899-aabbccddeeff");
    t.name = "ab-1";
    t.secret = "hush";
    t.status = Status::ready;
    t.balance = std::numeric_limits<std::int64_t>::min();
    t.bytes = std::numeric_limits<std::uint64_t>::max();
    t.offset = -128;
    t.price = Money::nanos(-1'500'000'000);
    t.timeout = std::chrono::milliseconds(3500);
    t.created_at = *parse_rfc3339("2026-11-23T19:29:43.932078Z");
    t.region = Region::parse("fr-par");
    t.regions = {*Region::parse("it-mil")};
    t.tags = {"a"};
    t.endpoints = {{.url = "u", .disable_auth = true, .port = 80}};
    t.labels = {{"k", "v"}};
    t.extra = JsonObject{{"x", 1}};
    return t;
}

TEST(JsonBind, WritesEveryKeyAndNoSecret) {
    EXPECT_EQ(to_text(to_json(full())),
              R"({"id":"00112233-4455-6677-8899-aabbccddeeff","name":"ab-1","status":"ready","colour":"red",)"
              R"("balance":-9223372036854775808,"size_bytes":18446744073709551615,"offset":-128,"ratio":5E-1,"is_public":false,)"
              R"("price":{"currency_code":"EUR","units":-1,"nanos":-500000000},"timeout":"3.5s",)"
              R"("created_at":"2026-11-23T19:29:43.932078Z","updated_at":null,"project_id":null,"note":null,"region":"fr-par",)"
              R"("regions":["it-mil"],"tags":["a"],"endpoints":[{"url":"u","disable_auth":true,"port":80}],"main":null,)"
              R"("spare":{"url":"","disable_auth":false,"port":null},"labels":{"k":"v"},"extra":{"x":1}})");
}

TEST(JsonBind, ReadsTheLeastThatIsRequired) {
    const auto thing = from_json<Thing>(parsed(R"({"name":"x"})"));
    Thing expected;
    expected.name = "x";
    EXPECT_EQ(thing, expected);
}

TEST(JsonBind, NamesEveryProblemAtOnce) {
    struct Row {
        std::string_view says, json, problems;
    };
    const Row rows[] = {
        {"what is missing", R"({})", "name required"},
        {"null is absence", R"({"name":null})", "name required"},
        {"and so is it for what may be absent",
         R"({"name":"x","tags":null,"labels":null,"note":null,"status":null,"spare":null,"main":null,"extra":null,"ratio":null})", ""},
        {"an empty text is not an absent one, but too short", R"({"name":""})", "name required"},
        {"an empty text is an absent id, time, enum or duration",
         R"({"name":"x","project_id":"","updated_at":"","status":"","timeout":"","region":""})", ""},
        {"the body is no object", R"([1])", " format"},
        {"too long", R"({"name":"123456789"})", "name constraint"},
        {"characters are counted, not bytes", R"({"name":"x","tags":["ééééé"]})", ""},
        {"a charset", R"({"name":"A b"})", "name format"},
        {"texts in a list keep their length", R"({"name":"x","tags":["", "ok", "toolong"]})", "tags.0 required; tags.2 constraint"},
        {"too many elements", R"({"name":"x","tags":["a","b","c","d"]})", "tags constraint"},
        {"null in a list is not absence", R"({"name":"x","tags":[null]})", "tags.0 format"},
        {"no list", R"({"name":"x","tags":"a"})", "tags format"},
        {"nested paths", R"({"name":"x","endpoints":[{"url":"u"},{"disable_auth":"yes","port":0}]})",
         "endpoints.1.url required; endpoints.1.disable_auth format; endpoints.1.port constraint"},
        {"a map of texts", R"({"name":"x","labels":{"a":1,"b":"c"}})", "labels.a format"},
        {"a map too large", R"({"name":"x","labels":{"a":"1","b":"c","d":"e"}})", "labels constraint"},
        {"choices", R"({"name":"x","colour":"blue"})", "colour constraint"},
        {"whole numbers", R"({"name":"x","balance":1.5,"size_bytes":-1,"offset":128})",
         "balance format; size_bytes constraint; offset constraint"},
        {"numbers are not texts", R"({"name":"x","balance":"1"})", "balance format"},
        {"2.0 is a whole number", R"({"name":"x","balance":2.0,"size_bytes":1e3})", ""},
        {"1e300 is too large a number", R"({"name":"x","balance":1e300})", "balance constraint"},
        {"a range of reals takes whole numbers", R"({"name":"x","ratio":1})", ""},
        {"and has ends", R"({"name":"x","ratio":1.01})", "ratio constraint"},
        {"a UUID", R"({"name":"x","project_id":"nope"})", "project_id format"},
        {"a type of one's own", R"({"name":"x","region":"paris","regions":["x"]})", "region format; regions.0 format"},
        {"a time with a blank, as Python writes it", R"({"name":"x","updated_at":"2026-11-24 19:33:39.464171+00:00"})", ""},
        {"no time", R"({"name":"x","updated_at":12})", "updated_at format"},
        {"a duration", R"({"name":"x","timeout":"3.5"})", "timeout format"},
        {"other currencies", R"({"name":"x","price":{"currency_code":"USD","units":1,"nanos":0}})", "price constraint"},
        {"mixed signs", R"({"name":"x","price":{"units":1,"nanos":-1}})", "price format"},
        {"more money than there is", R"({"name":"x","price":{"units":9223372037,"nanos":0}})", "price constraint"},
        {"what is only written is ignored", R"({"name":"x","id":7,"created_at":[]})", ""},
        {"unknown keys are ignored", R"({"name":"x","new":1})", ""},
        {"all at once", R"({"name":"No!","tags":[1],"status":"gone","extra":{}})", "name format; status constraint; tags.0 format"},
    };
    for (const Row& row : rows) EXPECT_EQ(problems<Thing>(row.json), row.problems) << row.says;
}

TEST(JsonBind, StrictnessIsOfTheTableOrOfTheCall) {
    EXPECT_EQ(problems<Thing>(R"({"name":"x","new":1,"endpoints":[{"url":"u","old":2}]})", {.is_strict = true}),
              "endpoints.0.old unknown; new unknown");
    EXPECT_EQ(problems<Strict>(R"({"level":1,"below":[{"level":2,"below":[],"x":0}],"y":0})"), "below.0.x unknown; y unknown");
    EXPECT_EQ(problems<Strict>(R"({"level":-3})"), "level constraint; below required");
}

TEST(JsonBind, SentencesSayWhatToDo) {
    struct Row {
        std::string_view json, said;
    };
    const Row rows[] = {
        {R"({"name":"x","status":"gone"})", "status must be one of: unknown_status, creating, ready."},
        {R"({"name":"x","offset":300})", "offset must be between -128 and 127."},
        {R"({"name":"x","size_bytes":-1})", "size_bytes must be between 0 and 18446744073709551615."},
        {R"({"name":"123456789"})", "name must have between 1 and 8 characters."},
        {R"({"name":"A"})", "name may hold only a to z, 0 to 9 and '-'."},
        {R"({"name":"x","region":"paris"})", "region must be a region such as fr-par."},
        {R"({"name":"x","tags":["1","2","3","4"]})", "tags must have at most 3 elements."},
        {R"({"tags":[1,2,3]})", "name is required; tags.0 must be a text; tags.1 must be a text; and 1 more."},
        {R"("text")", "The body must be a JSON object."},
    };
    for (const Row& row : rows) EXPECT_EQ(said(row.json), row.said);
}

TEST(JsonBind, AMillionProblemsAreAnsweredWithFifty) {
    JsonArray wrong(9000, Json(1));
    try {
        (void)from_json<Strict>(JsonObject{{"level", 1}, {"below", wrong}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.fields.size(), problems_max);
    }
    EXPECT_EQ(problems<Strict>(to_text(JsonObject{{"level", 1}, {"below", JsonArray(elements_max + 1, JsonObject{})}})),
              "below constraint");
}

TEST(JsonBind, PatchChangesOnlyWhatIsThere) {
    struct Row {
        std::string_view says, patch;
        void (*change)(Thing&);
    };
    const Row rows[] = {
        {"nothing", R"({})", [](Thing&) {}},
        {"a text", R"({"name":"z"})", [](Thing& t) { t.name = "z"; }},
        {"null leaves alone", R"({"name":null,"region":null,"tags":null})", [](Thing&) {}},
        {"lists are replaced", R"({"tags":["b","c"]})", [](Thing& t) { t.tags = {"b", "c"}; }},
        {"and emptied", R"({"tags":[],"labels":{}})", [](Thing& t) { t.tags.clear(), t.labels.clear(); }},
        {"nested structs are merged", R"({"spare":{"port":1}})", [](Thing& t) { t.spare.port = 1; }},
        {"what is only written stays", R"({"id":"ffffffff-ffff-ffff-ffff-ffffffffffff"})", [](Thing&) {}},
        {"a secret may be set", R"({"secret":"new"})", [](Thing& t) { t.secret = "new"; }},
        {"false is a value", R"({"is_public":false,"balance":0})", [](Thing& t) { t.is_public = false, t.balance = 0; }},
    };
    for (const Row& row : rows) {
        Thing changed = full(), expected = full();
        row.change(expected);
        merge_json(changed, parsed(row.patch));
        EXPECT_EQ(changed, expected) << row.says;
    }
}

TEST(JsonBind, PatchOfANewNestedStructNeedsAllOfIt) {
    Thing thing = full();
    EXPECT_THROW(merge_json(thing, parsed(R"({"main":{"port":1}})")), Error);
    EXPECT_EQ(thing, full());
    merge_json(thing, parsed(R"({"main":{"url":"m"}})"));
    merge_json(thing, parsed(R"({"main":{"port":1}})"));
    EXPECT_EQ(thing.main, (Endpoint{.url = "m", .port = 1}));
}

TEST(JsonBind, PatchIsAllOrNothing) {
    Thing thing = full();
    EXPECT_THROW(merge_json(thing, parsed(R"({"name":"new","tags":[1]})")), Error);
    EXPECT_EQ(thing, full());
}

TEST(JsonBind, NullClearsWhereTheDialectSaysSo) {
    Thing thing = full();
    merge_json(thing, parsed(R"({"region":null,"tags":null})"), {.null_clears = true});
    EXPECT_EQ(thing.region, std::nullopt);
    EXPECT_EQ(thing.tags, full().tags);
}

TEST(JsonBind, AStructOfOptionalsTellsAbsentFromEmpty) {
    EXPECT_EQ(from_json<sample::Change>(parsed(R"({"tags":null})")), sample::Change{});
    EXPECT_EQ(from_json<sample::Change>(parsed(R"({"tags":[],"energy":5})")),
              (sample::Change{.colour = {}, .tags = std::vector<std::string>{}, .status = {}, .energy = Millijoules(5)}));
    EXPECT_EQ(problems<sample::Change>(R"({"tags":["abc"],"colour":""})"), "colour constraint; tags.0 constraint");
}

TEST(JsonBind, NamesOfProblemsAreCutWhereACharacterBegins) {
    std::string longest(path_max - std::string_view("labels.").size() - 1, 'k');
    for (int i = 0; i < 10; ++i) longest += "é";
    try {
        (void)from_json<Thing>(JsonObject{{"name", "x"}, {"labels", JsonObject{{longest, 1}}}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.fields.at(0).name.size(), path_max - 1);
        EXPECT_TRUE(error.fields.at(0).name.ends_with("kk"));
    }
}

TEST(JsonBind, DurationsAreSecondsWithDecimals) {
    struct Row {
        std::string_view text;
        std::optional<std::int64_t> nanos;
    };
    const Row rows[] = {{"3.5s", 3'500'000'000},
                        {"900.000000000s", 900'000'000'000},
                        {"0s", 0},
                        {"-0.000000001s", -1},
                        {"9223372035s", 9'223'372'035'000'000'000},
                        {"9223372037s", {}},
                        {"s", {}},
                        {"", {}},
                        {"1", {}},
                        {"1.s", {}},
                        {".5s", {}},
                        {"1.0000000001s", {}},
                        {"--1s", {}},
                        {"1e3s", {}},
                        {"+1s", {}}};
    for (const Row& row : rows) {
        const auto length = parse_duration(row.text);
        EXPECT_EQ(length ? std::optional(length->count()) : std::nullopt, row.nanos) << row.text;
    }
    EXPECT_EQ(duration_text(Duration::min()), "-9223372036.854775808s");
}

TEST(JsonBind, EnumsHaveWords) {
    EXPECT_EQ(word(Status::ready), "ready");
    EXPECT_EQ(from_word<Status>("ready"), Status::ready);
    EXPECT_EQ(from_word<Status>("Ready"), std::nullopt);
}

TEST(JsonBind, RoundTripKeepsEverythingThatIsWritten) {
    EXPECT_TRUE(rc::check([] {
        Thing t;
        t.name = *rc::gen::container<std::string>(rc::gen::inRange('a', 'z')).as("name");
        RC_PRE(!t.name.empty() && t.name.size() <= 8);
        t.status = *rc::gen::element(Status::unknown_status, Status::creating, Status::ready);
        t.balance = *rc::gen::arbitrary<std::int64_t>();
        t.bytes = *rc::gen::arbitrary<std::uint64_t>();
        t.offset = *rc::gen::arbitrary<std::int8_t>();
        t.is_public = *rc::gen::arbitrary<bool>();
        t.price = Money::nanos(*rc::gen::arbitrary<std::int64_t>());
        // Within what the wire form can say: the last second of 64 bits is refused.
        t.timeout = Duration(*rc::gen::inRange<std::int64_t>(-9'000'000'000'000'000'000, 9'000'000'000'000'000'000));
        if (*rc::gen::arbitrary<bool>())
            t.updated_at = Timestamp(std::chrono::microseconds(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000)));
        const auto count = *rc::gen::inRange(0, 4);
        for (int i = 0; i < count; ++i) {
            t.tags.emplace_back(1, static_cast<char>('a' + i));
            t.endpoints.push_back({.url = "u", .disable_auth = i % 2 == 0, .port = std::nullopt});
            t.regions.push_back(*Region::parse("fr-par"));
        }
        t.spare.url = "s";
        RC_ASSERT(from_json<Thing>(parsed(to_text(to_json(t)))) == t);
    }));
}

}  // namespace
}  // namespace meridian
