// Load for an OpenAI-compatible gateway on loopback: one thread, HTTP/1.1 keep-alive, bounded in time, one line of JSON at the end.
//
// Closed loop: every client sends its next request when it has its answer. With --rate the loop is open: requests are due at a
// fixed rate whatever the gateway does, which is what overload means; one that finds all clients busy is counted as unsent.
// Rates are taken between the first quarter of the run and its end, so that neither the start nor the tail blurs them.
#include <signal.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <map>

#include "answer.h"
#include "wire.h"

namespace {

using namespace bench;

constexpr const char* usage = R"(usage: load --port P [option]...
  --path PATH --key K --model M     what is asked, and as whom
  --clients N                       connections (64 unless said otherwise, at most 16384)
  --seconds S                       when clients stop asking (at most 120); running answers get 5 seconds more
  --stream --tokens N               streamed answers; tokens of each answer
  --once                            each client asks once
  --rate R                          open loop: R requests a second over at most --clients connections
  --need-header NAME                a 200 without this header counts as failed
)";
constexpr std::size_t connecting_max = 256;  // below the listen backlog of every gateway, or SYNs are dropped and seconds lost
constexpr long connect_failures_max = 1000;
constexpr Micros grace = 5 * second;
constexpr Micros arrivals_apart = 200;  // requests of an open loop come in groups, or the generator would take a core of the gateway's

struct Options {
    std::uint16_t port = 0;
    std::string path = "/v1/chat/completions", key = "none", model = "fake", need_header;
    std::size_t clients = 64;
    double seconds = 2, rate = 0;
    int tokens = 16;
    bool stream = false, once = false;
};

struct Client {
    int fd = -1;
    bool busy = false, connecting = false, reused = false;
    std::size_t sent = 0;
    Micros began = 0, first_event = 0, last_event = 0;
    AnswerReader answer;
};

struct Totals {
    long ok = 0, refused = 0, refused_without_retry_after = 0, failed = 0, unfinished = 0, unsent = 0, connects = 0, connect_failures = 0;
    long events = 0, steady_ok = 0, steady_events = 0, open = 0, open_peak = 0;
    std::map<int, long> statuses;
    std::vector<Micros> latency, first, gap;
};

