// Hears of the commits of every process on the database and wakes the listeners of this one.
#pragma once
#include <atomic>
#include <memory>
#include <string_view>
#include <thread>

#include "store/feed.h"
#include "store/postgres/server.h"
#include "store/store.h"

namespace meridian::store::postgres {

inline constexpr std::string_view channel = "meridian_revisions";  // the payload is the revision

// A thread with a connection of its own. What was notified while it was cut off is made up for by reading the revisions.
class Listener {
public:
    // From `seen` on. `writer` is the backend of this process's own writer, whose commits the feed was told of already.
    Listener(Dialler& dialler, Feed& feed, Revision seen, const std::atomic<int>& writer);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    void run();
    void listen(Connection& connection);
    void make_up(Connection& connection);
    // False when it is time to end.
    bool wait(int socket, std::chrono::milliseconds within);

    Dialler& dialler_;
    Feed& feed_;
    Revision seen_;
    const std::atomic<int>& writer_;
    int end_;  // an eventfd
    std::thread thread_;
};

}  // namespace meridian::store::postgres
