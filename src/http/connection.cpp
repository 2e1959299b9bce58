// How hanging up is noticed: as soon as a request is complete, the next read is begun and left outstanding while the handler runs.
// Its end is the news that the client has gone, at once and without a system call of its own; its bytes, if any, are the next
// request. So a model slot is free the moment its client leaves, and a client that pipelines is served without a pause.
#include "http/connection.h"

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>

#include "base/error.h"
#include "http/tls.h"
#include "http/websocket.h"

namespace meridian::http {
namespace {

constexpr std::size_t write_piece = 256 * 1024;   // what a slow client has write_time for
constexpr std::size_t read_over_max = 64 * 1024;  // of a refused body, to keep the connection
constexpr Duration linger_time = std::chrono::seconds(10);
constexpr Duration turn_away_time = std::chrono::seconds(1);
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

template <class Counter>
void count(Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
}

Error unreadable(ParseTrouble trouble, std::size_t body_max) {
    if (trouble != ParseTrouble::body_too_large) return Error(Fault::invalid, "The body of the request cannot be read.");
    return Error(Fault::too_large, "The body of the request is longer than " + std::to_string(body_max) + " bytes; send less at a time.");
}

Error no_room() {
    return Error(Fault::unavailable, "The requests that are being read hold as much memory as they may; try again in a moment.")
        .with_code("overloaded")
        .after(std::chrono::seconds(1));
}

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      peer_(stream_->peer().str()),
      parser_({.head_bytes = core_->limits.header_bytes}) {}

// Serving

Task<> ServerConnection::serve(std::shared_ptr<ServerConnection> self) {
    if (co_await secure()) {
        while (co_await receive_head()) {
            if (!co_await serve_one()) break;
            parser_.reset();
            is_first_ = false;
        }
        if (lingers_) co_await linger();
    }
    close();
}

Task<bool> ServerConnection::secure() {
    if (!core_->tls) co_return true;
    raw_ = stream_.get();
    set_deadline(core_->limits.header_time);
    auto secured = co_await tls_accept(std::move(stream_), core_->tls);
    raw_ = nullptr;
    if (!secured || closed_) co_return false;
    stream_ = std::move(*secured);
    co_return true;
}

Task<bool> ServerConnection::receive_head() {
    set_deadline(is_first_ ? core_->limits.header_time : core_->limits.idle_time);
    for (;;) {
        auto bytes = input_.unread();
        if (!parser_.started()) {
            // An empty line before a request is forgiven (RFC 9112, 2.2).
            const auto blank = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
            input_.consume(blank);
            bytes.remove_prefix(blank);
        }
        if (bytes.empty()) {
            idle_ = !parser_.started();
            if (input_ended_ || closed_ || (idle_ && core_->draining)) co_return false;
            co_await arrival();
            idle_ = false;
            continue;
        }
        if (!parser_.started()) set_deadline(core_->limits.header_time);
        const auto used = parser_.feed(bytes);
        if (!used) {
            begin_accounting();
            const bool is_long = parser_.trouble() == ParseTrouble::head_too_large;
            co_await refuse_unread(
                Error(is_long ? Fault::too_large : Fault::invalid, "The request cannot be read: " + used.error().said + "."),
                is_long ? 431 : 0);
            end_accounting();
            co_return false;
        }
        input_.consume(*used);
        if (parser_.head_done()) co_return true;
    }
}

Task<ServerConnection::Received> ServerConnection::receive_body() {
    bool asked = !parser_.expects_continue();
    while (!parser_.done()) {
        if (const auto bytes = input_.unread(); !bytes.empty()) {
            const auto used = parser_.feed(bytes);
            if (!used) co_return Received::refused;
            input_.consume(*used);
            body_bytes_in_ += *used;
            if (!hold(*used)) co_return Received::crowded;
            continue;
        }
        if (input_ended_ || closed_) co_return Received::gone;
        if (!std::exchange(asked, true) && !co_await send(std::span(&go_on, 1))) co_return Received::gone;
        set_deadline(core_->limits.body_time);
        co_await arrival();
    }
    clear_deadline();
    co_return Received::whole;
}

// Counts and logs a request however its coroutine ends.
struct ServerConnection::Accounting {
    explicit Accounting(ServerConnection& c) : connection(c) { connection.begin_accounting(); }
    ~Accounting() { connection.end_accounting(); }
    Accounting(const Accounting&) = delete;
    Accounting& operator=(const Accounting&) = delete;
    ServerConnection& connection;
};

// True when the connection can take another request.
Task<bool> ServerConnection::serve_one() {
    const Accounting accounting(*this);
    auto& router = core_->router;
    auto admission = router.admit(*this);
    if (admission.look_up) admission = co_await router.admit_after(*this, std::move(admission));
    route_ = admission.route;
    if (!admission.refusal && route_->may_be_shed) {
        const auto taken = co_await take_on();
        if (taken == Taken::gone) co_return false;
        if (taken == Taken::no) admission.refusal = too_much();
    }
    if (admission.refusal) {
        // Credentials are judged before the body is read. A short body is read over, so that the connection can go on.
        parser_.discard_body();
        keeps_body_ = false;
        const bool reads_over = !parser_.expects_continue() && parser_.limit_body(read_over_max);
        const auto received = reads_over ? co_await receive_body() : Received::refused;
        if (received == Received::gone) co_return false;
        if (received == Received::refused) {
            keep_ = false;
            lingers_ = true;
        }
        co_await answer(std::move(*admission.refusal));
        co_return keep_ && !closed_;
    }
    const auto body_max = route_->body_max ? route_->body_max : core_->limits.body_bytes;
    auto received = Received::refused;
    if (parser_.limit_body(body_max))
        received = has_room(parser_.content_length().value_or(0)) ? co_await receive_body() : Received::crowded;
    if (received == Received::gone) co_return false;
    if (received != Received::whole) {
        co_await refuse_unread(received == Received::crowded ? no_room() : unreadable(parser_.trouble(), body_max), 0);
        co_return false;
    }
    running_ = true;
    if (!asks_for_websocket(request())) start_read();  // there the frames are the WebSocket's to read
    co_await router.run(*this, *route_);
    running_ = false;
    hangup_ = nullptr;
    // An answer that was begun and not ended is broken off: the client must not take it for whole.
    co_return ended_&& keep_ && !closed_;
}

// An answer while bytes of the request are still on their way: the connection cannot be used again. `status` 0: the error's.
Task<> ServerConnection::refuse_unread(Error error, int status) {
    const auto& request = parser_.request();
    auto response = render(route_ ? route_->dialect : core_->router.dialect_of(request.target), error, request.id);
    if (status != 0) response.status = status;
    keep_ = false;
    lingers_ = true;
    co_await answer(std::move(response));
}

// Closing with unread bytes would reset the connection, and the client might never see our answer. So they are read over for a while.
Task<> ServerConnection::linger() {
    set_deadline(linger_time);
    while (!input_ended_ && !closed_) {
        input_.consume(input_.unread().size());
        co_await arrival();
    }
}

Task<> ServerConnection::turn_away(std::shared_ptr<ServerConnection> self) {
    count(core_->counters.refused_total);
    if (!core_->tls) {
        core_->ids.next(request().id);
        keep_ = false;
        const Error error =
            Error(Fault::unavailable, "There are too many connections; try again in a moment.").after(std::chrono::seconds(1));
        co_await answer(render(Dialect::meridian, error, request().id));
        set_deadline(turn_away_time);
        if (!closed_) co_await arrival();
    }
    close();
}

// Reading

void ServerConnection::start_read() {
    if (reading_ || input_ended_ || closed_) return;
    const auto room = input_.room();
    if (room.empty()) return;  // enough pipelined requests; the next read is begun when they are served
    reading_ = true;
    stream_->async_read_some(room, asio::bind_executor(core_->executor, [self = shared_from_this()](ErrorCode error, std::size_t count) {
                                 self->read_done(error, count);
                             }));
}

void ServerConnection::read_done(ErrorCode error, std::size_t count) {
    reading_ = false;
    if (error) {
        input_ended_ = true;
        hang_up();
    } else {
        input_.added(count);
        if (running_) start_read();
    }
    if (waiter_) std::exchange(waiter_, nullptr)();
}

// Until the outstanding read has ended.
Task<> ServerConnection::arrival() {
    start_read();
    if (!reading_) co_return;
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) {
            asio::any_completion_handler<void()> waiter(std::move(handler));
            waiter_.swap(waiter);  // the move assignment of Boost 1.81 calls itself without end
        },
        asio::use_awaitable);
}

