-- Alerts of budgets have ids and recipients of their own, and every recipient is told by itself. The rows of before, which the file for
-- SQLite rewrites, are never in PostgreSQL: it came later, and rows are brought into it as the newest schema has them.

-- `recipient` is "" for the budget's own webhook, whose address may change while it is tried.
create table budget_deliveries (
    budget text not null references budgets (id) on delete cascade,
    window_from bigint not null,
    percent bigint not null,
    channel text not null, -- webhook, email
    recipient text not null,
    delivered_at bigint,
    attempts bigint not null,
    next_attempt_at bigint, -- null: none any more
    primary key (budget, window_from, percent, channel, recipient)
);
create index budget_deliveries_due on budget_deliveries (channel, next_attempt_at);

drop index budget_alerts_due;
alter table budget_alerts drop column delivered_at;
alter table budget_alerts drop column attempts;
alter table budget_alerts drop column next_attempt_at;
