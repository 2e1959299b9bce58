#include "base/real/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <cstring>

#include "base/error.h"
#include "base/real/outbox.h"
#include "base/real/straight.h"

namespace meridian::real {
namespace {

class SocketStream final : public Stream {
public:
    SocketStream(Socket socket, Address peer)
        : connection_(std::make_shared<Connection>(std::move(socket))),
          outbox_(asio::use_service<Outbox>(asio::query(connection_->socket.get_executor(), asio::execution::context))),
          peer_(std::move(peer)) {}
    ~SocketStream() override { SocketStream::close(); }

    void async_read_some(std::span<char> into, Done done) override {
        connection_->socket.async_read_some(asio::buffer(into.data(), into.size()),
                                            Straight<void(ErrorCode, std::size_t)>(std::move(done)));
    }
    void async_write(std::span<const std::string_view> parts, Done done) override {
        MERIDIAN_ASSERT(parts.size() <= parts_max);
        auto& c = *connection_;
        c.first = c.count = c.written = 0;
        for (const auto& part : parts)
            if (!part.empty()) c.parts[c.count++] = asio::buffer(part.data(), part.size());
        c.done.swap(done);  // the move assignment of Boost 1.81 calls itself without end
        outbox_.add(connection_);
    }
    void close() noexcept override {
        ErrorCode ignored;  // the descriptor is gone whatever close() says
        connection_->socket.close(ignored);
    }
    [[nodiscard]] bool is_open() const override { return connection_->socket.is_open(); }
    [[nodiscard]] Address peer() const override { return peer_; }

private:
    std::shared_ptr<Connection> connection_;
    Outbox& outbox_;
    Address peer_;
};

}  // namespace

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

IoResult<Protocol::endpoint> endpoint_of(const Address& address) {
    if (!address.unix_path.empty()) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        if (address.unix_path.size() >= sizeof local.sun_path) return std::unexpected(ErrorCode(asio::error::name_too_long));
        std::memcpy(local.sun_path, address.unix_path.data(), address.unix_path.size());
        return Protocol::endpoint(&local, offsetof(sockaddr_un, sun_path) + address.unix_path.size() + 1);
    }
    if (address.ip.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        v4.sin_addr.s_addr = htonl(address.ip.to_v4().to_uint());
        return Protocol::endpoint(&v4, sizeof v4, IPPROTO_TCP);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    const auto bytes = address.ip.to_v6().to_bytes();
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    v6.sin6_scope_id = static_cast<std::uint32_t>(address.ip.to_v6().scope_id());
    return Protocol::endpoint(&v6, sizeof v6, IPPROTO_TCP);
}

Address address_of(const Protocol::endpoint& endpoint) {
    Address address;
    if (endpoint.data()->sa_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, endpoint.data(), sizeof v4);
        address.ip = asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
        address.port = ntohs(v4.sin_port);
    } else if (endpoint.data()->sa_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, endpoint.data(), sizeof v6);
        asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        address.ip = asio::ip::address_v6(bytes, v6.sin6_scope_id);
        address.port = ntohs(v6.sin6_port);
    }
    return address;
}

IoResult<int> open_socket(const Protocol::endpoint& endpoint) {
    const int family = endpoint.data()->sa_family;
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return std::unexpected(last_error());
    return fd;
}

std::unique_ptr<Stream> stream_over(Socket socket, Address peer) {
    if (peer.unix_path.empty()) {
        // Without it the kernel would hold small answers back. Failure costs speed only.
        const int on = 1;
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return std::make_unique<SocketStream>(std::move(socket), std::move(peer));
}

}  // namespace meridian::real
