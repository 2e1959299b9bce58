// The server: one per event loop, all on one address (SO_REUSEPORT). Knows connections, limits, drain; knows no domain.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/async.h"
#include "base/net.h"
#include "base/rng.h"
#include "http/intake.h"
#include "http/route.h"
#include "http/types.h"

namespace meridian::http {

class TlsContext;  // http/tls.h

struct ServerLimits {
    std::size_t header_bytes = 32 * 1024;
    std::size_t body_bytes = 16 * 1024 * 1024;  // a route may say otherwise
    std::size_t connections = 10'000;           // per loop; past it: 503 with Retry-After and close
    Duration header_time = std::chrono::seconds(10);
    Duration body_time = std::chrono::seconds(60);   // between two reads of a body
    Duration idle_time = std::chrono::seconds(75);   // between two requests
    Duration write_time = std::chrono::seconds(60);  // one write to a client that does not read
    // These are for one loop; past them 503 with Retry-After.
    std::size_t runs = 8'000;                // requests being answered, of the routes that may be shed
    std::size_t bodies = 256 * 1024 * 1024;  // bytes of bodies held, over all connections
    IntakeLimits intake;
};

// One line of the access log; no content.
struct Access {
    std::string_view method, path, peer, request_id, route;
    int status = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;
    Duration took{};
};

struct ServerCounters {  // written by one loop, read by /metrics
    std::atomic<std::uint64_t> connections_open{0}, connections_total{0}, requests_total{0}, requests_running{0}, refused_total{0};
    std::atomic<std::uint64_t> status_class[6]{};
    // Requests refused because of the load: they had waited too long, too many were running, too many bytes of bodies were held.
    std::atomic<std::uint64_t> shed_late{0}, shed_runs{0}, shed_bodies{0};
    std::atomic<std::uint64_t> body_bytes{0}, waiting{0};  // now
};

class Server {
public:
    Server(const Router& router, Clock& clock, Rng& rng, Executor executor, ServerLimits limits = {},
           std::shared_ptr<TlsContext> tls = nullptr, std::function<void(const Access&)> access_log = {});
    ~Server();
    // Accepts until drain() or close of the listener.
    void serve(std::unique_ptr<Listener> listener);
    // Stops accepting, lets running requests end (idle connections close at once), closes what is left after `grace`.
    Task<> drain(Duration grace);
    [[nodiscard]] const ServerCounters& counters() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace meridian::http
