// For the client's tests: servers that follow a script, in a simulated world.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim/world.h"
#include "http/client.h"

namespace meridian::http::test {

using namespace std::chrono_literals;
using Kind = ClientError::Kind;

// What the server does on one connection, in order; then it closes.
struct Step {
    enum class Do { read, say, pause, until_closed } what;
    std::string text = {};
    Duration length = {};
};
inline Step reads() { return {Step::Do::read}; }
inline Step says(std::string text) { return {Step::Do::say, std::move(text)}; }
inline Step pauses(Duration length) { return {Step::Do::pause, {}, length}; }
inline Step waits_for_close() { return {Step::Do::until_closed}; }
inline Step answers(std::string_view body, std::string_view fields = "") {
    return says("HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                std::string(body));
}
using Script = std::vector<Step>;

struct Site {
    std::vector<Script> scripts;  // one a connection; the last is repeated
    std::vector<std::string> requests;
    std::size_t connections = 0, closed_by_client = 0;
};

inline Task<bool> read_request(Stream& stream, std::string& pending, Site& site) {
    std::array<char, 4096> buffer;
    for (;;) {
        const auto end = pending.find("\r\n\r\n");
        if (end != std::string::npos) {
            const auto field = pending.find("Content-Length: ");
            const auto length = field < end ? std::stoul(pending.substr(field + 16)) : 0;
            if (pending.size() >= end + 4 + length) {
                site.requests.push_back(pending.substr(0, end + 4 + length));
                pending.erase(0, end + 4 + length);
                co_return true;
            }
        }
        const auto got = co_await stream.read_some(buffer);
        if (!got) co_return false;
        pending.append(buffer.data(), *got);
    }
}

inline Task<> play(std::unique_ptr<Stream> stream, Script script, Clock& clock, Site& site) {
    std::string pending;
    std::array<char, 256> buffer;
    for (const auto& step : script) {
        switch (step.what) {
            case Step::Do::read:
                if (!co_await read_request(*stream, pending, site)) co_return;
                break;
            case Step::Do::say:
                if (!co_await stream->write(step.text)) co_return;
                break;
            case Step::Do::pause:
                co_await clock.sleep(step.length);
                break;
            case Step::Do::until_closed:
                while (co_await stream->read_some(buffer)) {
                }
                ++site.closed_by_client;
                break;
        }
    }
}

inline Task<> accept_all(Listener& listener, TaskGroup& group, Clock& clock, Site& site) {
    for (;;) {
        auto stream = co_await listener.accept();
        if (!stream) co_return;
        const auto script = site.scripts[std::min(site.connections++, site.scripts.size() - 1)];
        group.spawn("connection", play(std::move(*stream), script, clock, site));
    }
}

// The world's network, with slow look-ups and connects, and counted.
class SlowNetwork final : public Network {
public:
    explicit SlowNetwork(sim::World& world) : world_(world) {}
    Task<IoResult<std::vector<IpAddress>>> resolve(std::string host) override {
        ++resolved;
        if (resolve_time > Duration::zero()) co_await world_.clock().sleep(resolve_time);
        co_return co_await world_.network().resolve(std::move(host));
    }
    Task<IoResult<std::unique_ptr<Stream>>> connect(Address to, Duration limit) override {
        connected.push_back(to);
        if (connect_time > limit) {
            co_await world_.clock().sleep(limit);
            co_return std::unexpected(asio::error::timed_out);
        }
        if (connect_time > Duration::zero()) co_await world_.clock().sleep(connect_time);
        co_return co_await world_.network().connect(std::move(to), limit);
    }
    IoResult<std::unique_ptr<Listener>> listen(Executor executor, const Address& at) override {
        return world_.network().listen(executor, at);
    }

    Duration resolve_time{}, connect_time{};
    unsigned resolved = 0;
    std::vector<Address> connected;

private:
    sim::World& world_;
};

template <class T>
Task<> keep(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
}

using Fetched = ClientResult<Response>;
using Sent = ClientResult<std::unique_ptr<Incoming>>;

class ClientTest : public testing::Test {
protected:
    ClientTest() { world.network().set_latency(1ms); }
    ~ClientTest() override {
        client.reset();
        for (auto& listener : listeners) listener->close();
        group.cancel();
        world.run(group.join());
    }
    Site& serve(std::string_view at, std::vector<Script> scripts) {
        auto listener = world.network().listen(world.executor(), *Address::parse(at));
        EXPECT_TRUE(listener);
        auto& site = *sites.emplace_back(std::make_unique<Site>(std::move(scripts)));
        listeners.push_back(std::move(*listener));
        group.spawn("site", accept_all(*listeners.back(), group, world.clock(), site));
        return site;
    }
    Client& make(EgressPolicy policy = {}) {
        client.emplace(network, world.clock(), world.executor(), std::move(policy), limits);
        return *client;
    }
    Client& here() { return client ? *client : make(); }
    Fetched get(Target target, Outgoing request = {}) { return world.run(here().fetch(std::move(target), std::move(request), 1 << 20)); }
    std::string text(const Fetched& fetched) { return fetched ? fetched->body : "error: " + fetched.error().said; }
    void start(std::optional<Sent>& out, Target target, std::shared_ptr<Cancel> cancel) {
        group.spawn("send", keep<Sent>(here().send(std::move(target), {}, std::move(cancel)), out));
    }

    sim::World world{7};
    SlowNetwork network{world};
    TaskGroup group{world.executor()};
    std::vector<std::unique_ptr<Site>> sites;
    std::vector<std::unique_ptr<Listener>> listeners;
    ClientLimits limits;
    std::optional<Client> client;
};

inline Target replica() { return {false, "", 0, Address::parse("127.0.0.1:8080")}; }
inline Target outside(std::string host = "a.example", std::uint16_t port = 80) { return {false, std::move(host), port, {}}; }
inline Outgoing post(std::string body) { return {"POST", "/v1/x", {{"Content-Type", "text/plain"}}, std::move(body), false, 0}; }

}  // namespace meridian::http::test
