#include "store/migrations.h"

#include <fmt/format.h>

#include "base/log.h"
#include "store/connection.h"

namespace meridian::store {
namespace {

constexpr std::string_view table = "schema_migrations";

bool has_table(Connection& writer, std::string_view name) {
    const Value values[] = {value(name)};
    return !writer.query("select 1 as one from sqlite_master where type = 'table' and name = $1", values).empty();
}

std::int64_t newest_applied(Connection& writer) {
    return writer.query("select coalesce(max(number), 0) as newest from schema_migrations").at(0).get<std::int64_t>("newest");
}

void apply(Connection& writer, const Migration& migration, Timestamp now) {
    struct Rollback {
        Connection& writer;
        ~Rollback() { writer.rollback(); }  // nothing once committed
    } const guard{writer};
    writer.script("begin immediate");
    writer.script(std::string(migration.sql));
    const Value values[] = {value(migration.number), value(migration.name), value(now)};
    writer.run("insert into schema_migrations (number, name, at) values ($1, $2, $3)", values);
    writer.script("commit");
}

}  // namespace

expected<void> may_work_with(std::int64_t applied, std::optional<std::int64_t> oldest, std::int64_t known) {
    if (oldest && known >= *oldest) {
        log::warn("store", "the schema is that of a newer Meridian ({}, and this program knows {}): end this one when all are replaced",
                  applied, known);
        return {};
    }
    return complaint(
        fmt::format("it was made by a newer Meridian (schema {}, and this program knows {}). Start that newer program, "
                    "or bring an older backup back with `meridian restore`.",
                    applied, known));
}

expected<void> migrate(Connection& writer, std::span<const Migration> all, Timestamp now) {
    if (!has_table(writer, table)) {
        if (!writer.query("select 1 as one from sqlite_master limit 1").empty())
            return complaint("it is a database of another program. Name another data directory.");
        writer.script("create table schema_migrations (number bigint not null primary key, name text not null, at bigint not null)");
    }
    const std::int64_t applied = newest_applied(writer), known = all.empty() ? 0 : all.back().number;
    if (applied > known)
        return may_work_with(
            applied,
            has_table(writer, floor_table) ? std::optional(writer.query(floor_query).at(0).get<std::int64_t>("oldest")) : std::nullopt,
            known);
    for (const auto& migration : all)
        if (migration.number > applied) apply(writer, migration, now);
    return {};
}

std::string schema_of(Connection& connection) {
    std::string text;
    for (const Row& row : connection.query("select sql from sqlite_master where sql is not null order by type desc, name"))
        text += row.get<std::string>("sql") + ";\n";
    return text;
}

}  // namespace meridian::store
