// Everything that is a sum over receipts, as people ask for it: usage, FOCUS costs, Scaleway's billing and footprint; and the changes
// that the log has. None of them keeps books of its own.
#pragma once
#include "base/async.h"
#include "geography/types.h"
#include "http/route.h"
#include "identity/service.h"
#include "metering/service.h"

namespace meridian::metering {

struct BookParts {
    Meter& meter;
    identity::Identity& identity;
    Pool& pool;
    Clock& clock;
    geography::ZoneFacts zone;
};

// GET /meridian/v1/usage, /meridian/v1/costs/focus, /meridian/v1/footprint; /billing/v2beta1; /environmental-footprint/v1alpha1;
// GET /meridian/v1/changes, /audit-trail/v1alpha1
void add_book_routes(http::Router& router, const BookParts& parts);

}  // namespace meridian::metering
