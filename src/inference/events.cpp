#include "inference/events.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "http/typed.h"
#include "http/websocket.h"

namespace meridian::inference {
namespace {

using http::WebSocket;

// While something moves, its phase in words changes without a change of its row.
constexpr bool is_moving(DeploymentState state) {
    switch (state) {
        case DeploymentState::creating:
        case DeploymentState::deploying:
        case DeploymentState::scaling:
        case DeploymentState::deleting:
            return true;
        case DeploymentState::ready:
        case DeploymentState::locked:
        case DeploymentState::error:
            return false;
    }
    return false;
}

std::string view(const Deployment& d, const std::string& phase) {
    JsonObject deployment{{"id", d.id.str()}, {"name", d.name}, {"model_name", d.model_name},    {"status", name(d.state)},
                          {"phase", phase},   {"size", d.size}, {"project_id", d.project.str()}, {"placed_because", d.placed_because}};
    deployment["error_message"] = d.error_message ? Json(*d.error_message) : Json(nullptr);
    return to_text(JsonObject{{"type", "deployment"}, {"deployment", std::move(deployment)}});
}

std::string removed(const std::string& id) { return to_text(JsonObject{{"type", "deployment_removed"}, {"id", id}}); }

}  // namespace

// One open feed.
struct Feed {
    explicit Feed(Executor executor) : wake(std::move(executor)) {}
    Event wake;
    bool has_spoken = false, is_gone = false;  // the client; on the feed's loop
    std::map<std::string, std::string> told;   // by deployment's id, the last that was sent of it
};

struct Events::State {
    State(Deployments& d, store::Store& s, Clock& c) : deployments(d), store(s), clock(c) {}

    Deployments& deployments;
    store::Store& store;
    Clock& clock;
    std::mutex mutex;  // held for moments only
    std::set<Feed*> open;
    std::atomic<bool> is_stopping = false;

    void admit(Feed& feed) {
        const std::lock_guard lock(mutex);
        if (is_stopping) throw Error(Fault::unavailable, "Meridian is stopping; come again when it is back.");
        if (open.size() >= limits::feeds) throw Error(Fault::busy, "Too many event feeds are open. Close one, or come again later.");
        open.insert(&feed);
    }
    void dismiss(Feed& feed) {
        const std::lock_guard lock(mutex);
        open.erase(&feed);
    }
    Task<bool> look(WebSocket& socket, Feed& feed, identity::Caller caller, bool& moves);
    Task<> tell(WebSocket& socket, Feed& feed, identity::Caller caller);
};

namespace {

// The other half of the connection: a client has nothing to say here, so a message ends the feed as its going does.
Task<> hear(WebSocket& socket, Feed& feed) {
    feed.has_spoken = (co_await socket.read()).has_value();
    feed.is_gone = !feed.has_spoken;
    feed.wake.notify();
}

}  // namespace

// Sends what is not as it was told last. False when the client has gone.
Task<bool> Events::State::look(WebSocket& socket, Feed& feed, identity::Caller caller, bool& moves) {
    std::map<std::string, std::string> now;
    moves = false;
    for (const auto& d : co_await deployments.list(std::move(caller))) {
        now[d.id.str()] = view(d, deployments.phases().of(d.id).str());
        moves = moves || is_moving(d.state);
    }
    for (const auto& [id, text] : feed.told) {
        if (!now.contains(id) && !co_await socket.write(WebSocket::Kind::text, removed(id))) co_return false;
    }
    for (const auto& [id, text] : now) {
        const auto before = feed.told.find(id);
        if (before != feed.told.end() && before->second == text) continue;
        if (!co_await socket.write(WebSocket::Kind::text, text)) co_return false;
    }
    feed.told = std::move(now);
    co_return true;
}

Task<> Events::State::tell(WebSocket& socket, Feed& feed, identity::Caller caller) {
    const auto end = clock.steady() + limits::feed_life;
    const auto is_over = [&] { return feed.has_spoken || feed.is_gone || is_stopping || clock.steady() >= end; };
    bool moves = false;
    while (!is_over()) {
        if (!co_await look(socket, feed, caller, moves)) co_return;
        if (is_over()) break;
        co_await clock.sleep(limits::feed_pause);
        const bool is_woken = co_await feed.wake.wait(
            clock, std::clamp<Duration>(end - clock.steady(), Duration::zero(), moves ? limits::feed_pause : limits::feed_alive));
        if (!is_woken && !moves && !is_over() && !co_await socket.write(WebSocket::Kind::text, R"({"type":"alive"})")) co_return;
    }
    if (feed.is_gone) co_return;
    if (feed.has_spoken) {
        co_await socket.close(WebSocket::policy_close, "This feed takes no messages.");
    } else {
        co_await socket.close(WebSocket::normal_close, is_stopping ? "Meridian is stopping." : "Connect again to go on.");
    }
}

Events::Events(Deployments& deployments, store::Store& store, Clock& clock) : state_(std::make_shared<State>(deployments, store, clock)) {}

Events::~Events() { MERIDIAN_ASSERT(state_->open.empty() || std::uncaught_exceptions() > 0); }

Task<> Events::serve(http::Exchange& exchange) {
    const auto executor = co_await asio::this_coro::executor;
    const auto* caller = dynamic_cast<const identity::Caller*>(exchange.caller.get());
    MERIDIAN_ASSERT(caller != nullptr);
    Feed feed(executor);
    state_->admit(feed);
    const std::unique_ptr<Feed, std::function<void(Feed*)>> seat(&feed, [s = state_](Feed* f) { s->dismiss(*f); });
    const auto socket = co_await exchange.upgrade();
    if (!socket) co_return;
    const auto listening =
        state_->store.feed().listen(executor, {"deployments"}, [wake = feed.wake](store::Revision) mutable { wake.notify(); });
    TaskGroup group(executor);
    group.spawn("hearing a feed's client", hear(*socket, feed));
    std::exception_ptr failure;
    try {
        co_await state_->tell(*socket, feed, *caller);
    } catch (...) {  // not a stop: it goes on when the other half, which uses what lies here, has ended
        failure = std::current_exception();
    }
    group.cancel();
    co_await group.join();
    if (failure) std::rethrow_exception(failure);
}

void Events::stop() {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopping = true;
    for (auto* feed : state_->open) feed->wake.notify();
}

void add_event_routes(http::Router& router, Events& events) {
    auto about = http::doc("WatchEvents", "A live feed of deployments, over a WebSocket", "deployments");
    about.response = JsonObject{{http::doc_status, 101}};
    router.add({.method = "GET",
                .pattern = "/meridian/v1/events",
                .may = http::Permission{"read", "deployments"},
                .dialect = http::Dialect::meridian,
                .handler = [&events](http::Exchange& exchange) { return events.serve(exchange); },
                .doc = std::move(about),
                .body_max = 0});
}

}  // namespace meridian::inference
