// Whether an event loop has more work than it can do, judged by how late its sleeps end.
//
// Whoever sleeps is woken in turn, behind everything that is ready: so late is also what a request waits before anybody looks at
// it. A burst makes a loop late for a moment and is worked off; a loop that stays late longer than `patience` is behind. Then new
// work is refused whenever the loop is late, which costs a fraction of a run, so that what was begun ends in good time; until the
// loop has been in time for as long. The idea is CoDel's (Nichols and Jacobson, 2012), with refusals for dropped packets. It needs
// no estimate of what a request costs: thousands of streams that wait for their models make no loop late.
#pragma once
#include <optional>

#include "base/time.h"

namespace meridian::http {

struct BacklogLimits {
    Duration lateness = std::chrono::milliseconds(50);
    Duration patience = std::chrono::milliseconds(500);
};

class Backlog {
public:
    explicit Backlog(BacklogLimits limits = {}) : limits_(limits) {}
    // A sleep has ended, so much after its time.
    void observe(Steady now, Duration late);
    // Nobody sleeps any more, for there is nothing to do.
    void rest();
    [[nodiscard]] bool refuses() const { return is_behind_ && is_late_; }
    [[nodiscard]] bool is_behind() const { return is_behind_; }

private:
    BacklogLimits limits_;
    std::optional<Steady> changed_;  // since when the loop is late although not behind, or in time although behind
    bool is_late_ = false, is_behind_ = false;
};

}  // namespace meridian::http
