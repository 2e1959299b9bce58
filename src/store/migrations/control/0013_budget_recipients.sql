-- Alerts of budgets have ids and recipients of their own, and every recipient is told by itself.
update budgets set alerts = (
    select json_group_array(json_object(
        'id', lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
                    substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
        'percent', percent.value,
        'notifications', json('[]'),
        'created_at', strftime('%Y-%m-%dT%H:%M:%SZ', budgets.created_at / 1000000, 'unixepoch'),
        'updated_at', strftime('%Y-%m-%dT%H:%M:%SZ', budgets.updated_at / 1000000, 'unixepoch')))
    from (select distinct value from json_each(budgets.alerts)) as percent);

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
insert into budget_deliveries (budget, window_from, percent, channel, recipient, delivered_at, attempts, next_attempt_at)
    select budget, window_from, percent, 'webhook', '', delivered_at, attempts, next_attempt_at from budget_alerts
    where attempts > 0 or next_attempt_at is not null;

drop index budget_alerts_due;
alter table budget_alerts drop column delivered_at;
alter table budget_alerts drop column attempts;
alter table budget_alerts drop column next_attempt_at;
