// What a server takes upon itself: how many runs at once and in a turn of its loop, and how many bytes of bodies. What is too much
// is refused before its body is kept and before its handler has heard of it; what was begun goes on.
#include <algorithm>

#include "base/error.h"
#include "http/connection.h"

namespace meridian::http {

// Whether there is room for one more run; waits for its turn when too many want to begin. Whoever leaves meanwhile loses the place.
Task<ServerConnection::Taken> ServerConnection::take_on() {
    auto& core = *core_;
    if (!core.intake.begin(core_)) {
        Intake::Place place;
        start_read();  // its end is the news that the client has gone
        hangup_ = [&core, &place] { core.intake.leave(place); };
        core.counters.waiting.store(core.intake.waiting() + 1, std::memory_order_relaxed);
        const auto turn = gone() ? Intake::Turn::left : co_await core.intake.wait(place);
        core.counters.waiting.store(core.intake.waiting(), std::memory_order_relaxed);
        hangup_ = nullptr;
        if (turn == Intake::Turn::left || closed_) co_return Taken::gone;
        if (turn == Intake::Turn::too_late) {
            core.counters.shed_late.fetch_add(1, std::memory_order_relaxed);
            co_return Taken::no;
        }
    }
    if (core.runs >= core.limits.runs) {  // after the wait, in which others may have begun
        core.counters.shed_runs.fetch_add(1, std::memory_order_relaxed);
        co_return Taken::no;
    }
    ++core.runs;
    is_run_ = true;
    co_return Taken::yes;
}

Response ServerConnection::too_much() {
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
