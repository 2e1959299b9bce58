#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/real/real.h"
#include "base/real/straight.h"

namespace meridian::real {
namespace {

// Far enough to mean "never", near enough not to overflow when it is added to now.
constexpr Duration never = std::chrono::hours(24) * 365 * 100;

// Keeps the timer alive until it has rung.
struct Ring : Straight<void(ErrorCode)> {
    Ring(std::unique_ptr<asio::steady_timer> t, Done done) : Straight(std::move(done)), timer(std::move(t)) {}
    void operator()(ErrorCode failed) {
        // The slot's handler belongs to the timer: whoever emits after this moment must not reach into what is gone.
        if (auto slot = asio::get_associated_cancellation_slot(*this); slot.is_connected()) slot.clear();
        timer.reset();
        Straight::operator()(failed);
    }
    std::unique_ptr<asio::steady_timer> timer;
};

}  // namespace

Timestamp WallClock::now() const { return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()); }
Steady WallClock::steady() const { return std::chrono::steady_clock::now(); }

void WallClock::async_sleep(Executor executor, Duration length, asio::any_completion_handler<void(ErrorCode)> done) {
    auto timer = std::make_unique<asio::steady_timer>(std::move(executor), std::clamp(length, Duration::zero(), never));
    auto& sleeping = *timer;
    sleeping.async_wait(Ring(std::move(timer), std::move(done)));
}

}  // namespace meridian::real
