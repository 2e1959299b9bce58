-- Budgets, what of them is lent to zones, and the alerts that were raised. Amounts are nano-euros.
create table budgets (
    id text primary key,
    organization text not null,
    name text not null,
    scope text not null,
    scope_id text not null,
    limit_nanos bigint not null,
    period text not null,
    time_zone text not null,
    is_hard bigint not null,
    enabled bigint not null,
    alerts text not null,
    webhook_url text not null,
    webhook_secret text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index budgets_by_organization on budgets (organization, created_at, id);

-- `granted`: all that was lent of the window to the zone and not given back, spent or not. `unaccounted`: what a power cut may have lost
-- of it. `boot`: of the machine, so that a start knows whether anything can have been lost.
create table budget_leases (
    budget text not null references budgets (id) on delete cascade,
    window_from bigint not null,
    zone text not null,
    granted bigint not null,
    unaccounted bigint not null,
    expires_at bigint not null,
    boot text not null,
    primary key (budget, window_from, zone)
);
create index budget_leases_by_zone on budget_leases (zone);

create table budget_alerts (
    budget text not null references budgets (id) on delete cascade,
    window_from bigint not null,
    percent bigint not null,
    spent bigint not null,
    raised_at bigint not null,
    delivered_at bigint,
    attempts bigint not null,
    next_attempt_at bigint,
    primary key (budget, window_from, percent)
);
create index budget_alerts_due on budget_alerts (next_attempt_at);
