#include "store/postgres/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "store/postgres/connection.h"
#include "store/postgres/migrations.h"

namespace meridian::store::postgres {
namespace {

constexpr std::int64_t page_rows = 1'000;  // held in memory at once

struct Table {
    std::string name;
    std::vector<std::string> columns, key;
    std::set<std::string> refers_to;
};

// In an order in which no row refers to one that comes later.
std::vector<Table> tables_of(Tx& tx) {
    std::vector<Table> waiting, ordered;
    for (const auto& row : tx.query(
             "select name from sqlite_master where type = 'table' and name not in ('schema_migrations', 'schema_floor') order by name")) {
        Table table{row.get<std::string>("name"), {}, {}, {}};
        for (const auto& column : tx.query("select name, pk from pragma_table_info($1) order by cid", table.name))
            table.columns.push_back(column.get<std::string>("name"));
        for (const auto& column : tx.query("select name from pragma_table_info($1) where pk > 0 order by pk", table.name))
            table.key.push_back(column.get<std::string>("name"));
        for (const auto& other : tx.query("select \"table\" as name from pragma_foreign_key_list($1)", table.name))
            table.refers_to.insert(other.get<std::string>("name"));
        table.refers_to.erase(table.name);
        MERIDIAN_ASSERT(!table.key.empty());
        waiting.push_back(std::move(table));
    }
    while (!waiting.empty()) {
        const auto next = std::ranges::find_if(waiting, [&](const Table& table) {
            return std::ranges::none_of(waiting, [&](const Table& other) { return table.refers_to.contains(other.name); });
        });
        MERIDIAN_ASSERT(next != waiting.end());
        ordered.push_back(std::move(*next));
        waiting.erase(next);
    }
    return ordered;
}

// A row as a line of COPY: the form in which it travels, and in which both sides are compared.
std::string line_of(const Row& row, const std::vector<std::string>& columns) {
    std::string line;
    for (const auto& column : columns) {
        if (!line.empty()) line += '\t';
        const auto& value = row.at(column);
        if (const auto* text = std::get_if<std::string>(&value)) {
            for (const char c : *text) {
                if (c == '\\' || c == '\t' || c == '\n' || c == '\r') line += '\\';
                line += c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
            }
        } else if (const auto* blob = std::get_if<Blob>(&value)) {
            line += "\\\\x" + hex(std::span(reinterpret_cast<const std::uint8_t*>(blob->bytes.data()), blob->bytes.size()));
        } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
            line += std::to_string(*whole);
        } else if (const auto* number = std::get_if<double>(&value)) {
            line += fmt::format("{}", *number);
        } else {
            line += "\\N";
        }
    }
    line += '\n';
    return line;
}

// The lines of a table, a page at a time, counted and digested on the way.
class Lines {
public:
    using Query = std::function<std::vector<Row>(std::string_view sql, std::span<const Value> values)>;
    Lines(const Table& table, Query query)
        : table_(table),
          query_(std::move(query)),
          sql_(fmt::format("select {} from {} order by {} limit $1 offset $2", fmt::join(table.columns, ", "), table.name,
                           fmt::join(table.key, ", "))) {}
    std::optional<std::string> next() {
        const Value values[] = {value(page_rows), value(rows_)};
        const auto rows = query_(sql_, values);
        if (rows.empty()) return std::nullopt;
        std::string lines;
        for (const auto& row : rows) lines += line_of(row, table_.columns);
        rows_ += static_cast<std::int64_t>(rows.size());
        digest_.add(lines);
        return lines;
    }
    CopiedTable end() {
        while (next()) {
        }
        return {table_.name, rows_, hex(digest_.finish())};
    }

private:
    const Table& table_;
    Query query_;
    std::string sql_;
    std::int64_t rows_ = 0;
    Sha256Stream digest_;
};

struct Rollback {
    Connection& connection;
    ~Rollback() { connection.rollback(); }  // nothing once committed
};

expected<CopiedTable> copy(Tx& from, Connection& to, const Table& table) {
    if (!to.query(fmt::format("select 1 as one from {} limit 1", table.name)).empty())
        return complaint(fmt::format("it holds rows already (in {}). Name an empty database.", table.name));
    Lines sent(table, [&](std::string_view sql, std::span<const Value> values) { return from.do_query(sql, values); });
    to.copy_in(fmt::format("copy {} ({}) from stdin", table.name, fmt::join(table.columns, ", ")), [&] { return sent.next(); });
    auto was = sent.end();
    const auto is = Lines(table, [&](std::string_view sql, std::span<const Value> values) { return to.query(sql, values); }).end();
    if (was.rows != is.rows || was.sha256 != is.sha256)
        return complaint(fmt::format("the table {} did not arrive as it was: {} rows with the digest {} became {} rows with {}.",
                                     table.name, was.rows, was.sha256, is.rows, is.sha256));
    return was;
}

}  // namespace

std::string shown(const std::string& url) {
    const auto server = Server::parse(url);
    return server ? server->shown : std::string();
}

expected<std::vector<CopiedTable>> copy_to(const std::string& url, Store& from, Timestamp now, std::span<const Migration> all) {
    MERIDIAN_ASSERT(from.elsewhere().empty());
    auto server = Server::parse(url);
    if (!server) return std::unexpected(server.error());
    const auto failed = [&](const std::string& why) {
        return complaint(fmt::format("Nothing was copied into the database {}: {}", server->shown, why));
    };
    std::vector<CopiedTable> copied;
    std::string now_at;
    try {
        Connection to(*server);
        if (auto done = migrate(to, all, now); !done) return failed(done.error().said);
        to.take_time(maintenance_within);
        const Rollback guard{to};
        to.script(fmt::format("begin isolation level read committed read write; select pg_advisory_xact_lock({})", writers_lock));
        std::optional<std::string> refused;
        from.read_now([&](Tx& tx) {
            for (const auto& table : tables_of(tx)) {
                now_at = table.name;
                auto one = copy(tx, to, table);
                if (!one) {
                    refused = one.error().said;
                    return;
                }
                copied.push_back(std::move(*one));
            }
        });
        if (refused) return failed(*refused);
        to.script("commit");
    } catch (const Error& e) {
        return failed(fmt::format("{} {}({})", e.said, now_at.empty() ? "" : "The table was " + now_at + ". ", e.logged));
    }
    return copied;
}

}  // namespace meridian::store::postgres
