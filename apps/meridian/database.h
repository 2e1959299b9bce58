// Opens the rows of an installation: a file of the data directory, or the PostgreSQL of a URL; and never the one while its rows are in
// the other.
#pragma once
#include <memory>
#include <string>

#include "base/disk.h"
#include "base/expected.h"
#include "installation.h"
#include "store/store.h"

namespace meridian::app {

// `url`: "" for the file. Where the rows are is remembered in the data directory, without a password.
expected<std::unique_ptr<store::Store>> open_database(Disk& disk, Clock& clock, Pool& pool, const Layout& layout, const std::string& url);

// From now on the rows of the data directory are in the database that `shown` tells of.
expected<void> remember_database(Disk& disk, const Layout& layout, const std::string& shown);

// There are rows of this data directory, wherever they are.
bool has_database(Disk& disk, const Layout& layout);

}  // namespace meridian::app
