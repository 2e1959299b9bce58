// What an installation charges by and holds its users to: prices, quotes, budgets and rate limits, and what goes into the log of changes.
#pragma once
#include <memory>
#include <optional>

#include "http/client.h"
#include "mail_hook.h"
#include "metering/books/books.h"
#include "metering/books/event_drain.h"
#include "metering/books/refusals.h"
#include "metering/budget/sender.h"
#include "metering/budget/service.h"
#include "metering/limits/service.h"
#include "metering/prices/prices.h"
#include "metering/quote/quotes.h"

namespace meridian::app {

struct AccountParts {
    store::Store& store;
    identity::Identity& identity;
    metering::Meter& meter;
    const keys::SealingKey& key;  // of the control plane
    http::Client& client;         // of the home loop, for webhooks
    std::string mail_hook;        // a program; "": no e-mail is sent
    Pool& files;
    Clock& clock;
    Rng& rng;
    geography::ZoneFacts zone;
    OrganizationId organization;  // whose changes the operator's own are
};

class Accounts {
public:
    explicit Accounts(const AccountParts& parts);
    // Reads the rows, and what the ledger says of leases and quotes. Blocking; before any run. The diagnostic is a sentence.
    expected<void> begin(const Executor& home);
    void add_routes(http::Router& router);
    // Long tasks, on the home loop.
    void spawn(TaskGroup& tasks);
    // Before the meter closes.
    Task<> end();

    metering::Limiter& limiter() { return limiter_; }
    metering::Prices& prices() { return *prices_; }
    metering::Quotes& quotes() { return quotes_; }
    metering::Refusals& refusals() { return refusals_; }

private:
    AccountParts parts_;
    std::unique_ptr<MailHook> mail_hook_;  // null: there is none
    metering::Budgets budgets_;
    metering::Limiter limiter_;
    metering::RateLimits rate_limits_;
    metering::AlertSender alerts_;
    std::optional<metering::Prices> prices_;
    metering::Quotes quotes_;
    metering::EventDrain events_;
    metering::Refusals refusals_;
};

}  // namespace meridian::app
