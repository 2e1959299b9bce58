#include "store/durable.h"

namespace meridian::store {

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

DiskResult<void> make_durable_directories(Disk& disk, const std::string& path) {
    if (path == "." || path == "/") return {};  // a Disk may not know these by name
    const auto there = disk.exists(path);
    if (!there) return std::unexpected(there.error());
    const std::string parent = parent_of(path);
    if (*there) return disk.sync_directory(parent);  // an earlier try may have failed at just this
    if (auto done = make_durable_directories(disk, parent); !done) return done;
    if (auto done = disk.make_directories(path); !done) return done;
    return disk.sync_directory(parent);
}

}  // namespace meridian::store
