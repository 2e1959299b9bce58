// What a server takes upon itself: how many runs, how many bytes of bodies, and how far behind it may be. What is too much is
// refused before its body is kept and before its handler has heard of it; what was begun goes on.
#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>

#include "base/error.h"
#include "http/connection.h"

namespace meridian::http {
namespace {

constexpr Duration probe_every = std::chrono::milliseconds(10);

}  // namespace

void ServerCore::probe() {
    was_busy_ = true;
    if (std::exchange(probing_, true)) return;
    sleep_then_measure();
}

void ServerCore::sleep_then_measure() {
    was_busy_ = runs > 0;
    auto then = [core = shared_from_this(), due = clock.steady() + probe_every](ErrorCode error) {
        if (error) return;
        const Steady now = core->clock.steady();
        const Duration late = std::max(Duration::zero(), Duration(now - due));
        core->probing_ = core->was_busy_ || core->runs > 0;
        if (core->probing_) {
            core->backlog.observe(now, late);
            core->sleep_then_measure();
        } else {
            core->backlog.rest();
        }
        const auto late_us = std::chrono::duration_cast<std::chrono::microseconds>(core->probing_ ? late : Duration::zero()).count();
        core->counters.lateness_us.store(static_cast<std::uint64_t>(late_us), std::memory_order_relaxed);
    };
    clock.async_sleep(executor, probe_every, asio::bind_cancellation_slot(wake_probe_.slot(), std::move(then)));
}

// The answer when there is too much to do; nothing when the request is taken on.
std::optional<Response> ServerConnection::refuse_for_load() {
    if (!route_->may_be_shed) return std::nullopt;
    auto& core = *core_;
    core.probe();
    const bool is_full = core.runs >= core.limits.runs;
    if (!is_full && !core.backlog.refuses()) {
        ++core.runs;
        is_run_ = true;
        return std::nullopt;
    }
    (is_full ? core.counters.shed_runs : core.counters.shed_late).fetch_add(1, std::memory_order_relaxed);
    const Error error = Error(Fault::unavailable, "There is more to do at the moment than can be done; try again shortly.")
                            .with_code("overloaded")
                            .after(std::chrono::seconds(1));
    return render(route_->dialect, error, request().id);
}

bool ServerConnection::has_room(std::uint64_t body) const {
    const auto left = core_->limits.bodies - std::min(core_->bodies, core_->limits.bodies);
    const bool has = body <= left;
    if (!has) core_->counters.shed_bodies.fetch_add(1, std::memory_order_relaxed);
    return has;
}

// Counted as they come and not as they are announced: who only announces a body holds nothing.
bool ServerConnection::hold(std::size_t body_bytes) {
    if (!keeps_body_) return true;
    if (!has_room(body_bytes)) return false;
    held_ += body_bytes;
    core_->bodies += body_bytes;
    core_->counters.body_bytes.store(core_->bodies, std::memory_order_relaxed);
    return true;
}

void ServerConnection::let_go() {
    if (std::exchange(is_run_, false)) --core_->runs;
    if (held_ == 0) return;
    core_->bodies -= std::exchange(held_, 0);
    core_->counters.body_bytes.store(core_->bodies, std::memory_order_relaxed);
}

}  // namespace meridian::http
