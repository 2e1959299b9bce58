// This test program is also the programs that it starts: the shim, a fake runtime, and a Meridian that gets killed.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include "fleet/posix.h"
#include "fleet/process/programs.test.h"
#include "fleet/service.h"

extern char** environ;

namespace meridian::fleet {
namespace {

std::string outcome(int result) { return result >= 0 ? "yes" : std::strerror(errno); }

std::vector<int> inherited;  // descriptors beyond the three, as they were at the start

// What the sandbox lets us do, in lines of "what=outcome".
std::string report() {
    std::string out;
    const auto line = [&out](std::string_view what, const std::string& how) { out += fmt::format("{}={}\n", what, how); };
    const auto opens = [](const char* path, int how) { return outcome(Fd(::open(path, how | O_CLOEXEC, 0600)).get()); };
    line("shadow", opens("/etc/shadow", O_RDONLY));
    line("passwd", opens("/etc/passwd", O_RDONLY));
    line("parent", opens("../spec.json", O_RDONLY));
    line("control", opens("../ctl.sock", O_PATH));
    line("other-process", opens("/proc/1/environ", O_RDONLY));
    line("own-file", opens("mine", O_WRONLY | O_CREAT));
    line("null", opens("/dev/null", O_WRONLY));
    line("full", opens("/dev/full", O_RDONLY));
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    ::sched_getaffinity(0, sizeof cpus, &cpus);
    std::string ids;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &cpus)) ids += (ids.empty() ? "" : ",") + std::to_string(cpu);
    line("cpus", ids);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    line("tcp", tcp.is_open() ? outcome(::connect(tcp.get(), reinterpret_cast<sockaddr*>(&to), sizeof to)) : outcome(-1));
    to.sin_addr.s_addr = htonl(0x08080808);
    const Fd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    line("udp-out", udp.is_open() ? outcome(::connect(udp.get(), reinterpret_cast<sockaddr*>(&to), sizeof to)) : outcome(-1));
    const std::string status = small_file("/proc/self/status");
    for (const auto* field : {"CapEff:\t", "CapPrm:\t", "NoNewPrivs:\t", "Seccomp:\t"}) {
        const auto at = status.find(field) + std::strlen(field);
        line(std::string_view(field).substr(0, std::strlen(field) - 2), status.substr(at, status.find('\n', at) - at));
    }
    line("unshare", outcome(::unshare(CLONE_NEWUSER)));
    line("ppid", std::to_string(::getppid()));
    for (const int fd : inherited) line("fd", std::to_string(fd));
    for (char** one = environ; *one; ++one) line("env", *one);
    return out;
}

void answer(int to, int status, const std::string& body) {
    const auto text = fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status, body.size(), body);
    [[maybe_unused]] const auto sent = ::send(to, text.data(), text.size(), MSG_NOSIGNAL);
}

// A grandchild that will not go, and holds a lock that shows that it lives.
void leave_grandchild() {
    if (::fork() != 0) return;
    ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    const int held = ::open("held", O_RDWR | O_CREAT, 0600);
    ::flock(held, LOCK_EX);
    if (::fork() == 0) ::close(::open("locked", O_WRONLY | O_CREAT, 0600)), ::_exit(0);
    while (true) ::pause();
}

int serve(const std::string& mode, const std::string& socket_path, const std::string& secret) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, socket_path.data(), std::min(socket_path.size(), sizeof at.sun_path - 1));
    const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener.get(), 16) != 0) return 9;
    for (int asked = 1;; ++asked) {
        const Fd peer(::accept(listener.get(), nullptr, nullptr));
        std::string request(4096, '\0');
        const auto got = ::read(peer.get(), request.data(), request.size());
        if (got <= 0) continue;
        request.resize(static_cast<std::size_t>(got));
        if (!request.contains("Authorization: Bearer " + secret + "\r\n")) {
            answer(peer.get(), 401, "");
        } else if (request.starts_with("GET /sandbox ")) {
            answer(peer.get(), 200, report());
        } else if (mode == "loading" && asked <= 3) {
            answer(peer.get(), 503, "");
        } else if (mode == "sick" && asked > 2) {
            answer(peer.get(), 500, "");
        } else {
            answer(peer.get(), 200, "");
        }
    }
}

int fake_runtime(const std::string& mode, const std::string& socket_path, const std::string& secret_file) {
    for (int fd = 3; fd < 256; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) inherited.push_back(fd);
    std::string secret = small_file(secret_file);
    while (secret.ends_with('\n')) secret.pop_back();
    fmt::print(stderr, "the fake runtime runs as {}\n", mode);
    if (mode == "crash") {
        fmt::print(stderr, "the model is broken\n");
        return 3;
    }
    if (mode == "crash once" && ::access("crashed", F_OK) != 0) {
        ::close(::open("crashed", O_WRONLY | O_CREAT, 0600));
        ::raise(SIGABRT);
    }
    if (mode == "hungry") {
        std::vector<std::string> eaten;
        for (int mebibytes = 0; mebibytes < 1024; mebibytes += 16) eaten.emplace_back(16 << 20, 'x');
    }
    if (mode == "stubborn") ::signal(SIGTERM, SIG_IGN);
    if (mode == "forks") {
        leave_grandchild();
        while (::access("locked", F_OK) != 0) ::usleep(1000);
    }
    return serve(mode, socket_path, secret);
}

}  // namespace
}  // namespace meridian::fleet

int main(int argc, char** argv) {
    const std::string_view word = argc > 1 ? argv[1] : "";
    if (word == "shim") return meridian::fleet::shim_main(argc, argv);
    if (word == "runtime" && argc == 5) ::_exit(meridian::fleet::fake_runtime(argv[2], argv[3], argv[4]));
    if (word == "doomed" && argc == 3) return meridian::fleet::doomed_meridian(argv[2]);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
