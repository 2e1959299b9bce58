// Files, as something given: the real disk in production, one that loses unsynced writes and fills up in tests.
// Every call blocks; event loops reach it through a Pool, save the ledger's small appends to the page cache.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace meridian {

struct DiskError {
    enum class Kind { not_found, exists, full, read_only, denied, busy, io };
    Kind kind = Kind::io;
    std::string said;  // "writing /data/x: No space left on device"
};

template <class T>
using DiskResult = std::expected<T, DiskError>;

class File {
public:
    virtual ~File() = default;
    // Bytes read; fewer than asked only at the end of the file.
    virtual DiskResult<std::size_t> read(std::uint64_t at, std::span<char> into) = 0;
    virtual DiskResult<void> write(std::uint64_t at, std::string_view bytes) = 0;
    virtual DiskResult<std::uint64_t> size() = 0;
    virtual DiskResult<void> truncate(std::uint64_t size) = 0;
    virtual DiskResult<void> sync() = 0;  // data and size are durable when it returns
    // That part of the file as memory, for as long as the file lives: what is written there is written to the file, without a call
    // into the kernel. Bytes must exist before they are touched, and go on existing while they are used. The next call ends the memory of
    // the one before. Empty where a disk does not offer it.
    virtual std::span<char> map(std::uint64_t, std::size_t) { return {}; }
    // Hints about such memory, which change nothing in it: that it will be written to soon, so that the writer need not wait for its pages
    // then; and that it will not, so that a sync need not tell every core of each page. Not of pages that were truncated away.
    virtual void expect_writes(std::span<char>) {}
    virtual void expect_no_writes(std::span<char>) {}
};

// Held while it lives; another process (or another Disk user) that asks for the same path gets Kind::busy.
class DirectoryLock {
public:
    virtual ~DirectoryLock() = default;
};

class Disk {
public:
    enum class Open { read, write_existing, create, create_new };  // `create` opens what is there; all but `read` allow both

    virtual ~Disk() = default;
    virtual DiskResult<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
    virtual DiskResult<void> rename(const std::string& from, const std::string& to) = 0;  // atomic; replaces `to`
    virtual DiskResult<void> remove(const std::string& path) = 0;                         // a file or an empty directory
    virtual DiskResult<void> make_directories(const std::string& path) = 0;
    virtual DiskResult<std::vector<std::string>> list(const std::string& path) = 0;  // names, sorted
    virtual DiskResult<bool> exists(const std::string& path) = 0;
    virtual DiskResult<void> sync_directory(const std::string& path) = 0;
    virtual DiskResult<std::uint64_t> free_bytes(const std::string& path) = 0;
    virtual DiskResult<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;

    // Whole small files. `replace_file` is atomic and durable: temporary file, sync, rename, directory sync.
    DiskResult<std::string> read_file(const std::string& path);
    DiskResult<void> replace_file(const std::string& path, std::string_view bytes);

    // Makes what is missing and syncs the entry of everything made, for a power cut right afterwards.
    DiskResult<void> make_durable_directories(const std::string& path);
};

// "/a/b" of "/a/b/c"; "." and "/" have none above them.
std::string parent_of(const std::string& path);

// The fault that a disk error is to the person who asked.
[[noreturn]] void raise(const DiskError& error, std::string_view doing);

}  // namespace meridian
