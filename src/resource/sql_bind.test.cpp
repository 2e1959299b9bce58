#include "resource/sql_bind.h"

#include <gtest/gtest.h>

#include <any>

#include "resource/sample.test.h"

namespace meridian {
namespace {

using sample::Thing;

// A row and a transaction with the members of the store's, in memory.
struct FakeRow {
    std::map<std::string, std::any, std::less<>> values;
    [[nodiscard]] bool is_null(std::string_view column) const { return !values.find(column)->second.has_value(); }
    template <class T>
    [[nodiscard]] T get(std::string_view column) const {
        const std::any& value = values.find(column)->second;
        if constexpr (std::same_as<T, std::uint64_t> || std::same_as<T, std::int64_t>) {
            if (const auto* narrow = std::any_cast<std::int8_t>(&value)) return static_cast<T>(*narrow);
        }
        return std::any_cast<T>(value);
    }
};
struct FakeTx {
    std::string sql;
    std::vector<std::any> bound;
    template <class... A>
    std::int64_t run(std::string_view text, const A&... values) {
        sql = text;
        (bind(values), ...);
        return 1;
    }
    template <class A>
    void bind(const A& value) {
        bound.emplace_back(value);
    }
    template <class A>
    void bind(const std::optional<A>& value) {
        bound.push_back(value ? std::any(*value) : std::any());
    }
};

Thing thing() {
    Thing t;
    t.id = *DeploymentId::parse("00112233-4455-6677-8899-aabbccddeeff");
    t.name = "ab";
    t.secret = "hush";
    t.status = sample::Status::ready;
    t.bytes = 7;
    t.offset = -3;
    t.timeout = std::chrono::seconds(2);
    t.price = Money::nanos(5);
    t.region = sample::Region::parse("fr-par");
    t.tags = {"a", "b", "c", "d", "more than the limit of today"};
    t.endpoints = {{.url = "", .disable_auth = true, .port = {}}};
    t.labels = {{"k", "v"}};
    return t;
}

TEST(SqlBind, NamesColumnsInOrder) {
    EXPECT_EQ(columns<sample::Endpoint>(), "url, disable_auth, port");
    EXPECT_EQ(columns<sample::Endpoint>("e."), "e.url, e.disable_auth, e.port");
    EXPECT_EQ(placeholders<sample::Endpoint>(), "$1, $2, $3");
    EXPECT_EQ(placeholders<sample::Endpoint>(4), "$4, $5, $6");
    EXPECT_EQ(insert_sql<sample::Endpoint>("endpoints"), "INSERT INTO endpoints (url, disable_auth, port) VALUES ($1, $2, $3)");
    EXPECT_EQ(update_sql<sample::Endpoint>("endpoints", "disable_auth"),
              "UPDATE endpoints SET url = $1, port = $3 WHERE disable_auth = $2");
    EXPECT_EQ(select_sql<sample::Endpoint>("endpoints", "WHERE port = $1"),
              "SELECT url, disable_auth, port FROM endpoints WHERE port = $1");
}

TEST(SqlBind, VisitsWhatHasAColumnUnderItsColumnName) {
    std::string seen;
    visit_columns(thing(), [&](std::string_view column, const auto&) { seen.append(column).append(" "); });
    EXPECT_NE(seen.find(" bytes "), std::string::npos);
    EXPECT_EQ(seen.find("size_bytes"), std::string::npos);
    EXPECT_EQ(seen.find("extra"), std::string::npos);
}

TEST(SqlBind, ARowReadsAsWhatWasWrittenSecretsAndOldLimitsIncluded) {
    FakeTx tx;
    insert_row(tx, "things", thing());
    FakeRow row;
    std::size_t i = 0;
    visit_columns(thing(), [&](std::string_view column, const auto&) { row.values.emplace(column, tx.bound.at(i++)); });
    EXPECT_EQ(i, tx.bound.size());
    EXPECT_EQ(from_row<Thing>(row), thing());
    EXPECT_EQ(std::any_cast<std::string>(row.values["status"]), "ready");
    EXPECT_EQ(std::any_cast<std::string>(row.values["endpoints"]), R"([{"url":"","disable_auth":true,"port":null}])");
    EXPECT_EQ(std::any_cast<std::int64_t>(row.values["timeout"]), 2'000'000'000);
    EXPECT_FALSE(row.values["note"].has_value());
}

TEST(SqlBind, DamageIsOurBugAndNamesTheColumn) {
    FakeTx tx;
    insert_row(tx, "things", thing());
    FakeRow good;
    std::size_t i = 0;
    visit_columns(thing(), [&](std::string_view column, const auto&) { good.values.emplace(column, tx.bound.at(i++)); });
    const std::pair<const char*, std::any> rows[] = {{"status", std::string("gone")},
                                                     {"id", std::string("no")},
                                                     {"offset", std::int64_t{300}},
                                                     {"tags", std::string("[")},
                                                     {"tags", std::string("[1]")}};
    for (const auto& [column, value] : rows) {
        FakeRow bad = good;
        bad.values[column] = value;
        try {
            (void)from_row<Thing>(bad);
            ADD_FAILURE() << column;
        } catch (const Error& error) {
            EXPECT_EQ(error.fault, Fault::bug);
            EXPECT_NE(error.logged.find(column), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace meridian
