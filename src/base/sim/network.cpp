#include "base/sim/network.h"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>

#include "base/error.h"
#include "base/sim/pipe.h"

namespace meridian::sim {

namespace {
constexpr std::size_t backlog_max = 1024;
const std::unexpected aborted{ErrorCode(asio::error::operation_aborted)};
}  // namespace

// Where connections arrive. Shared by its listener and the network.
struct Port : std::enable_shared_from_this<Port> {
    using Done = asio::any_completion_handler<void(IoResult<void>)>;

    Address at;
    Executor executor;
    std::deque<std::unique_ptr<Stream>> arrived;
    Done accepting;
    bool is_open = true;

    Port(Address a, Executor e) : at(std::move(a)), executor(std::move(e)) {}
    void wake(IoResult<void> why) {
        if (!accepting) return;
        asio::get_associated_cancellation_slot(accepting).clear();
        asio::post(executor, [d = std::exchange(accepting, nullptr), why]() mutable { std::move(d)(why); });
    }
    void wait(Done done) {
        MERIDIAN_ASSERT(!accepting);
        accepting.swap(done);  // the move assignment of Boost 1.81 calls itself without end
        if (auto slot = asio::get_associated_cancellation_slot(accepting); slot.is_connected())
            slot.assign([weak = weak_from_this()](asio::cancellation_type) {
                if (const auto port = weak.lock()) port->wake(aborted);
            });
        if (!arrived.empty() || !is_open) wake({});
    }
    void arrive(std::unique_ptr<Stream> stream) {
        arrived.push_back(std::move(stream));
        wake({});
    }
};

namespace {

class PipeStream final : public Stream {
public:
    PipeStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, Address peer)
        : in_(std::move(in)), out_(std::move(out)), peer_(std::move(peer)) {}
    ~PipeStream() override { PipeStream::close(); }

    void async_read_some(std::span<char> into, Done done) override { in_->read(into, std::move(done)); }
    void async_write(std::span<const std::string_view> parts, Done done) override { out_->write(parts, std::move(done)); }
    void close() noexcept override {
        is_open_ = false;
        in_->end_reading();
        out_->end_writing();
    }
    [[nodiscard]] bool is_open() const override { return is_open_; }
    [[nodiscard]] Address peer() const override { return peer_; }

private:
    std::shared_ptr<Pipe> in_, out_;
    Address peer_;
    bool is_open_ = true;
};

class PortListener final : public Listener {
public:
    explicit PortListener(std::shared_ptr<Port> port) : port_(std::move(port)) {}
    ~PortListener() override { PortListener::close(); }

    Task<IoResult<std::unique_ptr<Stream>>> accept() override { return accept_at(port_); }
    [[nodiscard]] Address local() const override { return port_->at; }
    void close() noexcept override {
        port_->is_open = false;
        port_->arrived.clear();
        port_->wake(aborted);
    }

private:
    // By weak pointer: the port holds the waiting coroutine, which must not hold the port.
    static Task<IoResult<std::unique_ptr<Stream>>> accept_at(std::weak_ptr<Port> weak) {
        for (;;) {
            if (const auto port = weak.lock(); !port || !port->is_open) co_return aborted;
            if (const auto port = weak.lock(); !port->arrived.empty()) {
                auto stream = std::move(port->arrived.front());
                port->arrived.pop_front();
                co_return stream;
            }
            const auto woken = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(IoResult<void>)>(
                [](auto handler, const std::weak_ptr<Port>& w) { w.lock()->wait(std::move(handler)); }, asio::use_awaitable, weak);
            if (!woken) co_return std::unexpected(woken.error());
        }
    }

    std::shared_ptr<Port> port_;
};

bool reaches(const Address& listener, const Address& to) {
    if (listener == to) return true;
    return listener.unix_path.empty() && to.unix_path.empty() && listener.port == to.port && listener.ip.is_unspecified();
}

// A sleep of nothing would still wait until all else rests.
Task<> pass(Clock& clock, Duration length) {
    if (length > Duration::zero()) return clock.sleep(length);
    return asio::post(asio::use_awaitable);
}

}  // namespace

