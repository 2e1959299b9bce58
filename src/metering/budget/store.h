// The only SQL about budgets, their leases and their alerts.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "metering/budget/types.h"
#include "store/store.h"

namespace meridian::metering::rows {

std::vector<Budget> budgets(store::Tx& tx);
std::vector<Budget> budgets_of(store::Tx& tx, const OrganizationId& organization);  // oldest first
std::optional<Budget> budget(store::Tx& tx, const BudgetId& id);
std::int64_t count_budgets(store::Tx& tx, const OrganizationId& organization);
void insert(store::Tx& tx, const Budget& budget);
void update(store::Tx& tx, const Budget& budget);
void remove_budget(store::Tx& tx, const BudgetId& id);

struct LeaseRow {
    Lease lease;
    std::string zone, boot;
};
std::vector<LeaseRow> leases_of_zone(store::Tx& tx, const std::string& zone);
std::optional<LeaseRow> lease(store::Tx& tx, const BudgetId& budget, Timestamp from, const std::string& zone);
void put(store::Tx& tx, const LeaseRow& row);
// Lent and lost of a budget's window, in all zones.
Money committed(store::Tx& tx, const BudgetId& budget, Timestamp from);

struct Alert {
    BudgetId budget;
    Timestamp from;
    std::uint32_t percent = 0;
    Money spent;
    Timestamp raised_at;
};
// One recipient of one alert that was raised.
struct Delivery {
    Channel channel = Channel::webhook;
    std::string recipient;  // "": the budget's own webhook
    std::optional<Timestamp> delivered_at;
    std::int64_t attempts = 0;
    std::optional<Timestamp> next_attempt_at;  // nothing: none any more
};
struct RaisedAlert : Alert {
    std::vector<Delivery> deliveries;
};
struct DueDelivery {
    Alert alert;
    Delivery delivery;
};
// False when it was raised before.
bool raise(store::Tx& tx, const Alert& alert);
// Nothing when this recipient is told already.
void tell(store::Tx& tx, const Alert& alert, const Delivery& delivery);
std::vector<RaisedAlert> alerts_of(store::Tx& tx, const BudgetId& budget);                  // newest first, some hundreds at most
std::vector<RaisedAlert> alerts_in(store::Tx& tx, const BudgetId& budget, Timestamp from);  // of one window
std::vector<DueDelivery> due_deliveries(store::Tx& tx, Channel channel, Timestamp now, std::int64_t limit);  // the oldest first
void update(store::Tx& tx, const DueDelivery& due);

}  // namespace meridian::metering::rows
