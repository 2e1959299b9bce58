#include "http/client.test.h"

namespace meridian::http::test {
namespace {

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

}  // namespace
}  // namespace meridian::http::test
