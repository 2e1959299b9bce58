#include "inference/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace meridian::inference {
namespace {

constexpr std::size_t text_max = 64;

IpAddress plain(const IpAddress& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
}

// With every bit after the first `bits` cleared.
template <class Address>
IpAddress first_of(const Address& address, unsigned bits) {
    auto bytes = address.to_bytes();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto kept = std::clamp<int>(static_cast<int>(bits) - static_cast<int>(i) * 8, 0, 8);
        bytes[i] = static_cast<unsigned char>(bytes[i] & (0xff00 >> kept));
    }
    return Address(bytes);
}

IpAddress first_of(const IpAddress& address, unsigned bits) {
    return address.is_v4() ? first_of(address.to_v4(), bits) : first_of(address.to_v6(), bits);
}

}  // namespace

std::string IpNetwork::str() const { return fmt::format("{}/{}", address.to_string(), bits); }

std::optional<IpNetwork> parse_network(std::string_view text) {
    if (text.size() > text_max) return std::nullopt;
    const auto slash = text.find('/');
    ErrorCode bad;
    const auto given = asio::ip::make_address(std::string(text.substr(0, slash)), bad);
    if (bad || (given.is_v6() && given.to_v6().scope_id() != 0)) return std::nullopt;
    unsigned bits = given.is_v4() ? 32 : 128;
    if (slash != text.npos) {
        const auto digits = text.substr(slash + 1);
        unsigned wished = 0;
        const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), wished);
        if (failed != std::errc{} || end != digits.data() + digits.size() || wished > bits) return std::nullopt;
        bits = wished;
    }
    // A mapped network is said as what its clients are seen as.
    const auto address = plain(given);
    if (address.is_v4() && given.is_v6()) {
        if (bits < 96) return std::nullopt;
        bits -= 96;
    }
    return IpNetwork{first_of(address, bits), bits};
}

bool allowed(std::string_view peer, const AccessRules& rules) {
    if (rules.empty()) return true;
    const auto at = Address::parse(std::string(peer));
    if (!at || !at->unix_path.empty()) return false;
    const auto client = plain(at->ip);
    return std::ranges::any_of(rules, [&client](const IpNetwork& rule) {
        return rule.address.is_v4() == client.is_v4() && first_of(client, rule.bits) == rule.address;
    });
}

}  // namespace meridian::inference
