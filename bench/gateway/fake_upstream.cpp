// An OpenAI-compatible upstream that does not think, so that a benchmark sees the gateway in front of it and nothing else.
//
//   fake_upstream PACE...    one loopback listener for each pace: microseconds between two tokens of a stream, 0 for no pause
//
// Prints {"PACE": PORT, ...} and serves on one thread until standard input closes, at most two hours. A stream is written with one
// send a token, as a model server does; "max_tokens" says how many there are.
#include <fcntl.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>

#include "wire.h"

namespace {

using namespace bench;

constexpr Micros lifetime = 7200 * second;
constexpr int tokens_default = 16;

struct Listener {
    int fd;
    Micros pace;
    std::uint16_t port;
};

struct Connection {
    int fd;
    Micros pace;
    std::uint64_t serial;  // a timer of an earlier connection on the same descriptor must not fire on this one
    std::string in, out;
    std::size_t sent = 0;
    int tokens = 0, left = 0;
    bool streaming = false, wants_usage = false, closes = false, waits_to_write = false;
};

struct Timer {
    Micros due;
    int fd;
    std::uint64_t serial;
    bool operator>(const Timer& other) const { return due > other.due; }
};

std::string framed(const std::string& event) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", event.size());
    return size + event + "\r\n";
}

std::string event_with(const std::string& choices_and_rest) {
    return framed(R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"fake",)" +
                  choices_and_rest + "}\n\n");
}

std::string usage(int tokens) {
    const auto n = std::to_string(tokens);
    return R"("usage":{"prompt_tokens":9,"completion_tokens":)" + n + R"(,"total_tokens":)" + std::to_string(tokens + 9) + "}";
}

const std::string token_event = event_with(R"("choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}])");
const std::string stop_event = event_with(R"("choices":[{"index":0,"delta":{},"finish_reason":"stop"}])");
const std::string stream_end = framed("data: [DONE]\n\n") + "0\r\n\r\n";
const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string plain(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string whole_answer(int tokens) {
    std::string text;
    for (int i = 0; i < tokens; ++i) text += " word";
    return R"({"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"fake","choices":[{"index":0,"message":)"
           R"({"role":"assistant","content":")" +
           text + R"("},"finish_reason":"stop"}],)" + usage(tokens) + "}";
}

// The value after `"name":` without a JSON parser: the bodies are our own or a gateway's copy of them.
std::string_view value_of(std::string_view body, std::string_view quoted_name) {
    auto at = body.find(quoted_name);
    if (at == std::string_view::npos) return {};
    at = body.find_first_not_of(" :", at + quoted_name.size());
    return at == std::string_view::npos ? std::string_view{} : body.substr(at);
}

int number_of(std::string_view body, std::string_view quoted_name, int otherwise) {
    const auto text = value_of(body, quoted_name);
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number > 0 ? number : otherwise;
}

class Upstream {
public:
    explicit Upstream(std::vector<Listener> listeners) : listeners_(std::move(listeners)) {
        for (auto& listener : listeners_) poll_.add(listener.fd, EPOLLIN, &listener);
        poll_.add(STDIN_FILENO, EPOLLIN, nullptr);
    }

    void serve() {
        const Micros end = now() + lifetime;
        while (now() < end) {
            const Micros due = timers_.empty() ? end : timers_.top().due;
            for (const auto& event : poll_.wait(std::max<Micros>(0, due - now()))) {
                if (event.data.ptr == nullptr) {
                    if (stdin_closed()) return;
                } else if (auto* listener = listener_of(event.data.ptr)) {
                    accept_all(*listener);
                } else {
                    on_ready(*static_cast<Connection*>(event.data.ptr), event.events);
                }
            }
            fire_timers();
        }
    }

private:
    static bool stdin_closed() {
        std::array<char, 256> ignored;
        return read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0;
    }

    Listener* listener_of(void* who) {
        for (auto& listener : listeners_) {
            if (&listener == who) return &listener;
        }
        return nullptr;
    }

