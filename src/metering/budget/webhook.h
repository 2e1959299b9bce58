// Tells a budget's webhook of its alerts, as Standard Webhooks (standardwebhooks.com, version 1.0.0) has it: an id that stays the same
// over attempts, a time, and an HMAC over both and the body.
#pragma once
#include <string>

#include "http/client.h"
#include "keys/keys.h"
#include "metering/budget/store.h"

namespace meridian::metering {

// "whsec_" and base64, or any text, which is taken as it is.
std::string webhook_key(std::string_view secret);
// What goes to the budget's URL. `secret` may be empty: then nothing is signed.
http::Outgoing webhook_request(const Budget& budget, const rows::Alert& alert, const std::string& path, std::string_view secret,
                               Timestamp now);

class AlertSender {
public:
    AlertSender(store::Store& store, http::Client& client, Clock& clock, const keys::SealingKey& sealing)
        : store_(store), client_(client), clock_(clock), sealing_(sealing) {}
    // Sends what is due, again and again until it is taken or was tried for some days; until cancelled. Spawn once.
    Task<> run();

private:
    Task<> send(rows::Alert alert);
    // Why it was not taken; "": it was.
    Task<std::string> attempt(const Budget& budget, const rows::Alert& alert);

    store::Store& store_;
    http::Client& client_;
    Clock& clock_;
    const keys::SealingKey& sealing_;
};

}  // namespace meridian::metering
