// What rooms that run things tell of a run before it. They stand to the right of this one and are given to `Quotes`.
#pragma once
#include <string>
#include <vector>

#include "base/async.h"
#include "base/json.h"
#include "identity/service.h"
#include "metering/quote/types.h"

namespace meridian::metering {

struct Estimate {
    std::string model, digest;
    std::vector<Offer> offers;  // at least one; `seconds` and, where it is empty, the energy are the caller's to fill
};

class Estimator {
public:
    virtual ~Estimator() = default;
    // What `request` would be billed in the project, which the caller may see. Error{invalid} and the like, as its run would have.
    virtual Task<Estimate> estimate(identity::Caller caller, ProjectId project, QuoteKind kind, Json request) = 0;
};

}  // namespace meridian::metering
