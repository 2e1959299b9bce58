// One request on one connection, from sending to the last byte of the answer, and what all exchanges of a client share.
#pragma once
#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>

#include "http/client.h"
#include "http/client_open.h"
#include "http/pool.h"

namespace meridian::http {

class Answer;
using RunningHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Shared, because exchanges and the sweep may outlive the client that began them by a turn of the loop.
struct ClientCore : std::enable_shared_from_this<ClientCore> {
    ClientCore(Network& n, Clock& c, Executor e, EgressPolicy p, ClientLimits l, std::shared_ptr<TlsClientContext> t)
        : network(n),
          clock(c),
          executor(std::move(e)),
          policy(std::move(p)),
          limits(l),
          trust(std::move(t)),
          idle(l.idle_per_target, l.idle_time) {}

    Network& network;
    Clock& clock;
    Executor executor;
    EgressPolicy policy;
    ClientLimits limits;
    std::shared_ptr<TlsClientContext> trust;
    IdleConnections idle;
    boost::intrusive::list<Answer, boost::intrusive::base_hook<RunningHook>, boost::intrusive::constant_time_size<false>> running;
    bool closed = false;

    // Deadlines without a timer for each operation: while anything runs or idles, one sweep every quarter of a second ends what is late.
    void watch();
    void close();

private:
    void sweep();
    void sleep_then_sweep();

    bool watching_ = false;
    asio::cancellation_signal wake_;
};

class Answer final : public Incoming, public RunningHook {
public:
    Answer(std::shared_ptr<ClientCore> core, std::shared_ptr<Cancel> cancel, bool fresh);
    ~Answer() override;
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    // An idle connection, if there is one.
    bool reuse(const Target& target);
    Task<ClientResult<void>> connect(const Target& target);
    // Sends, and reads the head of the answer.
    Task<ClientResult<void>> ask(const Target& target, const Outgoing& request);

    [[nodiscard]] int status() const override { return status_; }
    [[nodiscard]] const Headers& headers() const override { return headers_; }
    Task<ClientResult<std::string_view>> read() override;
    void cancel() noexcept override { stop(ClientError::Kind::cancelled); }

    // Closes the connection at once; what is under way ends with `why`.
    void stop(ClientError::Kind why) noexcept;
    [[nodiscard]] bool is_late(Steady now) const { return now >= deadline_; }

private:
    Task<ClientResult<void>> receive();
    [[nodiscard]] ClientResult<void> take();
    [[nodiscard]] std::unexpected<ClientError> failure(ClientError::Kind kind, std::string said);
    [[nodiscard]] std::unexpected<ClientError> stopped();
    void release();

    std::shared_ptr<ClientCore> core_;
    std::shared_ptr<Cancel> cancel_;
    std::shared_ptr<Opening> opening_;
    std::unique_ptr<Connection> connection_;
    int status_ = 0;
    Headers headers_;
    Steady deadline_ = Steady::max();  // of what is being waited for
    std::optional<ClientError::Kind> stopped_;
    bool keep_, received_ = false, handed_out_ = false, ended_ = false;
};

}  // namespace meridian::http
