// A server in a world of its own, with the handlers and the byte-wise client that its tests share.
#pragma once
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/sim/world.h"
#include "http/parse.h"
#include "http/server.h"

namespace meridian::http::server_testing {

using namespace std::chrono_literals;

class KeyAuthorizer final : public Authorizer {
public:
    std::shared_ptr<const Principal> authorize(const Request& request, const Permission& permission) override {
        if (permission.action != "any" && request.headers.get("authorization") != "Bearer k")
            throw Error(Fault::unauthenticated, "Send a key.");
        return nullptr;
    }
};

// What handlers tell the test.
struct Seen {
    unsigned calls = 0, hangups = 0, ended = 0, failed_writes = 0;
    Duration hung_up_at{};
};

inline Task<> echo(Exchange& exchange) {
    auto& request = exchange.request();
    co_await exchange.answer({200, {{"Content-Type", "text/plain"}}, request.method + " " + request.path + " " + request.body});
}
inline Task<> three_pieces(Exchange& exchange) {
    co_await exchange.begin(200, {{"Content-Type", "text/event-stream"}});
    for (const std::string_view piece : {"one ", "two ", "three"}) co_await exchange.write(piece);
    co_await exchange.end();
}
inline Task<> announced(Exchange& exchange) {
    co_await exchange.begin(200, {{"Content-Length", "6"}});
    co_await exchange.write("abc");
    co_await exchange.write("def");
    co_await exchange.end();
}
inline Task<> breaks_off(Exchange& exchange) {
    co_await exchange.begin(200, {});
    co_await exchange.write("half");
    throw std::runtime_error("lost the model");
}
inline Task<> fails(Exchange&) {
    throw std::runtime_error("inner detail");
    co_return;
}
inline Task<> empty(Exchange& exchange) { co_await exchange.answer({204, {}, {}}); }
inline Task<> smuggles(Exchange& exchange) {
    co_await exchange.answer({200, {{"X-Said", "a\r\nX-Evil: 1"}, {"Content-Length", "99"}}, "ok"});
}

inline Task<> sleeps(Exchange& exchange, Clock& clock, Seen& seen) {
    ++seen.calls;
    co_await clock.sleep(5s);
    co_await exchange.answer({200, {}, "slept"});
    ++seen.ended;
}
// Waits for the client to leave, as a relay of a slow model does.
inline Task<> waits(Exchange& exchange, Clock& clock, Seen& seen) {
    ++seen.calls;
    Event left(co_await asio::this_coro::executor);
    exchange.on_hangup([&seen, &clock, left]() mutable {
        ++seen.hangups;
        seen.hung_up_at = clock.steady().time_since_epoch();
        left.notify();
    });
    co_await left.wait(clock, 1h);
    ++seen.ended;
}
inline Task<> floods(Exchange& exchange, Seen& seen) {
    co_await exchange.begin(200, {});
    const std::string piece(10'000, 'x');
    while (co_await exchange.write(piece)) ++seen.calls;
    ++seen.failed_writes;
    co_await exchange.end();
    ++seen.ended;
}

struct Heard {
    int status = 0;
    Headers headers;
    std::string body;
    bool is_whole = false;
};

// A client that speaks bytes.
struct Peer {
    std::unique_ptr<Stream> stream;
    std::string unread;
    bool is_ended = false;
};

inline Task<> send(Peer& peer, std::string bytes) { co_await peer.stream->write(bytes); }

inline Task<bool> read_more(Peer& peer) {
    std::array<char, 8192> buffer;
    const auto got = co_await peer.stream->read_some(buffer);
    if (got) peer.unread.append(buffer.data(), *got);
    peer.is_ended = !got;
    co_return got.has_value();
}

inline Task<Heard> receive(Peer& peer, ResponseParser::Body body) {
    ResponseParser parser;
    parser.reset(body);
    while (!parser.done()) {
        if (peer.unread.empty() && !co_await read_more(peer)) {
            (void)parser.finish_at_eof();
            break;
        }
        const auto used = parser.feed(peer.unread);
        if (!used) break;
        peer.unread.erase(0, *used);
    }
    co_return Heard{parser.status(), parser.headers(), std::string(parser.body()), parser.done()};
}

inline Task<std::unique_ptr<Stream>> dial(Network& network) {
    auto stream = co_await network.connect(*Address::parse("127.0.0.1:80"), 1s);
    co_return stream ? std::move(*stream) : nullptr;
}

inline Task<> read_to_end(Peer& peer) {
    while (co_await read_more(peer)) {
    }
}

class ServerTest : public testing::Test {
protected:
    ServerTest() : router(authorizer) {
        add("GET", "/echo", echo);
        add("POST", "/echo", echo);
        add("GET", "/three", three_pieces);
        add("GET", "/announced", announced);
        add("GET", "/half", breaks_off);
        add("GET", "/fails", fails);
        add("GET", "/empty", empty);
        add("GET", "/smuggles", smuggles);
        add("GET", "/sleeps", [this](Exchange& e) { return sleeps(e, world.clock(), seen); });
        add("GET", "/waits", [this](Exchange& e) { return waits(e, world.clock(), seen); });
        add("GET", "/floods", [this](Exchange& e) { return floods(e, seen); });
        router.add({"POST", "/v1/closed", {"write", "project"}, Dialect::openai, echo, {}, 0});
    }
    ~ServerTest() override {
        if (server) world.run(server->drain(0s));
    }
    void add(std::string method, std::string pattern, Handler handler) {
        router.add({std::move(method), std::move(pattern), anyone(), Dialect::openai, std::move(handler), {}, 0});
    }
    void start() {
        server.emplace(router, world.clock(), world.rng(), world.executor(), limits, nullptr, [this](const Access& access) {
            log.push_back(std::to_string(access.status) + " " + std::string(access.method) + " " + std::string(access.route));
        });
        server->serve(std::move(*world.network().listen(world.executor(), *Address::parse("127.0.0.1:80"))));
    }
    Peer connect() {
        if (!server) start();
        return {world.run(dial(world.network())), {}};
    }
    void tell(Peer& peer, std::string bytes) { world.run(send(peer, std::move(bytes))); }
    Heard hear(Peer& peer, ResponseParser::Body body = ResponseParser::Body::expected) { return world.run(receive(peer, body)); }
    Heard ask(std::string bytes) {
        auto peer = connect();
        tell(peer, std::move(bytes));
        return hear(peer);
    }
    Duration now() { return world.clock().steady().time_since_epoch(); }

    sim::World world{7};
    KeyAuthorizer authorizer;
    Router router;
    ServerLimits limits;
    Seen seen;
    std::vector<std::string> log;
    std::optional<Server> server;
};

}  // namespace meridian::http::server_testing
