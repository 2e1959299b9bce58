// The public log as plain files, which any web server may serve: checkpoint, key and tiles in the places of tlog-tiles.
#pragma once
#include <cstdint>
#include <string>

#include "base/disk.h"
#include "base/expected.h"

namespace meridian::metering {

struct Exported {
    std::uint64_t size = 0;   // leaves of the log
    std::uint64_t tiles = 0;  // that were written
};
// Checks the ledger first. Into a directory that holds an earlier export, only what that one lacks, and nothing where it is of
// another log or of another history. The checkpoint comes last, so that it never speaks of tiles that are not there.
expected<Exported> export_log(Disk& disk, const std::string& ledger, const std::string& to);

}  // namespace meridian::metering
