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

std::vector<Alert> alerts_in(const std::vector<store::Row>& rows) {
    std::vector<Alert> made;
    for (const auto& row : rows) {
        made.push_back({store::id_in<BudgetId>(row, "budget"), row.get<Timestamp>("window_from"), row.get<std::uint32_t>("percent"),
                        row.get<Money>("spent"), row.get<Timestamp>("raised_at"), row.get<std::optional<Timestamp>>("delivered_at"),
                        row.get<std::int64_t>("attempts"), row.get<std::optional<Timestamp>>("next_attempt_at")});
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
               "insert into budget_alerts (budget, window_from, percent, spent, raised_at, attempts, next_attempt_at) values ($1, $2, $3, "
               "$4, $5, 0, $6) on conflict (budget, window_from, percent) do nothing",
               alert.budget, alert.from, alert.percent, alert.spent, alert.raised_at, alert.next_attempt_at) > 0;
}

std::vector<Alert> alerts_of(store::Tx& tx, const BudgetId& budget) {
    return alerts_in(
        tx.query("select * from budget_alerts where budget = $1 order by raised_at desc, percent desc limit $2", budget, alerts_shown));
}

std::vector<Alert> due_alerts(store::Tx& tx, Timestamp now, std::int64_t limit) {
    return alerts_in(tx.query("select * from budget_alerts where next_attempt_at <= $1 order by next_attempt_at limit $2", now, limit));
}

void update(store::Tx& tx, const Alert& alert) {
    tx.run(
        "update budget_alerts set delivered_at = $4, attempts = $5, next_attempt_at = $6 where budget = $1 and window_from = $2 and "
        "percent "
        "= $3",
        alert.budget, alert.from, alert.percent, alert.delivered_at, alert.attempts, alert.next_attempt_at);
}

}  // namespace meridian::metering::rows
