// The few things of POSIX that every file of this room which talks to the kernel needs.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>

namespace meridian::fleet {

// A file descriptor with an owner.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~Fd() { reset(); }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    void reset() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

// A small file of the kernel (/proc, /sys), whose size is not known before: at most 256 KiB, and empty when it cannot be read, which
// for a probe is an answer like any other.
inline std::string small_file(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string out;
    if (!fd.is_open()) return out;
    char piece[4096];
    ssize_t got = 0;
    while (out.size() < 256 * 1024 && (got = ::read(fd.get(), piece, sizeof piece)) > 0) out.append(piece, static_cast<std::size_t>(got));
    return out;
}

// One write; false when the kernel refuses.
[[nodiscard]] inline bool wrote(const std::string& path, const std::string& text) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd.is_open() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// For the shim and the probes, which run outside of any simulation and have no Clock: the shim is a process of its own.
inline std::int64_t monotonic_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace meridian::fleet
