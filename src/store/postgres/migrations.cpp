#include "store/postgres/migrations.h"

#include <fmt/format.h>

namespace meridian::store::postgres {
namespace {

// Texts are compared byte by byte, as SQLite does: order and pages are the same on both.
expected<void> compares_bytes(Connection& writer) {
    const auto row = writer
                         .query(
                             "select datcollate::text as collation, pg_encoding_to_char(encoding)::text as encoding from pg_database "
                             "where datname = current_database()")
                         .at(0);
    const auto collation = row.get<std::string>("collation"), encoding = row.get<std::string>("encoding");
    const bool is_bytewise = collation == "C" || collation == "POSIX" || collation == "C.UTF-8" || collation == "C.utf8";
    if (is_bytewise && encoding == "UTF8") return {};
    return complaint(
        fmt::format("it has the encoding {} and the collation {}. Make one with: createdb --template=template0 --encoding=UTF8 "
                    "--locale=C.UTF-8 NAME",
                    encoding, collation));
}

// What is there, once nobody else is at it: the number of the newest, or nothing where there is no table of migrations yet.
std::optional<std::int64_t> newest_applied(Connection& writer) {
    const auto tables = writer.query(
        "select count(*) as n, count(*) filter (where tablename = 'schema_migrations') as ours from pg_tables where schemaname = "
        "current_schema()");
    if (tables.at(0).get<std::int64_t>("ours") == 1)
        return writer.query("select coalesce(max(number), 0) as newest from schema_migrations").at(0).get<std::int64_t>("newest");
    if (tables.at(0).get<std::int64_t>("n") == 0) return std::nullopt;
    throw Error(Fault::precondition, "it is a database of another program. Name an empty one.");
}

// The oldest schema whose programs may work with the one that is there; nothing where it does not say.
std::optional<std::int64_t> floor_of(Connection& writer) {
    const Value values[] = {value(floor_table)};
    if (writer.query("select 1 as one from pg_tables where schemaname = current_schema() and tablename = $1", values).empty())
        return std::nullopt;
    return writer.query(floor_query).at(0).get<std::int64_t>("oldest");
}

struct Rollback {
    Connection& writer;
    ~Rollback() { writer.rollback(); }  // nothing once committed
};

void begin_alone(Connection& writer) {
    writer.script(fmt::format("begin isolation level read committed read write; select pg_advisory_xact_lock({})", writers_lock),
                  maintenance_within);
}

std::int64_t begun(Connection& writer) {
    const Rollback guard{writer};
    begin_alone(writer);
    const auto newest = newest_applied(writer);
    if (newest) return *newest;
    writer.script("create table schema_migrations (number bigint not null primary key, name text not null, at bigint not null); commit");
    return 0;
}

void apply(Connection& writer, const Migration& migration, Timestamp now) {
    const Rollback guard{writer};
    begin_alone(writer);
    if (newest_applied(writer).value_or(0) >= migration.number) return;  // another process came first
    writer.script(std::string(migration.postgres_sql.empty() ? migration.sql : migration.postgres_sql), maintenance_within);
    const Value values[] = {value(migration.number), value(migration.name), value(now)};
    writer.run("insert into schema_migrations (number, name, at) values ($1, $2, $3)", values);
    writer.script("commit");
}

}  // namespace

expected<void> migrate(Connection& writer, std::span<const Migration> all, Timestamp now) {
    writer.take_time(maintenance_within);
    if (auto fits = compares_bytes(writer); !fits) return fits;
    try {
        const std::int64_t applied = begun(writer), known = all.empty() ? 0 : all.back().number;
        if (applied > known) {
            if (auto may = may_work_with(applied, floor_of(writer), known); !may) return may;
        }
        for (const auto& migration : all)
            if (migration.number > applied) apply(writer, migration, now);
    } catch (const Error& e) {
        if (e.fault != Fault::precondition) throw;
        return complaint(e.said);
    }
    writer.take_time(statement_within);
    return {};
}

}  // namespace meridian::store::postgres
