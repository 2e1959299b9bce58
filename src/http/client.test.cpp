#include "http/client.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/sim/world.h"

namespace meridian::http {
namespace {

using namespace std::chrono_literals;
using Kind = ClientError::Kind;

// What the server does on one connection, in order; then it closes.
struct Step {
    enum class Do { read, say, pause, until_closed } what;
    std::string text = {};
    Duration length = {};
};
Step reads() { return {Step::Do::read}; }
Step says(std::string text) { return {Step::Do::say, std::move(text)}; }
Step pauses(Duration length) { return {Step::Do::pause, {}, length}; }
Step waits_for_close() { return {Step::Do::until_closed}; }
Step answers(std::string_view body, std::string_view fields = "") {
    return says("HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                std::string(body));
}
using Script = std::vector<Step>;

struct Site {
    std::vector<Script> scripts;  // one a connection; the last is repeated
    std::vector<std::string> requests;
    std::size_t connections = 0, closed_by_client = 0;
};

Task<bool> read_request(Stream& stream, std::string& pending, Site& site) {
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

Task<> play(std::unique_ptr<Stream> stream, Script script, Clock& clock, Site& site) {
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

Task<> accept_all(Listener& listener, TaskGroup& group, Clock& clock, Site& site) {
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

Target replica() { return {false, "", 0, Address::parse("127.0.0.1:8080")}; }
Target outside(std::string host = "a.example", std::uint16_t port = 80) { return {false, std::move(host), port, {}}; }
Outgoing post(std::string body) { return {"POST", "/v1/x", {{"Content-Type", "text/plain"}}, std::move(body), false, 0}; }

TEST_F(ClientTest, SendsARequestAndReadsItsAnswer) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("hello", "X-Kind: greeting\r\n"), waits_for_close()}});
    const auto got = get(replica(), post("body"));
    ASSERT_TRUE(got) << text(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->headers.get("x-kind"), "greeting");
    EXPECT_EQ(got->body, "hello");
    ASSERT_EQ(site.requests.size(), 1U);
    EXPECT_EQ(site.requests[0], "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(network.resolved, 0U);
}

TEST_F(ClientTest, ReusesAConnectionThatWasReadToItsEnd) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads(), answers("2"), reads(), answers("3"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    EXPECT_EQ(text(get(replica(), post("x"))), "2");
    EXPECT_EQ(text(get(replica())), "3");
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, ReusesNoConnectionThat) {
    struct Row {
        const char* says;
        std::string answer;
        bool fresh = false;
    };
    const std::string plain = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    const Row rows[] = {
        {"was asked to be fresh", plain, true},
        {"the peer will close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"},
        {"speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"},
        {"has said more than its answer", plain + "HTTP/1.1 200 OK\r\n"},
        {"announced that this was its last request", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=1\r\nContent-Length: 1\r\n\r\na"},
    };
    std::uint16_t port = 8100;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        auto& site = serve(at, {{reads(), says(row.answer), waits_for_close()}});
        Target target{false, "", 0, Address::parse(at)};
        for (int i = 0; i < 2; ++i) {
            Outgoing request;
            request.fresh_connection = row.fresh;
            EXPECT_EQ(text(get(target, request)), "a") << row.says;
        }
        EXPECT_EQ(site.connections, 2U) << row.says;
    }
}

TEST_F(ClientTest, DropsIdleConnectionsAfterTheirTime) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    world.run_for(3s);
    EXPECT_EQ(site.closed_by_client, 0U);
    world.run_for(2s);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(ClientTest, HeedsAShorterIdleTimeOfThePeer) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1", "Keep-Alive: timeout=2\r\n"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    world.run_for(1500ms);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(ClientTest, TriesOnceMoreWhenAReusedConnectionEndsBeforeTheFirstByte) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1")}, {reads(), answers("2"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    world.run_for(10ms);
    EXPECT_EQ(text(get(replica(), post("x"))), "2");
    EXPECT_EQ(site.connections, 2U);
}

TEST_F(ClientTest, TriesOnceMoreAlsoWhenTheRequestWasTaken) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads()}, {reads(), answers("2"), waits_for_close()}});
    EXPECT_EQ(text(get(replica())), "1");
    EXPECT_EQ(text(get(replica())), "2");
    EXPECT_EQ(site.requests.size(), 3U);
}