    void accept_all(const Listener& listener) {
        for (int fd; (fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
            send_at_once(fd);
            auto fresh = std::make_unique<Connection>(fd, listener.pace, ++serials_);
            poll_.add(fd, EPOLLIN, fresh.get());
            open_[fd] = std::move(fresh);
        }
    }

    void drop(Connection& c) {
        const int fd = c.fd;
        close(fd);
        open_.erase(fd);
    }

    void on_ready(Connection& c, std::uint32_t events) {
        if (events & EPOLLIN) {
            std::array<char, 65536> piece;
            const auto n = recv(c.fd, piece.data(), piece.size(), 0);
            if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(c);
            if (n > 0) c.in.append(piece.data(), static_cast<std::size_t>(n));
        } else if (events & (EPOLLERR | EPOLLHUP)) {
            return drop(c);
        }
        advance(c);
    }

    void fire_timers() {
        const Micros time = now();
        while (!timers_.empty() && timers_.top().due <= time) {
            const Timer timer = timers_.top();
            timers_.pop();
            const auto found = open_.find(timer.fd);
            if (found == open_.end() || found->second->serial != timer.serial) continue;
            add_token(*found->second);
            if (found->second->streaming) timers_.push({timer.due + found->second->pace, timer.fd, timer.serial});
            advance(*found->second);
        }
    }

    // Writes what is there, then answers the next request, until one of the two sides has to wait.
    void advance(Connection& c) {
        for (;;) {
            switch (flush(c)) {
                case Flushed::gone:
                    return drop(c);
                case Flushed::waits:
                    return;
                case Flushed::all:
                    break;
            }
            if (c.streaming) {
                if (c.pace > 0) return;
                add_token(c);
            } else if (c.closes) {
                return drop(c);
            } else if (!answer_next(c)) {
                return;
            }
        }
    }

    enum class Flushed { all, waits, gone };
    Flushed flush(Connection& c) {
        while (c.sent < c.out.size()) {
            const auto n = send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
            if (n >= 0) {
                c.sent += static_cast<std::size_t>(n);
            } else if (errno == EAGAIN) {
                wait_to_write(c, true);
                return Flushed::waits;
            } else {
                return Flushed::gone;
            }
        }
        c.out.clear();
        c.sent = 0;
        wait_to_write(c, false);
        return Flushed::all;
    }

    void wait_to_write(Connection& c, bool wanted) {
        if (c.waits_to_write == wanted) return;
        c.waits_to_write = wanted;
        poll_.change(c.fd, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, &c);
    }

    static void add_token(Connection& c) {
        c.out += token_event;
        if (--c.left > 0) return;
        c.out += stop_event;
        if (c.wants_usage) c.out += event_with(R"("choices":[],)" + usage(c.tokens));
        c.out += stream_end;
        c.streaming = false;
    }

    // False when the next request is not whole yet.
    bool answer_next(Connection& c) {
        const auto head_end = c.in.find("\r\n\r\n");
        if (head_end == std::string::npos) return false;
        const std::string_view head(c.in.data(), head_end + 2);
        std::string body;
        std::size_t used = head_end + 4;
        if (header(head, "transfer-encoding:").starts_with("chunked")) {
            if (!unchunk(c.in, used, body)) return false;
        } else {
            const std::string length(header(head, "content-length:"));
            const std::size_t size = std::strtoul(length.c_str(), nullptr, 10);
            if (c.in.size() < used + size) return false;
            body = c.in.substr(used, size);
            used += size;
        }
        c.closes = header(head, "connection:").starts_with("close");
        answer(c, head, body);
        c.in.erase(0, used);
        return true;
    }

    static bool unchunk(const std::string& in, std::size_t& at, std::string& body) {
        for (;;) {
            const auto line = in.find("\r\n", at);
            if (line == std::string::npos) return false;
            const std::size_t size = std::strtoul(in.c_str() + at, nullptr, 16);
            if (in.size() < line + 2 + size + 2) return false;
            body.append(in, line + 2, size);
            at = line + 2 + size + 2;
            if (size == 0) return true;
        }
    }

    void answer(Connection& c, std::string_view head, std::string_view body) {
        const auto path = head.substr(head.find(' ') + 1, head.find("\r\n") - head.find(' '));
        if (!head.starts_with("POST") || path.find("completions") == std::string_view::npos) {
            const bool models = path.find("/models") != std::string_view::npos;
            c.out += plain(models ? R"({"object":"list","data":[{"id":"fake","object":"model","created":1760000000,"owned_by":"bench"}]})"
                                  : R"({"status":"ok","model_path":"fake","model_id":"fake","is_generation":true})");
            return;
        }
        c.tokens = c.left = number_of(body, R"("max_tokens")", number_of(body, R"("max_completion_tokens")", tokens_default));
        if (!value_of(body, R"("stream")").starts_with("true")) {
            c.out += plain(whole_answer(c.tokens));
            return;
        }
        c.out += stream_head;
        c.streaming = true;
        c.wants_usage = value_of(body, R"("include_usage")").starts_with("true");
        if (c.pace > 0) timers_.push({now() + c.pace, c.fd, c.serial});
    }

    Poll poll_;
    std::vector<Listener> listeners_;
    std::unordered_map<int, std::unique_ptr<Connection>> open_;
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
    std::uint64_t serials_ = 0;
};

Listener listen_with(Micros pace) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4096) != 0) give_up("listen");
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return {fd, pace, ntohs(address.sin_port)};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: fake_upstream PACE_US...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    std::vector<Listener> listeners;
    for (int i = 1; i < argc; ++i) listeners.push_back(listen_with(std::atol(argv[i])));
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        std::printf("%s\"%ld\": %u", i == 0 ? "{" : ", ", static_cast<long>(listeners[i].pace), listeners[i].port);
    }
    std::printf("}\n");
    std::fflush(stdout);
    Upstream(std::move(listeners)).serve();
}
