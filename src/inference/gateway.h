// The gateway: from an OpenAI-dialect request to one receipted run. Chooses a backend, relays, retries once while nothing was sent,
// and ends the backend's work at once when the client goes. Reads only immutable snapshots; stays on the loop of its connection.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/async.h"
#include "base/rng.h"
#include "http/client.h"
#include "http/types.h"
#include "identity/service.h"
#include "inference/chat_request.h"
#include "inference/types.h"
#include "metering/limits/limiter.h"
#include "metering/prices/prices.h"
#include "metering/quote/quotes.h"
#include "metering/service.h"

namespace meridian::inference {

// The outbound client of the loop that a coroutine runs on.
using ClientHere = std::function<http::Client&(const Executor&)>;

class Gateway {
public:
    // Without prices a run is charged by the catalogue's own; without quotes it is held to none.
    Gateway(const Serving& serving, metering::Meter& meter, Rng& rng, ClientHere client, const metering::Prices* prices = nullptr,
            metering::Quotes* quotes = nullptr);
    // By whom requests are held back; before any request. Without one, by nobody.
    void limit_by(metering::Limiter& limiter, Clock& clock) { limiter_ = &limiter, clock_ = &clock; }

    Task<> chat(http::Exchange& exchange) { return run(exchange, Operation::chat); }
    Task<> completion(http::Exchange& exchange) { return run(exchange, Operation::completion); }
    Task<> embedding(http::Exchange& exchange) { return run(exchange, Operation::embedding); }
    // What the caller may use, as /v1/models lists it.
    [[nodiscard]] std::vector<std::shared_ptr<const Served>> visible_to(const identity::Caller& caller) const;
    // What a run of it that begins now is charged by.
    [[nodiscard]] metering::Price price_of(const Served& served) const;

private:
    Task<> run(http::Exchange& exchange, Operation operation);

    const Serving& serving_;
    metering::Meter& meter_;
    Rng& rng_;
    ClientHere client_;
    const metering::Prices* prices_;
    metering::Quotes* quotes_;
    metering::Limiter* limiter_ = nullptr;
    Clock* clock_ = nullptr;
};

}  // namespace meridian::inference
