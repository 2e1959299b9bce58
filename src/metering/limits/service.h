// The rows of the rate limits, and their routes.
#pragma once
#include <string>
#include <vector>

#include "base/async.h"
#include "base/rng.h"
#include "identity/service.h"
#include "metering/limits/limiter.h"
#include "store/store.h"

namespace meridian::metering {

class RateLimits {
public:
    RateLimits(store::Store& store, identity::Identity& identity, Limiter& limiter, Clock& clock, Rng& rng)
        : store_(store), identity_(identity), limiter_(limiter), clock_(clock), rng_(rng) {}
    // Blocking; before serving.
    void begin() { know(); }
    // Follows the change feed.
    void follow(Executor executor);

    // What a caller may not see is not_found.
    Task<RateLimit> create(identity::Caller by, RateLimit wish);
    Task<> remove(identity::Caller by, RateLimitId id);
    Task<std::vector<RateLimit>> list(identity::Caller by);

private:
    void know();

    store::Store& store_;
    identity::Identity& identity_;
    Limiter& limiter_;
    Clock& clock_;
    Rng& rng_;
    std::shared_ptr<void> token_;
};

void add_rate_limit_routes(http::Router& router, RateLimits& limits);

}  // namespace meridian::metering
