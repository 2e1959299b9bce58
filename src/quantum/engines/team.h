// A fixed team of threads for an engine: work is given to all of them at once and joined. Made once, used for every run.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace meridian::quantum {

class Team {
public:
    // `size` counts the calling thread: a team of one starts no thread. 0 takes the number of CPUs.
    explicit Team(unsigned size);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    [[nodiscard]] unsigned size() const { return unsigned(threads_.size()) + 1; }
    // Calls `work(member)` once for each member in [0, size()), on its thread, and returns when all have ended. One caller at a time.
    // The first exception that a member throws is thrown here, after all have ended.
    void run(const std::function<void(unsigned member)>& work);

    // A contiguous share of [0, count) for one member; shares differ by at most one.
    struct Share {
        std::size_t begin, end;
    };
    [[nodiscard]] Share share(std::size_t count, unsigned member) const;

private:
    void serve(unsigned member);
    // Looks for some microseconds whether the claim has come true: sweeps over small states follow each other faster than a thread wakes.
    template <class Claim>
    [[nodiscard]] bool soon(Claim claim) const;

    bool spins_ = false;  // where every member can have a CPU
    std::mutex lock_;
    std::condition_variable wake_, done_;
    const std::function<void(unsigned)>* work_ = nullptr;
    std::atomic<std::size_t> round_ = 0;
    std::atomic<unsigned> running_ = 0;
    std::atomic<bool> ending_ = false;
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
};

}  // namespace meridian::quantum
