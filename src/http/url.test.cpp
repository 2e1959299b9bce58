#include <gtest/gtest.h>

#include "http/client.h"

namespace meridian::http {
namespace {

TEST(Url, IsReadIntoTargetAndPath) {
    struct Row {
        std::string_view url;
        bool tls;
        std::string_view host;
        std::uint16_t port;
        std::string_view path, authority;
    };
    const Row rows[] = {
        {"http://a.example", false, "a.example", 80, "/", "a.example"},
        {"HTTPS://A.Example/x", true, "a.example", 443, "/x", "a.example"},
        {"https://a:8443/x/y?q=1", true, "a", 8443, "/x/y?q=1", "a:8443"},
        {"https://a:443", true, "a", 443, "/", "a"},
        {"http://a:443", false, "a", 443, "/", "a:443"},
        {"http://a?q", false, "a", 80, "/?q", "a"},
        {"http://a/x#part", false, "a", 80, "/x", "a"},
        {"http://a#part", false, "a", 80, "/", "a"},
        {"http://a:/x", false, "a", 80, "/x", "a"},
        {"http://127.0.0.1:8080/x", false, "127.0.0.1", 8080, "/x", "127.0.0.1:8080"},
        {"http://[::1]:8080/x", false, "::1", 8080, "/x", "[::1]:8080"},
        {"https://[2001:DB8:0::1]", true, "2001:db8::1", 443, "/", "[2001:db8::1]"},
    };
    for (const auto& row : rows) {
        const auto read = parse_url(row.url);
        ASSERT_TRUE(read) << row.url;
        EXPECT_EQ(read->target.tls, row.tls) << row.url;
        EXPECT_EQ(read->target.host, row.host) << row.url;
        EXPECT_EQ(read->target.port, row.port) << row.url;
        EXPECT_EQ(read->path, row.path) << row.url;
        EXPECT_EQ(read->target.authority(), row.authority) << row.url;
        EXPECT_FALSE(read->target.local) << row.url;
    }
}

TEST(Url, RefusesWhatItCannotReadInOneWay) {
    for (const char* url : {"",
                            "a",
                            "/x",
                            "//a/x",
                            "ftp://a",
                            "http:/a",
                            "http://",
                            "http:///x",
                            "http://:80",
                            "http://a:0",
                            "http://a:65536",
                            "http://a:8x",
                            "http://user@a",
                            "http://user:pw@a/",
                            "http://a b/",
                            "http://a/x y",
                            "http://a\\b",
                            "http://a/\n",
                            "http://[::1",
                            "http://[::1]x",
                            "http://[a]",
                            "http://[fe80::1%eth0]",
                            "http://%61",
                            "http://\xC3\xA4.example",
                            "javascript:alert(1)"}) {
        EXPECT_FALSE(parse_url(url)) << url;
    }
    EXPECT_FALSE(parse_url("http://a/" + std::string(9000, 'x')));
}

}  // namespace
}  // namespace meridian::http
