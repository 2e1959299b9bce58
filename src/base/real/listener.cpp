#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>

#include "base/real/sockets.h"

namespace meridian::real {
namespace {

constexpr int waiting_max = 4096;  // connections that nobody accepted yet; the kernel has its own, lower bound

using Acceptor = asio::basic_socket_acceptor<Protocol>;

// Asio's own accept leaves the descriptor open in child processes until a second call, so this one is made here.
IoResult<std::unique_ptr<Stream>> accept_now(Acceptor& acceptor, const Address& local) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd = ::accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return std::unexpected(last_error());
    Socket socket(acceptor.get_executor());
    ErrorCode failed;
    socket.assign(Protocol(from.ss_family, 0), fd, failed);
    if (failed) {
        ::close(fd);
        return std::unexpected(failed);
    }
    return stream_over(std::move(socket), local.unix_path.empty() ? address_of(Protocol::endpoint(&from, size)) : local);
}

// Errors of one connection that was given up before it was accepted; accept(2) asks to try again.
bool concerns_one_connection(const ErrorCode& failed) {
    return failed == asio::error::connection_aborted || failed == asio::error::interrupted ||
           failed == ErrorCode(EPROTO, boost::system::system_category());
}

class SocketListener final : public Listener {
public:
    SocketListener(Acceptor acceptor, Address local)
        : acceptor_(std::make_shared<Acceptor>(std::move(acceptor))), local_(std::move(local)) {}
    ~SocketListener() override { SocketListener::close(); }

    Task<IoResult<std::unique_ptr<Stream>>> accept() override { return accept_from(acceptor_, local_); }
    [[nodiscard]] Address local() const override { return local_; }
    void close() noexcept override {
        ErrorCode ignored;
        acceptor_->close(ignored);
    }

private:
    // Holds the acceptor itself: the listener may be gone when the wait ends.
    static Task<IoResult<std::unique_ptr<Stream>>> accept_from(std::shared_ptr<Acceptor> acceptor, Address local) {
        while (acceptor->is_open()) {
            auto accepted = accept_now(*acceptor, local);
            if (accepted || !(accepted.error() == asio::error::would_block || concerns_one_connection(accepted.error())))
                co_return accepted;
            const auto [failed] = co_await acceptor->async_wait(Acceptor::wait_read, asio::as_tuple(asio::use_awaitable));
            if (failed) co_return std::unexpected(failed);
        }
        co_return std::unexpected(ErrorCode(asio::error::operation_aborted));
    }

    std::shared_ptr<Acceptor> acceptor_;
    Address local_;
};

// A socket file whose listener died is in the way of the next; one that still answers is not ours to take.
ErrorCode clear_stale(const std::string& path, const Protocol::endpoint& endpoint) {
    struct stat about;
    if (::lstat(path.c_str(), &about) != 0) return {};
    if (!S_ISSOCK(about.st_mode)) return asio::error::address_in_use;
    const auto probe = open_socket(endpoint);
    if (!probe) return probe.error();
    const bool is_stale = ::connect(*probe, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 && errno == ECONNREFUSED;
    ::close(*probe);
    if (!is_stale) return asio::error::address_in_use;
    return ::unlink(path.c_str()) == 0 ? ErrorCode() : last_error();
}

}  // namespace

IoResult<std::unique_ptr<Listener>> listen_on(const Executor& executor, const Address& at) {
    const auto endpoint = endpoint_of(at);
    if (!endpoint) return std::unexpected(endpoint.error());
    const bool is_local = !at.unix_path.empty();
    if (is_local)
        if (const auto failed = clear_stale(at.unix_path, *endpoint)) return std::unexpected(failed);
    const auto fd = open_socket(*endpoint);
    if (!fd) return std::unexpected(fd.error());
    Acceptor acceptor(executor);
    ErrorCode failed;
    acceptor.assign(endpoint->protocol(), *fd, failed);
    if (failed) {
        ::close(*fd);
        return std::unexpected(failed);
    }
    const int on = 1;
    if (!is_local && (::setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                      ::setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0))
        return std::unexpected(last_error());
    acceptor.bind(*endpoint, failed);
    if (!failed) acceptor.listen(waiting_max, failed);
    if (failed) return std::unexpected(failed);
    auto local = at;
    if (!is_local) local = address_of(acceptor.local_endpoint());
    return std::make_unique<SocketListener>(std::move(acceptor), std::move(local));
}

}  // namespace meridian::real
