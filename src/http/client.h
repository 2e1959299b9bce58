// The only way out of the program: pooled HTTP/1.1 connections with TLS, and a guard that decides which addresses may be reached.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/net.h"
#include "http/types.h"

namespace meridian::http {

class TlsClientContext;  // http/tls.h

// Refuses loopback, link-local, private, multicast, metadata and IPv4-mapped forms of these, unless the operator declared the
// host (name or network in CIDR form). Judged after DNS, on the address that is connected to, and again after every redirect.
class EgressPolicy {
public:
    EgressPolicy() = default;
    // "10.1.0.0/16", "fd00::/8", "models.internal"; throws Error{invalid} for anything else.
    explicit EgressPolicy(const std::vector<std::string>& declared);
    [[nodiscard]] bool allows(std::string_view host, const IpAddress& address) const;

private:
    struct Net {
        IpAddress address;
        unsigned bits;
    };
    std::vector<Net> nets_;
    std::vector<std::string> hosts_;
};

// Where a request goes. `local` targets are replicas that we started ourselves (a Unix socket or a loopback port): no DNS, no guard.
struct Target {
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    std::optional<Address> local;
    // "host" or "host:port", as in the Host field.
    [[nodiscard]] std::string authority() const;
    bool operator==(const Target&) const = default;
};
struct Url {
    Target target;
    std::string path;  // with query; at least "/"
};
std::optional<Url> parse_url(std::string_view url);

struct ClientLimits {
    Duration connect_time = std::chrono::seconds(5);
    Duration head_time = std::chrono::seconds(600);  // to the first byte of the answer
    Duration read_time = std::chrono::seconds(600);  // between two reads of the body
    std::size_t head_bytes = 64 * 1024;
    std::size_t idle_per_target = 256;
    Duration idle_time = std::chrono::seconds(4);  // llama-server closes after 5
};

struct Outgoing {
    std::string method = "GET";
    std::string path = "/";
    Headers headers;  // Host, Content-Length are added
    std::string body;
    // Never taken from the pool and never put back: llama-server closes silently after a streamed answer.
    bool fresh_connection = false;
    unsigned redirects_max = 0;
};

// What went wrong on the way, and whether the request may be sent again without harm.
struct ClientError {
    enum class Kind { resolve, refused_by_policy, connect, timed_out, closed, malformed, too_large, cancelled };
    Kind kind = Kind::closed;
    std::string said;
    bool nothing_received = true;  // no byte of an answer was seen
};
template <class T>
using ClientResult = std::expected<T, ClientError>;

// An answer whose body is read piece by piece. Destroying it before the end closes the connection (which frees a llama-server slot).
class Incoming {
public:
    virtual ~Incoming() = default;
    [[nodiscard]] virtual int status() const = 0;
    [[nodiscard]] virtual const Headers& headers() const = 0;
    // The next piece of the body (chunk framing removed), as it came; empty at the end. Valid until the next call.
    virtual Task<ClientResult<std::string_view>> read() = 0;
    // Ends the exchange from outside (client went away): a running read() returns `cancelled`.
    virtual void cancel() noexcept = 0;
};

// Lets another coroutine on the same loop end a request at any stage: connecting, waiting for the head, reading.
class Cancel {
public:
    void fire();
    [[nodiscard]] bool fired() const { return fired_; }
    std::move_only_function<void()> hook;  // set by the client while something is under way

private:
    bool fired_ = false;
};

// Belongs to one loop.
class Client {
public:
    Client(Network& network, Clock& clock, Executor executor, EgressPolicy policy, ClientLimits limits = {},
           std::shared_ptr<TlsClientContext> trust = nullptr);  // null: the system's certificate authorities
    ~Client();
    // Sends and waits for the head. A reused connection that ends before the first byte is retried once on a fresh one.
    Task<ClientResult<std::unique_ptr<Incoming>>> send(Target target, Outgoing request, std::shared_ptr<Cancel> cancel = nullptr);
    // The whole answer, at most `body_max` bytes.
    Task<ClientResult<Response>> fetch(Target target, Outgoing request, std::size_t body_max, std::shared_ptr<Cancel> cancel = nullptr);
    // Closes idle connections; running ones, and later ones, end with `cancelled`.
    void close();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace meridian::http
