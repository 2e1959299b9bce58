// One client's connection to the server: requests in, answers out, in order. See connection.cpp for how hanging up is noticed.
#pragma once
#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "http/intake.h"
#include "http/parse.h"
#include "http/pool.h"
#include "http/server.h"
#include "http/server_head.h"

namespace meridian::http {

class ServerConnection;
using ServedHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// What the connections of one server share. Kept alive by them: they may outlive the Server by a turn of the loop.
struct ServerCore : std::enable_shared_from_this<ServerCore> {
    ServerCore(const Router& r, Clock& c, Rng& rng, Executor e, ServerLimits l, std::shared_ptr<TlsContext> t,
               std::function<void(const Access&)> log)
        : router(r),
          clock(c),
          executor(e),
          limits(l),
          tls(std::move(t)),
          access_log(std::move(log)),
          ids(rng),
          one_ended(e),
          intake(e, c, l.intake) {}

    const Router& router;
    Clock& clock;
    Executor executor;
    ServerLimits limits;
    std::shared_ptr<TlsContext> tls;
    std::function<void(const Access&)> access_log;
    ServerCounters counters;
    RequestIds ids;
    HttpDate date;
    boost::intrusive::list<ServerConnection, boost::intrusive::base_hook<ServedHook>, boost::intrusive::constant_time_size<false>>
        connections;
    std::vector<std::shared_ptr<Listener>> listeners;
    std::size_t open = 0;    // in `connections`
    std::size_t runs = 0;    // being answered, of the routes that may be shed
    std::size_t bodies = 0;  // bytes held
    bool draining = false;
    Event one_ended;
    Intake intake;

    // Deadlines without a timer for each operation: while there are connections, one sweep every quarter of a second.
    void watch();
    void add(std::unique_ptr<Stream> stream);
    void close_listeners();
    // Closes every connection and ends its handler.
    void close_all();

private:
    void sleep_then_sweep();
    void sweep();

    bool watching_ = false;
    asio::cancellation_signal wake_;
};

class ServerConnection final : public Exchange, public ServedHook, public std::enable_shared_from_this<ServerConnection> {
public:
    ServerConnection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream);

    // `self` keeps the connection while it is served.
    Task<> serve(std::shared_ptr<ServerConnection> self);
    // For a client too many: 503 and goodbye.
    Task<> turn_away(std::shared_ptr<ServerConnection> self);

    void close() noexcept;
    [[nodiscard]] bool is_idle() const { return idle_; }
    [[nodiscard]] bool is_late(Steady now) const { return now >= deadline_; }
    asio::cancellation_signal cancelled;

    Request& request() override { return parser_.request(); }
    Task<> answer(Response response) override;
    Task<> begin(int status, Headers headers) override;
    Task<bool> write(std::string_view bytes) override;
    Task<> end() override;
    [[nodiscard]] bool begun() const override { return status_ != 0; }
    void on_hangup(std::move_only_function<void()> what) override;
    [[nodiscard]] bool gone() const override { return input_ended_ || closed_; }
    Task<std::unique_ptr<WebSocket>> upgrade() override;

private:
    enum class Received { whole, refused, crowded, gone };
    enum class Taken { yes, no, gone };
    struct Accounting;

    Task<bool> secure();
    Task<bool> receive_head();
    Task<Received> receive_body();
    Task<bool> serve_one();
    Task<> refuse_unread(Error error, int status);
    Task<Taken> take_on();
    Response too_much();
    [[nodiscard]] bool has_room(std::uint64_t body) const;
    [[nodiscard]] bool hold(std::size_t body_bytes);
    void let_go();
    Task<> linger();
    Task<> arrival();
    Task<bool> send(std::span<const std::string_view> parts);
    Task<bool> send_long(std::string_view body);

    void start_read();
    void read_done(ErrorCode error, std::size_t count);
    void hang_up();
    void plan(int status, std::optional<std::uint64_t> length);
    void set_deadline(Duration from_now);
    void clear_deadline() { deadline_ = Steady::max(); }
    void begin_accounting();
    void end_accounting();

    std::shared_ptr<ServerCore> core_;
    std::unique_ptr<Stream> stream_;
    Stream* raw_ = nullptr;  // while TLS is being agreed upon
    std::string peer_;
    RequestParser parser_;
    ReadBuffer input_;
    asio::any_completion_handler<void()> waiter_;  // for the outstanding read
    std::move_only_function<void()> hangup_;
    Steady deadline_ = Steady::max();
    bool reading_ = false, input_ended_ = false, closed_ = false, idle_ = false, running_ = false;
    bool is_first_ = true;
    bool is_run_ = false;   // counted among the core's runs
    std::size_t held_ = 0;  // of the core's bodies

    // Of the answer under way.
    std::string head_;
    HeadPlan plan_;
    const Route* route_ = nullptr;
    int status_ = 0;  // 0: not begun
    bool ended_ = false, keeps_body_ = true, sends_body_ = true, keep_ = true, lingers_ = false;
    std::uint64_t unsent_ = 0;  // of an announced length
    std::uint64_t bytes_out_ = 0, body_bytes_in_ = 0;
    Steady began_{};
};

}  // namespace meridian::http
