// Backup and restore of one installation: database, keys and ledger, with a manifest of digests. Public model files are left out
// (their source is in the catalogue); files that people added themselves are taken along.
#pragma once
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/expected.h"
#include "base/time.h"
#include "installation.h"
#include "store/store.h"

namespace meridian::app {

struct BackupSummary {
    std::string directory;
    std::size_t files = 0;
    std::uint64_t bytes = 0;
    std::string database;  // where the rows are, when they are in PostgreSQL and not in the backup
};

// While the server runs. `to` must not exist or be empty. `private_artifacts`: digests (hex) of files that no registry has.
expected<BackupSummary> back_up(Disk& disk, Clock& clock, store::Store& store, const Layout& layout, const std::string& to,
                                const std::vector<std::string>& private_artifacts);

// Into a data directory that holds no Meridian. Checks every digest before it writes anything.
expected<BackupSummary> restore(Disk& disk, const std::string& from, const std::string& data);

}  // namespace meridian::app
