// Which addresses the program may reach by itself. A name that an outsider gives us (a model's URL, a redirect) must not lead into
// the operator's own network, so every address that is not plainly of the public Internet is refused, however it is written:
// the IPv6 forms that carry an IPv4 address are judged by that address.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "http/client.h"

namespace meridian::http {
namespace {

using asio::ip::address_v4;
using asio::ip::address_v6;

struct Block4 {
    std::uint32_t net;
    unsigned bits;
};
constexpr std::uint32_t quad(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

// The IANA registry of special addresses (RFC 6890 and its successors), and what clouds put beside it.
constexpr Block4 refused4[] = {
    {quad(0, 0, 0, 0), 8},         // "this network"
    {quad(10, 0, 0, 0), 8},        // private, RFC 1918
    {quad(100, 64, 0, 0), 10},     // shared by carriers, RFC 6598
    {quad(127, 0, 0, 0), 8},       // loopback
    {quad(168, 63, 129, 16), 32},  // the metadata host of Azure, a public number
    {quad(169, 254, 0, 0), 16},    // link-local, with the metadata hosts of most clouds
    {quad(172, 16, 0, 0), 12},     // private, RFC 1918
    {quad(192, 0, 0, 0), 24},      // protocol assignments
    {quad(192, 0, 2, 0), 24},      // documentation
    {quad(192, 88, 99, 0), 24},    // 6to4 relays, withdrawn
    {quad(192, 168, 0, 0), 16},    // private, RFC 1918
    {quad(198, 18, 0, 0), 15},     // benchmarks
    {quad(198, 51, 100, 0), 24},   // documentation
    {quad(203, 0, 113, 0), 24},    // documentation
    {quad(224, 0, 0, 0), 4},       // multicast
    {quad(240, 0, 0, 0), 4},       // reserved, and broadcast
};

struct Block6 {
    std::array<std::uint8_t, 8> net;  // no prefix here is longer than 64 bits
    unsigned bits;
};
// Exceptions from 2000::/3; all outside of that (loopback, unique local, link-local, multicast ...) is refused as a whole.
constexpr Block6 refused6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23},  // protocol assignments: Teredo, benchmarks, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x3f, 0xff, 0x00, 0x00}, 20},  // documentation
};

bool same_prefix(const std::uint8_t* a, const std::uint8_t* b, unsigned bits) {
    if (std::memcmp(a, b, bits / 8) != 0) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool is_public(const address_v4& address) {
    const std::uint32_t number = address.to_uint();
    return std::ranges::none_of(refused4, [&](const Block4& block) { return ((number ^ block.net) >> (32 - block.bits)) == 0; });
}

// The IPv4 address that packets for this one end at, for mapped, compatible, translated, NAT64 and 6to4 forms.
std::optional<address_v4> carried(const address_v6& address) {
    const auto bytes = address.to_bytes();
    const auto at = [&](std::size_t i) { return address_v4({bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]}); };
    struct Form {
        std::array<std::uint8_t, 12> prefix;
        unsigned bits;
        std::size_t at;
    };
    static constexpr Form forms[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12},        // ::ffff:a.b.c.d
        {{}, 96, 12},                                                // ::a.b.c.d
        {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96, 12},        // ::ffff:0:a.b.c.d
        {{0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}, 96, 12},  // 64:ff9b::a.b.c.d
        {{0x20, 0x02}, 16, 2},                                       // 2002:aabb:ccdd::
    };
    for (const auto& form : forms) {
        if (same_prefix(bytes.data(), form.prefix.data(), form.bits)) return at(form.at);
    }
    return std::nullopt;
}

bool is_public(const address_v6& address) {
    const auto bytes = address.to_bytes();
    if (bytes[0] >> 5 != 1) return false;
    return std::ranges::none_of(refused6, [&](const Block6& block) { return same_prefix(bytes.data(), block.net.data(), block.bits); });
}

bool in_net(const IpAddress& address, const IpAddress& net, unsigned bits) {
    if (address.is_v4() != net.is_v4()) return false;
    if (address.is_v4()) return same_prefix(address.to_v4().to_bytes().data(), net.to_v4().to_bytes().data(), bits);
    return same_prefix(address.to_v6().to_bytes().data(), net.to_v6().to_bytes().data(), bits);
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || text.front() == '.' || text.front() == '-') return false;
    // A last label of digits would be an address that was written wrongly.
    if (text.back() >= '0' && text.back() <= '9' && text.find_first_not_of("0123456789.") == std::string_view::npos) return false;
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string_view::npos;
}

[[noreturn]] void not_declarable(std::string_view text, std::string_view why) {
    throw Error(Fault::invalid, fmt::format("\"{}\" cannot be opened for outbound connections: {}. Give a network such as 10.1.0.0/16 or "
                                            "fd00::/8, an address, or a host name such as models.internal.",
                                            text, why));
}

}  // namespace

EgressPolicy::EgressPolicy(const std::vector<std::string>& declared) {
    for (const auto& text : declared) {
        const auto slash = text.find('/');
        ErrorCode broken;
        const auto address = asio::ip::make_address(text.substr(0, slash), broken);
        if (broken && slash == std::string::npos) {
            auto host = lower(text);
            if (!is_host_name(host)) not_declarable(text, "it is neither a network nor a host name");
            hosts_.push_back(std::move(host));
            continue;
        }
        if (broken) not_declarable(text, "the address before the slash cannot be read");
        const unsigned bits_max = address.is_v4() ? 32 : 128;
        unsigned bits = bits_max;
        if (slash != std::string::npos) {
            const char *first = text.data() + slash + 1, *last = text.data() + text.size();
            const auto [stop, failure] = std::from_chars(first, last, bits);
            if (failure != std::errc() || stop != last || bits > bits_max) not_declarable(text, "the prefix length cannot be read");
        }
        nets_.push_back({address, bits});
    }
}

bool EgressPolicy::allows(std::string_view host, const IpAddress& address) const {
    const auto declared = [&](const IpAddress& one) {
        return std::ranges::any_of(nets_, [&](const Net& net) { return in_net(one, net.address, net.bits); });
    };
    if (!hosts_.empty() && std::ranges::find(hosts_, lower(host)) != hosts_.end()) return true;
    if (declared(address)) return true;
    if (address.is_v4()) return is_public(address.to_v4());
    if (address.to_v6().scope_id() != 0) return false;
    if (const auto inner = carried(address.to_v6())) return declared(*inner) || is_public(*inner);
    return is_public(address.to_v6());
}

}  // namespace meridian::http
