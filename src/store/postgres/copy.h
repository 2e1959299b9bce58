// Brings all rows of a SQLite store into an empty PostgreSQL, in one transaction, and proves that they arrived.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/migrations.h"
#include "store/store.h"

namespace meridian::store::postgres {

struct CopiedTable {
    std::string name;
    std::int64_t rows = 0;
    std::string sha256;  // of its rows in the order of its key, as both databases gave them
};

// `from` stays as it is, and should have no other user. Refuses a database that holds rows. After a failure nothing was copied.
expected<std::vector<CopiedTable>> copy_to(const std::string& url, Store& from, Timestamp now, std::span<const Migration> all);

// The URL without its password; "" where it is none.
std::string shown(const std::string& url);

}  // namespace meridian::store::postgres
