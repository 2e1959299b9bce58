// How the store opens on PostgreSQL, with the migrations as an argument: the program gives its own, tests give others.
#pragma once
#include <span>

#include "store/migrations.h"
#include "store/store.h"

namespace meridian::store::postgres {

expected<std::unique_ptr<Store>> open(Clock& clock, Pool& pool, const OpenOptions& options, std::span<const Migration> all);

}  // namespace meridian::store::postgres
