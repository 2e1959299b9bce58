// What an operator does to a zone while its Meridian is stopped, as events: what is declared of it, and the new keys of its log. The
// files say what was done, so the next start writes it into the log, once.
#pragma once
#include "geography/types.h"
#include "metering/service.h"

namespace meridian::metering {

// Those that are not there yet. Throws Error{unavailable} when the disk is full. Blocking.
void log_operator_events(Meter& meter, const geography::ZoneFacts& zone, const OrganizationId& organization);

}  // namespace meridian::metering
