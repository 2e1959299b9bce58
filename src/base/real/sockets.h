// The sockets of this folder: one kind for TCP and Unix, opened close-on-exec, because this program starts others.
#pragma once
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "base/net.h"

namespace meridian::real {

using Protocol = asio::generic::stream_protocol;
using Socket = asio::basic_stream_socket<Protocol>;

// Nothing for a Unix path that is too long.
IoResult<Protocol::endpoint> endpoint_of(const Address& address);
Address address_of(const Protocol::endpoint& endpoint);

// A new descriptor, ready for Asio to own.
IoResult<int> open_socket(const Protocol::endpoint& endpoint);
ErrorCode last_error();

// `socket` is connected to `peer`.
std::unique_ptr<Stream> stream_over(Socket socket, Address peer);
IoResult<std::unique_ptr<Listener>> listen_on(const Executor& executor, const Address& at);

}  // namespace meridian::real