Micros percentile(std::vector<Micros>& values, double part) {
    if (values.empty()) return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

std::string request_of(const Options& o) {
    const std::string prompt(200, 'a');
    std::string body = R"({"model":")" + o.model + R"(","messages":[{"role":"user","content":")" + prompt + R"("}],"max_tokens":)" +
                       std::to_string(o.tokens);
    if (o.stream) body += R"(,"stream":true,"stream_options":{"include_usage":true})";
    body += "}";
    return "POST " + o.path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(o.port) + "\r\nAuthorization: Bearer " + o.key +
           "\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Load {
public:
    explicit Load(const Options& options) : o_(options), request_(request_of(options)), clients_(options.clients) {
        for (auto it = clients_.rbegin(); it != clients_.rend(); ++it) idle_.push_back(&*it);
    }

    void run() {
        began_ = now();
        ends_ = began_ + static_cast<Micros>(o_.seconds * second);
        steady_from_ = began_ + (ends_ - began_) / 4;
        if (o_.rate <= 0) std::swap(idle_, to_start_);
        while (now() < ends_ + grace && total_.connect_failures < connect_failures_max) {
            start_due();
            if (busy_ == 0 && (now() >= ends_ || (to_start_.empty() && o_.rate <= 0))) break;
            for (const auto& event : poll_.wait(wait_limit())) on_ready(*static_cast<Client*>(event.data.ptr));
        }
        total_.unfinished = busy_;
    }

    void print() {
        auto& t = total_;
        const double steady = static_cast<double>(ends_ - steady_from_) / second;
        std::printf(
            "{\"clients\": %zu, \"seconds\": %.2f, \"ok\": %ld, \"refused\": %ld, \"refused_without_retry_after\": %ld, \"failed\": %ld, ",
            clients_.size(), static_cast<double>(now() - began_) / second, t.ok, t.refused, t.refused_without_retry_after, t.failed);
        std::printf(
            "\"unfinished\": %ld, \"unsent\": %ld, \"connects\": %ld, \"connect_failures\": %ld, \"events\": %ld, \"open_peak\": %ld, ",
            t.unfinished, t.unsent, t.connects, t.connect_failures, t.events, t.open_peak);
        std::printf("\"ok_per_second\": %.1f, \"events_per_second\": %.1f, ", static_cast<double>(t.steady_ok) / steady,
                    static_cast<double>(t.steady_events) / steady);
        print_percentiles("latency", t.latency);
        print_percentiles("first_event", t.first);
        print_percentiles("gap", t.gap);
        std::printf("\"statuses\": {");
        const char* comma = "";
        for (const auto& [status, count] : t.statuses) {
            std::printf("%s\"%d\": %ld", comma, status, count);
            comma = ", ";
        }
        std::printf("}}\n");
    }

private:
    static void print_percentiles(const char* name, std::vector<Micros>& values) {
        std::printf("\"%s_us\": {\"p50\": %ld, \"p99\": %ld, \"max\": %ld}, ", name, static_cast<long>(percentile(values, 0.5)),
                    static_cast<long>(percentile(values, 0.99)), static_cast<long>(percentile(values, 1)));
    }

    Micros wait_limit() const {
        const Micros tick = 20'000;
        if (o_.rate <= 0) return tick;
        const auto due = began_ + static_cast<Micros>(static_cast<double>(arrivals_) / o_.rate * second);
        return std::clamp<Micros>(due - now(), arrivals_apart, tick);
    }

    void start_due() {
        if (now() >= ends_) {
            to_start_.clear();
            return;
        }
        if (o_.rate > 0) {
            const auto due = static_cast<std::int64_t>(static_cast<double>(now() - began_) / second * o_.rate);
            for (; arrivals_ < due; ++arrivals_) {
                if (idle_.empty()) {
                    ++total_.unsent;
                } else {
                    to_start_.push_back(idle_.back());
                    idle_.pop_back();
                }
            }
        }
        while (!to_start_.empty() && connecting_ < connecting_max) {
            auto* client = to_start_.back();
            to_start_.pop_back();
            begin(*client);
        }
    }

    void begin(Client& c) {
        c.answer = AnswerReader{};
        c.sent = 0;
        c.first_event = c.last_event = 0;
        c.busy = true;
        ++busy_;
        c.reused = c.fd >= 0;
        c.began = now();
        if (!c.reused && !open_connection(c)) return;
        if (!c.connecting) write_request(c);
    }

    bool open_connection(Client& c) {
        c.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c.fd < 0) give_up("socket");
        send_at_once(c.fd);
        const auto address = loopback(o_.port);
        ++total_.connects;
        const int result = connect(c.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (result != 0 && errno != EINPROGRESS) {
            connect_failed(c);
            return false;
        }
        c.connecting = result != 0;
        if (c.connecting) ++connecting_;
        poll_.add(c.fd, c.connecting ? EPOLLOUT : EPOLLIN, &c);
        return true;
    }

    void connect_failed(Client& c) {
        ++total_.connect_failures;
        ++total_.failed;
        disconnect(c);
        rest(c);
    }

    void disconnect(Client& c) {
        close(c.fd);
        c.fd = -1;
    }

    void write_request(Client& c) {
        while (c.sent < request_.size()) {
            const auto n = send(c.fd, request_.data() + c.sent, request_.size() - c.sent, MSG_NOSIGNAL);
            if (n > 0) {
                c.sent += static_cast<std::size_t>(n);
            } else if (errno == EAGAIN) {
                poll_.change(c.fd, EPOLLIN | EPOLLOUT, &c);
                return;
            } else {
                return broken(c);
            }
        }
    }

    void on_ready(Client& c) {
        if (c.connecting) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &error, &size);
            c.connecting = false;
            --connecting_;
            if (error != 0) return connect_failed(c);
            poll_.change(c.fd, EPOLLIN, &c);
            return write_request(c);
        }
        if (c.busy && c.sent < request_.size()) {
            poll_.change(c.fd, EPOLLIN, &c);
            write_request(c);
            if (c.fd < 0) return;
        }
        const auto n = recv(c.fd, piece_.data(), piece_.size(), 0);
        if (n > 0) {
            read_piece(c, {piece_.data(), static_cast<std::size_t>(n)});
        } else if (n == 0 || errno != EAGAIN) {
            broken(c);
        }
    }

    void read_piece(Client& c, std::string_view piece) {
        if (!c.busy) return disconnect(c);  // bytes that nobody asked for
        const int before = c.answer.body.events;
        c.answer.take(piece);
        if (c.answer.saw_event) note_events(c, c.answer.body.events - before);
        if (c.answer.whole()) finish(c);
    }

    void note_events(Client& c, int count) {
        const Micros time = now();
        if (c.first_event == 0) {
            c.first_event = time;
            total_.first.push_back(time - c.began);
            total_.open_peak = std::max(total_.open_peak, ++total_.open);
        } else {
            total_.gap.push_back(time - c.last_event);
        }
        c.last_event = time;
        total_.events += count;
        if (is_steady(time)) total_.steady_events += count;
    }

    bool is_steady(Micros time) const { return time >= steady_from_ && time < ends_; }

    // The connection ended. A kept connection that ends before the first byte is the ordinary race of keep-alive: asked again, once.
    void broken(Client& c) {
        disconnect(c);
        if (!c.busy) return;
        if (c.answer.ends_with_connection()) return finish(c);
        if (c.reused && c.answer.head.empty()) {
            c.busy = false;
            --busy_;
            to_start_.push_back(&c);
            return;
        }
        ++total_.failed;
        ++total_.statuses[-1];
        rest(c);
    }

    void finish(Client& c) {
        const auto& a = c.answer;
        const Micros time = now();
        ++total_.statuses[a.status];
        if (a.status == 429 || a.status == 503) {
            ++total_.refused;
            if (header(a.head, "retry-after:").empty()) ++total_.refused_without_retry_after;
        } else if (is_good(a)) {
            ++total_.ok;
            if (is_steady(time)) ++total_.steady_ok;
            total_.latency.push_back(time - c.began);
        } else {
            ++total_.failed;
        }
        if (c.fd >= 0 && header(a.head, "connection:").starts_with("close")) disconnect(c);
        rest(c);
    }

    bool is_good(const AnswerReader& a) const {
        if (a.status != 200 || (!o_.need_header.empty() && header(a.head, o_.need_header + ":").empty())) return false;
        return !o_.stream || (a.body.done && !a.body.error && a.body.events >= o_.tokens);
    }

    void rest(Client& c) {
        c.busy = false;
        --busy_;
        if (c.first_event != 0) --total_.open;
        if (o_.rate > 0) {
            idle_.push_back(&c);
        } else if (!o_.once) {
            to_start_.push_back(&c);
        }
    }

    Options o_;
    std::string request_;
    std::vector<Client> clients_;
    std::vector<Client*> idle_, to_start_;
    std::array<char, 65536> piece_;
    std::size_t connecting_ = 0;
    std::int64_t arrivals_ = 0;
    long busy_ = 0;
    Micros began_ = 0, ends_ = 0, steady_from_ = 0;
    Poll poll_;
    Totals total_;
};

