#include "places.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>

#include "base/hash.h"

namespace meridian::app {
namespace {

constexpr std::size_t replicas_path_max = 107 - 28;

}  // namespace

std::optional<Diagnostic> port_taken(const Address& at) {
    const int family = at.ip.is_v6() ? AF_INET6 : AF_INET;
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const asio::ip::tcp::endpoint endpoint(at.ip, at.port);
    const bool bound = ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0;
    const int error = errno;
    ::close(fd);
    if (bound) return std::nullopt;
    if (error == EADDRINUSE)
        return Diagnostic{fmt::format("Port {} is taken by another program. Stop it, or choose another port with --listen.", at.port)};
    return Diagnostic{fmt::format("Cannot listen on {}: {}.", at.str(), std::strerror(error))};
}

expected<std::string> replica_directory(Disk& disk, const std::string& wished) {
    if (wished.size() <= replicas_path_max) return wished;
    const std::string base = fmt::format("/tmp/meridian-{}", ::geteuid());
    if (::mkdir(base.c_str(), 0700) != 0 && errno != EEXIST)
        return complaint(fmt::format("Cannot make {}: {}.", base, std::strerror(errno)));
    struct stat facts{};
    // Somebody else's directory of that name would give them our sockets.
    if (::lstat(base.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & 077) != 0) {
        return complaint(
            fmt::format("{} is not a private directory of ours; remove it, or use a data directory with a shorter path.", base));
    }
    const auto path = fmt::format("{}/{}", base, hex(sha256(wished)).substr(0, 16));
    if (auto made = disk.make_directories(path); !made) return complaint(made.error().said);
    return path;
}

}  // namespace meridian::app
