-- Prices that the operator added. Never edited: a newer one supersedes.
create table prices (
    id text not null primary key,
    sku text not null,
    unit text not null,
    rate bigint not null, -- nano-euros for `per` units
    per bigint not null,
    zone text, -- null: every zone
    tier text not null, -- interactive, batch, off_peak
    time_zone text, -- of an off-peak entry's daily hours
    from_minute bigint not null,
    to_minute bigint not null,
    valid_from bigint not null,
    valid_until bigint,
    created_at bigint not null,
    principal_id text not null
);
