// How many runs an event loop begins in one turn, and who waits when more want to begin.
//
// What a loop has begun goes before what it has not: a turn begins at most `starts` runs, and whoever is over that waits for the next
// turn, which comes when everything that was ready has had its share. So a loop with more work than it can do keeps finishing runs
// at its full rate, however many ask. First come, first served, while nobody waits longer than `fresh`. After that the newest goes
// first: its client is the likeliest to be there still, and one that was served late is as lost as one that was not served. Who has
// waited for `patience` is refused (adaptive LIFO: Maurer, "Fail at Scale", ACM Queue 13(8), 2015). Nobody has to estimate what a run
// costs, and thousands of streams that wait for their models count for nothing.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <functional>

#include "base/async.h"

namespace meridian::http {

struct IntakeLimits {
    std::size_t starts = 32;
    Duration fresh = std::chrono::milliseconds(25);
    Duration patience = std::chrono::seconds(1);
};

// Belongs to one loop; everything happens on its executor.
class Intake {
public:
    enum class Turn { come, too_late, left };
    class Place;

    Intake(Executor executor, Clock& clock, IntakeLimits limits) : executor_(std::move(executor)), clock_(clock), limits_(limits) {}
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    // `owner` lives for as long as anything is posted. True when a run may begin at once.
    [[nodiscard]] bool begin(const std::shared_ptr<void>& owner);
    // After begin() said no: until it is this one's turn, or it was too late, or leave() was called.
    Task<Turn> wait(Place& place);
    // Its client has gone. Resumes the waiting coroutine in a later turn.
    void leave(Place& place);
    [[nodiscard]] std::size_t waiting() const { return waiting_; }

private:
    using Hook = boost::intrusive::list_base_hook<>;
    using List = boost::intrusive::list<Place, boost::intrusive::base_hook<Hook>, boost::intrusive::constant_time_size<false>>;

    void post_turn(const std::shared_ptr<void>& owner);
    void next_turn(const std::shared_ptr<void>& owner);
    void call(Place& place, Turn turn);

    Executor executor_;
    Clock& clock_;
    IntakeLimits limits_;
    List line_;  // the longest waiting first
    std::size_t started_ = 0, waiting_ = 0;
    bool posted_ = false;
};

class Intake::Place : public Hook {
public:
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

private:
    friend Intake;
    asio::any_completion_handler<void(Turn)> resume_;
    Steady since_{};
};

}  // namespace meridian::http
