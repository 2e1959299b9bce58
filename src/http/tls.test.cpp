#include "http/tls.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/error.hpp>

#include "base/sim/world.h"
#include "http/certificate.test.h"
#include "http/server.h"

namespace meridian::http {
namespace {

using namespace std::chrono_literals;
using test::Identity;
using test::make_identity;

const Identity& first() {
    static const auto one = make_identity("models.example");
    return one;
}
const Identity& second() {
    static const auto one = make_identity("other.example");
    return one;
}

Task<std::unique_ptr<Stream>> dial(Network& network) {
    auto stream = co_await network.connect(*Address::parse("127.0.0.1:443"), 1s);
    co_return stream ? std::move(*stream) : nullptr;
}

Task<> echo_all(std::unique_ptr<Listener> listener, std::shared_ptr<TlsContext> context, ErrorCode& failure) {
    auto raw = co_await listener->accept();
    auto stream = co_await tls_accept(std::move(*raw), context);
    if (!stream) {
        failure = stream.error();
        co_return;
    }
    std::string buffer(20'000, '\0');
    for (;;) {
        const auto got = co_await (*stream)->read_some(buffer);
        if (!got) {
            failure = got.error();
            co_return;
        }
        const std::array<std::string_view, 3> parts = {"<", std::string_view(buffer).substr(0, *got), ">"};
        co_await (*stream)->write(parts);
    }
}

Task<std::string> exchange(Stream& stream, std::string bytes, std::size_t wanted) {
    co_await stream.write(bytes);
    std::string out, buffer(9'000, '\0');
    while (out.size() < wanted) {
        const auto got = co_await stream.read_some(buffer);
        if (!got) break;
        out.append(buffer, 0, *got);
    }
    co_return out;
}

class TlsTest : public testing::Test {
protected:
    ~TlsTest() override {
        group.cancel();
        world.run(group.join());
    }
    void echo(const Identity& who) {
        auto context = TlsContext::from_text(who.certificate, who.key);
        ASSERT_TRUE(context);
        auto listener = world.network().listen(world.executor(), *Address::parse("127.0.0.1:443"));
        group.spawn("echo", echo_all(std::move(*listener), *context, server_failure));
    }
    IoResult<std::unique_ptr<Stream>> secure(const Identity& trusted, std::string host) {
        return world.run(tls_connect(world.run(dial(world.network())), std::move(host), *TlsClientContext::make(trusted.certificate)));
    }

    sim::World world{3};
    TaskGroup group{world.executor()};
    ErrorCode server_failure;
};

TEST_F(TlsTest, CarriesBytesBothWaysAndSaysFarewell) {
    echo(first());
    auto stream = secure(first(), "models.example");
    ASSERT_TRUE(stream) << stream.error().message();
    EXPECT_EQ(world.run(exchange(**stream, "hello", 7)), "<hello>");
    const std::string long_text(15'000, 'x');
    EXPECT_EQ(world.run(exchange(**stream, long_text, 15'002)).size(), 15'002u);
    (*stream)->close();
    EXPECT_FALSE((*stream)->is_open());
    world.run_for(1ms);
    EXPECT_EQ(server_failure, asio::error::eof);
}

TEST_F(TlsTest, AnEndWithoutFarewellIsNoEnd) {
    echo(first());
    auto raw = world.run(dial(world.network()));
    auto* line = raw.get();
    auto stream = world.run(tls_connect(std::move(raw), "models.example", *TlsClientContext::make(first().certificate)));
    ASSERT_TRUE(stream);
    line->close();
    world.run_for(1ms);
    EXPECT_EQ(server_failure, asio::error::connection_reset);
}

TEST_F(TlsTest, RefusesAnotherNameAndAnUnknownAuthority) {
    echo(first());
    const auto other_name = secure(first(), "elsewhere.example");
    ASSERT_FALSE(other_name);
    EXPECT_NE(other_name.error().message().find("hostname mismatch"), std::string::npos) << other_name.error().message();
    world.run_for(1ms);
    EXPECT_TRUE(server_failure);

    world.run(group.join());
    echo(first());
    const auto unknown = secure(second(), "models.example");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().message().find("self-signed"), std::string::npos) << unknown.error().message();
}

TEST_F(TlsTest, RefusesWhatIsNotTls) {
    echo(first());
    auto raw = world.run(dial(world.network()));
    world.run(exchange(*raw, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 1));
    world.run_for(1ms);
    EXPECT_TRUE(server_failure);
}

TEST(TlsContext, ABadCertificateKeepsTheOldOne) {
    sim::World world(1);
    auto& disk = world.disk();
    ASSERT_TRUE(disk.make_directories("/tls"));
    ASSERT_TRUE(disk.replace_file("/tls/cert.pem", first().certificate));
    ASSERT_TRUE(disk.replace_file("/tls/key.pem", first().key));
    auto context = TlsContext::from_files(disk, "/tls/cert.pem", "/tls/key.pem");
    ASSERT_TRUE(context) << context.error().said;
    const auto before = (*context)->current();

    ASSERT_TRUE(disk.replace_file("/tls/cert.pem", second().certificate));
    const auto other_key = (*context)->reload();
    ASSERT_FALSE(other_key);
    EXPECT_NE(other_key.error().said.find("does not belong"), std::string::npos) << other_key.error().said;
    EXPECT_FALSE((*context)->reload("nonsense", first().key));
    EXPECT_FALSE((*context)->reload(first().certificate, "nonsense"));
    EXPECT_EQ((*context)->current(), before);

    ASSERT_TRUE(disk.replace_file("/tls/key.pem", second().key));
    EXPECT_TRUE((*context)->reload());
    EXPECT_NE((*context)->current(), before);
    EXPECT_FALSE(TlsContext::from_files(disk, "/tls/none.pem", "/tls/key.pem"));
}

class Everybody final : public Authorizer {
public:
    std::shared_ptr<const Principal> authorize(const Request&, const Permission&) override { return nullptr; }
};

Task<> say_secure(Exchange& exchange) { co_await exchange.answer({200, {}, exchange.request().secure ? "secure" : "plain"}); }

TEST(TlsServer, ServesAndTakesANewCertificateForNewConnections) {
    sim::World world(5);
    Everybody everybody;
    Router router(everybody);
    router.add({"GET", "/", anyone(), Dialect::meridian, say_secure, {}, 0});
    auto context = *TlsContext::from_text(first().certificate, first().key);
    Server server(router, world.clock(), world.rng(), world.executor(), {}, context);
    server.serve(std::move(*world.network().listen(world.executor(), *Address::parse("127.0.0.1:443"))));
    const auto connect = [&](const Identity& trusted, std::string host) {
        return world.run(tls_connect(world.run(dial(world.network())), std::move(host), *TlsClientContext::make(trusted.certificate)));
    };
    auto old = connect(first(), "models.example");
    ASSERT_TRUE(old);
    EXPECT_NE(world.run(exchange(**old, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 100)).find("secure"), std::string::npos);

    ASSERT_TRUE(context->reload(second().certificate, second().key));
    EXPECT_TRUE(connect(second(), "other.example"));
    EXPECT_FALSE(connect(first(), "models.example"));
    EXPECT_NE(world.run(exchange(**old, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 100)).find("secure"), std::string::npos);

    // One that never says hello is closed like any slow client.
    auto silent = world.run(dial(world.network()));
    const auto began = world.clock().steady();
    EXPECT_EQ(world.run(exchange(*silent, "", 1)), "");
    EXPECT_LE(world.clock().steady() - began, 11s);
    old->reset();
    world.run(server.drain(1s));
}

}  // namespace
}  // namespace meridian::http
