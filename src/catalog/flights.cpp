#include "catalog/flights.h"

#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"

namespace meridian::catalog {
namespace {

// Waiters are woken by every change; this only bounds what a lost wake-up could cost.
constexpr std::chrono::seconds look_again{1};

class Flight {
public:
    void listen(std::shared_ptr<Event> event) {
        const std::lock_guard lock(mutex_);
        listeners_.push_back(std::move(event));
    }
    void tell(Progress progress) {
        const std::lock_guard lock(mutex_);
        progress_ = progress;
        ++told_;
        for (const auto& event : listeners_) event->notify();
    }
    void end(std::optional<Error> error) {
        const std::lock_guard lock(mutex_);
        error_ = std::move(error);
        ended_ = true;
        for (const auto& event : listeners_) event->notify();
    }
    struct Look {
        Progress progress;
        unsigned told = 0;
        bool ended = false;
        std::optional<Error> error;  // a copy for each: whoever catches it may add to it
    };
    [[nodiscard]] Look look() const {
        const std::lock_guard lock(mutex_);
        return {progress_, told_, ended_, error_};
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<Event>> listeners_;
    Progress progress_;
    unsigned told_ = 0;
    bool ended_ = false;
    std::optional<Error> error_;
};

Error stopping() {
    return Error(Fault::unavailable, "Meridian is stopping; the model is fetched at the next start.").with_code("stopping");
}

}  // namespace

struct Flights::Core {
    Pool& pool;
    std::atomic<bool> stop = false;
    std::mutex mutex;
    std::condition_variable quiet;
    unsigned running = 0;
    std::map<Sha256, std::shared_ptr<Flight>> under_way;

    explicit Core(Pool& p) : pool(p) {}

    bool enter() {
        const std::lock_guard lock(mutex);
        if (stop) return false;
        ++running;
        return true;
    }
    void leave() {
        const std::lock_guard lock(mutex);
        --running;
        quiet.notify_all();
    }
    std::optional<Error> outcome(const Work& work, Flight& flight) const {
        try {
            work([&flight](Progress p) { flight.tell(p); }, stop);
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        } catch (const std::exception& e) {
            return Error(Fault::bug, "Fetching the model failed.", e.what());
        }
    }
    void fly(const Sha256& digest, const Work& work, Flight& flight) {
        const bool may = enter();
        auto error = may ? outcome(work, flight) : std::optional(stopping());
        {
            const std::lock_guard lock(mutex);
            under_way.erase(digest);
        }
        flight.end(std::move(error));
        if (may) leave();
    }
};

Flights::Flights(Pool& pool, Clock& clock) : clock_(clock), core_(std::make_shared<Core>(pool)) {}

Flights::~Flights() {
    stop();
    std::unique_lock lock(core_->mutex);
    core_->quiet.wait(lock, [&] { return core_->running == 0; });
}

void Flights::stop() {
    const std::lock_guard lock(core_->mutex);
    core_->stop = true;
}

Task<> Flights::join(Sha256 digest, Work work, Tell tell) {
    const auto event = std::make_shared<Event>(co_await asio::this_coro::executor);
    std::shared_ptr<Flight> flight;
    {
        const std::lock_guard lock(core_->mutex);
        auto& slot = core_->under_way[digest];
        const bool first = !slot;
        if (first) slot = std::make_shared<Flight>();
        flight = slot;
        flight->listen(event);
        if (first) core_->pool.post([core = core_, digest, flight, work = std::move(work)] { core->fly(digest, work, *flight); });
    }
    for (unsigned told = 0;;) {
        const auto look = flight->look();
        if (look.told != told && tell) tell(look.progress);
        told = look.told;
        if (look.error) throw Error(*look.error);
        if (look.ended) co_return;
        co_await event->wait(clock_, look_again);
    }
}

}  // namespace meridian::catalog
