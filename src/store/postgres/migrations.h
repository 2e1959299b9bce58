// The migrations on PostgreSQL: the same numbers and names, each in a transaction under the lock of the writers.
#pragma once
#include <span>

#include "store/migrations.h"
#include "store/postgres/connection.h"

namespace meridian::store::postgres {

// Of all who write to one database, in any process: held to the end of a transaction.
inline constexpr std::int64_t writers_lock = 0x4d45'5249'4449'414e;

// Several processes may call it at once. Refuses what is no database for us.
expected<void> migrate(Connection& writer, std::span<const Migration> all, Timestamp now);

}  // namespace meridian::store::postgres
