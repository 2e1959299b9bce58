#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/real/real.h"
#include "base/real/sockets.h"

namespace meridian::real {
namespace {

using asio::ip::tcp;

constexpr Duration limit_max = std::chrono::hours(1);  // long after the kernel's own patience with a connection attempt

// A lookup in Asio's resolver thread cannot be called back; who cancels it stops waiting, and the answer is dropped.
struct Lookup {
    tcp::resolver resolver;
    asio::any_completion_handler<void(ErrorCode, std::vector<IpAddress>)> done;

    void finish(ErrorCode failed, std::vector<IpAddress> addresses) {
        if (!done) return;
        asio::get_associated_cancellation_slot(done).clear();
        std::exchange(done, nullptr)(failed, std::move(addresses));
    }
};

std::vector<IpAddress> addresses_of(const tcp::resolver::results_type& results) {
    std::vector<IpAddress> addresses;
    for (const auto& each : results)
        if (std::ranges::find(addresses, each.endpoint().address()) == addresses.end()) addresses.push_back(each.endpoint().address());
    return addresses;
}

void look_up(Executor executor, const std::string& host, decltype(Lookup::done) done) {
    const auto lookup = std::make_shared<Lookup>(tcp::resolver(executor), std::move(done));
    if (auto slot = asio::get_associated_cancellation_slot(lookup->done); slot.is_connected())
        slot.assign([weak = std::weak_ptr(lookup)](asio::cancellation_type) {
            if (const auto l = weak.lock()) asio::post(l->resolver.get_executor(), [l] { l->finish(asio::error::operation_aborted, {}); });
        });
    lookup->resolver.async_resolve(host, "0", tcp::resolver::address_configured | tcp::resolver::numeric_service,
                                   [lookup](ErrorCode failed, const tcp::resolver::results_type& results) {
                                       lookup->finish(failed, failed ? std::vector<IpAddress>() : addresses_of(results));
                                   });
}

}  // namespace

Task<IoResult<std::vector<IpAddress>>> SocketNetwork::resolve(std::string host) {
    const auto executor = co_await asio::this_coro::executor;
    auto [failed, addresses] =
        co_await asio::async_initiate<const asio::as_tuple_t<asio::use_awaitable_t<>>, void(ErrorCode, std::vector<IpAddress>)>(
            [](auto handler, const Executor& on, const std::string& name) { look_up(on, name, std::move(handler)); },
            asio::as_tuple(asio::use_awaitable), executor, host);
    if (failed) co_return std::unexpected(failed);
    co_return std::move(addresses);
}

Task<IoResult<std::unique_ptr<Stream>>> SocketNetwork::connect(Address to, Duration limit) {
    const auto endpoint = endpoint_of(to);
    if (!endpoint) co_return std::unexpected(endpoint.error());
    const auto fd = open_socket(*endpoint);
    if (!fd) co_return std::unexpected(fd.error());
    const auto executor = co_await asio::this_coro::executor;
    // Shared with the timer, which may be on its way when the connection is made.
    struct Attempt {
        Socket socket;
        bool timed_out = false;
    };
    const auto attempt = std::make_shared<Attempt>(Socket(executor));
    ErrorCode not_owned;
    attempt->socket.assign(endpoint->protocol(), *fd, not_owned);
    if (not_owned) {
        ::close(*fd);
        co_return std::unexpected(not_owned);
    }
    asio::steady_timer timer(executor, std::clamp(limit, Duration::zero(), limit_max));
    timer.async_wait([attempt](ErrorCode stopped) {
        if (stopped || !attempt->socket.is_open()) return;
        attempt->timed_out = true;
        ErrorCode ignored;
        attempt->socket.close(ignored);
    });
    const auto [failed] = co_await attempt->socket.async_connect(*endpoint, asio::as_tuple(asio::use_awaitable));
    timer.cancel();
    if (attempt->timed_out) co_return std::unexpected(ErrorCode(asio::error::timed_out));
    if (failed) co_return std::unexpected(failed);
    co_return stream_over(std::exchange(attempt->socket, Socket(executor)), std::move(to));
}

IoResult<std::unique_ptr<Listener>> SocketNetwork::listen(Executor executor, const Address& at) { return listen_on(executor, at); }

}  // namespace meridian::real
