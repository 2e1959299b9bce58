// An outbound client for every loop, found by the loop that a coroutine runs on.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "base/net.h"
#include "base/real/real.h"
#include "http/client.h"

namespace meridian::app {

class Clients {
public:
    Clients(Network& network, Clock& clock, real::Loops& loops, const http::EgressPolicy& policy);
    http::Client& here(const Executor& executor);
    [[nodiscard]] http::Client& at(std::size_t index) { return *clients_[index].second; }
    // Blocking, before the loops end: each on its own loop.
    void close(real::Loops& loops);

private:
    std::vector<std::pair<const void*, std::unique_ptr<http::Client>>> clients_;  // by the execution context of the loop
};

}  // namespace meridian::app
