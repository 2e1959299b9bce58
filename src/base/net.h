// Byte streams between programs, as something given: sockets in production, pipes in virtual time in tests.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/expected.h"

namespace meridian {

using ErrorCode = boost::system::error_code;
template <class T>
using IoResult = std::expected<T, ErrorCode>;
using IpAddress = asio::ip::address;

// An IP address with a port, or the path of a Unix socket.
struct Address {
    IpAddress ip;
    std::uint16_t port = 0;
    std::string unix_path;  // non-empty: a Unix socket, the rest is unused

    bool operator==(const Address&) const = default;
    [[nodiscard]] std::string str() const;  // "127.0.0.1:80", "[::1]:80", "unix:/run/x"
    // The forms of str(), with a numeric address ("localhost" reads as 127.0.0.1).
    static std::optional<Address> parse(std::string_view text);
};

// A connection. One read and one write may be under way at a time. close() ends both with operation_aborted; the destructor closes.
// Belongs to the executor it was made on.
class Stream {
public:
    using Done = asio::any_completion_handler<void(ErrorCode, std::size_t)>;

    virtual ~Stream() = default;
    // At least one byte, or an error (asio::error::eof at the end).
    virtual void async_read_some(std::span<char> into, Done done) = 0;
    // All parts, in order, or an error. The bytes must live until completion; at most 16 parts.
    virtual void async_write(std::span<const std::string_view> parts, Done done) = 0;
    virtual void close() noexcept = 0;
    [[nodiscard]] virtual bool is_open() const = 0;
    [[nodiscard]] virtual Address peer() const = 0;

    Task<IoResult<std::size_t>> read_some(std::span<char> into);
    Task<IoResult<std::size_t>> write(std::string_view bytes);
    Task<IoResult<std::size_t>> write(std::span<const std::string_view> parts);
};

class Listener {
public:
    virtual ~Listener() = default;
    virtual Task<IoResult<std::unique_ptr<Stream>>> accept() = 0;
    [[nodiscard]] virtual Address local() const = 0;
    virtual void close() noexcept = 0;
};

class Network {
public:
    virtual ~Network() = default;
    virtual Task<IoResult<std::vector<IpAddress>>> resolve(std::string host) = 0;
    // On the calling coroutine's executor; timed_out after `limit`.
    virtual Task<IoResult<std::unique_ptr<Stream>>> connect(Address to, Duration limit) = 0;
    // Several listeners on one TCP address share it (SO_REUSEPORT), one per loop. Port 0 picks one.
    virtual IoResult<std::unique_ptr<Listener>> listen(Executor executor, const Address& at) = 0;
};

}  // namespace meridian