TEST_F(ClientTest, DoesNotTryAgainOnAFreshConnection) {
    auto& site = serve("127.0.0.1:8080", {{reads()}});
    const auto got = get(replica());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::closed);
    EXPECT_TRUE(got.error().nothing_received);
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, DoesNotTryAgainAfterTheFirstByte) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads(), says("HTTP/1.1 2")}});
    EXPECT_EQ(text(get(replica())), "1");
    const auto got = get(replica());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::closed);
    EXPECT_FALSE(got.error().nothing_received);
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, ReadsBodiesInEveryFraming) {
    struct Row {
        const char* says;
        Script script;
        std::string body;
    };
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const Row rows[] = {
        {"chunked", {reads(), says(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")}, "hello world"},
        {"chunked, in small pieces",
         {reads(), says(head + "Transfer-Enc"), pauses(5ms), says("oding: chunked\r\n\r\n5\r\nhe"), pauses(5ms), says("llo\r"), pauses(5ms),
          says("\n0"), pauses(5ms), says("\r\n\r\n"), waits_for_close()},
         "hello"},
        {"with a trailer",
         {reads(), says(head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"), waits_for_close()},
         "a"},
        {"of a length", {reads(), says(head + "Content-Length: 4\r\n\r\nab"), pauses(5ms), says("cd"), waits_for_close()}, "abcd"},
        {"until the end", {reads(), says(head + "\r\nab"), pauses(5ms), says("cd")}, "abcd"},
        {"none", {reads(), says("HTTP/1.1 204 No Content\r\n\r\n"), waits_for_close()}, ""},
        {"empty", {reads(), says(head + "Content-Length: 0\r\n\r\n"), waits_for_close()}, ""},
        {"after an interim answer",
         {reads(), says("HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 1\r\n\r\na"), waits_for_close()},
         "a"},
        {"large", {reads(), answers(std::string(300'000, 'x')), waits_for_close()}, std::string(300'000, 'x')},
    };
    std::uint16_t port = 8200;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        serve(at, {row.script});
        EXPECT_EQ(text(get({false, "", 0, Address::parse(at)})), row.body) << row.says;
    }
}

TEST_F(ClientTest, AnAnswerToHeadHasNoBody) {
    auto& site = serve("127.0.0.1:8080",
                       {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), reads(), answers("2"), waits_for_close()}});
    Outgoing head;
    head.method = "HEAD";
    EXPECT_EQ(text(get(replica(), head)), "");
    EXPECT_EQ(text(get(replica())), "2");
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, SaysThatABodyWasCut) {
    struct Row {
        const char* says;
        std::string answer;
    };
    const Row rows[] = {{"of a length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"},
                        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"}};
    std::uint16_t port = 8300;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        serve(at, {{reads(), says(row.answer)}});
        const auto got = get({false, "", 0, Address::parse(at)});
        ASSERT_FALSE(got) << row.says;
        EXPECT_EQ(got.error().kind, Kind::closed) << row.says;
        EXPECT_FALSE(got.error().nothing_received) << row.says;
    }
}

TEST_F(ClientTest, RefusesAnswersThatAreNotHttp) {
    struct Row {
        const char* says;
        std::string answer;
        Kind kind;
    };
    const Row rows[] = {
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", Kind::malformed},
        {"a broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Kind::malformed},
        {"a head without end", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), Kind::too_large},
        {"a large head", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", Kind::too_large},
        {"endless fields",
         [] {
             std::string out = "HTTP/1.1 200 OK\r\n";
             while (out.size() < 100'000) out += "X: y\r\n";
             return out;
         }(),
         Kind::too_large},
    };
    std::uint16_t port = 8400;
    for (const auto& row : rows) {
        const auto at = "127.0.0.1:" + std::to_string(++port);
        serve(at, {{reads(), says(row.answer), waits_for_close()}});
        const auto got = get({false, "", 0, Address::parse(at)});
        ASSERT_FALSE(got) << row.says;
        EXPECT_EQ(got.error().kind, row.kind) << row.says << ": " << got.error().said;
    }
}

TEST_F(ClientTest, BoundsTheBodyThatItFetches) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers(std::string(1001, 'x')), waits_for_close()}});
    EXPECT_TRUE(world.run(here().fetch(replica(), {}, 1001)));
    const auto got = world.run(here().fetch({false, "", 0, Address::parse("127.0.0.1:8080")}, post(""), 1000));
    ASSERT_FALSE(got);
    EXPECT_NE(got.error().kind, Kind::malformed);
    EXPECT_GE(site.connections, 1U);
}

TEST_F(ClientTest, StreamsABodyAsItComes) {
    auto& site = serve("127.0.0.1:8080",
                       {{reads(), says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), pauses(1s), says("1\r\na\r\n"), pauses(1s),
                         says("2\r\nbc\r\n"), pauses(1s), says("0\r\n\r\n"), reads(), answers("next"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    const auto begin = world.clock().steady();
    for (const std::string_view piece : {"a", "bc", ""}) {
        const auto got = world.run((*sent)->read());
        ASSERT_TRUE(got);
        EXPECT_EQ(*got, piece);
    }
    EXPECT_NEAR(static_cast<double>((world.clock().steady() - begin).count()), 3e9, 1e8);
    EXPECT_EQ(*world.run((*sent)->read()), "");  // stays at the end
    EXPECT_EQ(text(get(replica())), "next");     // the connection went back when the end was read
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, AnAnswerLeftBeforeItsEndClosesTheConnection) {
    auto& site =
        serve("127.0.0.1:8080", {{reads(), says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    EXPECT_EQ(*world.run((*sent)->read()), "a");
    sent->reset();
    world.run_for(10ms);
    EXPECT_EQ(site.closed_by_client, 1U);
}

// ---- cancelling ----

class CancelTest : public ClientTest {
protected:
    // Fires after `when`; the request must have ended a moment later.
    void ends_cancelled(Target target, Duration when) {
        auto cancel = std::make_shared<Cancel>();
        std::optional<Sent> out;
        start(out, std::move(target), cancel);
        world.run_for(when);
        ASSERT_FALSE(out);
        cancel->fire();
        world.run_for(5ms);
        ASSERT_TRUE(out);
        ASSERT_FALSE(*out);
        EXPECT_EQ(out->error().kind, Kind::cancelled);
    }
};

TEST_F(CancelTest, WhileResolving) {
    network.resolve_time = 10s;
    world.network().name("a.example", {asio::ip::make_address("8.8.8.8")});
    ends_cancelled(outside(), 100ms);
    EXPECT_TRUE(network.connected.empty());
}

TEST_F(CancelTest, WhileConnecting) {
    network.connect_time = 2s;
    auto& site = serve("127.0.0.1:8080", {{waits_for_close()}});
    ends_cancelled(replica(), 100ms);
    world.run_for(10s);
    EXPECT_EQ(site.connections, site.closed_by_client);
}

TEST_F(CancelTest, WhileWaitingForTheHead) {
    auto& site = serve("127.0.0.1:8080", {{reads(), waits_for_close()}});
    ends_cancelled(replica(), 100ms);
    EXPECT_EQ(site.requests.size(), 1U);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(CancelTest, WithTheGroupThatItRunsIn) {
    auto& site = serve("127.0.0.1:8080", {{reads(), waits_for_close()}});
    world.network().name("a.example", {asio::ip::make_address("8.8.8.8")});
    struct Row {
        const char* says;
        Duration resolve, connect;
        Target target;
    };
    const Row rows[] = {{"resolving", 10s, {}, outside()}, {"connecting", {}, 3s, replica()}, {"waiting for the head", {}, {}, replica()}};
    for (const auto& row : rows) {
        network.resolve_time = row.resolve;
        network.connect_time = row.connect;
        TaskGroup own(world.executor());
        std::optional<Sent> out;
        own.spawn("send", keep<Sent>(here().send(row.target, {}), out));
        world.run_for(100ms);
        own.cancel();
        world.run_for(5ms);
        EXPECT_EQ(own.running(), 0U) << row.says;
        world.run(own.join());
    }
    world.run_for(10s);
    EXPECT_EQ(site.connections, site.closed_by_client);
}

TEST_F(CancelTest, BeforeTheStart) {
    auto cancel = std::make_shared<Cancel>();
    cancel->fire();
    const auto sent = world.run(here().send(replica(), {}, cancel));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, Kind::cancelled);
    EXPECT_TRUE(network.connected.empty());
}

TEST_F(CancelTest, WhileReading) {
    auto& site = serve("127.0.0.1:8080", {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"), waits_for_close()}});
    auto cancel = std::make_shared<Cancel>();
    auto sent = world.run(here().send(replica(), {}, cancel));
    ASSERT_TRUE(sent);
    EXPECT_EQ(*world.run((*sent)->read()), "a");
    std::optional<ClientResult<std::string_view>> out;
    group.spawn("read", keep<ClientResult<std::string_view>>((*sent)->read(), out));
    world.run_for(100ms);
    ASSERT_FALSE(out);
    cancel->fire();
    world.run_for(5ms);
    ASSERT_TRUE(out);
    ASSERT_FALSE(*out);
    EXPECT_EQ(out->error().kind, Kind::cancelled);
    EXPECT_EQ(site.closed_by_client, 1U);
}

TEST_F(CancelTest, BetweenTwoReads) {
    auto& site = serve("127.0.0.1:8080", {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    (*sent)->cancel();
    world.run_for(5ms);
    EXPECT_EQ(site.closed_by_client, 1U);
    const auto got = world.run((*sent)->read());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::cancelled);
}

TEST_F(CancelTest, AfterTheEndDoesNothing) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), reads(), answers("2"), waits_for_close()}});
    auto cancel = std::make_shared<Cancel>();
    EXPECT_EQ(text(world.run(here().fetch(replica(), {}, 100, cancel))), "1");
    cancel->fire();
    EXPECT_EQ(text(get(replica())), "2");
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTest, ClosingEndsWhatRunsAndWhatIdles) {
    auto& site = serve("127.0.0.1:8080", {{reads(), answers("1"), waits_for_close()}, {reads(), waits_for_close()}});
    Outgoing fresh;
    fresh.fresh_connection = true;
    EXPECT_EQ(text(get(replica())), "1");
    std::optional<Sent> out;
    group.spawn("send", keep<Sent>(here().send(replica(), fresh), out));
    world.run_for(100ms);
    client->close();
    world.run_for(5ms);
    EXPECT_EQ(site.closed_by_client, 2U);
    ASSERT_TRUE(out);
    ASSERT_FALSE(*out);
    EXPECT_EQ(out->error().kind, Kind::cancelled);
    EXPECT_EQ(get(replica()).error().kind, Kind::cancelled);
}

TEST_F(ClientTest, AnAnswerMayOutliveItsClient) {
    auto& site = serve("127.0.0.1:8080", {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    client.reset();
    EXPECT_EQ(world.run((*sent)->read()).error().kind, Kind::cancelled);
    sent->reset();
    world.run_for(5ms);
    EXPECT_EQ(site.closed_by_client, 1U);
}

// ---- deadlines ----

TEST_F(ClientTest, GivesUpWhenNothingComesInTime) {
    struct Row {
        const char* says;
        Duration resolve, connect;
        Script script;
        Duration expected;
    };
    limits.connect_time = 2s;
    limits.head_time = 5s;
    limits.read_time = 3s;
    const Row rows[] = {
        {"resolving", 60s, {}, {reads()}, 2s},
        {"connecting", {}, 60s, {reads()}, 2s},
        {"no head", {}, {}, {reads(), waits_for_close()}, 5s},
        {"half a head", {}, {}, {reads(), says("HTTP/1.1 200"), waits_for_close()}, 5s},
        {"no body", {}, {}, {reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), waits_for_close()}, 3s},
        {"a body that stops",
         {},
         {},
         {reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"), pauses(2s), says("b"), waits_for_close()},
         5s},
    };
    std::uint16_t port = 8500;
    make(EgressPolicy({"127.0.0.1"}));
    world.network().name("a.example", {asio::ip::make_address("127.0.0.1")});
    for (const auto& row : rows) {
        serve("127.0.0.1:" + std::to_string(++port), {row.script});
        network.resolve_time = row.resolve;
        network.connect_time = row.connect;
        const auto begin = world.clock().steady();
        const auto got = get(outside("a.example", port));
        ASSERT_FALSE(got) << row.says;
        EXPECT_EQ(got.error().kind, Kind::timed_out) << row.says << ": " << got.error().said;
        const auto took = world.clock().steady() - begin;
        EXPECT_GE(took, row.expected) << row.says;
        EXPECT_LE(took, row.expected + 600ms) << row.says;
    }
}

TEST_F(ClientTest, AReaderThatIsSlowItselfIsNotLate) {
    limits.read_time = 1s;
    serve("127.0.0.1:8080", {{reads(), says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"), pauses(10s), says("b"), waits_for_close()}});
    auto sent = world.run(here().send(replica(), {}));
    ASSERT_TRUE(sent);
    EXPECT_EQ(*world.run((*sent)->read()), "a");
    world.run_for(20s);
    EXPECT_EQ(*world.run((*sent)->read()), "b");
}

// ---- the guard ----

TEST_F(ClientTest, ReachesPublicAddressesByName) {
    auto& site = serve("8.8.8.8:80", {{reads(), answers("hello"), waits_for_close()}});
    world.network().name("a.example", {asio::ip::make_address("8.8.8.8")});
    EXPECT_EQ(text(get(outside())), "hello");
    ASSERT_EQ(site.requests.size(), 1U);
    EXPECT_TRUE(site.requests[0].starts_with("GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: meridian/"));
}

TEST_F(ClientTest, RefusesAddressesInside) {
    struct Row {
        const char* host;
        const char* address;
    };
    serve("127.0.0.1:80", {{reads(), answers("secret")}});
    serve("169.254.169.254:80", {{reads(), answers("secret")}});
    const Row rows[] = {{"a.example", "127.0.0.1"},
                        {"b.example", "169.254.169.254"},
                        {"127.0.0.1", nullptr},
                        {"::1", nullptr},
                        {"::ffff:127.0.0.1", nullptr}};
    for (const auto& row : rows) {
        if (row.address) world.network().name(row.host, {asio::ip::make_address(row.address)});
        const auto got = get(outside(row.host));
        ASSERT_FALSE(got) << row.host;
        EXPECT_EQ(got.error().kind, Kind::refused_by_policy) << row.host;
    }
    EXPECT_TRUE(network.connected.empty());
}

TEST_F(ClientTest, ConnectsOnlyToTheAllowedAddressesOfAName) {
    serve("8.8.8.8:80", {{reads(), answers("hello")}});
    world.network().name("a.example",
                         {asio::ip::make_address("10.0.0.1"), asio::ip::make_address("8.8.4.4"), asio::ip::make_address("8.8.8.8")});
    EXPECT_EQ(text(get(outside())), "hello");
    EXPECT_EQ(network.connected, (std::vector{*Address::parse("8.8.4.4:80"), *Address::parse("8.8.8.8:80")}));
    EXPECT_EQ(network.resolved, 1U);
}

TEST_F(ClientTest, SaysThatANameIsUnknown) {
    const auto got = get(outside("nowhere.example"));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::resolve);
}

TEST_F(ClientTest, SaysThatAConnectionWasRefused) {
    const auto got = get(replica());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::connect);
    EXPECT_TRUE(got.error().nothing_received);
}

// ---- redirects ----

std::string redirect(std::string_view status, std::string_view location) {
    return "HTTP/1.1 " + std::string(status) + " Moved\r\nLocation: " + std::string(location) + "\r\nContent-Length: 0\r\n\r\n";
}

class RedirectTest : public ClientTest {
protected:
    RedirectTest() {
        world.network().name("a.example", {asio::ip::make_address("8.8.8.8")});
        world.network().name("b.example", {asio::ip::make_address("9.9.9.9")});
        world.network().name("inside.example", {asio::ip::make_address("10.0.0.1")});
    }
    Outgoing request() {
        Outgoing out{
            "POST", "/old/x?q=1", {{"Authorization", "Bearer s"}, {"X-Auth-Token", "s"}, {"Accept", "*/*"}, {"Content-Type", "a/b"}},
            "body", false,        2};
        return out;
    }
};

TEST_F(RedirectTest, AreFollowedWithinTheSameHost) {
    auto& site = serve("8.8.8.8:80", {{reads(), says(redirect("307", "../new?z")), reads(),
                                       says(redirect("308", "http://a.example/final#x")), reads(), answers("there"), waits_for_close()}});
    EXPECT_EQ(text(get(outside(), request())), "there");
    ASSERT_EQ(site.requests.size(), 3U);
    EXPECT_TRUE(site.requests[1].starts_with("POST /old/../new?z HTTP/1.1\r\n"));
    EXPECT_TRUE(site.requests[2].starts_with("POST /final HTTP/1.1\r\n"));
    EXPECT_TRUE(site.requests[2].find("Authorization: Bearer s") != std::string::npos);
    EXPECT_TRUE(site.requests[2].ends_with("\r\n\r\nbody"));
}

TEST_F(RedirectTest, ToAnotherHostLeaveCredentialsBehind) {
    serve("8.8.8.8:80", {{reads(), says(redirect("307", "http://b.example/x"))}});
    auto& site = serve("9.9.9.9:80", {{reads(), answers("there")}});
    EXPECT_EQ(text(get(outside(), request())), "there");
    ASSERT_EQ(site.requests.size(), 1U);
    EXPECT_EQ(site.requests[0].find("Bearer"), std::string::npos);
    EXPECT_EQ(site.requests[0].find("X-Auth-Token"), std::string::npos);
    EXPECT_NE(site.requests[0].find("Accept: */*"), std::string::npos);
    EXPECT_NE(site.requests[0].find("Host: b.example\r\n"), std::string::npos);
}

TEST_F(RedirectTest, ToSeeOtherAskWithGet) {
    auto& site = serve("8.8.8.8:80", {{reads(), says(redirect("303", "/see")), reads(), answers("there")}});
    EXPECT_EQ(text(get(outside(), request())), "there");
    ASSERT_EQ(site.requests.size(), 2U);
    EXPECT_TRUE(site.requests[1].starts_with("GET /see HTTP/1.1\r\n"));
    EXPECT_EQ(site.requests[1].find("Content-"), std::string::npos);
    EXPECT_TRUE(site.requests[1].ends_with("\r\n\r\n"));
}

TEST_F(RedirectTest, AreNotFollowed) {
    struct Row {
        const char* says;
        std::string location;
        Kind kind;
    };
    serve("10.0.0.1:80", {{reads(), answers("secret")}});
    const Row rows[] = {
        {"to a private address", "http://10.0.0.1/", Kind::refused_by_policy},
        {"to a name of one", "//inside.example/", Kind::refused_by_policy},
        {"to the metadata host", "http://[::ffff:169.254.169.254]/latest", Kind::refused_by_policy},
        {"to another scheme", "file:///etc/passwd", Kind::malformed},
        {"to nowhere", "", Kind::malformed},
    };
    std::uint16_t port = 8600;
    for (const auto& row : rows) {
        serve("8.8.8.8:" + std::to_string(++port), {{reads(), says(redirect("302", row.location))}});
        const auto got = get(outside("a.example", port), request());
        ASSERT_FALSE(got) << row.says;
        EXPECT_EQ(got.error().kind, row.kind) << row.says;
    }
    EXPECT_TRUE(sites.front()->requests.empty());
}

TEST_F(RedirectTest, FromAReplicaAreJudgedToo) {
    serve("127.0.0.1:9999", {{reads(), answers("secret")}});
    serve("127.0.0.1:8080", {{reads(), says(redirect("302", "http://127.0.0.1:9999/"))}});
    const auto got = get(replica(), request());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::refused_by_policy);
}

TEST_F(RedirectTest, PastTheLimitAreTheAnswer) {
    serve("8.8.8.8:80",
          {{reads(), says(redirect("302", "/1")), reads(), says(redirect("302", "/2")), reads(), says(redirect("302", "/3"))}});
    const auto got = get(outside(), request());
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 302);
    EXPECT_EQ(got->headers.get("location"), "/3");
}

TEST_F(ClientTest, SendsNothingThatCouldBeReadAsAnotherRequest) {
    Outgoing rows[6];
    rows[0].path = "/x HTTP/1.1\r\nHost: b";
    rows[1].path = "x";
    rows[2].method = "GET /";
    rows[3].headers.add("X", "a\r\nY: b");
    rows[4].headers.add("X:", "a");
    rows[5].headers.add("X", std::string("a\0b", 3));
    for (const auto& row : rows) {
        const auto got = get(replica(), row);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, Kind::malformed);
    }
    EXPECT_TRUE(network.connected.empty());
}

}  // namespace
}  // namespace meridian::http
