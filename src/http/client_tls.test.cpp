#include "http/certificate.test.h"
#include "http/client.test.h"
#include "http/tls.h"

namespace meridian::http::test {
namespace {

Task<> accept_secured(Listener& listener, std::shared_ptr<TlsContext> context, Script script, Clock& clock, Site& site) {
    for (;;) {
        auto raw = co_await listener.accept();
        if (!raw) co_return;
        ++site.connections;
        auto stream = co_await tls_accept(std::move(*raw), context);
        if (stream) co_await play(std::move(*stream), script, clock, site);
    }
}

class ClientTlsTest : public ClientTest {
protected:
    ClientTlsTest() {
        for (const char* name : {"a.example", "b.example"}) world.network().name(name, {asio::ip::make_address("8.8.8.8")});
    }
    Site& serve_secured(Script script) {
        auto listener = world.network().listen(world.executor(), *Address::parse("8.8.8.8:443"));
        listeners.push_back(std::move(*listener));
        auto& site = *sites.emplace_back(std::make_unique<Site>());
        const auto context = TlsContext::from_text(identity.certificate, identity.key);
        group.spawn("site", accept_secured(*listeners.back(), *context, std::move(script), world.clock(), site));
        client.emplace(network, world.clock(), world.executor(), EgressPolicy(), limits, *TlsClientContext::make(identity.certificate));
        return site;
    }

    Identity identity = make_identity("a.example");
    Target secured{true, "a.example", 443, {}};
};

TEST_F(ClientTlsTest, ReusesASecuredConnection) {
    auto& site = serve_secured({reads(), answers("1"), reads(), answers(std::string(100'000, 'x')), waits_for_close()});
    EXPECT_EQ(text(get(secured)), "1");
    EXPECT_EQ(text(get(secured)), std::string(100'000, 'x'));
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTlsTest, RefusesACertificateForAnotherName) {
    auto& site = serve_secured({reads(), answers("1")});
    secured.host = "b.example";
    const auto got = get(secured);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::connect);
    EXPECT_TRUE(site.requests.empty());
}

TEST_F(ClientTlsTest, RefusesACertificateThatNobodyVouchesFor) {
    auto& site = serve_secured({reads(), answers("1")});
    client.emplace(network, world.clock(), world.executor(), EgressPolicy(), limits,
                   *TlsClientContext::make(make_identity("a.example").certificate));
    const auto got = get(secured);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::connect);
    EXPECT_TRUE(site.requests.empty());
}

TEST_F(ClientTlsTest, EndsAHandshakeThatHangs) {
    limits.connect_time = 2s;
    auto& site = serve("8.8.8.8:443", {{waits_for_close()}});
    const auto late = get(secured);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, Kind::timed_out);
    world.run_for(5ms);
    EXPECT_EQ(site.closed_by_client, 1U);

    auto cancel = std::make_shared<Cancel>();
    std::optional<Sent> out;
    start(out, secured, cancel);
    world.run_for(100ms);
    cancel->fire();
    world.run_for(5ms);
    ASSERT_TRUE(out && !*out);
    EXPECT_EQ(out->error().kind, Kind::cancelled);
    EXPECT_EQ(site.closed_by_client, 2U);
}

}  // namespace
}  // namespace meridian::http::test
