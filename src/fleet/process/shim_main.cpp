// `meridian shim --dir DIR`: reads DIR/spec.json, opens the control socket, goes into the background. The first process ends with 0 when
// a claim can be made, so that whoever started it need not poll; else with 1 and a sentence on standard error.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "fleet/process/shim.h"
#include "fleet/service.h"

namespace meridian::fleet {
namespace {

int give_up(const std::string& why) {
    fmt::print(stderr, "meridian shim: {}\n", why);
    return 1;
}

expected<Fd> listen_at(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() > unix_path_max)
        return complaint(fmt::format("the path {} is longer than a Unix socket's {} bytes", path, unix_path_max));
    std::memcpy(at.sun_path, path.data(), path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::unlink(path.c_str());
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
        ::listen(fd.get(), 8) != 0) {
        return complaint(fmt::format("cannot listen on {}: {}", path, std::strerror(errno)));
    }
    return fd;
}

Fd watch_signals() {
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);  // those are for whoever started us
    sigset_t watched;
    ::sigemptyset(&watched);
    ::sigaddset(&watched, SIGCHLD);
    ::sigaddset(&watched, SIGTERM);
    ::sigprocmask(SIG_SETMASK, &watched, nullptr);
    return Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
}

void into_background() {
    ::setsid();
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ::prctl(PR_SET_NAME, "meridian-shim", 0, 0, 0);
    ::umask(0077);
}

int own_child(ShimSpec spec, const ReplicaPaths& at, Fd listener) {
    into_background();
    Shim shim(std::move(spec), at, std::move(listener), watch_signals());
    shim.run();
    for (const auto& path : {at.socket(), at.control()}) ::unlink(path.c_str());
    return 0;
}

}  // namespace

int shim_main(int argc, char** argv) {
    ReplicaPaths at;
    for (int i = 1; i + 1 < argc; ++i)
        if (std::string_view(argv[i]) == "--dir") at.directory = argv[i + 1];
    if (!at.directory.starts_with('/')) return give_up("--dir needs an absolute path");
    auto spec = parse_spec(small_file(at.spec()));
    if (!spec) return give_up(spec.error().said);
    auto listener = listen_at(at.control());
    if (!listener) return give_up(listener.error().said);
    const pid_t owner = ::fork();
    if (owner < 0) return give_up(fmt::format("cannot fork: {}", std::strerror(errno)));
    if (owner > 0) return 0;
    return own_child(std::move(*spec), at, std::move(*listener));
}

}  // namespace meridian::fleet
