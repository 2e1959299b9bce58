#include "accounts.h"

#include <fstream>

#include "base/log.h"
#include "catalog/platforms.h"
#include "metering/books/operator_events.h"
#include "shipped_models.h"

namespace meridian::app {
namespace {

// Changes with every start of the machine; where the kernel does not say it, with every start of the program.
std::string boot_id() {
    std::string id;  // a file of the kernel's has no size, so it is read as a stream
    if (std::ifstream file("/proc/sys/kernel/random/boot_id"); std::getline(file, id) && !id.empty()) return id;
    SystemRng rng;
    return Uuid::random(rng).str();
}

expected<std::vector<metering::PriceEntry>> shipped_price_list() {
    auto list = catalog::json_of_yaml(shipped_prices);
    if (!list) return std::unexpected(list.error());
    return metering::read_price_list(*list);
}

}  // namespace

Accounts::Accounts(const AccountParts& parts)
    : parts_(parts),
      mail_hook_(parts.mail_hook.empty() ? nullptr : std::make_unique<MailHook>(parts.mail_hook)),
      budgets_(parts.store, parts.identity, parts.meter, parts.clock, parts.rng, parts.key,
               {.zone = parts.zone.name.str(), .boot = boot_id(), .mail = mail_hook_ ? metering::Mail::sent : metering::Mail::not_sent}),
      rate_limits_(parts.store, parts.identity, limiter_, parts.clock, parts.rng),
      alerts_(parts.store, parts.client, mail_hook_.get(), parts.clock, parts.key),
      quotes_(parts.store, parts.meter, parts.key, parts.clock, parts.rng, parts.files, parts.zone),
      events_(parts.store, parts.meter, parts.clock),
      refusals_(parts.meter, parts.files, parts.clock, parts.rng) {}

expected<void> Accounts::begin(const Executor& home) {
    budgets_.begin();
    rate_limits_.begin();
    rate_limits_.follow(home);
    auto shipped = shipped_price_list();
    if (!shipped) return std::unexpected(shipped.error());
    prices_.emplace(parts_.store, parts_.clock, parts_.rng, parts_.zone.name, *std::move(shipped));
    prices_->load();
    prices_->follow(home);
    quotes_.load();
    try {
        metering::log_operator_events(parts_.meter, parts_.zone, parts_.organization);
    } catch (const Error& e) {  // the next start writes them
        log::error("metering", "what was declared, or the log's new key, is not in the log of changes: {} ({})", e.said, e.logged);
    }
    return {};
}

void Accounts::add_routes(http::Router& router) {
    metering::add_budget_routes(router, budgets_);
    metering::add_scaleway_budget_routes(router, budgets_);
    metering::add_rate_limit_routes(router, rate_limits_);
    metering::add_price_routes(router, *prices_);
    metering::add_quote_routes(router, quotes_);
    metering::add_book_routes(
        router, {.meter = parts_.meter, .identity = parts_.identity, .pool = parts_.files, .clock = parts_.clock, .zone = parts_.zone});
}

void Accounts::spawn(TaskGroup& tasks) {
    tasks.spawn("budgets", budgets_.run());
    tasks.spawn("budget alerts", alerts_.run(tasks));
    tasks.spawn("events", events_.run());
    tasks.spawn("refused calls", refusals_.run());
}

Task<> Accounts::end() {
    if (mail_hook_) mail_hook_->stop();
    co_await budgets_.end();
    co_await refusals_.end();
}

}  // namespace meridian::app
