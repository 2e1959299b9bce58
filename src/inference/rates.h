// Rate limits at the gateway: a request is counted before it runs and corrected after it, and the answer says what is left in the headers
// that OpenAI's clients know.
#pragma once
#include "http/types.h"
#include "identity/service.h"
#include "inference/spending.h"
#include "metering/limits/limiter.h"

namespace meridian::inference {

class Rates {
public:
    // The caller outlives this: it is the exchange's. Throws Error{busy} when a limit is reached. `limiter` may be null: nothing is limited
    // then.
    Rates(metering::Limiter* limiter, Clock* clock, const identity::Caller& caller, const Asked& asked);
    void add_headers(http::Headers& headers) const;
    // What was used, as far as it is known.
    void correct(const metering::Usage& usage);

private:
    [[nodiscard]] metering::RunScopes scopes() const {
        return {caller_.organization, caller_.project, caller_.principal, caller_.access_key};
    }

    metering::Limiter* limiter_;
    Clock* clock_;
    const identity::Caller& caller_;
    std::int64_t taken_ = 0;
    metering::Limiter::Answer answer_;
};

}  // namespace meridian::inference
