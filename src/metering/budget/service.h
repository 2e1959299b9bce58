// Budgets of the control plane: their rows, and the leases that zones spend them from.
//
// A zone may spend of a budget's window what was lent to it. What was lent and what power cuts may have lost, over all zones, never
// passes the limit, so that no set of zones, with or without a link, spends more. Lent is only what was written durably before.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/rng.h"
#include "identity/service.h"
#include "keys/keys.h"
#include "metering/budget/rules.h"
#include "metering/budget/store.h"
#include "metering/budget/types.h"
#include "metering/service.h"
#include "store/follower.h"

namespace meridian::metering {

// What a caller may say of a new budget.
struct BudgetWish {
    std::string name = {};
    ScopeKind scope = ScopeKind::organization;
    std::string scope_id = {};  // "": the caller's organization
    Money limit = {};
    Period period = Period::month;
    std::string time_zone = "Etc/UTC";
    bool hard = true, enabled = true;
    std::vector<std::uint32_t> alerts = {};
    std::string webhook_url = {}, webhook_secret = {};
};
// Scope, period and time zone stay: what was spent belongs to them.
struct BudgetChange {
    std::optional<std::string> name = {};
    std::optional<Money> limit = {};
    std::optional<bool> hard = {}, enabled = {};
    std::optional<std::vector<std::uint32_t>> alerts = {};
    std::optional<std::string> webhook_url = {}, webhook_secret = {};
};

struct BudgetOptions {
    std::string zone;
    // Of the machine since it was started: while it stays, nothing that was written can have been lost.
    std::string boot;
    Mail mail = Mail::not_sent;
    Duration lease_time = std::chrono::minutes(10);
    Duration look_every = std::chrono::seconds(1);
};

class Budgets final : public Lender {
public:
    Budgets(store::Store& store, identity::Identity& identity, Meter& meter, Clock& clock, Rng& rng, const keys::SealingKey& sealing,
            BudgetOptions options);
    ~Budgets() override;
    // Accounts for what an earlier process had been lent, and tells the meter what there is. Blocking; before any run.
    void begin();
    // Follows changes, renews and gives back leases, raises alerts; until cancelled. Spawn once, on the home loop.
    Task<> run();
    // Gives back what is not used, so that a start on another machine finds nothing lost. Before the meter closes.
    Task<> end();

    Task<> lend(Purses::Wanting wanted) override;

    // What a caller may not see is not_found.
    Task<Budget> create(identity::Caller by, BudgetWish wish);
    Task<Budget> change(identity::Caller by, BudgetId id, BudgetChange change);
    Task<> remove(identity::Caller by, BudgetId id);
    Task<Budget> find(identity::Caller by, BudgetId id);
    Task<std::vector<Budget>> list(identity::Caller by);
    Task<std::vector<rows::RaisedAlert>> alerts(identity::Caller by, BudgetId id);

    // Alerts and their recipients one by one.
    Task<AlertRule> add_alert(identity::Caller by, BudgetId budget, std::uint32_t percent);
    Task<AlertRule> change_alert(identity::Caller by, BudgetAlertId id, std::uint32_t percent);
    Task<> remove_alert(identity::Caller by, BudgetAlertId id);
    Task<BudgetNotification> add_notification(identity::Caller by, BudgetAlertId alert, Recipients to);
    Task<BudgetNotification> change_notification(identity::Caller by, BudgetNotificationId id, Recipients to);
    Task<> remove_notification(identity::Caller by, BudgetNotificationId id);
    // Of the window that is now; nothing for a limit by the run.
    [[nodiscard]] std::optional<Purses::State> state(const BudgetId& id) { return meter_.budget(id, clock_.now()); }

private:
    void know();
    void account(const rows::LeaseRow& row);
    void lend_now(const Purses::Wanting& wanted);
    Task<> look();
    Task<> tend(Lease lease);
    Task<> give_back(Lease lease, Money keep);
    void raise_alerts(const BudgetId& id);
    Task<> learn(BudgetId id);
    // `apply` changes the one of the budgets that has the `what` of this id, and says false of the others.
    Task<> edit(identity::Caller by, std::string what, std::string id, std::function<bool(Budget&, Timestamp)> apply);
    static bool sees(const identity::Caller& by, const Budget& budget);
    static Budget visible(store::Tx& tx, const identity::Caller& by, const BudgetId& id);

    store::Store& store_;
    identity::Identity& identity_;
    Meter& meter_;
    Clock& clock_;
    Rng& rng_;
    const keys::SealingKey& sealing_;
    BudgetOptions options_;

    std::mutex turn_;  // one change of a lease at a time, so that the meter hears them in the order of their rows
    // What this process was lent. Under turn_.
    struct Lent {
        Lease lease;
        Money spent;  // when it was last looked at
    };
    std::map<std::pair<BudgetId, Timestamp>, Lent> lent_;
};

void add_budget_routes(http::Router& router, Budgets& budgets);
// Scaleway's billing/v2.
void add_scaleway_budget_routes(http::Router& router, Budgets& budgets);

}  // namespace meridian::metering
