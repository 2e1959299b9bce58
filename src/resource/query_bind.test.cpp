#include "resource/query_bind.h"

#include <gtest/gtest.h>

#include "resource/sample.test.h"

namespace meridian {
namespace {

enum class Order { newest, oldest };
constexpr auto names(As<Order>) { return words<Order>({{Order::newest, "created_at_desc"}, {Order::oldest, "created_at_asc"}}); }
struct Filter {
    Order order = Order::newest;
    std::optional<ProjectId> project;
    std::vector<std::string> tags;
    std::vector<std::uint64_t> sizes;
    std::optional<bool> is_open;
    std::optional<Timestamp> since;
    std::optional<std::string> name;
};
constexpr auto describe(As<Filter>) {
    return fields(field("order_by", &Filter::order, defaulted), field("project_id", &Filter::project), field("tags", &Filter::tags),
                  field("sizes", &Filter::sizes), field("open", &Filter::is_open), field("since", &Filter::since),
                  field("name", &Filter::name));
}

TEST(QueryBind, ReadsWhatTheClientsWrite) {
    const auto filter = from_query<Filter>({{"tags", "a"},
                                            {"order_by", "created_at_asc"},
                                            {"tags", "b"},
                                            {"open", "True"},
                                            {"since", "2026-11-24 19:33:39.464171+00:00"},
                                            {"sizes", "18446744073709551615"},
                                            {"name", "12"},
                                            {"project_id", ""},
                                            {"page", "7"}});
    EXPECT_EQ(filter.order, Order::oldest);
    EXPECT_EQ(filter.tags, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(filter.sizes, std::vector<std::uint64_t>{18446744073709551615u});
    EXPECT_EQ(filter.is_open, true);
    EXPECT_EQ(filter.since, parse_rfc3339("2026-11-24T19:33:39.464171Z"));
    EXPECT_EQ(filter.name, "12");
    EXPECT_EQ(filter.project, std::nullopt);
}

TEST(QueryBind, NamesWhatDoesNotParse) {
    try {
        (void)from_query<Filter>({{"open", "yes"}, {"order_by", "size"}, {"sizes", "1x"}});
        FAIL();
    } catch (const Error& error) {
        ASSERT_EQ(error.fields.size(), 3u);
        EXPECT_EQ(error.fields[0].name, "order_by");
        EXPECT_EQ(error.fields[1].name, "sizes.0");
        EXPECT_EQ(error.fields[2].name, "open");
    }
}

TEST(QueryBind, BooleansComeInThreeSpellings) {
    for (const char* yes : {"true", "True", "1"}) EXPECT_EQ(parse_bool(yes), true);
    for (const char* no : {"false", "False", "0"}) EXPECT_EQ(parse_bool(no), false);
    for (const char* neither : {"", "yes", "TRUE", "2"}) EXPECT_EQ(parse_bool(neither), std::nullopt);
}

}  // namespace
}  // namespace meridian