[[noreturn]] void wrong(const std::string& what) {
    std::fprintf(stderr, "load: %s\n%s", what.c_str(), usage);
    std::exit(2);
}

template <class T>
T number(const std::string& name, std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) wrong(name + " needs a number");
    return value;
}

Options parse(std::span<char*> words) {
    Options o;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string name = words[i];
        if (name == "--stream" || name == "--once") {
            (name == "--stream" ? o.stream : o.once) = true;
            continue;
        }
        if (++i == words.size()) wrong(name + " needs a value");
        const std::string_view value = words[i];
        if (name == "--port")
            o.port = number<std::uint16_t>(name, value);
        else if (name == "--path")
            o.path = value;
        else if (name == "--key")
            o.key = value;
        else if (name == "--model")
            o.model = value;
        else if (name == "--need-header")
            o.need_header = value;
        else if (name == "--clients")
            o.clients = std::clamp<std::size_t>(number<std::size_t>(name, value), 1, 16384);
        else if (name == "--seconds")
            o.seconds = std::clamp(number<double>(name, value), 0.1, 120.0);
        else if (name == "--rate")
            o.rate = number<double>(name, value);
        else if (name == "--tokens")
            o.tokens = number<int>(name, value);
        else
            wrong("unknown option " + name);
    }
    if (o.port == 0) wrong("--port is needed");
    return o;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse({argv + 1, static_cast<std::size_t>(argc - 1)});
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    Load load(options);
    load.run();
    load.print();
}
