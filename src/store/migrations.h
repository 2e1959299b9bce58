// The schema's history: numbered SQL files under migrations/, compiled into the program, applied in order and never edited
// once released.
#pragma once
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

// Applies what is outstanding, each in a transaction of its own. Refuses a schema that is newer than the program.
expected<void> migrate(Connection& writer, std::span<const Migration> all, Timestamp now);

// The refusal of a schema that this program does not know.
std::unexpected<Diagnostic> made_by_newer(std::int64_t applied, std::int64_t known);

// Every table and index as the database has them, in a stable order: what schema.sql holds.
std::string schema_of(Connection& connection);

}  // namespace meridian::store
