#include "inference/access.h"

#include <gtest/gtest.h>

namespace meridian::inference {
namespace {

TEST(Access, NetworksAreReadAndSaidAsTheirFirstAddress) {
    struct Row {
        std::string_view text, said;  // "" refused
    };
    const Row rows[] = {
        {"10.1.2.3/16", "10.1.0.0/16"},
        {"192.0.2.7", "192.0.2.7/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"fd00:1::5/8", "fd00::/8"},
        {"::1", "::1/128"},
        {"10.1.2.3/31", "10.1.2.2/31"},
        {"::ffff:10.1.2.3/112", "10.1.0.0/16"},
        {"::ffff:10.1.2.3/8", ""},
        {"10.1.2.3/33", ""},
        {"10.1.2/16", ""},
        {"10.1.2.3/", ""},
        {"10.1.2.3/-1", ""},
        {"10.1.2.3/1x", ""},
        {"localhost", ""},
        {"", ""},
        {"fe80::1%1", ""},
    };
    for (const auto& row : rows) {
        const auto got = parse_network(row.text);
        EXPECT_EQ(got ? got->str() : "", row.said) << row.text;
    }
}

TEST(Access, LetsInWhomARuleNames) {
    const AccessRules rules = {*parse_network("10.1.0.0/16"), *parse_network("fd00::/8"), *parse_network("192.0.2.7")};
    struct Row {
        std::string_view peer;
        bool is_let_in;
    };
    const Row rows[] = {
        {"10.1.255.255:4711", true},
        {"10.2.0.0:4711", false},
        {"192.0.2.7:1", true},
        {"192.0.2.8:1", false},
        {"[fd12::1]:80", true},
        {"[fe80::1]:80", false},
        {"[::ffff:10.1.2.3]:80", true},
        {"[::ffff:10.2.2.3]:80", false},
        {"unix:/run/s.sock", false},
        {"", false},
        {"nonsense", false},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(allowed(row.peer, rules), row.is_let_in) << row.peer;
        EXPECT_TRUE(allowed(row.peer, {})) << "without rules: " << row.peer;
    }
    EXPECT_TRUE(allowed("8.8.8.8:1", {*parse_network("0.0.0.0/0")}));
    EXPECT_FALSE(allowed("[2001:db8::1]:1", {*parse_network("0.0.0.0/0")}));
}

}  // namespace
}  // namespace meridian::inference
