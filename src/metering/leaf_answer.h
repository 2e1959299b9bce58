// How a route shows one leaf of the log: with its proof, or as a JWS when that is accepted.
#pragma once
#include "base/async.h"
#include "http/types.h"
#include "metering/service.h"

namespace meridian::metering {

// A receipt, or an event by its id as if it were a run's. Waits for the commit. `request` lives until the answer is there.
Task<http::Response> leaf_answer(Meter& meter, RunId id, const http::Request& request);

}  // namespace meridian::metering
