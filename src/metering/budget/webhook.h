// A budget's alert as a webhook gets it, in the form of Standard Webhooks (standardwebhooks.com, version 1.0.0): an id that stays the
// same over attempts, a time, and an HMAC over both and the body.
#pragma once
#include <string>

#include "http/client.h"
#include "metering/budget/store.h"

namespace meridian::metering {

// "whsec_" and base64, or any text, which is taken as it is.
std::string webhook_key(std::string_view secret);
// What goes to a URL with this path. `secret` may be empty: then nothing is signed.
http::Outgoing webhook_request(const Budget& budget, const rows::Alert& alert, const std::string& path, std::string_view secret,
                               Timestamp now);
// Stays the same over attempts and recipients.
std::string id_of(const rows::Alert& alert);

}  // namespace meridian::metering
