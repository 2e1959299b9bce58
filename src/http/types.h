// HTTP messages as plain values, and the way a handler answers. No Beast, no sockets.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.h"
#include "base/time.h"

namespace meridian::http {

// Field names compare without case; order and repetition are kept.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string, std::string>> list) : list_(list) {}
    void add(std::string name, std::string value) {
        if (list_.capacity() == 0) list_.reserve(usual);
        list_.emplace_back(std::move(name), std::move(value));
    }
    void set(std::string_view name, std::string value);
    void remove(std::string_view name);
    // The first of that name; empty when there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] auto begin() const { return list_.begin(); }
    [[nodiscard]] auto end() const { return list_.end(); }
    [[nodiscard]] std::size_t size() const { return list_.size(); }
    void clear() { list_.clear(); }

private:
    static constexpr std::size_t usual = 8;  // fields in most messages
    std::vector<std::pair<std::string, std::string>> list_;
};

// Decoded names and values in order; a repeated key is a list.
using Query = std::vector<std::pair<std::string, std::string>>;
using Params = std::vector<std::pair<std::string, std::string>>;  // path parameters

struct Request {
    std::string method;  // upper case
    std::string target;  // as sent: path and query, undecoded
    std::string path;    // decoded
    Query query;
    Params params;
    Headers headers;
    std::string body;
    std::string peer;  // "127.0.0.1:4711"
    std::string id;    // x-request-id: ours, made for each request
    bool secure = false;

    [[nodiscard]] std::string_view param(std::string_view name) const;                       // empty when absent
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;  // the first
};

struct Response {
    int status = 200;
    Headers headers;
    std::string body;
};

// The request in which somebody asks for a change, for those who keep a record of changes.
struct Origin {
    std::string operation, product;  // of the route's page: "CreateDeployment", "inference"
    std::string address;             // without the port
    std::string user_agent, request_id;
};

// Who is calling, as whoever authorizes knows it. http passes it on and never looks inside.
class Principal {
public:
    virtual ~Principal() = default;
    std::shared_ptr<const Origin> origin;  // of the copy that a typed handler of a change takes; null otherwise
};

class WebSocket;  // http/websocket.h

// One request and the way to answer it: either `answer` once, or `begin`, `write`..., `end`, or `upgrade`.
// Content-Length, Transfer-Encoding, Connection, Date, Server and x-request-id are added here.
// Lives on the loop of its connection.
class Exchange {
public:
    virtual ~Exchange() = default;
    [[nodiscard]] virtual Request& request() = 0;
    virtual Task<> answer(Response response) = 0;
    virtual Task<> begin(int status, Headers headers) = 0;
    // Waits while the client is slow (back-pressure). False when the client has gone; then stop.
    virtual Task<bool> write(std::string_view bytes) = 0;
    virtual Task<> end() = 0;
    [[nodiscard]] virtual bool begun() const = 0;
    // Called once, on this loop, when the client goes away before the answer ended. Replaces an earlier one; empty clears.
    virtual void on_hangup(std::move_only_function<void()> what) = 0;
    [[nodiscard]] virtual bool gone() const = 0;
    // Turns the connection into a WebSocket, to be used while the handler runs; null when the client went away. Throws Error{invalid}
    // when the client did not ask for it.
    virtual Task<std::unique_ptr<WebSocket>> upgrade();

    std::shared_ptr<const Principal> caller;  // set by the router's authorizer before the handler runs
};

using Handler = std::function<Task<>(Exchange&)>;

std::string_view reason_phrase(int status);
// Percent-decoding; nothing for a broken escape, a NUL or invalid UTF-8. `plus_is_blank` for queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);
std::string percent_encode(std::string_view text);  // everything but unreserved characters
std::optional<Query> parse_query(std::string_view text);

// A body up to this many bytes travels in one piece with its head, copied behind it: cheaper than telling the kernel of two pieces.
constexpr std::size_t joined_max = 1024;

}  // namespace meridian::http
