// What both ends of the benchmark share: a clock, sockets on loopback, and an epoll set that waits in microseconds.
#pragma once
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <string_view>
#include <vector>

namespace bench {

using Micros = std::int64_t;
constexpr Micros second = 1'000'000;

inline Micros now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * second + t.tv_nsec / 1000;
}

[[noreturn]] inline void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline void send_at_once(int fd) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// Thousands of connections need more descriptors than a login shell gives.
inline void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// Looks for `name` (lower case, with its colon) among the header lines and gives its value, or an empty view.
inline std::string_view header(std::string_view head, std::string_view name) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
        const auto line = head.substr(at + 2);
        if (line.size() < name.size() || !std::ranges::equal(line.substr(0, name.size()), name, {}, lower)) continue;
        const auto value = line.substr(name.size(), line.find("\r\n") - name.size());
        const auto from = value.find_first_not_of(' ');
        return from == std::string_view::npos ? std::string_view("") : value.substr(from);
    }
    return {};
}

class Poll {
public:
    Poll() : fd_(epoll_create1(EPOLL_CLOEXEC)), ready_(1024) {}
    void add(int fd, std::uint32_t events, void* who) { control(EPOLL_CTL_ADD, fd, events, who); }
    void change(int fd, std::uint32_t events, void* who) { control(EPOLL_CTL_MOD, fd, events, who); }
    // What is ready within `limit` microseconds; a negative limit waits for ever.
    std::span<const epoll_event> wait(Micros limit) {
        const timespec time{limit / second, limit % second * 1000};
        const int n = epoll_pwait2(fd_, ready_.data(), static_cast<int>(ready_.size()), limit < 0 ? nullptr : &time, nullptr);
        return {ready_.data(), static_cast<std::size_t>(std::max(n, 0))};
    }

private:
    void control(int what, int fd, std::uint32_t events, void* who) {
        epoll_event event{.events = events, .data = {.ptr = who}};
        if (epoll_ctl(fd_, what, fd, &event) != 0) give_up("epoll_ctl");
    }
    int fd_;
    std::vector<epoll_event> ready_;
};

}  // namespace bench
