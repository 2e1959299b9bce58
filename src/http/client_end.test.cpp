#include "http/client.test.h"

namespace meridian::http::test {
namespace {

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

}  // namespace
}  // namespace meridian::http::test
