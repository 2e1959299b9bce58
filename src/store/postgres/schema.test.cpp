// The schema is one: what the migrations make of SQLite and of PostgreSQL is compared piece by piece.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "store/private_postgres.h"
#include "store/testing.h"

namespace meridian::store {
namespace {

// A sentence for each column, key, unique set, reference and index, in order. Places of columns are numbers, since SQLite closes the gap
// of one that was dropped. A column of a primary key counts as not null: SQLite lets null into one that is not said to be so.
constexpr std::string_view of_sqlite[] = {
    "select m.name || '.' || c.name || ' is column ' || (c.cid + 1) || ', ' || lower(c.type) || case when c.\"notnull\" or c.pk > 0 then "
    "' not null' else '' end || case when c.dflt_value is null then '' else ' default ' || c.dflt_value end as line "
    "from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'",
    "select name || ' has the key ' || group_concat(part) as line from (select m.name as name, c.name as part from sqlite_master m, "
    "pragma_table_info(m.name) c where m.type = 'table' and c.pk > 0 order by m.name, c.pk) group by name",
    "select name || ' is unique by ' || group_concat(part) as line from (select m.name as name, i.name as index_name, c.name as part from "
    "sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c where m.type = 'table' and i.origin = 'u' "
    "order by m.name, i.name, c.seqno) group by name, index_name",
    "select name || ' has the ' || kind || ' ' || index_name || ' on ' || group_concat(part) as line from (select m.name as name, i.name "
    "as index_name, case when i.\"unique\" then 'unique index' else 'index' end || case when i.partial then ' of some rows' else '' end as "
    "kind, c.name as part from sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c where m.type = 'table' and "
    "i.origin = 'c' order by m.name, i.name, c.seqno) group by name, index_name",
    "select name || ' refers by ' || group_concat(own) || ' to ' || other || '.' || group_concat(their) || ' on delete ' || lower(act) as "
    "line from (select m.name as name, f.id as id, f.\"table\" as other, f.\"from\" as own, f.\"to\" as their, f.on_delete as act from "
    "sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table' order by m.name, f.id, f.seq) group by name, id",
};

constexpr std::string_view of_postgres[] = {
    "select c.relname || '.' || a.attname || ' is column ' || row_number() over (partition by c.oid order by a.attnum) || ', ' || "
    "format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end || case when d.adbin is null then '' else "
    "' default ' || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '::(text|bigint)$', '') end as line from pg_class c join pg_attribute "
    "a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum "
    "where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace",
    "select c.relname || ' has the key ' || string_agg(a.attname, ',' order by k.place) as line from pg_constraint u join pg_class c on "
    "c.oid = u.conrelid cross join unnest(u.conkey) with ordinality k (number, place) join pg_attribute a on a.attrelid = c.oid and "
    "a.attnum = k.number where u.contype = 'p' and c.relnamespace = current_schema()::regnamespace group by c.relname",
    "select c.relname || ' is unique by ' || string_agg(a.attname, ',' order by k.place) as line from pg_constraint u join pg_class c on "
    "c.oid = u.conrelid cross join unnest(u.conkey) with ordinality k (number, place) join pg_attribute a on a.attrelid = c.oid and "
    "a.attnum = k.number where u.contype = 'u' and c.relnamespace = current_schema()::regnamespace group by c.relname, u.conname",
    "select c.relname || ' has the ' || case when x.indisunique then 'unique index' else 'index' end || case when x.indpred is null then "
    "'' else ' of some rows' end || ' ' || i.relname || ' on ' || string_agg(a.attname, ',' order by k.place) as line from pg_index x join "
    "pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid cross join unnest(x.indkey) with ordinality k (number, "
    "place) join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number where c.relnamespace = current_schema()::regnamespace and "
    "not "
    "exists (select 1 from pg_constraint u where u.conindid = x.indexrelid and u.contype in ('p', 'u')) group by c.relname, i.relname, "
    "x.indisunique, x.indpred is null",
    "select c.relname || ' refers by ' || string_agg(a.attname, ',' order by k.place) || ' to ' || o.relname || '.' || "
    "string_agg(b.attname, "
    "',' order by k.place) || ' on delete ' || case f.confdeltype when 'c' then 'cascade' when 'a' then 'no action' when 'n' then 'set "
    "null' "
    "else f.confdeltype::text end as line from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class o on o.oid = "
    "f.confrelid "
    "cross join unnest(f.conkey, f.confkey) with ordinality k (own, their, place) join pg_attribute a on a.attrelid = c.oid and a.attnum = "
    "k.own join pg_attribute b on b.attrelid = o.oid and b.attnum = k.their where f.contype = 'f' and c.relnamespace = "
    "current_schema()::regnamespace group by c.relname, o.relname, f.oid, f.confdeltype",
};

std::vector<std::string> lines(Store& store, std::span<const std::string_view> questions) {
    std::vector<std::string> all;
    store.read_now([&](Tx& tx) {
        for (const auto question : questions)
            for (const auto& row : tx.query(question)) all.push_back(row.get<std::string>("line"));
    });
    std::ranges::sort(all);
    return all;
}

struct Schemas : testing::Test {
    sim::World world{1};
    std::string url = PrivatePostgres::here().new_database();
    std::unique_ptr<Store> sqlite = open_store(world);
    std::unique_ptr<Store> postgres = Store::open(world.disk(), world.clock(), world.pool(), {.url = url}).value();
    std::vector<std::string> ours = lines(*sqlite, of_sqlite);
};

TEST_F(Schemas, AreTheSameOnBothDatabases) {
    EXPECT_THAT(ours, testing::Contains("api_keys.only_project_id is column 5, text"));
    EXPECT_THAT(ours, testing::Contains("replicas.intent is column 5, text not null default 'run'"));
    EXPECT_THAT(ours, testing::Contains("budget_leases has the key budget,window_from,zone"));
    EXPECT_THAT(ours, testing::Contains("nodes is unique by zone,name"));
    EXPECT_THAT(ours, testing::Contains("budget_deliveries has the index budget_deliveries_due on channel,next_attempt_at"));
    EXPECT_THAT(ours, testing::Contains("endpoints refers by deployment_id to deployments.id on delete cascade"));
    EXPECT_EQ(ours, lines(*postgres, of_postgres));
}

// The comparison sees each kind of difference.
TEST_F(Schemas, WouldBeFoundToDiffer) {
    for (const std::string change :
         {"alter table nodes add column more text", "alter table nodes alter column name drop not null",
          "alter table nodes alter column cpus type text", "alter table nodes alter column document drop default",
          "alter table nodes drop constraint nodes_zone_name_key", "drop index replicas_by_node",
          "create unique index more on nodes (name)", "alter table endpoints drop constraint endpoints_deployment_id_fkey",
          "alter table settings drop constraint settings_pkey", "create table more (id text not null primary key)"}) {
        postgres->write_now([&](Tx& tx) {
            tx.run(change);
            std::vector<std::string> theirs;
            for (const auto question : of_postgres)
                for (const auto& row : tx.query(question)) theirs.push_back(row.get<std::string>("line"));
            std::ranges::sort(theirs);
            EXPECT_NE(ours, theirs) << change;
        });  // nothing is committed: no row was written
    }
    EXPECT_EQ(ours, lines(*postgres, of_postgres));
}

TEST(PostgresMigrations, HaveTheNameOfTheOneThatTheyStandBeside) {
    namespace files = std::filesystem;
    const auto folder = files::path(std::getenv("MERIDIAN_SOURCE")) / "src/store/migrations/control";  // ctest sets it
    std::set<std::string> all, others;
    for (const auto& file : files::directory_iterator(folder)) {
        const auto name = file.path().filename().string();
        const auto suffix = name.find(".postgres.sql");
        if (suffix != std::string::npos)
            others.insert(name.substr(0, suffix) + ".sql");
        else
            all.insert(name);
    }
    EXPECT_FALSE(others.empty());
    EXPECT_THAT(all, testing::IsSupersetOf(others));
}

}  // namespace
}  // namespace meridian::store
