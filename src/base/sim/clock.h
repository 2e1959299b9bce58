// Virtual time: stands still while anything is ready, then jumps to the next sleeper.
#pragma once
#include <map>
#include <utility>

#include "base/async.h"

namespace meridian::sim {

using ErrorCode = boost::system::error_code;

class SimClock final : public Clock {
public:
    using Done = asio::any_completion_handler<void(ErrorCode)>;

    SimClock();
    [[nodiscard]] Timestamp now() const override;
    [[nodiscard]] Steady steady() const override { return now_; }
    void async_sleep(Executor executor, Duration length, Done done) override;

    // Wakes all whose time is the earliest, if that is not after `until`; moves there. False when there is nobody.
    bool advance(Steady until);
    void move_to(Steady when) { now_ = when; }
    void jump_wall(Duration by) { wall_ahead_ += by; }
    // Drops every sleeper, and with it the coroutine that sleeps.
    void clear();

private:
    struct Sleeper {
        Executor executor;
        Done done;
    };
    using Key = std::pair<Steady, std::uint64_t>;  // the second part keeps those of one moment in the order in which they lay down

    void wake(Key key, ErrorCode why);

    Steady now_;
    Duration wall_ahead_{};
    std::uint64_t sequence_ = 0;
    std::map<Key, Sleeper> sleepers_;
};

}  // namespace meridian::sim
