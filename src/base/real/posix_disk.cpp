#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/real/real.h"

namespace meridian::real {
namespace {

// What is stored belongs to the user that runs the program, and to nobody else on the machine.
constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;

DiskError::Kind kind_of(int number) {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return DiskError::Kind::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return DiskError::Kind::exists;
        case ENOSPC:
        case EDQUOT:
            return DiskError::Kind::full;
        case EROFS:
            return DiskError::Kind::read_only;
        case EACCES:
        case EPERM:
            return DiskError::Kind::denied;
        case EWOULDBLOCK:
        case EBUSY:
        case ETXTBSY:
            return DiskError::Kind::busy;
        default:
            return DiskError::Kind::io;
    }
}

std::unexpected<DiskError> failed(std::string_view doing, std::string_view path, int number = errno) {
    char text[128];
    return std::unexpected(DiskError{kind_of(number), fmt::format("{} {}: {}", doing, path, ::strerror_r(number, text, sizeof text))});
}

// Repeats a call that a signal interrupted.
template <class Call>
auto patiently(Call call) {
    auto outcome = call();
    while (outcome == -1 && errno == EINTR) outcome = call();
    return outcome;
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

DiskResult<Descriptor> opened(const std::string& path, int flags, std::string_view doing) {
    const int fd = patiently([&] { return ::open(path.c_str(), flags | O_CLOEXEC, file_mode); });
    if (fd < 0) return failed(doing, path);
    return Descriptor(fd);
}

// Where bytes that exist can be written to without new room on the disk. Elsewhere (btrfs, a network) a full disk would be a signal
// that ends the program, and not an error.
bool writes_in_place(int fd) {
    struct statfs about;
    if (::fstatfs(fd, &about) != 0) return false;
    constexpr decltype(about.f_type) xfs_magic = 0x58465342;
    return about.f_type == EXT4_SUPER_MAGIC || about.f_type == TMPFS_MAGIC || about.f_type == xfs_magic;
}

class PosixFile final : public File {
public:
    PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    ~PosixFile() override { unmap(); }
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    DiskResult<std::size_t> read(std::uint64_t at, std::span<char> into) override {
        std::size_t got = 0;
        while (got < into.size()) {
            const auto n =
                patiently([&] { return ::pread(fd_.get(), into.data() + got, into.size() - got, static_cast<off_t>(at + got)); });
            if (n < 0) return failed("reading", path_);
            if (n == 0) break;
            got += static_cast<std::size_t>(n);
        }
        return got;
    }
    DiskResult<void> write(std::uint64_t at, std::string_view bytes) override {
        while (!bytes.empty()) {
            const auto n = patiently([&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)); });
            if (n < 0) return failed("writing", path_);
            bytes.remove_prefix(static_cast<std::size_t>(n));
            at += static_cast<std::uint64_t>(n);
        }
        return {};
    }
    DiskResult<std::uint64_t> size() override {
        struct stat about;
        if (::fstat(fd_.get(), &about) != 0) return failed("measuring", path_);
        return static_cast<std::uint64_t>(about.st_size);
    }
    DiskResult<void> truncate(std::uint64_t size) override {
        if (patiently([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) return failed("truncating", path_);
        return {};
    }
    DiskResult<void> sync() override {
        if (patiently([&] { return ::fdatasync(fd_.get()); }) != 0) return failed("syncing", path_);
        return {};
    }

    std::span<char> map(std::uint64_t at, std::size_t length) override {
        unmap();
        static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        const auto from = at / page * page;
        const auto whole = static_cast<std::size_t>(at - from) + length;
        if (length == 0 || !writes_in_place(fd_.get())) return {};
        auto* memory = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), static_cast<off_t>(from));
        if (memory == MAP_FAILED) return {};
        mapped_ = {static_cast<char*>(memory), whole};
        return mapped_.subspan(static_cast<std::size_t>(at - from));
    }
    void expect_writes(std::span<char> part) override { advise(part, MADV_POPULATE_WRITE); }
    // The pages stay in the page cache, dirty as they are; only the process's way to them goes.
    void expect_no_writes(std::span<char> part) override { advise(part, MADV_DONTNEED); }

private:
    // The whole pages within.
    static void advise(std::span<char> part, int what) {
        static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        const auto from = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
        const auto until = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
        if (from < until) (void)::madvise(reinterpret_cast<void*>(from), until - from, what);
    }
    void unmap() {
        if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
        mapped_ = {};
    }

