#include "metering/budget/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "metering/budget/rules.h"
#include "metering/budget/scope.h"

namespace meridian::metering {
namespace {

constexpr std::int64_t budgets_max = 1000;  // of one organization

[[noreturn]] void no_budget(const BudgetId& id) { throw Error(Fault::not_found, "There is no such budget.").about("budget", id.str()); }

}  // namespace

Budgets::Budgets(store::Store& store, identity::Identity& identity, Meter& meter, Clock& clock, Rng& rng, const keys::SealingKey& sealing,
                 BudgetOptions options)
    : store_(store), identity_(identity), meter_(meter), clock_(clock), rng_(rng), sealing_(sealing), options_(std::move(options)) {}

Budgets::~Budgets() { meter_.borrow_from(nullptr); }

bool Budgets::sees(const identity::Caller& by, const Budget& budget) {
    if (budget.organization != by.organization) return false;
    return by.reach.is_everywhere() || (budget.scope == ScopeKind::project && by.may_see(project_named(budget.scope_id)));
}

Budget Budgets::visible(store::Tx& tx, const identity::Caller& by, const BudgetId& id) {
    auto found = rows::budget(tx, id);
    if (!found || !sees(by, *found)) no_budget(id);
    return std::move(*found);
}

Task<Budget> Budgets::create(identity::Caller by, BudgetWish wish) {
    Budget made;
    made.id = BudgetId::random(rng_);
    made.organization = by.organization;
    made.name = std::move(wish.name);
    made.scope = wish.scope;
    made.scope_id = std::move(wish.scope_id);
    made.limit = wish.limit;
    made.period = wish.period;
    made.time_zone = std::move(wish.time_zone);
    made.is_hard = wish.hard;
    made.enabled = wish.enabled;
    made.webhook_url = std::move(wish.webhook_url);
    if (!wish.webhook_secret.empty()) made.webhook_secret = base64(sealing_.seal(wish.webhook_secret, webhook_secret_context, rng_));
    made.created_at = made.updated_at = clock_.now();
    set_percents(made, wish.alerts, made.created_at, rng_);
    check(made);
    made.scope_id = co_await known_scope(identity_, by, made.scope, std::move(made.scope_id));
    co_await store_.write(identity::author_of(by), [&by, &made](store::Tx& tx) {
        if (rows::count_budgets(tx, by.organization) >= budgets_max)
            throw Error(Fault::quota, fmt::format("An organization has at most {} budgets. Remove one first.", budgets_max))
                .about("budgets", "");
        rows::insert(tx, made);
    });
    co_await learn(made.id);
    co_return made;
}

Task<Budget> Budgets::change(identity::Caller by, BudgetId id, BudgetChange change) {
    std::optional<std::string> secret;
    if (change.webhook_secret)
        secret = change.webhook_secret->empty() ? "" : base64(sealing_.seal(*change.webhook_secret, webhook_secret_context, rng_));
    const auto now = clock_.now();
    auto changed = co_await store_.write(identity::author_of(by), [this, &by, &id, &change, &secret, now](store::Tx& tx) {
        auto budget = visible(tx, by, id);
        if (change.name) budget.name = *change.name;
        if (change.limit) budget.limit = *change.limit;
        if (change.hard) budget.is_hard = *change.hard;
        if (change.enabled) budget.enabled = *change.enabled;
        if (change.alerts) set_percents(budget, *change.alerts, now, rng_);
        if (change.webhook_url) budget.webhook_url = *change.webhook_url;
        if (secret) budget.webhook_secret = *secret;
        budget.updated_at = now;
        check(budget);
        rows::update(tx, budget);
        return budget;
    });
    co_await learn(id);
    co_return changed;
}

Task<> Budgets::remove(identity::Caller by, BudgetId id) {
    co_await store_.write(identity::author_of(by), [&by, &id](store::Tx& tx) {
        visible(tx, by, id);
        rows::remove_budget(tx, id);
    });
    co_await on(store_.pool(), [this] { know(); });
}

Task<Budget> Budgets::find(identity::Caller by, BudgetId id) {
    return store_.read([by = std::move(by), id](store::Tx& tx) { return visible(tx, by, id); });
}

Task<std::vector<Budget>> Budgets::list(identity::Caller by) {
    return store_.read([by = std::move(by)](store::Tx& tx) {
        auto all = rows::budgets_of(tx, by.organization);
        std::erase_if(all, [&](const Budget& budget) { return !sees(by, budget); });
        return all;
    });
}

Task<std::vector<rows::RaisedAlert>> Budgets::alerts(identity::Caller by, BudgetId id) {
    return store_.read([by = std::move(by), id](store::Tx& tx) {
        visible(tx, by, id);
        return rows::alerts_of(tx, id);
    });
}

}  // namespace meridian::metering
