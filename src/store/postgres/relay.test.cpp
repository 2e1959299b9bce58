#include "store/postgres/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <list>

#include "base/error.h"

namespace meridian::store {
namespace {

constexpr int look_every_milliseconds = 5;  // at the switches

sockaddr_un address(const std::string& directory) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const auto path = directory + "/.s.PGSQL.5432";
    MERIDIAN_ASSERT(path.size() < sizeof at.sun_path);
    std::strcpy(at.sun_path, path.c_str());
    return at;
}

struct Socket {
    int native;
    ~Socket() { ::close(native); }
};

// False at the end of the stream.
bool pass(int from, int to, std::string* seen = nullptr) {
    char bytes[16384];
    const auto got = ::recv(from, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    if (seen != nullptr) seen->assign(bytes, static_cast<std::size_t>(got));
    return to < 0 || ::send(to, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

}  // namespace

Relay::Relay(const std::string& url) : listening_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    directory_ = "/tmp/meridian-relay-XXXXXX";
    MERIDIAN_ASSERT(::mkdtemp(directory_.data()) != nullptr);
    const auto host = url.find("?host=");
    MERIDIAN_ASSERT(host != std::string::npos);
    to_ = url.substr(host + 6);
    url_ = url.substr(0, host + 6) + directory_;
    const auto at = address(directory_);
    MERIDIAN_ASSERT(::bind(listening_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::listen(listening_, 32) == 0);
    accepting_ = std::thread([this] { accept(); });
}

Relay::~Relay() {
    is_over_ = true;
    accepting_.join();
    ::close(listening_);
    std::filesystem::remove_all(directory_);
}

void Relay::accept() {
    std::list<std::jthread> serving;
    while (!is_over_) {
        pollfd at{listening_, POLLIN, 0};
        if (::poll(&at, 1, look_every_milliseconds) != 1) continue;
        const int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) serving.emplace_back([this, client] { serve(client); });
    }
}

void Relay::serve(int native) const {
    const Socket client{native}, server{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto to = address(to_);
    if (is_cut_ || ::connect(server.native, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return;
    while (!is_cut_ && !is_over_) {
        pollfd at[] = {{client.native, POLLIN, 0}, {server.native, POLLIN, 0}};
        if (::poll(at, 2, look_every_milliseconds) <= 0) continue;
        if (at[1].revents != 0 && !pass(server.native, client.native)) return;
        if (at[0].revents == 0) continue;
        const auto what = lose_.load();
        std::string asked;
        if (!pass(client.native, what == Lose::commit ? -1 : server.native, &asked)) return;
        if (what == Lose::nothing) continue;
        if (asked.find("; commit") == std::string::npos) {
            if (what == Lose::commit && ::send(server.native, asked.data(), asked.size(), MSG_NOSIGNAL) < 0) return;
            continue;
        }
        if (what == Lose::answer_of_commit) pass(server.native, -1);  // it has done it when it answers
        lose_ = Lose::nothing;
        return;
    }
}

}  // namespace meridian::store
