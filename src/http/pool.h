// Idle connections of one client, kept by where they lead to. What a connection needs while it is used (buffer, parser,
// text of the request's head) stays with it, so that a reused connection allocates nothing.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/net.h"
#include "http/client.h"
#include "http/parse.h"

namespace meridian::http {

// Bytes that were read and not yet used. Small at first, for there may be thousands of slow streams; a read that fills it makes it grow.
class ReadBuffer {
public:
    [[nodiscard]] std::string_view unread() const { return {bytes_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t count) { begin_ += count; }
    // Room for a read, after what is unread; what was consumed is given up. Nothing when it is full of unread bytes.
    std::span<char> room();
    void added(std::size_t count);

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
    bool was_filled_ = false;
};

struct Connection {
    Connection(Target to, std::unique_ptr<Stream> made, ParseLimits limits)
        : target(std::move(to)), stream(std::move(made)), parser(limits) {}

    Target target;
    std::unique_ptr<Stream> stream;
    ReadBuffer buffer;
    ResponseParser parser;
    std::string head;              // of the request that is being sent
    std::size_t requests = 0;      // sent on it so far
    std::size_t requests_max = 0;  // as the peer announced; 0: it did not
    Duration idle_max{};
    Steady idle_since{};

    // Reads what the first answer says of the life of the connection ("timeout=5, max=100").
    void heed_keep_alive(std::string_view value);
    [[nodiscard]] bool may_be_reused() const { return requests_max == 0 || requests < requests_max; }
};

class IdleConnections {
public:
    IdleConnections(std::size_t per_target, Duration idle_time) : per_target_(per_target), idle_time_(idle_time) {}
    // The one used last, since it is the least likely to have been closed; null when there is none.
    std::unique_ptr<Connection> take(const Target& target, Steady now);
    void put(std::unique_ptr<Connection> connection, Steady now);
    void drop_old(Steady now);
    void clear() { by_target_.clear(); }
    [[nodiscard]] bool empty() const { return by_target_.empty(); }

private:
    struct Hash {
        std::size_t operator()(const Target& target) const noexcept;
    };
    [[nodiscard]] bool is_old(const Connection& connection, Steady now) const;

    std::size_t per_target_;
    Duration idle_time_;
    std::unordered_map<Target, std::vector<std::unique_ptr<Connection>>, Hash> by_target_;
};

}  // namespace meridian::http
