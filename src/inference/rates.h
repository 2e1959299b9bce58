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
    // Throws Error{busy} when a limit is reached. `limiter` may be null: nothing is limited then.
    Rates(metering::Limiter* limiter, Clock* clock, const identity::Caller& caller, const Asked& asked);
    void add_headers(http::Headers& headers) const;
    // What was used, as far as it is known.
    void correct(const metering::Usage& usage);

private:
    metering::Limiter* limiter_;
    Clock* clock_;
    OrganizationId organization_;
    ProjectId project_;
    PrincipalId principal_;
    std::string access_key_;
    std::int64_t taken_ = 0;
    metering::Limiter::Answer answer_;
};

}  // namespace meridian::inference
