// How the store opens, with the migrations as an argument: the program gives its own, tests give others.
#pragma once
#include <span>

#include "store/migrations.h"
#include "store/store.h"

namespace meridian::store {

expected<std::unique_ptr<Store>> open_sqlite(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options,
                                             std::span<const Migration> all);

// Keeps every other Meridian away from the database at `path`; makes its directory.
expected<std::unique_ptr<DirectoryLock>> hold(Disk& disk, const std::string& path);

}  // namespace meridian::store
