// The schema's history: numbered SQL files under migrations/, compiled into the program, applied in order and never edited
// once released.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/expected.h"
#include "base/time.h"

namespace meridian::store {

class Connection;

struct Migration {
    int number = 0;
    std::string_view name;  // "0001_first_light"
    std::string_view sql;
    std::string_view postgres_sql = {};  // where PostgreSQL needs other words: NNNN_name.postgres.sql
};

// Those of one room ("control"), by number. Made by the build from the files.
std::span<const Migration> migrations(std::string_view room);

// Applies what is outstanding, each in a transaction of its own. A schema that is newer than the program is left as it is, and refused
// unless it says that such programs may work with it.
expected<void> migrate(Connection& writer, std::span<const Migration> all, Timestamp now);

// Whether a program that knows `known` may work with a schema that is newer, of which it is the `oldest` that may (table schema_floor;
// nothing: it does not say).
expected<void> may_work_with(std::int64_t applied, std::optional<std::int64_t> oldest, std::int64_t known);
inline constexpr std::string_view floor_table = "schema_floor", floor_query = "select oldest from schema_floor";

// Every table and index as the database has them, in a stable order: what schema.sql holds.
std::string schema_of(Connection& connection);

}  // namespace meridian::store