void ServerConnection::hang_up() {
    if (auto hook = std::exchange(hangup_, nullptr)) hook();
}

void ServerConnection::on_hangup(std::move_only_function<void()> what) {
    hangup_ = std::move(what);
    if (gone()) hang_up();
}

void ServerConnection::close() noexcept {
    closed_ = true;
    clear_deadline();
    if (stream_) {
        stream_->close();
    } else if (raw_) {
        raw_->close();
    }
    hang_up();
}

void ServerConnection::set_deadline(Duration from_now) { deadline_ = core_->clock.steady() + from_now; }

// Answering

void ServerConnection::plan(int status, std::optional<std::uint64_t> length) {
    MERIDIAN_ASSERT(status_ == 0);
    status_ = status;
    // What is left of a body that nobody read would be taken for the next request.
    keep_ = keep_ && parser_.done() && parser_.keep_alive() && !core_->draining;
    plan_ = {.status = status, .keep_alive = keep_, .is_http_1_0 = parser_.head_done() && parser_.is_http_1_0()};
    sends_body_ = may_have_body(status) && parser_.request().method != "HEAD";
    unsent_ = length.value_or(0);
    if (!may_have_body(status)) {
        plan_.framing = HeadPlan::Framing::none;
    } else if (length) {
        plan_.framing = HeadPlan::Framing::length;
        plan_.length = *length;
    } else if (plan_.is_http_1_0) {
        plan_.framing = HeadPlan::Framing::until_close;
        plan_.keep_alive = keep_ = false;
    } else {
        plan_.framing = HeadPlan::Framing::chunked;
    }
}

