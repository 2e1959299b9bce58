#include "http/intake.h"

#include "base/error.h"

namespace meridian::http {

bool Intake::begin(const std::shared_ptr<void>& owner) {
    post_turn(owner);
    if (waiting_ > 0 || started_ >= limits_.starts) return false;
    ++started_;
    return true;
}

Task<Intake::Turn> Intake::wait(Place& place) {
    MERIDIAN_ASSERT(posted_);
    place.since_ = clock_.steady();
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Turn)>(
        [this, &place](auto handler) {
            asio::any_completion_handler<void(Turn)> resume(std::move(handler));
            place.resume_.swap(resume);  // the move assignment of Boost 1.81 calls itself without end
            line_.push_back(place);
            ++waiting_;
        },
        asio::use_awaitable);
}

void Intake::leave(Place& place) {
    if (!place.is_linked()) return;
    line_.erase(line_.iterator_to(place));
    --waiting_;
    asio::post(executor_, [resume = std::move(place.resume_)]() mutable { std::move(resume)(Turn::left); });
}

void Intake::post_turn(const std::shared_ptr<void>& owner) {
    if (std::exchange(posted_, true)) return;
    asio::post(executor_, [this, owner] { next_turn(owner); });
}

void Intake::next_turn(const std::shared_ptr<void>& owner) {
    posted_ = false;
    started_ = 0;
    if (line_.empty()) return;
    post_turn(owner);
    const Steady now = clock_.steady();
    while (!line_.empty() && now - line_.front().since_ >= limits_.patience) call(line_.front(), Turn::too_late);
    while (!line_.empty() && started_ < limits_.starts) {
        const bool in_order = now - line_.front().since_ < limits_.fresh;
        ++started_;
        call(in_order ? line_.front() : line_.back(), Turn::come);
    }
}

void Intake::call(Place& place, Turn turn) {
    line_.erase(line_.iterator_to(place));
    --waiting_;
    auto resume = std::move(place.resume_);  // the place is gone as soon as its coroutine goes on
    std::move(resume)(turn);
}

}  // namespace meridian::http
