// Who may reach a deployment by where they are: rules over the client's address. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net.h"

namespace meridian::inference {

struct IpNetwork {
    IpAddress address;  // the first of the network
    unsigned bits = 0;
    [[nodiscard]] std::string str() const;  // "10.1.0.0/16"
    bool operator==(const IpNetwork&) const = default;
};
// "10.1.0.0/16", "fd00::/8" or one address. Bits beyond the prefix are cleared.
std::optional<IpNetwork> parse_network(std::string_view text);

using AccessRules = std::vector<IpNetwork>;
// Whether the peer of a connection ("127.0.0.1:4711", "[::1]:4711") is let in. Without rules everybody is; with rules a peer without an
// address (a Unix socket) is not. An IPv4 address inside of an IPv6 one is the IPv4 address.
bool allowed(std::string_view peer, const AccessRules& rules);

}  // namespace meridian::inference
