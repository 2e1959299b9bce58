// Brings what transactions left in the outbox into the zone's log: every change once, whatever dies in between.
#pragma once
#include <cstddef>

#include "base/async.h"
#include "metering/service.h"
#include "store/store.h"

namespace meridian::metering {

class EventDrain {
public:
    EventDrain(store::Store& store, Meter& meter, Clock& clock) : store_(store), meter_(meter), clock_(clock) {}
    // Until cancelled; spawn once.
    Task<> run();
    // What is there now; how many. A line leaves the outbox after its leaf is durable, and a leaf that is there is not written again.
    Task<std::size_t> drain();

private:
    store::Store& store_;
    Meter& meter_;
    Clock& clock_;
};

}  // namespace meridian::metering
