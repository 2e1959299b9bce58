#include "clients.h"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include "base/error.h"

namespace meridian::app {
namespace {

const void* context_of(const Executor& executor) { return &asio::query(executor, asio::execution::context); }

Task<> closed(http::Client& client) {
    client.close();
    co_return;
}

}  // namespace

Clients::Clients(Network& network, Clock& clock, real::Loops& loops, const http::EgressPolicy& policy) {
    for (std::size_t i = 0; i < loops.size(); ++i)
        clients_.emplace_back(context_of(loops.executor(i)), std::make_unique<http::Client>(network, clock, loops.executor(i), policy));
}

http::Client& Clients::here(const Executor& executor) {
    const auto* context = context_of(executor);
    for (auto& [owner, client] : clients_)
        if (owner == context) return *client;
    MERIDIAN_ASSERT(!"a coroutine runs on an executor that is no loop of ours");
    return *clients_.front().second;
}

void Clients::close(real::Loops& loops) {
    for (std::size_t i = 0; i < loops.size(); ++i) loops.wait(loops.executor(i), closed(at(i)));
}

}  // namespace meridian::app
