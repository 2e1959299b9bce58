// Single flight: whoever asks for a digest that is under way waits for that one and sees the same progress and the same end.
#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "base/async.h"
#include "base/hash.h"
#include "catalog/service.h"

namespace meridian::catalog {

class Flights {
public:
    using Tell = std::function<void(Progress)>;
    // Runs on the pool: blocking. Told to stop, it throws soon.
    using Work = std::function<void(const Tell& tell, const std::atomic<bool>& stop)>;

    Flights(Pool& pool, Clock& clock);
    Flights(const Flights&) = delete;
    Flights& operator=(const Flights&) = delete;
    ~Flights();  // stops, and waits for what runs

    // Ends when `work` (or the one under way for this digest) has ended; throws what it threw. `tell` is called here, on the
    // caller's executor, with the newest progress.
    Task<> join(Sha256 digest, Work work, Tell tell);
    // Running work ends soon, new work is refused. From any thread.
    void stop();

private:
    struct Core;
    Clock& clock_;
    std::shared_ptr<Core> core_;  // with jobs that wait in the pool
};

}  // namespace meridian::catalog
