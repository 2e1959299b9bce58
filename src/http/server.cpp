#include "http/server.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/error.h"
#include "base/log.h"
#include "http/connection.h"

namespace meridian::http {
namespace {

constexpr Duration sweep_every = std::chrono::milliseconds(250);
constexpr Duration accept_pause = std::chrono::milliseconds(50);  // when the system has no more descriptors
constexpr Duration farewell_time = std::chrono::seconds(5);       // for handlers whose connection was closed
constexpr std::size_t turned_away_max = 256;                      // beyond the limit, told so; beyond this, closed without a word

void log_failure(std::exception_ptr failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) log::error("http", "a connection ended: {}", error.what());
    } catch (const std::exception& error) {
        log::error("http", "a connection ended: {}", error.what());
    }
}

Task<> accept_all(std::shared_ptr<ServerCore> core, std::shared_ptr<Listener> listener) {
    for (;;) {
        auto stream = co_await listener->accept();
        if (core->draining) co_return;
        if (stream) {
            core->add(std::move(*stream));
        } else if (stream.error() == asio::error::operation_aborted || stream.error() == asio::error::bad_descriptor) {
            co_return;  // the listener was closed
        } else {
            log::warn("http", "accepting a connection: {}", stream.error().message());
            co_await core->clock.sleep(accept_pause);
        }
    }
}

Task<> all_ended(std::shared_ptr<ServerCore> core, Duration limit) {
    const Steady end = core->clock.steady() + limit;
    while (core->open > 0 && core->clock.steady() < end) co_await core->one_ended.wait(core->clock, end - core->clock.steady());
}

Task<> drain_all(std::shared_ptr<ServerCore> core, Duration grace) {
    core->draining = true;
    core->close_listeners();
    for (auto it = core->connections.begin(); it != core->connections.end();) {
        auto& one = *it++;
        if (one.is_idle()) one.close();
    }
    co_await all_ended(core, grace);
    if (core->open == 0) co_return;
    log::info("http", "closing {} connections that did not end in time", core->open);
    core->close_all();
    co_await all_ended(core, farewell_time);
}

}  // namespace

void ServerCore::add(std::unique_ptr<Stream> stream) {
    if (open >= limits.connections + turned_away_max) {
        counters.refused_total.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    const bool is_welcome = open < limits.connections;
    auto connection = std::make_shared<ServerConnection>(shared_from_this(), std::move(stream));
    connections.push_back(*connection);
    ++open;
    counters.connections_total.fetch_add(1, std::memory_order_relaxed);
    counters.connections_open.store(open, std::memory_order_relaxed);
    watch();
    auto ended = [core = shared_from_this(), connection](std::exception_ptr failure) {
        if (failure) log_failure(failure);
        connection->close();
        connection->unlink();
        --core->open;
        core->counters.connections_open.store(core->open, std::memory_order_relaxed);
        if (core->draining) core->one_ended.notify();
    };
    auto& raw = *connection;
    asio::co_spawn(executor, is_welcome ? raw.serve(connection) : raw.turn_away(connection),
                   asio::bind_cancellation_slot(raw.cancelled.slot(), std::move(ended)));
}

void ServerCore::close_listeners() {
    for (const auto& listener : listeners) listener->close();
    listeners.clear();
}

void ServerCore::close_all() {
    draining = true;
    close_listeners();
    for (auto it = connections.begin(); it != connections.end();) {
        const auto one = (it++)->shared_from_this();
        one->close();
        one->cancelled.emit(asio::cancellation_type::terminal);
    }
    wake_.emit(asio::cancellation_type::terminal);
}

void ServerCore::watch() {
    if (watching_) return;
    watching_ = true;
    sleep_then_sweep();
}

void ServerCore::sleep_then_sweep() {
    auto then = [core = shared_from_this()](ErrorCode error) {
        if (!error) core->sweep();
    };
    clock.async_sleep(executor, sweep_every, asio::bind_cancellation_slot(wake_.slot(), std::move(then)));
}

void ServerCore::sweep() {
    const Steady now = clock.steady();
    for (auto it = connections.begin(); it != connections.end();) {
        auto& one = *it++;
        if (one.is_late(now)) one.close();
    }
    watching_ = !connections.empty();
    if (watching_) sleep_then_sweep();
}

struct Server::State {
    std::shared_ptr<ServerCore> core;
};

Server::Server(const Router& router, Clock& clock, Rng& rng, Executor executor, ServerLimits limits, std::shared_ptr<TlsContext> tls,
               std::function<void(const Access&)> access_log)
    : state_(std::make_shared<State>(
          std::make_shared<ServerCore>(router, clock, rng, std::move(executor), limits, std::move(tls), std::move(access_log)))) {}

Server::~Server() {
    asio::dispatch(state_->core->executor, [core = state_->core] { core->close_all(); });
}

void Server::serve(std::unique_ptr<Listener> listener) {
    asio::dispatch(state_->core->executor, [core = state_->core, shared = std::shared_ptr<Listener>(std::move(listener))] {
        if (core->draining) return;
        core->listeners.push_back(shared);
        asio::co_spawn(core->executor, accept_all(core, shared), [](std::exception_ptr failure) {
            if (failure) log_failure(failure);
        });
    });
}

// On the server's own loop, wherever it is awaited.
Task<> Server::drain(Duration grace) {
    co_await asio::co_spawn(state_->core->executor, drain_all(state_->core, grace), asio::use_awaitable);
}

const ServerCounters& Server::counters() const { return state_->core->counters; }

}  // namespace meridian::http