PipeNetwork::PipeNetwork(Executor executor, SimClock& clock) : executor_(std::move(executor)), clock_(clock) {}
PipeNetwork::~PipeNetwork() = default;

Task<IoResult<std::vector<IpAddress>>> PipeNetwork::resolve(std::string host) {
    co_await pass(clock_, latency_ * 2);
    ErrorCode not_numeric;
    if (const auto ip = asio::ip::make_address(host, not_numeric); !not_numeric) co_return std::vector{ip};
    if (const auto known = names_.find(host); known != names_.end()) co_return known->second;
    if (host == "localhost") co_return std::vector<IpAddress>{asio::ip::address_v4::loopback()};
    co_return std::unexpected(ErrorCode(asio::error::host_not_found));
}

Task<IoResult<std::unique_ptr<Stream>>> PipeNetwork::connect(Address to, Duration limit) {
    const auto there_and_back = latency_ * 2;
    co_await pass(clock_, std::min(there_and_back, limit));
    if (there_and_back > limit) co_return std::unexpected(ErrorCode(asio::error::timed_out));
    const auto port = find(to);
    if (!port || is_cut(to) || port->arrived.size() >= backlog_max) co_return std::unexpected(ErrorCode(asio::error::connection_refused));
    auto [near, far] = join(to);
    port->arrive(std::move(far));
    co_return std::move(near);
}

IoResult<std::unique_ptr<Listener>> PipeNetwork::listen(Executor executor, const Address& at) {
    auto local = at;
    if (!at.unix_path.empty()) {
        if (find(at)) return std::unexpected(ErrorCode(asio::error::address_in_use));
    } else if (at.port == 0) {
        local.port = next_port_++;
    }
    const auto port = std::make_shared<Port>(std::move(local), std::move(executor));
    ports_.push_back(port);
    return std::make_unique<PortListener>(port);
}

std::shared_ptr<Port> PipeNetwork::find(const Address& to) {
    std::vector<std::shared_ptr<Port>> exact, any;
    std::erase_if(ports_, [](const auto& each) { return each.expired(); });
    for (const auto& each : ports_)
        if (auto port = each.lock(); port->is_open && reaches(port->at, to)) (port->at == to ? exact : any).push_back(std::move(port));
    const auto& those = exact.empty() ? any : exact;
    // Listeners that share an address are served in turn.
    return those.empty() ? nullptr : those[turn_++ % those.size()];
}

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> PipeNetwork::join(const Address& to) {
    const auto there = std::make_shared<Pipe>(executor_, clock_, latency_), back = std::make_shared<Pipe>(executor_, clock_, latency_);
    std::erase_if(connections_, [](const auto& each) { return each.there.expired() && each.back.expired(); });
    connections_.push_back({to, there, back});
    auto from = to;
    if (to.unix_path.empty()) {
        from.port = next_port_++;
        from.ip = to.ip.is_v4() ? IpAddress(asio::ip::address_v4::loopback()) : IpAddress(asio::ip::address_v6::loopback());
    }
    return {std::make_unique<PipeStream>(back, there, to), std::make_unique<PipeStream>(there, back, from)};
}

bool PipeNetwork::is_cut(const Address& to) const {
    return std::ranges::any_of(cut_, [&](const Address& each) { return reaches(each, to); });
}

void PipeNetwork::cut(const Address& listener) {
    if (std::ranges::find(cut_, listener) == cut_.end()) cut_.push_back(listener);
    for (const auto& each : std::vector(connections_)) {
        if (!reaches(listener, each.listener)) continue;
        if (const auto pipe = each.there.lock()) pipe->reset();
        if (const auto pipe = each.back.lock()) pipe->reset();
    }
}

void PipeNetwork::heal(const Address& listener) { std::erase(cut_, listener); }
void PipeNetwork::name(std::string host, std::vector<IpAddress> addresses) { names_[std::move(host)] = std::move(addresses); }

void PipeNetwork::clear() {
    for (const auto& each : std::vector(connections_)) {
        if (const auto pipe = each.there.lock()) pipe->clear();
        if (const auto pipe = each.back.lock()) pipe->clear();
    }
    for (const auto& each : std::vector(ports_))
        if (const auto port = each.lock()) port->accepting = nullptr;
}

}  // namespace meridian::sim
