// A restore drill: a backup is restored beside what runs, opened and checked as a start would do it, and thrown away. A backup that was
// never restored is a hope.
#pragma once
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/expected.h"
#include "base/time.h"

namespace meridian::app {

struct DrillCheck {
    std::string what;  // "files", "database", "ledger of fr-par-1"
    bool is_good = false;
    std::string said;
};
struct DrillResult {
    std::string made_at;  // of the backup, as its manifest says
    std::size_t files = 0;
    std::uint64_t bytes = 0;
    std::vector<DrillCheck> checks;
    Duration took{};
    [[nodiscard]] bool is_good() const;
};

// `scratch`: a directory that is not there; it is made and removed. Blocking. The database is opened by this program, with its migrations;
// rows that are in PostgreSQL are not in the backup, and the result says so.
DrillResult drill(Disk& disk, Clock& clock, const std::string& backup, const std::string& scratch);

}  // namespace meridian::app
