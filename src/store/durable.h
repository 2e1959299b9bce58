// Directories that are still there after a power cut.
#pragma once
#include <string>

#include "base/disk.h"

namespace meridian::store {

// "/a/b" of "/a/b/c".
std::string parent_of(const std::string& path);

// Makes what is missing and syncs the entry of everything made.
DiskResult<void> make_durable_directories(Disk& disk, const std::string& path);

}  // namespace meridian::store
