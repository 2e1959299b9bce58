// The real effects: wall clock, POSIX files, sockets, threads. Built in apps/meridian and handed to everybody else.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/disk.h"
#include "base/net.h"

namespace meridian::real {

class WallClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override;
    [[nodiscard]] Steady steady() const override;
    void async_sleep(Executor executor, Duration length, asio::any_completion_handler<void(ErrorCode)> done) override;
};

class PosixDisk final : public Disk {
public:
    DiskResult<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    DiskResult<void> rename(const std::string& from, const std::string& to) override;
    DiskResult<void> remove(const std::string& path) override;
    DiskResult<void> make_directories(const std::string& path) override;
    DiskResult<std::vector<std::string>> list(const std::string& path) override;
    DiskResult<bool> exists(const std::string& path) override;
    DiskResult<void> sync_directory(const std::string& path) override;
    DiskResult<std::uint64_t> free_bytes(const std::string& path) override;
    DiskResult<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;  // flock on a file of that path
};

// TCP (no delay) and Unix sockets on Asio. Streams live on the executor they were made on.
class SocketNetwork final : public Network {
public:
    Task<IoResult<std::vector<IpAddress>>> resolve(std::string host) override;
    Task<IoResult<std::unique_ptr<Stream>>> connect(Address to, Duration limit) override;
    IoResult<std::unique_ptr<Listener>> listen(Executor executor, const Address& at) override;
};

class ThreadPool final : public Pool {
public:
    explicit ThreadPool(std::size_t threads);
    ~ThreadPool() override;  // runs what was posted, then joins
    void post(std::move_only_function<void()> job) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Event loops, one thread each. Loop 0 is home: reconcilers and other strand-like work live there.
class Loops {
public:
    explicit Loops(std::size_t count);
    ~Loops();  // stops and joins
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] Executor executor(std::size_t index) const;
    void start();
    void stop();
    // Blocks the calling (non-loop) thread until `task` has run on `executor`; rethrows.
    void wait(Executor executor, Task<> task);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace meridian::real
