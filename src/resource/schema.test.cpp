#include "resource/schema.h"

#include <gtest/gtest.h>

#include "resource/sample.test.h"

namespace meridian {
namespace {

std::string property(const Json& schema, std::string_view name) {
    const Json& object = schema.at("$defs").at("sample.Thing");
    return to_text(object.at("properties").at(name));
}

TEST(Schema, OfASmallStructInFull) {
    EXPECT_EQ(to_text(schema<sample::Endpoint>(Direction::in)),
              R"({"$ref":"#/components/schemas/sample.Endpoint","$defs":{"sample.Endpoint":{"type":"object","properties":{)"
              R"("url":{"type":"string","minLength":1,"maxLength":20},"disable_auth":{"type":"boolean"},)"
              R"("port":{"type":["integer","null"],"minimum":1,"maximum":65535}},"required":["url"]}}})");
    EXPECT_EQ(to_text(schema<sample::Endpoint>(Direction::out).at("$defs").at("sample.Endpoint").at("required")),
              R"(["url","disable_auth","port"])");
}

TEST(Schema, EachKindOfMember) {
    const Json out = schema<sample::Thing>(Direction::out), in = schema<sample::Thing>(Direction::in);
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"id", R"({"type":"string","format":"uuid","readOnly":true})"},
        {"name", R"({"type":"string","minLength":1,"maxLength":8,"description":"May hold only a to z, 0 to 9 and '-'."})"},
        {"status", R"({"type":"string","enum":["unknown_status","creating","ready"]})"},
        {"colour", R"({"type":"string","enum":["red","green"]})"},
        {"balance", R"({"type":"integer","format":"int64"})"},
        {"size_bytes", R"({"type":"integer","minimum":0})"},
        {"ratio", R"({"type":"number","minimum":0E0,"maximum":1E0})"},
        {"is_public", R"({"type":"boolean"})"},
        {"timeout", R"({"type":"string","examples":["3.5s"]})"},
        {"updated_at", R"({"type":["string","null"],"format":"date-time","examples":["2026-11-23T19:29:43.932078Z"]})"},
        {"project_id", R"({"type":["string","null"],"format":"uuid"})"},
        {"note", R"({"type":["string","null"],"description":"For people."})"},
        {"tags", R"({"type":"array","items":{"type":"string","minLength":1,"maxLength":5},"maxItems":3})"},
        {"endpoints", R"({"type":"array","items":{"$ref":"#/components/schemas/sample.Endpoint"}})"},
        {"main", R"({"anyOf":[{"$ref":"#/components/schemas/sample.Endpoint"},{"type":"null"}]})"},
        {"spare", R"({"$ref":"#/components/schemas/sample.Endpoint"})"},
        {"labels", R"({"type":"object","additionalProperties":{"type":"string"},"maxProperties":2})"},
        {"extra", R"({})"},
        {"price",
         R"({"type":"object","properties":{"currency_code":{"type":"string","const":"EUR"},"units":{"type":"integer"},"nanos":{"type":"integer"}},"required":["currency_code","units","nanos"]})"},
    };
    for (const auto& [name, expected] : rows) EXPECT_EQ(property(out, name), expected);
    EXPECT_EQ(property(in, "secret"), R"({"type":"string","writeOnly":true})");
    const JsonObject& read = in.at("$defs").at("sample.Thing").at("properties").as_object();
    const JsonObject& written = out.at("$defs").at("sample.Thing").at("properties").as_object();
    EXPECT_FALSE(read.contains("id"));
    EXPECT_FALSE(written.contains("secret"));
}

struct Shares {
    std::vector<std::uint32_t> percents;
};
constexpr auto describe(As<Shares>) { return fields(field("percents", &Shares::percents, at_most{16}, at_least{1}, range{1, 100})); }

TEST(Schema, AListAndItsElementsMayBothHaveRules) {
    EXPECT_EQ(to_text(schema<Shares>(Direction::in).at("$defs").as_object().begin()->value().at("properties").at("percents")),
              R"({"type":"array","items":{"type":"integer","minimum":1,"maximum":100},"minItems":1,"maxItems":16})");
}

TEST(Schema, AStructMayNestInItselfAndNameItself) {
    EXPECT_EQ(to_text(schema<sample::Strict>(Direction::in)),
              R"({"$ref":"#/components/schemas/Strict","$defs":{"Strict":{"type":"object","properties":{)"
              R"("level":{"type":"integer","format":"int32","minimum":-2,"maximum":9},)"
              R"("below":{"type":"array","items":{"$ref":"#/components/schemas/Strict"}}},)"
              R"("required":["level","below"],"additionalProperties":false}}})");
}

TEST(Schema, OptionalsMayBeNullWhateverTheirRules) {
    EXPECT_EQ(to_text(schema<sample::Change>(Direction::in).at("$defs").at("sample.Change").at("properties")),
              R"({"colour":{"type":["string","null"],"enum":["red","green",null]},)"
              R"("tags":{"type":["array","null"],"items":{"type":"string","minLength":1,"maxLength":2},"maxItems":2},)"
              R"("status":{"anyOf":[{"type":"string","enum":["unknown_status","creating","ready"]},{"type":"null"}]},)"
              R"("energy":{"type":"integer","format":"int64"}})");
}

TEST(Schema, FiltersAreQueryParameters) {
    EXPECT_EQ(to_text(query_parameters(object_shape_of<sample::Endpoint>())),
              R"([{"name":"url","in":"query","required":true,"schema":{"type":"string","minLength":1,"maxLength":20}},)"
              R"({"name":"disable_auth","in":"query","schema":{"type":"boolean"}},)"
              R"({"name":"port","in":"query","schema":{"type":"integer","minimum":1,"maximum":65535}}])");
}

}  // namespace
}  // namespace meridian
