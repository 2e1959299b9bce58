// A whole world on one thread in virtual time: clock, network, disk and pool that a seed decides. The same code as in
// production runs in it, so that thousands of fault schedules can be tried without waiting.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/async.h"
#include "base/disk.h"
#include "base/net.h"
#include "base/rng.h"

namespace meridian::sim {

// Keeps what was synced; loses or tears what was not when the world crashes. All paths are of its own tree.
class SimDisk : public Disk {
public:
    // What a power cut does to writes that were not synced.
    enum class Unsynced { lost, kept, torn };
    virtual void crash(Unsynced what) = 0;                                   // open files of before turn into errors
    virtual void fill_up(std::optional<std::uint64_t> free_bytes) = 0;       // nullopt: endless again
    virtual void fail_next(DiskError::Kind kind, unsigned after_calls) = 0;  // one failure, after so many mutating calls
    virtual void flip_bit(const std::string& path, std::uint64_t byte, unsigned bit) = 0;
};

class SimNetwork : public Network {
public:
    virtual void set_latency(Duration one_way) = 0;
    virtual void cut(const Address& listener) = 0;  // refuses and breaks connections to it
    virtual void heal(const Address& listener) = 0;
    virtual void name(std::string host, std::vector<IpAddress> addresses) = 0;  // what resolve answers
};

class World {
public:
    explicit World(std::uint64_t seed);
    ~World();
    [[nodiscard]] Executor executor() const;
    Clock& clock();
    Rng& rng();
    SimDisk& disk();
    SimNetwork& network();
    Pool& pool();  // runs jobs on this same thread

    // Runs `task` to its end, moving virtual time forward whenever nothing is ready. Rethrows. Throws std::logic_error when
    // everything waits for nothing (deadlock), naming the seed.
    template <class T>
    T run(Task<T> task) {
        std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> out;
        if constexpr (std::is_void_v<T>) {
            run_void(std::move(task));
        } else {
            run_void(keep(std::move(task), out));
            return std::move(*out);
        }
    }
    // Lets `length` of virtual time pass.
    void run_for(Duration length);
    // Whoever calls this is busy for so long: time passes, and nobody else does anything meanwhile.
    void work_for(Duration length);
    void jump_wall_clock(Duration by);  // now() jumps, steady() does not

private:
    template <class T, class Out>
    static Task<> keep(Task<T> task, Out& out) {
        out.emplace(co_await std::move(task));
    }
    void run_void(Task<> task);
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace meridian::sim
