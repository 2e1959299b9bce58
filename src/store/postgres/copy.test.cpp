#include "store/postgres/copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/private_postgres.h"
#include "store/testing.h"

namespace meridian::store {
namespace {

using testing::HasSubstr;

struct CopyTest : testing::Test {
    sim::World world{1};
    std::string url = PrivatePostgres::here().new_database();
    std::unique_ptr<Store> from = open_store(world);

    auto copy() { return postgres::copy_to(url, *from, world.clock().now(), migrations("control")); }
    void fill() {
        from->write_now(Author{.who = R"({"principal":"ada"})", .columns = {}}, [](Tx& tx) {
            tx.run("insert into organizations (id, name, created_at, updated_at) values ('o', $1, -1, 9223372036854775807)",
                   "tabs\t, lines\r\n, \\N, \\., ünïcode 🜁 and nothing: ");
            tx.run("insert into projects (id, organization_id, name, created_at, updated_at) values ('p', 'o', '', 0, 0)");
            tx.run(
                "insert into models (id, name, project_id, origin, document, created_at, updated_at) values ('m', 'tiny', null, 'file', "
                "'{}', 0, 0)");
            tx.changed("organizations", "o");
        });
        for (int i = 0; i < 2'500; ++i)  // of several pages
            from->write_now([&](Tx& tx) {
                tx.run("insert into settings (name, value) values ($1, $2)", i % 2 ? std::to_string(i) : "é" + std::to_string(i), i * i);
            });
    }
};

TEST_F(CopyTest, BringsEveryRowAndGoesOnWithItsRevisions) {
    fill();
    const auto copied = copy();
    ASSERT_TRUE(copied) << copied.error().said;
    const auto rows_of = [&](std::string_view name) { return std::ranges::find(*copied, name, &postgres::CopiedTable::name)->rows; };
    EXPECT_EQ(rows_of("settings"), 2'500);
    EXPECT_EQ(rows_of("revisions"), 2'501);
    EXPECT_EQ(rows_of("outbox"), 1);
    EXPECT_EQ(rows_of("nodes"), 0);
    const auto to = Store::open(world.disk(), world.clock(), world.pool(), {.url = url}).value();
    for (const auto* table : {"organizations", "projects", "models", "settings", "outbox", "sequences"}) {
        const auto all = [&](Store& store) {
            return store.read_now([&](Tx& tx) {
                std::vector<std::vector<std::string>> found;
                for (const auto& row : tx.query("select * from " + std::string(table) + " order by 1")) {
                    found.emplace_back();
                    for (const auto& column : row.columns()) {
                        const auto& v = row.at(column);
                        found.back().push_back(std::holds_alternative<std::int64_t>(v)  ? std::to_string(std::get<std::int64_t>(v))
                                               : std::holds_alternative<std::string>(v) ? "'" + std::get<std::string>(v)
                                                                                        : "null");
                    }
                }
                return found;
            });
        };
        EXPECT_EQ(all(*from), all(*to)) << table;
    }
    to->write_now([](Tx& tx) {
        EXPECT_EQ(tx.revision(), 2'502);
        tx.outbox("audit", "next");
    });
    EXPECT_EQ(to->outbox("audit", 1).at(0).id, 2);
    EXPECT_EQ(to->integrity(), "ok");
}

TEST_F(CopyTest, RefusesADatabaseThatHoldsRows) {
    fill();
    Store::open(world.disk(), world.clock(), world.pool(), {.url = url}).value()->write_now([](Tx& tx) {
        tx.run("insert into settings (name, value) values ('a', 'b')");
    });
    EXPECT_THAT(copy().error().said, HasSubstr("it holds rows already (in revisions). Name an empty database."));
}

TEST_F(CopyTest, LeavesNothingWhereOneRowDoesNotFit) {
    fill();
    from->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('z', $1)", std::string("nul \0 inside", 12)); });
    EXPECT_THAT(copy().error().said, testing::AllOf(HasSubstr("A text with a zero byte"), HasSubstr("The table was settings.")));
    from->write_now([](Tx& tx) { tx.run("update settings set value = 'mended' where name = 'z'"); });
    EXPECT_TRUE(copy());
}

// A row that becomes another on its way is noticed before anything is committed.
TEST_F(CopyTest, NoticesARowThatDidNotArriveAsItWas) {
    fill();
    ASSERT_TRUE(Store::open(world.disk(), world.clock(), world.pool(), {.url = url}));
    PrivatePostgres::here().script(
        url,
        "create function other() returns trigger language plpgsql as $$ begin if new.name = '7' then new.value = "
        "'8'; end if; return new; end $$; create trigger other before insert on settings for each row execute "
        "function other()");
    EXPECT_THAT(copy().error().said, HasSubstr("the table settings did not arrive as it was"));
    EXPECT_TRUE(PrivatePostgres::here().column(url, "select name from settings union select name from organizations").empty());
}

}  // namespace
}  // namespace meridian::store
