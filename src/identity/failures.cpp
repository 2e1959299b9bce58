#include "identity/failures.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>

#include "base/error.h"

namespace meridian::identity {
namespace {

// "192.0.2.7" of "192.0.2.7:4711"; of IPv6 the network that one customer has (/64), as whoever has it has all its addresses.
std::string address_of(std::string_view peer) {
    auto host = peer.substr(0, peer.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(std::string(host), error);
    if (error || !address.is_v6()) return std::string(host);
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), 0);
    return boost::asio::ip::address_v6(bytes).to_string();
}

}  // namespace

Duration Failures::count(std::string_view peer, Timestamp now) {
    auto address = address_of(peer);
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = windows_.try_emplace(address);
    if (is_new) {
        order_.push_back(std::move(address));
        if (order_.size() > failing_addresses_max) {
            windows_.erase(order_.front());
            order_.pop_front();
        }
    }
    auto& window = at->second;
    const auto length = std::chrono::duration_cast<Timestamp::duration>(failure_window);
    // A clock that was put back must not lock anybody out for longer.
    if (window.ends <= now || window.ends > now + length) window = {.ends = now + length, .count = 0};
    return ++window.count > failures_max ? Duration(window.ends - now) : Duration();
}

void count_failure(Failures& failures, std::string_view peer, Timestamp now) {
    const auto wait = failures.count(peer, now);
    if (wait == Duration()) return;
    throw Error(Fault::busy, fmt::format("Too many attempts from your address failed. Wait {} s, and check the key.",
                                         std::chrono::ceil<std::chrono::seconds>(wait).count()))
        .after(wait);
}

}  // namespace meridian::identity
