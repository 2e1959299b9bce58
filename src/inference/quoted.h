// The quote that a request is held to, where it names one.
#pragma once
#include <optional>

#include "http/types.h"
#include "inference/chat_request.h"
#include "metering/quote/quotes.h"

namespace meridian::inference {

// By `X-Meridian-Quote`. Error{not_found, gone, conflict} where that is none for this request and who pays for it.
std::optional<metering::HeldQuote> quoted(metering::Quotes* quotes, const http::Request& request, const Asked& asked,
                                          const ProjectId& payer);
// The run is charged by it.
void hold_to(metering::RunStart& start, const metering::HeldQuote& quote);

}  // namespace meridian::inference