Task<> ServerConnection::answer(Response response) {
    const bool describes_body = parser_.request().method == "HEAD" && response.body.empty();
    const auto length = describes_body ? announced_length(response.headers).value_or(0) : response.body.size();
    plan(response.status, length);
    write_head(head_, plan_, response.headers, core_->date.text(core_->clock.now()), parser_.request().id);
    ended_ = true;
    const std::string_view body = sends_body_ ? std::string_view(response.body) : std::string_view();
    const bool joins = body.size() <= joined_max;
    if (joins) head_ += body;
    const std::array<std::string_view, 2> parts = {head_, body.substr(0, write_piece)};
    if (co_await send(std::span(parts.data(), joins ? 1 : 2)) && body.size() > write_piece) co_await send_long(body.substr(write_piece));
}

Task<> ServerConnection::begin(int status, Headers headers) {
    plan(status, announced_length(headers));
    write_head(head_, plan_, headers, core_->date.text(core_->clock.now()), parser_.request().id);
    const std::string_view head = head_;
    co_await send(std::span(&head, 1));
}

Task<bool> ServerConnection::write(std::string_view bytes) {
    MERIDIAN_ASSERT(begun() && !ended_);
    if (gone()) co_return false;
    if (bytes.empty() || !sends_body_) co_return true;
    if (plan_.framing == HeadPlan::Framing::chunked) {
        std::array<char, 18> line;
        auto at = line.end();
        *--at = '\n';
        *--at = '\r';
        for (std::size_t rest = bytes.size(); rest; rest >>= 4) *--at = "0123456789abcdef"[rest & 15];
        const std::array<std::string_view, 3> parts = {std::string_view(at, line.end()), bytes, "\r\n"};
        co_return co_await send(parts);
    }
    if (plan_.framing == HeadPlan::Framing::length) {
        MERIDIAN_ASSERT(bytes.size() <= unsent_);
        unsent_ -= bytes.size();
    }
    co_return co_await send(std::span(&bytes, 1));
}

Task<> ServerConnection::end() {
    MERIDIAN_ASSERT(begun() && !ended_);
    static constexpr std::string_view last = "0\r\n\r\n";
    if (plan_.framing == HeadPlan::Framing::chunked && sends_body_) co_await send(std::span(&last, 1));
    ended_ = !sends_body_ || unsent_ == 0 || plan_.framing != HeadPlan::Framing::length;
}

Task<bool> ServerConnection::send(std::span<const std::string_view> parts) {
    if (closed_) co_return false;
    set_deadline(core_->limits.write_time);
    const auto written = co_await stream_->write(parts);
    clear_deadline();
    if (!written) {
        close();
        co_return false;
    }
    bytes_out_ += *written;
    co_return true;
}

Task<std::unique_ptr<WebSocket>> ServerConnection::upgrade() {
    MERIDIAN_ASSERT(!begun());
    if (!asks_for_websocket(request())) throw Error(Fault::invalid, "This address speaks WebSocket; send an upgrade request.");
    std::string early(input_.unread());
    input_.consume(early.size());
    auto socket = co_await accept_websocket(*stream_, std::move(early), request(), core_->limits.body_bytes, [this](Slow slow) {
        slow == Slow::may_be ? set_deadline(core_->limits.write_time) : clear_deadline();
    });
    status_ = 101;
    keep_ = false;
    co_return socket;
}

// In pieces, so that a slow client that does read is not taken for one that does not.
Task<bool> ServerConnection::send_long(std::string_view body) {
    while (!body.empty()) {
        const auto piece = body.substr(0, write_piece);
        if (!co_await send(std::span(&piece, 1))) co_return false;
        body.remove_prefix(piece.size());
    }
    co_return true;
}

// Accounting

void ServerConnection::begin_accounting() {
    auto& request = parser_.request();
    request.peer = peer_;
    request.secure = core_->tls != nullptr;
    core_->ids.next(request.id);
    caller.reset();
    route_ = nullptr;
    status_ = 0;
    ended_ = false;
    keep_ = true;
    bytes_out_ = body_bytes_in_ = 0;
    keeps_body_ = true;
    began_ = core_->clock.steady();
    clear_deadline();
    count(core_->counters.requests_total);
    count(core_->counters.requests_running);
}

void ServerConnection::end_accounting() {
    running_ = false;
    hangup_ = nullptr;
    let_go();
    core_->counters.requests_running.fetch_sub(1, std::memory_order_relaxed);
    count(core_->counters.status_class[std::min(status_ / 100, 5)]);
    if (!core_->access_log) return;
    const auto& request = parser_.request();
    core_->access_log({.method = request.method,
                       .path = request.path,
                       .peer = peer_,
                       .request_id = request.id,
                       .route = route_ ? std::string_view(route_->pattern) : std::string_view(),
                       .status = status_,
                       .bytes_in = body_bytes_in_,
                       .bytes_out = bytes_out_,
                       .took = core_->clock.steady() - began_});
}

}  // namespace meridian::http