    Descriptor fd_;
    std::string path_;
    std::span<char> mapped_;
};

// The kernel drops the lock when the descriptor is closed, also when the process is killed.
class FlockHeld final : public DirectoryLock {
public:
    explicit FlockHeld(Descriptor fd) : fd_(std::move(fd)) {}

private:
    Descriptor fd_;
};

int flags_of(Disk::Open how) {
    switch (how) {
        case Disk::Open::read:
            return O_RDONLY;
        case Disk::Open::write_existing:
            return O_RDWR;
        case Disk::Open::create:
            return O_RDWR | O_CREAT;
        case Disk::Open::create_new:
            return O_RDWR | O_CREAT | O_EXCL;
    }
    return O_RDONLY;
}

}  // namespace

DiskResult<std::unique_ptr<File>> PosixDisk::open(const std::string& path, Open how) {
    auto fd = opened(path, flags_of(how), "opening");
    if (!fd) return std::unexpected(std::move(fd.error()));
    return std::make_unique<PosixFile>(std::move(*fd), path);
}

DiskResult<void> PosixDisk::rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming", from);
    return {};
}

DiskResult<void> PosixDisk::remove(const std::string& path) {
    if (std::remove(path.c_str()) != 0) return failed("removing", path);
    return {};
}

DiskResult<void> PosixDisk::make_directories(const std::string& path) {
    for (std::size_t end = 0; end != std::string::npos;) {
        end = path.find('/', end + 1);
        const auto part = path.substr(0, end);
        if (part.empty() || ::mkdir(part.c_str(), directory_mode) == 0) continue;
        const int number = errno;
        struct stat about;
        if (::stat(part.c_str(), &about) != 0) return failed("making the directory", part, number);
        if (!S_ISDIR(about.st_mode)) return failed("making the directory", part, EEXIST);
    }
    return {};
}

DiskResult<std::vector<std::string>> PosixDisk::list(const std::string& path) {
    const std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })> directory(::opendir(path.c_str()));
    if (!directory) return failed("listing", path);
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(directory.get()); errno = 0)
        if (const std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
    if (errno != 0) return failed("listing", path);
    std::ranges::sort(names);
    return names;
}

DiskResult<bool> PosixDisk::exists(const std::string& path) {
    struct stat about;
    if (::stat(path.c_str(), &about) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("looking for", path);
}

DiskResult<void> PosixDisk::sync_directory(const std::string& path) {
    const auto fd = opened(path, O_RDONLY | O_DIRECTORY, "opening the directory");
    if (!fd) return std::unexpected(fd.error());
    if (patiently([&] { return ::fsync(fd->get()); }) != 0) return failed("syncing the directory", path);
    return {};
}

DiskResult<std::uint64_t> PosixDisk::free_bytes(const std::string& path) {
    struct statvfs about;
    if (patiently([&] { return ::statvfs(path.c_str(), &about); }) != 0) return failed("measuring the free space of", path);
    return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

DiskResult<std::unique_ptr<DirectoryLock>> PosixDisk::lock(const std::string& path) {
    auto fd = opened(path, O_RDWR | O_CREAT, "locking");
    if (!fd) return std::unexpected(std::move(fd.error()));
    if (patiently([&] { return ::flock(fd->get(), LOCK_EX | LOCK_NB); }) != 0) return failed("locking", path);
    return std::make_unique<FlockHeld>(std::move(*fd));
}

}  // namespace meridian::real
