// Who changed which row: the lines that a write with an author leaves in the outbox, in its own transaction.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "store/store.h"

namespace meridian::store {

inline constexpr std::string_view events_topic = "events";

using Changes = std::set<std::pair<std::string, std::string>>;  // topic, key

// A table with its key, and the tables whose rows are deleted with one of its own.
struct Table {
    std::string name, key;
    struct Part {
        std::string table, column;
    };
    std::vector<Part> parts;  // in the order of their names
};
// Asks the database in its own way.
using TableNamed = std::optional<Table> (*)(Tx& tx, const std::string& name);

// For each change whose topic is a table: {"by": who, "at", "type": the table, "id": the key, "before", "after", "row": the author's
// columns}. A digest is the SHA-256 of the row and of those that are deleted with it, null where there is no row. `before` sees what
// was there before the write, `after` is the write itself.
void add_events(const Author& by, Timestamp now, const Changes& changes, TableNamed table_named, Tx& before, Tx& after);

}  // namespace meridian::store
