#include "http/client_open.h"

#include <fmt/format.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "http/tls.h"

namespace meridian::http {
namespace {

using Kind = ClientError::Kind;
using Opened = ClientResult<std::unique_ptr<Stream>>;

std::unexpected<ClientError> failed(Kind kind, std::string said) { return std::unexpected(ClientError{kind, std::move(said), true}); }

Task<ClientResult<std::vector<Address>>> judged_addresses(Way way, Target target) {
    std::vector<IpAddress> found;
    ErrorCode not_numeric;
    const auto literal = asio::ip::make_address(target.host, not_numeric);
    if (!not_numeric) {
        found.push_back(literal);
    } else {
        auto resolved = co_await way.network.resolve(target.host);
        if (!resolved)
            co_return failed(Kind::resolve, fmt::format("The name {} was not found: {}.", target.host, resolved.error().message()));
        found = std::move(*resolved);
    }
    std::vector<Address> out;
    for (const auto& ip : found) {
        if (way.policy.allows(target.host, ip)) out.push_back({ip, target.port, {}});
    }
    if (found.empty()) co_return failed(Kind::resolve, fmt::format("The name {} has no address.", target.host));
    if (out.empty()) {
        co_return failed(
            Kind::refused_by_policy,
            fmt::format("{} is at {}, which is not an address of the public Internet; the operator can open it by declaring it.",
                        target.host, found.front().to_string()));
    }
    co_return out;
}

Task<Opened> connect_one_of(Way way, Target target, std::vector<Address> addresses, Steady end) {
    ErrorCode last = asio::error::timed_out;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // One that does not answer leaves the others their share of the time.
        const Duration limit = (end - way.clock.steady()) / static_cast<std::int64_t>(addresses.size() - i);
        if (limit <= Duration::zero()) break;
        auto stream = co_await way.network.connect(addresses[i], limit);
        if (stream) co_return std::move(*stream);
        last = stream.error();
    }
    co_return failed(last == asio::error::timed_out ? Kind::timed_out : Kind::connect,
                     fmt::format("No connection to {}: {}.", target.authority(), last.message()));
}

}  // namespace

Task<Opened> Opening::open(std::shared_ptr<Opening> self, Way way, Target target, std::shared_ptr<void> /*keep*/) {
    const Steady end = way.clock.steady() + way.connect_time;
    std::vector<Address> addresses;
    if (target.local) {
        addresses.push_back(*target.local);
    } else {
        auto judged = co_await judged_addresses(way, target);
        if (!judged) co_return std::unexpected(judged.error());
        addresses = std::move(*judged);
    }
    auto stream = co_await connect_one_of(way, target, std::move(addresses), end);
    if (!stream || !target.tls || self->left_) co_return stream;
    self->shaking_hands_ = stream->get();
    auto secured = co_await tls_connect(std::move(*stream), target.host, way.trust);
    self->shaking_hands_ = nullptr;
    if (secured) co_return std::move(*secured);
    co_return failed(Kind::connect, fmt::format("No secure connection to {}: {}.", target.authority(), secured.error().message()));
}

// Spawned and not awaited, so that it can be left: it ends by itself; looking up and connecting have their limits,
// and a handshake ends with its stream.
void Opening::start(Way way, Target target, std::shared_ptr<void> keep) {
    executor_ = way.executor;
    auto ended = [self = shared_from_this()](std::exception_ptr failure, Opened result) {
        self->failure_ = failure;
        self->ended_ = true;
        if (!self->left_) self->result_ = std::move(result);
        self->wake();
    };
    asio::co_spawn(way.executor, open(shared_from_this(), way, std::move(target), std::move(keep)),
                   asio::bind_cancellation_slot(signal_.slot(), std::move(ended)));
}

Task<Opened> Opening::wait() {
    auto self = shared_from_this();
    if (!ended_ && !left_) {
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
            [self](auto handler) {
                asio::any_completion_handler<void()> waiter(std::move(handler));
                self->waiter_.swap(waiter);  // the move assignment of Boost 1.81 calls itself without end
                auto slot = asio::get_associated_cancellation_slot(self->waiter_);
                if (slot.is_connected()) {
                    slot.assign([weak = std::weak_ptr(self)](asio::cancellation_type) {
                        if (const auto opening = weak.lock()) opening->leave();
                    });
                }
            },
            asio::use_awaitable);
    }
    if (failure_ && !left_) std::rethrow_exception(failure_);
    if (left_) co_return failed(Kind::cancelled, "The request was cancelled while connecting.");
    co_return std::move(result_);
}

void Opening::leave() {
    if (ended_ || left_) return;
    left_ = true;
    signal_.emit(asio::cancellation_type::all);
    if (shaking_hands_) shaking_hands_->close();
    wake();
}

// Through the queue: whoever ends or leaves it may be in the middle of something.
void Opening::wake() {
    if (waiter_) asio::post(executor_, std::exchange(waiter_, nullptr));
}

}  // namespace meridian::http
