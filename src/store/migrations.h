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
};

// Those of one room ("control"), by number. Made by the build from the files.
std::span<const Migration> migrations(std::string_view room);

// Applies what is outstanding, each in a transaction of its own. Refuses a schema that is newer than the program.
expected<void> migrate(Connection& writer, std::span<const Migration> all, Timestamp now);

// Every table and index as the database has them, in a stable order: what schema.sql holds.
std::string schema_of(Connection& connection);

}  // namespace meridian::store
