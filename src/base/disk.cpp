#include "base/disk.h"

#include <fmt/format.h>

#include "base/error.h"

namespace meridian {
namespace {

DiskResult<void> write_whole(Disk& disk, const std::string& path, std::string_view bytes) {
    auto file = disk.open(path, Disk::Open::create);
    if (!file) return std::unexpected(std::move(file.error()));
    if (auto done = (*file)->truncate(0); !done) return done;
    if (auto done = (*file)->write(0, bytes); !done) return done;
    return (*file)->sync();
}

std::string_view advice(DiskError::Kind kind) {
    switch (kind) {
        case DiskError::Kind::not_found:
            return "a file is missing; restore the data directory from a backup if it was removed by hand";
        case DiskError::Kind::exists:
            return "it exists already; choose another name";
        case DiskError::Kind::full:
            return "the disk is full; free some space and try again";
        case DiskError::Kind::read_only:
            return "the disk is read-only; mount it writable and try again";
        case DiskError::Kind::denied:
            return "the file's permissions forbid it; give them to the user that runs this program";
        case DiskError::Kind::busy:
            return "another process holds it; stop that one first";
        case DiskError::Kind::io:
            return "the disk reported an error; look at the log and at the disk's health";
    }
    assertion_failed("a kind outside the enum", __FILE__, __LINE__);
}

}  // namespace

DiskResult<std::string> Disk::read_file(const std::string& path) {
    auto file = open(path, Open::read);
    if (!file) return std::unexpected(std::move(file.error()));
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    std::string bytes(*size, '\0');
    const auto got = (*file)->read(0, bytes);
    if (!got) return std::unexpected(got.error());
    bytes.resize(*got);
    return bytes;
}

DiskResult<void> Disk::replace_file(const std::string& path, std::string_view bytes) {
    const auto fresh = path + ".new";
    if (auto done = write_whole(*this, fresh, bytes); !done) {
        (void)remove(fresh);  // the first error is the one to tell
        return done;
    }
    if (auto done = rename(fresh, path); !done) return done;
    return sync_directory(parent_of(path));
}

DiskResult<void> Disk::make_durable_directories(const std::string& path) {
    if (path == "." || path == "/") return {};  // a Disk may not know these by name
    const auto there = exists(path);
    if (!there) return std::unexpected(there.error());
    const auto parent = parent_of(path);
    if (!*there) {
        if (auto done = make_durable_directories(parent); !done) return done;
        if (auto done = make_directories(path); !done) return done;
        return sync_directory(parent);
    }
    // An earlier try may have failed at just this. But a directory above that we may not even read existed before us.
    auto synced = sync_directory(parent);
    if (!synced && synced.error().kind == DiskError::Kind::denied) return {};
    return synced;
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

void raise(const DiskError& error, std::string_view doing) {
    const auto fault = error.kind == DiskError::Kind::exists ? Fault::conflict : Fault::unavailable;
    throw Error(fault, fmt::format("This failed: {}: {}.", doing, advice(error.kind)), error.said);
}

}  // namespace meridian
