#include "http/websocket.h"

#include <gtest/gtest.h>

#include "base/sim/world.h"
#include "http/server.h"

namespace meridian::http {
namespace {

using namespace std::chrono_literals;

class Everybody final : public Authorizer {
public:
    std::shared_ptr<const Principal> authorize(const Request&, const Permission&) override { return nullptr; }
};

// Echoes until "bye", then says goodbye itself.
Task<> echo(Exchange& exchange, unsigned& ended) {
    const auto socket = co_await exchange.upgrade();
    if (!socket) co_return;
    while (const auto message = co_await socket->read()) {
        if (message->data == "bye") {
            co_await socket->close(WebSocket::normal_close, "as you wish");
            break;
        }
        co_await socket->write(message->kind, "<" + message->data + ">");
    }
    ++ended;
}

// A client's frame: masked, as the standard wants it.
std::string frame(unsigned first, std::string_view payload) {
    std::string out{static_cast<char>(first), static_cast<char>(0x80 | payload.size()), 1, 2, 3, 4};
    for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ static_cast<char>(i % 4 + 1));
    return out;
}
constexpr unsigned final_text = 0x81, begun_text = 0x01, final_rest = 0x80, final_binary = 0x82, ping = 0x89, goodbye = 0x88;

constexpr std::string_view upgrade_head =
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

Task<std::unique_ptr<Stream>> dial(Network& network) {
    auto stream = co_await network.connect(*Address::parse("127.0.0.1:80"), 1s);
    co_return std::move(*stream);
}
Task<> send(Stream& stream, std::string bytes) { co_await stream.write(bytes); }
Task<std::string> receive(Stream& stream, std::size_t count) {
    std::string out, buffer(4096, '\0');
    while (out.size() < count) {
        const auto got = co_await stream.read_some(buffer);
        if (!got) break;
        out.append(buffer, 0, *got);
    }
    co_return out;
}

class WebSocketTest : public testing::Test {
protected:
    WebSocketTest() : router(everybody) {
        router.add({"GET", "/ws", anyone(), Dialect::openai, [this](Exchange& e) { return echo(e, ended); }, {}, 0});
        server.emplace(router, world.clock(), world.rng(), world.executor());
        server->serve(std::move(*world.network().listen(world.executor(), *Address::parse("127.0.0.1:80"))));
        stream = world.run(dial(world.network()));
    }
    ~WebSocketTest() override { world.run(server->drain(0s)); }
    std::string ask(std::string bytes, std::size_t count) {
        world.run(send(*stream, std::move(bytes)));
        return world.run(receive(*stream, count));
    }
    void upgrade() {
        const auto answer = ask(std::string(upgrade_head), 100);
        ASSERT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
        EXPECT_NE(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);  // RFC 6455, 1.3
        EXPECT_NE(answer.find("x-request-id: req_"), std::string::npos);
    }

    sim::World world{1};
    Everybody everybody;
    Router router;
    unsigned ended = 0;
    std::optional<Server> server;
    std::unique_ptr<Stream> stream;
};

TEST_F(WebSocketTest, CarriesMessagesBothWays) {
    upgrade();
    EXPECT_EQ(ask(frame(final_text, "hello"), 9), "\x81\x07<hello>");
    EXPECT_EQ(ask(frame(begun_text, "ab") + frame(ping, "p") + frame(final_rest, "c"), 10), std::string("\x8a\x01p") + "\x81\x05<abc>");
    EXPECT_EQ(ask(frame(final_binary, "\x7f"), 5), "\x82\x03<\x7f>");
    const auto farewell = ask(frame(final_text, "bye"), 4);
    EXPECT_EQ(farewell.substr(0, 4), std::string("\x88\x0d\x03\xe8", 4));
    world.run(send(*stream, frame(goodbye, "\x03\xe8")));
    EXPECT_EQ(world.run(receive(*stream, 1)), "");
    EXPECT_EQ(ended, 1u);
}

TEST_F(WebSocketTest, EndsWithItsClient) {
    upgrade();
    stream->close();
    world.run_for(1ms);
    EXPECT_EQ(ended, 1u);
    EXPECT_EQ(server->counters().connections_open, 0u);
}

TEST_F(WebSocketTest, AClientThatDoesNotSayGoodbyeIsLeftBehind) {
    upgrade();
    EXPECT_EQ(ask(frame(final_text, "bye"), 4).size(), 15u);
    const auto began = world.clock().steady();
    EXPECT_EQ(world.run(receive(*stream, 1)), "");
    EXPECT_LE(world.clock().steady() - began, 61s);
    EXPECT_EQ(ended, 1u);
}

TEST_F(WebSocketTest, RefusesWhatIsNoUpgrade) {
    const auto plain = ask("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n", 100);
    EXPECT_TRUE(plain.starts_with("HTTP/1.1 400 ")) << plain;
    auto half = std::string(upgrade_head);
    half.replace(half.find("Version: 13"), 11, "Version: 12");
    const auto answer = ask(half, 30);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 4")) << answer;
}

}  // namespace
}  // namespace meridian::http
