#include "metering/budget/store.h"

#include "resource/sql_bind.h"

namespace meridian::metering::rows {
namespace {

constexpr std::string_view topic = "budgets", table = "budgets";
constexpr std::int64_t alerts_shown = 500;

std::vector<Budget> budgets_in(const std::vector<store::Row>& rows) {
    std::vector<Budget> made;
    for (const auto& row : rows) made.push_back(from_row<Budget>(row));
    return made;
}

LeaseRow lease_in(const store::Row& row) {
    return {{store::id_in<BudgetId>(row, "budget"), row.get<Timestamp>("window_from"), row.get<Money>("granted"),
             row.get<Money>("unaccounted"), row.get<Timestamp>("expires_at")},
            row.get<std::string>("zone"),
            row.get<std::string>("boot")};
}

Alert alert_in(const store::Row& row) {
    return {store::id_in<BudgetId>(row, "budget"), row.get<Timestamp>("window_from"), row.get<std::uint32_t>("percent"),
            row.get<Money>("spent"), row.get<Timestamp>("raised_at")};
}

Delivery delivery_in(const store::Row& row) {
    return {from_word<Channel>(row.get<std::string>("channel")).value(), row.get<std::string>("recipient"),
            row.get<std::optional<Timestamp>>("delivered_at"), row.get<std::int64_t>("attempts"),
            row.get<std::optional<Timestamp>>("next_attempt_at")};
}

std::vector<RaisedAlert> with_deliveries(store::Tx& tx, const std::vector<store::Row>& rows) {
    std::vector<RaisedAlert> made;
    for (const auto& row : rows) {
        auto& raised = made.emplace_back(RaisedAlert{alert_in(row), {}});
        for (const auto& each : tx.query("select * from budget_deliveries where budget = $1 and window_from = $2 and percent = $3 "
                                         "order by channel, recipient",
                                         raised.budget, raised.from, raised.percent))
            raised.deliveries.push_back(delivery_in(each));
    }
    return made;
}

template <class Values>
void run(store::Tx& tx, const std::string& sql, const Values& values) {
    std::apply([&](const auto&... each) { tx.run(sql, each...); }, values);
}

}  // namespace

std::vector<Budget> budgets(store::Tx& tx) { return budgets_in(tx.query(select_sql<Budget>(table))); }

std::vector<Budget> budgets_of(store::Tx& tx, const OrganizationId& organization) {
    return budgets_in(tx.query(select_sql<Budget>(table, "where organization = $1 order by created_at, id"), organization));
}

std::optional<Budget> budget(store::Tx& tx, const BudgetId& id) {
    const auto found = tx.query(select_sql<Budget>(table, "where id = $1"), id);
    return found.empty() ? std::nullopt : std::optional(from_row<Budget>(found.front()));
}

std::int64_t count_budgets(store::Tx& tx, const OrganizationId& organization) {
    return tx.query("select count(*) as n from budgets where organization = $1", organization).at(0).get<std::int64_t>("n");
}

void insert(store::Tx& tx, const Budget& budget) {
    run(tx, insert_sql<Budget>(table), sql_values(budget));
    tx.changed(topic, budget.id.str());
}

void update(store::Tx& tx, const Budget& budget) {
    run(tx, update_sql<Budget>(table, "id"), sql_values(budget));
    tx.changed(topic, budget.id.str());
}

void remove_budget(store::Tx& tx, const BudgetId& id) {
    tx.run("delete from budgets where id = $1", id);
    tx.changed(topic, id.str());
}

std::vector<LeaseRow> leases_of_zone(store::Tx& tx, const std::string& zone) {
    std::vector<LeaseRow> made;
    for (const auto& row : tx.query("select * from budget_leases where zone = $1", zone)) made.push_back(lease_in(row));
    return made;
}

std::optional<LeaseRow> lease(store::Tx& tx, const BudgetId& budget, Timestamp from, const std::string& zone) {
    const auto found = tx.query("select * from budget_leases where budget = $1 and window_from = $2 and zone = $3", budget, from, zone);
    return found.empty() ? std::nullopt : std::optional(lease_in(found.front()));
}

void put(store::Tx& tx, const LeaseRow& row) {
    tx.run(
        "insert into budget_leases (budget, window_from, zone, granted, unaccounted, expires_at, boot) values ($1, $2, $3, $4, $5, $6, $7) "
        "on conflict (budget, window_from, zone) do update set granted = excluded.granted, unaccounted = excluded.unaccounted, "
        "expires_at = excluded.expires_at, boot = excluded.boot",
        row.lease.budget, row.lease.from, row.zone, row.lease.granted, row.lease.unaccounted, row.lease.expires_at, row.boot);
}

Money committed(store::Tx& tx, const BudgetId& budget, Timestamp from) {
    Money sum;
    for (const auto& row : tx.query("select granted, unaccounted from budget_leases where budget = $1 and window_from = $2", budget, from))
        sum += row.get<Money>("granted") + row.get<Money>("unaccounted");
    return sum;
}

bool raise(store::Tx& tx, const Alert& alert) {
    return tx.run(
               "insert into budget_alerts (budget, window_from, percent, spent, raised_at) values ($1, $2, $3, $4, $5) "
               "on conflict (budget, window_from, percent) do nothing",
               alert.budget, alert.from, alert.percent, alert.spent, alert.raised_at) > 0;
}

void tell(store::Tx& tx, const Alert& alert, const Delivery& delivery) {
    tx.run(
        "insert into budget_deliveries (budget, window_from, percent, channel, recipient, attempts, next_attempt_at) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict (budget, window_from, percent, channel, recipient) do nothing",
        alert.budget, alert.from, alert.percent, word(delivery.channel), delivery.recipient, delivery.attempts, delivery.next_attempt_at);
}

std::vector<RaisedAlert> alerts_of(store::Tx& tx, const BudgetId& budget) {
    return with_deliveries(
        tx, tx.query("select * from budget_alerts where budget = $1 order by raised_at desc, percent desc limit $2", budget, alerts_shown));
}

std::vector<RaisedAlert> alerts_in(store::Tx& tx, const BudgetId& budget, Timestamp from) {
    return with_deliveries(tx,
                           tx.query("select * from budget_alerts where budget = $1 and window_from = $2 order by percent", budget, from));
}

std::vector<DueDelivery> due_deliveries(store::Tx& tx, Channel channel, Timestamp now, std::int64_t limit) {
    std::vector<DueDelivery> made;
    for (const auto& row : tx.query("select * from budget_deliveries join budget_alerts using (budget, window_from, percent) "
                                    "where channel = $1 and next_attempt_at <= $2 order by next_attempt_at limit $3",
                                    word(channel), now, limit))
        made.push_back({alert_in(row), delivery_in(row)});
    return made;
}

void update(store::Tx& tx, const DueDelivery& due) {
    const auto& [alert, delivery] = due;
    tx.run(
        "update budget_deliveries set delivered_at = $6, attempts = $7, next_attempt_at = $8 where budget = $1 and window_from = $2 and "
        "percent = $3 and channel = $4 and recipient = $5",
        alert.budget, alert.from, alert.percent, word(delivery.channel), delivery.recipient, delivery.delivered_at, delivery.attempts,
        delivery.next_attempt_at);
}

}  // namespace meridian::metering::rows
