#include "http/client.h"

#include <fmt/format.h>

#include "http/client_exchange.h"
#include "http/client_head.h"

namespace meridian::http {
namespace {

using Kind = ClientError::Kind;

Task<ClientResult<std::unique_ptr<Answer>>> exchange(std::shared_ptr<ClientCore> core, const Target& target, const Outgoing& request,
                                                     std::shared_ptr<Cancel> cancel) {
    for (bool fresh = request.fresh_connection;; fresh = true) {
        if (core->closed || (cancel && cancel->fired()))
            co_return std::unexpected(ClientError{Kind::cancelled, "The request was cancelled.", true});
        auto answer = std::make_unique<Answer>(core, cancel, request.fresh_connection);
        const bool reused = !fresh && answer->reuse(target);
        if (!reused) {
            if (auto made = co_await answer->connect(target); !made) co_return std::unexpected(std::move(made.error()));
        }
        auto asked = co_await answer->ask(target, request);
        if (asked) co_return answer;
        // The peer may have closed it while it idled, even without a word; then it has not seen this request.
        if (reused && asked.error().kind == Kind::closed && asked.error().nothing_received) continue;
        co_return std::unexpected(std::move(asked.error()));
    }
}

}  // namespace

void Cancel::fire() {
    if (std::exchange(fired_, true)) return;
    if (auto once = std::exchange(hook, nullptr)) once();
}

struct Client::State : ClientCore {
    using ClientCore::ClientCore;
};

Client::Client(Network& network, Clock& clock, Executor executor, EgressPolicy policy, ClientLimits limits,
               std::shared_ptr<TlsClientContext> trust)
    : state_(std::make_shared<State>(network, clock, std::move(executor), std::move(policy), limits, std::move(trust))) {}

Client::~Client() { close(); }

void Client::close() { state_->close(); }

Task<ClientResult<std::unique_ptr<Incoming>>> Client::send(Target target, Outgoing request, std::shared_ptr<Cancel> cancel) {
    const std::shared_ptr<ClientCore> core = state_;
    if (auto wrong = unsendable(target, request)) {
        co_return std::unexpected(ClientError{Kind::malformed, fmt::format("The request cannot be sent: {}.", *wrong), true});
    }
    for (unsigned followed = 0;; ++followed) {
        auto answer = co_await exchange(core, target, request, cancel);
        if (!answer) co_return std::unexpected(std::move(answer.error()));
        if (followed >= request.redirects_max || !is_redirect((*answer)->status())) co_return std::move(*answer);
        if (auto wrong = follow((*answer)->status(), (*answer)->headers().get("location"), target, request)) {
            co_return std::unexpected(ClientError{Kind::malformed, fmt::format("The redirect cannot be followed: {}.", *wrong), false});
        }
    }
}

Task<ClientResult<Response>> Client::fetch(Target target, Outgoing request, std::size_t body_max, std::shared_ptr<Cancel> cancel) {
    auto sent = co_await send(std::move(target), std::move(request), std::move(cancel));
    if (!sent) co_return std::unexpected(std::move(sent.error()));
    auto& incoming = **sent;
    Response out{incoming.status(), incoming.headers(), {}};
    for (;;) {
        const auto piece = co_await incoming.read();
        if (!piece) co_return std::unexpected(piece.error());
        if (piece->empty()) co_return out;
        if (piece->size() > body_max - out.body.size()) {
            co_return std::unexpected(ClientError{Kind::too_large, fmt::format("The answer is longer than {} bytes.", body_max), false});
        }
        out.body += *piece;
    }
}

}  // namespace meridian::http
