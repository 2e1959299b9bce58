#include "base/sim/clock.h"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>

namespace meridian::sim {
namespace {

constexpr Steady start{std::chrono::seconds(1000)};
// The morning of the first day of this world, whatever the day is outside.
constexpr Timestamp wall_start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + std::chrono::hours(8);
// A longer sleep is one that never ends: it does not move the clock, and alone it is a deadlock.
constexpr Duration never = std::chrono::hours(24) * 365 * 50;

}  // namespace

SimClock::SimClock() : now_(start) {}

Timestamp SimClock::now() const { return wall_start + std::chrono::floor<std::chrono::microseconds>(now_ - start + wall_ahead_); }

void SimClock::async_sleep(Executor executor, Duration length, Done done) {
    const Key key{length >= never ? Steady::max() : now_ + std::max(length, Duration::zero()), sequence_++};
    if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected())
        slot.assign([this, key](asio::cancellation_type) { wake(key, asio::error::operation_aborted); });
    sleepers_.emplace(key, Sleeper{std::move(executor), std::move(done)});
}

void SimClock::wake(Key key, ErrorCode why) {
    auto node = sleepers_.extract(key);
    if (node.empty()) return;
    auto& [executor, done] = node.mapped();
    asio::post(executor, [d = std::move(done), why]() mutable {
        asio::get_associated_cancellation_slot(d).clear();
        std::move(d)(why);
    });
}

bool SimClock::advance(Steady until) {
    if (sleepers_.empty()) return false;
    const Steady when = sleepers_.begin()->first.first;
    if (when == Steady::max() || when > until) return false;
    now_ = std::max(now_, when);
    while (!sleepers_.empty() && sleepers_.begin()->first.first == when) wake(sleepers_.begin()->first, {});
    return true;
}

void SimClock::clear() {
    // A coroutine that goes may take others along that sleep here.
    while (!sleepers_.empty()) sleepers_.extract(sleepers_.begin());
}

}  // namespace meridian::sim
