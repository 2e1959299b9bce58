// A live feed of what deployments do, over a WebSocket: first the state of each, then every change. Nothing is queued for a slow
// client: it is told what is true now, when it can take it, and states that came and went meanwhile are left out.
#pragma once
#include <memory>

#include "http/route.h"
#include "inference/service.h"
#include "store/store.h"

namespace meridian::inference {

namespace limits {
inline constexpr std::size_t feeds = 64;                                // open at once, in the whole installation
inline constexpr Duration feed_life = std::chrono::minutes(15);         // then the client comes again, and its key is looked at again
inline constexpr Duration feed_pause = std::chrono::milliseconds(250);  // between two looks, however much changes
inline constexpr Duration feed_alive = std::chrono::seconds(30);        // a sign of life where nothing changes
}  // namespace limits

class Events {
public:
    Events(Deployments& deployments, store::Store& store, Clock& clock);
    ~Events();
    // Serves one client until it goes, sends something, or has been here for `feed_life`. Error{busy} beyond `feeds`.
    Task<> serve(http::Exchange& exchange);
    // Open feeds say goodbye soon and new ones are refused. From any thread.
    void stop();

private:
    struct State;
    std::shared_ptr<State> state_;
};

// `events` outlives the router.
void add_event_routes(http::Router& router, Events& events);

}  // namespace meridian::inference
