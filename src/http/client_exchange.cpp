#include "http/client_exchange.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>

#include "http/client_head.h"

namespace meridian::http {
namespace {

using Kind = ClientError::Kind;

constexpr Duration sweep_every = std::chrono::milliseconds(250);

}  // namespace

void ClientCore::watch() {
    if (watching_ || closed) return;
    watching_ = true;
    sleep_then_sweep();
}

void ClientCore::sleep_then_sweep() {
    auto then = [core = shared_from_this()](ErrorCode error) {
        if (!error) core->sweep();
    };
    clock.async_sleep(executor, sweep_every, asio::bind_cancellation_slot(wake_.slot(), asio::bind_executor(executor, std::move(then))));
}

void ClientCore::sweep() {
    if (closed) return;
    const Steady now = clock.steady();
    for (auto& answer : running) {
        if (answer.is_late(now)) answer.stop(Kind::timed_out);
    }
    idle.drop_old(now);
    watching_ = !running.empty() || !idle.empty();
    if (watching_) sleep_then_sweep();
}

void ClientCore::close() {
    closed = true;
    idle.clear();
    for (auto& answer : running) answer.stop(Kind::cancelled);
    wake_.emit(asio::cancellation_type::all);
}

Answer::Answer(std::shared_ptr<ClientCore> core, std::shared_ptr<Cancel> cancel, bool fresh)
    : core_(std::move(core)), cancel_(std::move(cancel)), keep_(!fresh) {
    core_->running.push_back(*this);
    core_->watch();
    if (cancel_) cancel_->hook = [this] { stop(Kind::cancelled); };
}

Answer::~Answer() { release(); }

void Answer::stop(Kind why) noexcept {
    if (stopped_ || ended_) return;
    stopped_ = why;
    if (opening_) opening_->leave();
    if (connection_) connection_->stream->close();
}

bool Answer::reuse(const Target& target) {
    connection_ = core_->idle.take(target, core_->clock.steady());
    return connection_ != nullptr;
}

Task<ClientResult<void>> Answer::connect(const Target& target) {
    deadline_ = core_->clock.steady() + core_->limits.connect_time;
    opening_ = std::make_shared<Opening>();
    opening_->start({core_->network, core_->clock, core_->executor, core_->policy, core_->trust, core_->limits.connect_time}, target,
                    core_);
    auto stream = co_await opening_->wait();
    opening_.reset();
    if (stopped_) co_return stopped();
    if (!stream) co_return std::unexpected(std::move(stream.error()));
    connection_ = std::make_unique<Connection>(target, std::move(*stream), ParseLimits{.head_bytes = core_->limits.head_bytes});
    co_return ClientResult<void>();
}

Task<ClientResult<void>> Answer::ask(const Target& target, const Outgoing& request) {
    auto& connection = *connection_;
    ++connection.requests;
    connection.parser.reset(request.method == "HEAD" ? ResponseParser::Body::absent : ResponseParser::Body::expected);
    write_head(target, request, connection.head);
    deadline_ = core_->clock.steady() + core_->limits.head_time;
    const bool joins = request.body.size() <= joined_max;
    if (joins) connection.head += request.body;
    const std::array<std::string_view, 2> parts = {connection.head, request.body};
    const auto written = co_await connection.stream->write(std::span(parts.data(), joins ? 1 : 2));
    if (stopped_) co_return stopped();
    // Who refuses a body early stops reading it; the refusal may be there all the same.
    if (!written) keep_ = false;
    while (!connection.parser.head_done()) {
        if (auto more = co_await receive(); !more) co_return std::unexpected(std::move(more.error()));
        if (auto taken = take(); !taken) co_return std::unexpected(std::move(taken.error()));
    }
    deadline_ = Steady::max();
    status_ = connection.parser.status();
    headers_ = std::move(connection.parser.headers());
    if (connection.requests == 1) connection.heed_keep_alive(headers_.get("keep-alive"));
    co_return ClientResult<void>();
}

Task<ClientResult<std::string_view>> Answer::read() {
    if (ended_) co_return std::string_view();
    auto& connection = *connection_;
    if (std::exchange(handed_out_, false)) connection.parser.drop_body();
    for (;;) {
        if (stopped_) co_return stopped();
        if (auto taken = take(); !taken) co_return std::unexpected(std::move(taken.error()));
        if (const auto body = connection.parser.body(); !body.empty()) {
            handed_out_ = true;
            co_return body;
        }
        if (connection.parser.done()) break;
        deadline_ = core_->clock.steady() + core_->limits.read_time;
        auto more = co_await receive();
        deadline_ = Steady::max();
        if (!more) co_return std::unexpected(std::move(more.error()));
    }
    release();
    co_return std::string_view();
}

// More bytes, or the end of the stream where that is the end of the answer.
Task<ClientResult<void>> Answer::receive() {
    auto& connection = *connection_;
    const auto got = co_await connection.stream->read_some(connection.buffer.room());
    if (stopped_) co_return stopped();
    if (got) {
        received_ = true;
        connection.buffer.added(*got);
        co_return ClientResult<void>();
    }
    keep_ = false;
    if (got.error() == asio::error::operation_aborted) co_return failure(Kind::cancelled, "The request was cancelled.");
    if (got.error() == asio::error::eof && connection.parser.head_done() && connection.parser.finish_at_eof())
        co_return ClientResult<void>();
    co_return failure(Kind::closed, fmt::format("The connection to {} ended {}: {}.", connection.target.authority(),
                                                received_ ? "in the middle of the answer" : "before the answer", got.error().message()));
}

// Lets the parser take what was read.
ClientResult<void> Answer::take() {
    auto& buffer = connection_->buffer;
    auto& parser = connection_->parser;
    while (!parser.done() && !buffer.unread().empty()) {
        const auto taken = parser.feed(buffer.unread());
        if (!taken) {
            keep_ = false;
            const auto kind = parser.trouble() == ParseTrouble::head_too_large ? Kind::too_large : Kind::malformed;
            return failure(kind, fmt::format("The answer of {} cannot be read: {}.", connection_->target.authority(), taken.error().said));
        }
        if (*taken == 0) break;
        buffer.consume(*taken);
    }
    return {};
}

std::unexpected<ClientError> Answer::failure(Kind kind, std::string said) {
    return std::unexpected(ClientError{kind, std::move(said), !received_});
}

std::unexpected<ClientError> Answer::stopped() {
    if (*stopped_ == Kind::timed_out) return failure(Kind::timed_out, "The other side did not answer in time.");
    return failure(*stopped_, "The request was cancelled.");
}

// Ends the exchange: the connection goes back to the pool when nothing is left on it, and is closed otherwise.
void Answer::release() {
    if (std::exchange(ended_, true)) return;
    if (is_linked()) unlink();
    if (cancel_) cancel_->hook = nullptr;
    if (!connection_ || stopped_ || core_->closed) return;
    const bool clean = keep_ && connection_->parser.done() && connection_->parser.keep_alive() && connection_->buffer.unread().empty();
    if (clean && connection_->may_be_reused() && connection_->stream->is_open()) {
        core_->idle.put(std::move(connection_), core_->clock.steady());
    }
    connection_.reset();
}

}  // namespace meridian::http
