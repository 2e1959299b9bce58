#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/error.h"
#include "http/client.h"

namespace meridian::http {
namespace {

IpAddress ip(const char* text) { return asio::ip::make_address(text); }

TEST(EgressPolicy, AllowsOnlyThePublicInternet) {
    struct Row {
        const char* address;
        bool allowed;
    };
    const Row rows[] = {
        {"8.8.8.8", true},
        {"1.1.1.1", true},
        {"0.0.0.0", false},
        {"0.1.2.3", false},
        {"10.0.0.1", false},
        {"9.255.255.255", true},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"100.100.100.200", false},
        {"127.0.0.1", false},
        {"127.255.255.254", false},
        {"168.63.129.16", false},
        {"168.63.129.17", true},
        {"169.254.169.254", false},
        {"169.253.255.255", true},
        {"172.15.255.255", true},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.192", false},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"192.168.0.1", false},
        {"192.169.0.1", true},
        {"198.17.255.255", true},
        {"198.18.0.1", false},
        {"198.19.255.255", false},
        {"198.51.100.7", false},
        {"203.0.113.7", false},
        {"223.255.255.255", true},
        {"224.0.0.1", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"2606:4700:4700::1111", true},
        {"2a00:1450:4001:830::200e", true},
        {"::", false},
        {"::1", false},
        {"::8.8.8.8", true},
        {"::127.0.0.1", false},
        {"::ffff:8.8.8.8", true},
        {"::ffff:127.0.0.1", false},
        {"::ffff:10.1.2.3", false},
        {"::ffff:169.254.169.254", false},
        {"::ffff:0:10.1.2.3", false},
        {"64:ff9b::8.8.8.8", true},
        {"64:ff9b::169.254.169.254", false},
        {"64:ff9b:1::1", false},
        {"100::1", false},
        {"2001::1", false},
        {"2001:2::1", false},
        {"2001:1ff:ffff::1", false},
        {"2001:200::1", true},
        {"2001:db8::1", false},
        {"2002:808:808::1", true},
        {"2002:7f00:1::1", false},
        {"2002:c0a8:101::1", false},
        {"3fff::1", false},
        {"4000::1", false},
        {"fc00::1", false},
        {"fd00:ec2::254", false},
        {"fdff::1", false},
        {"fe80::1", false},
        {"fe80::1%1", false},
        {"2606:4700::1%3", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"ff0e::1", false},
    };
    const EgressPolicy policy;
    for (const auto& row : rows) EXPECT_EQ(policy.allows("a.example", ip(row.address)), row.allowed) << row.address;
}

TEST(EgressPolicy, OpensWhatTheOperatorDeclares) {
    const EgressPolicy policy({"10.1.0.0/16", "fd00::/8", "Models.Internal", "192.168.7.7", "172.16.0.0/12", "::1"});
    struct Row {
        const char* says;
        const char* host;
        const char* address;
        bool allowed;
    };
    const Row rows[] = {
        {"in a declared network", "a", "10.1.255.255", true},
        {"beside it", "a", "10.2.0.0", false},
        {"in a declared network, mapped", "a", "::ffff:10.1.0.1", true},
        {"beside it, mapped", "a", "::ffff:10.2.0.1", false},
        {"a network whose prefix ends within a byte", "a", "172.31.0.1", true},
        {"past its end", "a", "172.32.0.1", true},
        {"a declared IPv6 network", "a", "fd12::1", true},
        {"fc00 is not fd00", "a", "fc12::1", false},
        {"one address", "a", "192.168.7.7", true},
        {"the next address", "a", "192.168.7.8", false},
        {"the loopback of IPv6", "a", "::1", true},
        {"not the one of IPv4", "a", "127.0.0.1", false},
        {"a declared name", "models.internal", "10.9.9.9", true},
        {"in any case", "MODELS.internal", "127.0.0.1", true},
        {"not its children", "x.models.internal", "10.9.9.9", false},
        {"the Internet stays open", "a", "8.8.8.8", true},
    };
    for (const auto& row : rows) EXPECT_EQ(policy.allows(row.host, ip(row.address)), row.allowed) << row.says;
}

TEST(EgressPolicy, RefusesADeclarationThatItCannotRead) {
    for (const char* text : {"", "10.1.0.0/33", "10.1.0.0/", "10.1.0.0/-1", "10.1.0.0/8x", "fd00::/129", "x/8", "10.1.0", "1.2.3.4.5",
                             "https://a", "a:80", "*.internal", "-a", ".a", "a b"}) {
        EXPECT_THROW(EgressPolicy({text}), Error) << text;
    }
}

RC_GTEST_PROP(EgressPolicy, JudgesAnIpv4AddressAlikeInEveryForm, (std::uint32_t number)) {
    const asio::ip::address_v4 plain(number);
    const bool allowed = EgressPolicy().allows("a", plain);
    const auto text = plain.to_string();
    for (const char* prefix : {"::ffff:", "::", "::ffff:0:", "64:ff9b::"})
        RC_ASSERT(EgressPolicy().allows("a", asio::ip::make_address(prefix + text)) == allowed);
}

}  // namespace
}  // namespace meridian::http
