// A project's receipts of a period in one file, which an auditor verifies with nothing but the log's public key: a line that says what
// it is, a line for each receipt with its place and its bytes as they were logged, and a line with the hashes that prove them all.
//
// It proves that every receipt in it is in the signed log, once and unchanged. That none was left out it does not: other leaves are
// hashes to a reader. Its sums are what a bill of the period has to say.
#pragma once
#include <string>
#include <string_view>

#include "base/disk.h"
#include "metering/service.h"

namespace meridian::metering {

struct Wanted {
    ProjectId project;
    Timestamp from, to;  // receipts that ended from `from` on and before `to`
};
// Checks the ledger first. How many receipts are in the file, or a sentence.
expected<std::uint64_t> write_bundle(Disk& disk, const std::string& ledger, const Wanted& period, const std::string& path);

// Whether the file says that it is such a bundle.
bool is_bundle(Disk& disk, const std::string& path);
// As Meter::verify_file. Reads the file in pieces.
Meter::Verdict verify_bundle(Disk& disk, const std::string& path, std::string_view trusted_key, std::string_view chain);

}  // namespace meridian::metering
