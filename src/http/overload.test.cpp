// What a server refuses because of the load, and that it goes on with what it took on. Work that takes time is virtual time passing
// inside a handler, so that the loop is as late as a real one would be.
#include <algorithm>

#include "http/server.test.h"

namespace meridian::http {
namespace {

using namespace server_testing;

class OverloadTest : public ServerTest {
protected:
    OverloadTest() {
        const auto shed = [this](std::string pattern, Handler handler) {
            router.add({.method = "POST",
                        .pattern = std::move(pattern),
                        .may = anyone(),
                        .dialect = Dialect::openai,
                        .handler = std::move(handler),
                        .doc = {},
                        .may_be_shed = true});
        };
        shed("/work", [this](Exchange& e) { return works(e, world); });
        shed("/waits", [this](Exchange& e) { return waits(e, world.clock(), seen); });
    }
    static Task<> works(Exchange& exchange, sim::World& world) {
        world.work_for(30ms);
        co_await exchange.answer({200, {}, "done"});
    }
    static std::string post(std::string_view path, std::string_view body = {}) {
        return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               std::string(body);
    }
    // Clients that ask again as soon as they have their answer.
    static Task<> asks(Network& network, std::size_t times, std::vector<int>& statuses) {
        Peer peer{co_await dial(network), {}};
        for (; times > 0; --times) {
            co_await send(peer, post("/work"));
            const auto heard = co_await receive(peer, ResponseParser::Body::expected);
            EXPECT_EQ(heard.headers.get("retry-after"), heard.status == 503 ? "1" : "");
            statuses.push_back(heard.status);
        }
    }
    std::vector<int> crowd(std::size_t clients, std::size_t times) {
        if (!server) start();
        world.network().set_latency(1ms);
        std::vector<int> statuses;
        TaskGroup group(world.executor());
        for (std::size_t i = 0; i < clients; ++i) group.spawn("client", asks(world.network(), times, statuses));
        world.run(group.join());
        return statuses;
    }
};

TEST_F(OverloadTest, ABurstIsWorkedOff) {
    limits.intake.starts = 2;
    const auto statuses = crowd(25, 1);
    EXPECT_EQ(std::ranges::count(statuses, 200), 25);
    EXPECT_EQ(server->counters().shed_late, 0u);
    EXPECT_EQ(server->counters().waiting, 0u);
}

TEST_F(OverloadTest, UnderTooMuchTheLoopWorksAtItsFullRateAndRefusesWhoWaitedTooLong) {
    limits.intake.starts = 2;
    const auto began = world.clock().steady();
    const auto statuses = crowd(100, 5);  // 15 s of work, three of it for each second that anybody waits
    const auto took = world.clock().steady() - began;
    const auto answered = std::ranges::count(statuses, 200), refused = std::ranges::count(statuses, 503);
    EXPECT_EQ(answered + refused, 500);
    EXPECT_GT(refused, 50);
    EXPECT_EQ(server->counters().shed_late, static_cast<std::uint64_t>(refused));
    EXPECT_GT(answered * 30ms, took * 9 / 10) << "refusing and waiting cost nothing of the time that the work needs";
    EXPECT_EQ(server->counters().waiting, 0u);
    EXPECT_EQ(ask("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n").status, 200) << "other routes are never shed";
    EXPECT_EQ(ask(post("/work")).status, 200);
}

TEST_F(OverloadTest, WhoLeavesTheLineIsNotServed) {
    limits.intake.starts = 1;
    start();
    std::vector<Peer> peers;
    for (int i = 0; i < 8; ++i) peers.push_back(connect());
    world.network().set_latency(1ms);
    for (auto& peer : peers) tell(peer, post("/waits"));
    peers[7].stream->close();
    world.run_for(100ms);
    EXPECT_EQ(seen.calls, 7u);
    EXPECT_EQ(server->counters().waiting, 0u);
}

TEST_F(OverloadTest, WhoWaitedMeetsTheLimitOfRunsToo) {
    limits.intake.starts = 1;
    limits.runs = 2;
    start();
    std::vector<Peer> peers;
    for (int i = 0; i < 4; ++i) peers.push_back(connect());
    world.network().set_latency(1ms);
    for (auto& peer : peers) tell(peer, post("/waits"));
    world.run_for(100ms);
    EXPECT_EQ(seen.calls, 2u);
    EXPECT_EQ(server->counters().shed_runs, 2u);
}

TEST_F(OverloadTest, DrainingLetsThoseInTheLineEnd) {
    limits.intake.starts = 1;
    start();
    world.network().set_latency(1ms);
    std::vector<int> statuses;
    TaskGroup group(world.executor());
    for (int i = 0; i < 4; ++i) group.spawn("client", asks(world.network(), 1, statuses));
    world.run_for(3ms);
    world.run(server->drain(10s));
    world.run(group.join());
    EXPECT_EQ(statuses, std::vector<int>(4, 200));
}

TEST_F(OverloadTest, ARefusalIsInTheDialectAndTheConnectionGoesOn) {
    limits.runs = 1;
    auto first = connect();
    tell(first, post("/waits"));
    world.run_for(1ms);
    auto second = connect();
    tell(second, post("/waits", "{}"));
    const auto refused = hear(second);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.get("retry-after"), "1");
    EXPECT_NE(refused.body.find(R"("code":"overloaded")"), std::string::npos) << refused.body;
    EXPECT_EQ(server->counters().shed_runs, 1u);
    EXPECT_EQ(seen.calls, 1u) << "the handler has not heard of it";
    tell(second, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(hear(second).status, 200);
    first.stream->close();
    world.run_for(10ms);
    tell(second, post("/waits"));
    world.run_for(10ms);
    EXPECT_EQ(seen.calls, 2u) << "there is room again";
}

TEST_F(OverloadTest, BodiesOfAllConnectionsTogetherHaveALimit) {
    limits.bodies = 1000;
    const auto head = [](std::size_t length) {
        return "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
    };
    auto slow = connect();
    tell(slow, head(900) + std::string(800, 'x'));
    world.run_for(1ms);
    EXPECT_EQ(server->counters().body_bytes, 800u);
    struct Row {
        std::string_view says;
        std::string bytes;
        int status;
    };
    const Row rows[] = {
        {"announced too long", head(300), 503},
        {"fits", head(100) + std::string(100, 'x'), 200},
        {"grows too long", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n12c\r\n" + std::string(300, 'x'), 503},
        {"none at all", "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200},
    };
    for (const auto& row : rows) {
        const auto heard = ask(row.bytes);
        EXPECT_EQ(heard.status, row.status) << row.says;
        EXPECT_EQ(heard.headers.get("retry-after"), row.status == 503 ? "1" : "") << row.says;
        world.run_for(1ms);
        EXPECT_EQ(server->counters().body_bytes, 800u) << row.says;
    }
    EXPECT_EQ(server->counters().shed_bodies, 2u);
    tell(slow, std::string(100, 'x'));
    EXPECT_EQ(hear(slow).status, 200) << "it had its room";
    world.run_for(1ms);
    EXPECT_EQ(server->counters().body_bytes, 0u);
}

}  // namespace
}  // namespace meridian::http
