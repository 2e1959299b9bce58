// A witness's routes: POST /add-checkpoint and GET /{origin_hash}/checkpoint, as C2SP's tlog-witness has them.
#pragma once
#include "http/route.h"
#include "metering/log/witness.h"

namespace meridian::metering {

void add_witness_routes(http::Router& router, Witness& witness, Pool& pool);

}  // namespace meridian::metering
