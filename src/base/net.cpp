#include "base/net.h"

#include <fmt/format.h>

#include <boost/asio/associator.hpp>
#include <charconv>

namespace meridian {
namespace {

// Folds (error, count) into one value, so that a coroutine gets an outcome and not an exception, without a frame of its own.
template <class Handler>
struct Folded {
    Handler handler;
    void operator()(ErrorCode failed, std::size_t count) {
        std::move(handler)(failed ? IoResult<std::size_t>(std::unexpected(failed)) : IoResult<std::size_t>(count));
    }
};

}  // namespace
}  // namespace meridian

template <template <class, class> class Associator, class Handler, class Default>
struct boost::asio::associator<Associator, meridian::Folded<Handler>, Default> : Associator<Handler, Default> {
    static auto get(const meridian::Folded<Handler>& h) noexcept { return Associator<Handler, Default>::get(h.handler); }
    static auto get(const meridian::Folded<Handler>& h, const Default& d) noexcept {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};

namespace meridian {

std::string Address::str() const {
    if (!unix_path.empty()) return "unix:" + unix_path;
    return ip.is_v6() ? fmt::format("[{}]:{}", ip.to_string(), port) : fmt::format("{}:{}", ip.to_string(), port);
}

std::optional<Address> Address::parse(std::string_view text) {
    Address address;
    if (text.starts_with("unix:")) {
        address.unix_path = text.substr(5);
        if (address.unix_path.empty()) return std::nullopt;
        return address;
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (failed != std::errc() || end != port.data() + port.size()) return std::nullopt;
    if (host == "localhost") host = "127.0.0.1";
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    ErrorCode not_numeric;
    address.ip = asio::ip::make_address(host, not_numeric);
    if (not_numeric || address.ip.is_v6() != bracketed) return std::nullopt;
    return address;
}

Task<IoResult<std::size_t>> Stream::read_some(std::span<char> into) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(IoResult<std::size_t>)>(
        [this]<class H>(H handler, std::span<char> i) { async_read_some(i, Folded<H>{std::move(handler)}); }, asio::use_awaitable, into);
}

Task<IoResult<std::size_t>> Stream::write(std::string_view bytes) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(IoResult<std::size_t>)>(
        [this]<class H>(H handler, std::string_view b) { async_write({&b, 1}, Folded<H>{std::move(handler)}); }, asio::use_awaitable,
        bytes);
}

Task<IoResult<std::size_t>> Stream::write(std::span<const std::string_view> parts) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(IoResult<std::size_t>)>(
        [this]<class H>(H handler, std::span<const std::string_view> p) { async_write(p, Folded<H>{std::move(handler)}); },
        asio::use_awaitable, parts);
}

}  // namespace meridian
