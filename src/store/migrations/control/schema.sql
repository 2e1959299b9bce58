CREATE TABLE acl_rules (
    id text not null primary key,
    deployment_id text not null references deployments (id) on delete cascade,
    ip text not null,
    description text not null default '',
    created_at bigint not null
);
CREATE TABLE api_keys (
    access_key text not null primary key,
    secret_hash text not null unique, -- hex of the secret's SHA-256
    organization_id text not null references organizations (id),
    default_project_id text not null references projects (id),
    only_project_id text references projects (id), -- null: every project of the organization
    principal_id text not null references principals (id),
    role text not null, -- admin, inference, observer
    description text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    expires_at bigint
);
CREATE TABLE applications (
    id text not null primary key references principals (id) on delete cascade,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    tags text not null default '[]',
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);
CREATE TABLE budget_alerts (
    budget text not null references budgets (id) on delete cascade,
    window_from bigint not null,
    percent bigint not null,
    spent bigint not null,
    raised_at bigint not null,
    primary key (budget, window_from, percent)
);
CREATE TABLE budget_deliveries (
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
CREATE TABLE budget_leases (
    budget text not null references budgets (id) on delete cascade,
    window_from bigint not null,
    zone text not null,
    granted bigint not null,
    unaccounted bigint not null,
    expires_at bigint not null,
    boot text not null,
    primary key (budget, window_from, zone)
);
CREATE TABLE budgets (
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
CREATE TABLE changes (
    revision bigint not null,
    topic text not null,
    key text not null,
    primary key (revision, topic, key)
);
CREATE TABLE customer_key_rotations (
    id text not null primary key, -- of the key, and the place
    key_id text not null references customer_keys (id) on delete cascade,
    place bigint not null, -- from 1
    status text not null, -- enabled, deleted
    manually_rotated bigint not null,
    material bytea, -- sealed; null: it was deleted
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    unique (key_id, place)
);
CREATE TABLE customer_keys (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    region text not null,
    name text not null,
    description text,
    tags text not null default '[]',
    key_usage text not null,
    algorithm text not null,
    origin text not null, -- scaleway_kms, external
    protected bigint not null,
    disabled bigint not null,
    newest bigint not null, -- rotation that was made last
    current_rotation bigint not null, -- the last that has material; 0: none
    rotated_at bigint,
    rotation_period bigint, -- nanoseconds
    next_rotation_at bigint,
    import_key bytea, -- sealed, that material is wrapped for until import_until
    import_wrapping text,
    import_until bigint,
    created_at bigint not null,
    updated_at bigint not null,
    deletion_requested_at bigint
);
CREATE TABLE deployments (
    id text not null primary key,
    name text not null,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    region text not null,
    zone text not null,
    intent text not null default 'run', -- run, delete: what the reconciler works towards
    state text not null,
    tags text not null default '[]',
    node_type text not null,
    model_id text not null references models (id),
    model_name text not null,
    min_size bigint not null,
    max_size bigint not null,
    size bigint not null default 0,
    error_message text,
    phase text not null default '',
    placed_because text not null default '',
    document text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null default 1
, principal_id text, quote_id text, quoted_per_hour bigint, quoted_hours bigint, quoted_replicas bigint, quoted_until bigint);
CREATE TABLE endpoints (
    id text not null primary key,
    deployment_id text not null references deployments (id) on delete cascade,
    is_public bigint not null default 1,
    auth_disabled bigint not null default 0,
    document text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE group_members (
    group_id text not null references groups (id) on delete cascade,
    principal_id text not null references principals (id) on delete cascade,
    primary key (group_id, principal_id)
);
CREATE TABLE groups (
    id text not null primary key,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    tags text not null default '[]',
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);
CREATE TABLE idempotent_requests (
    principal_id text not null,
    name text not null, -- the header's value
    request text not null, -- hex of a MAC of the SHA-256 of what was asked for
    answer bytea, -- sealed; null: none is known
    created_at bigint not null,
    primary key (principal_id, name)
);
CREATE TABLE identities (
    issuer text not null,
    subject text not null,
    principal_id text not null references principals (id) on delete cascade,
    created_at bigint not null,
    primary key (issuer, subject)
);
CREATE TABLE identity_providers (
    organization_id text not null primary key references organizations (id) on delete cascade,
    issuer text not null,
    client_id text not null,
    client_secret text not null, -- sealed; empty: a public client
    scopes text not null, -- JSON list
    callback_url text not null, -- as the provider knows it; empty: where the browser asked
    groups_claim text not null,
    group_map text not null, -- JSON: what the provider calls a group, and the id of ours
    makes_users bigint not null, -- 1: whoever the provider knows is a user from the first sign-in on
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE leases (
    name text not null primary key,
    holder text not null,
    fence bigint not null,
    expires_at bigint not null
, url text not null default '');
CREATE TABLE models (
    id text not null primary key,
    name text not null unique,
    project_id text references projects (id), -- null: shared
    origin text not null, -- shipped, file, url
    title text not null default '',
    description text not null default '',
    licence text not null default '',
    family text not null default '',
    document text not null, -- capabilities, artifacts, upstreams (their keys sealed), sizes, defaults, prices
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null default 1
);
CREATE TABLE nodes (
    id text not null primary key,
    name text not null,
    zone text not null,
    arch text not null,
    cpus bigint not null,
    memory_bytes bigint not null,
    document text not null default '{}', -- gpus, sandbox layers
    seen_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (zone, name)
);
CREATE TABLE organizations (
    id text not null primary key,
    name text not null,
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE outbox (
    id bigint not null primary key,
    revision bigint not null,
    topic text not null,
    payload text not null
);
CREATE TABLE policies (
    id text not null primary key,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    tags text not null default '[]',
    principal_id text references principals (id) on delete set null,
    group_id text references groups (id) on delete set null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);
CREATE TABLE policy_rules (
    id text not null primary key,
    policy_id text not null references policies (id) on delete cascade,
    place bigint not null, -- from 0, in the order of the request
    permission_sets text not null, -- names
    projects text -- ids; null: the whole organization
);
CREATE TABLE prices (
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
CREATE TABLE principals (
    id text not null primary key,
    organization_id text not null references organizations (id),
    kind text not null, -- user, application
    name text not null,
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE projects (
    id text not null primary key,
    organization_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    unique (organization_id, name)
);
CREATE TABLE quantum_bookings (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    platform_id text not null,
    session_id text not null references quantum_sessions (id) on delete cascade,
    state text not null,
    description text not null default '',
    time_zone text not null default '',
    progress_message text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    started_at bigint not null,
    finished_at bigint not null
, run_id text, per_hour bigint not null default 0, began_at bigint, charged_at bigint, cost bigint);
CREATE TABLE quantum_jobs (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    name text not null,
    session_id text not null references quantum_sessions (id) on delete cascade,
    platform_id text not null,
    state text not null, -- waiting, cancelling, completed, error, cancelled
    priority text not null, -- low, normal, high
    tags text not null default '[]',
    program_id text,
    has_circuit bigint not null default 0,
    parameters text,
    max_duration bigint,
    run_id text not null, -- of the ledger
    attempts bigint not null default 1,
    progress_message text,
    result_bytes bigint,
    created_at bigint not null,
    updated_at bigint not null,
    started_at bigint,
    ended_at bigint,
    revision bigint not null
, application text, circuit_bytes bigint not null default 0, quote_id text, ceiling bigint, quoted_per_hour bigint, quoted_per_shot bigint, quoted_per_circuit bigint);
CREATE TABLE quantum_kept (
    zone text not null,
    project_id text not null references projects (id),
    bytes bigint not null,
    primary key (zone, project_id)
);
CREATE TABLE quantum_processes (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    name text not null,
    application_id text not null,
    platform_id text not null,
    session_id text not null references quantum_sessions (id) on delete cascade,
    job_id text not null,
    tags text not null default '[]',
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE quantum_programs (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    bytes bigint not null,
    digest text not null,
    created_at bigint not null
);
CREATE TABLE quantum_sessions (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    principal_id text not null,
    zone text not null,
    name text not null,
    platform_id text not null,
    is_wanted bigint not null default 1, -- 0: it is to be deleted with all it has
    state text not null, -- starting, running, stopping, stopped
    tags text not null default '[]',
    deduplication_id text not null default '',
    max_duration bigint not null,
    max_idle_duration bigint not null,
    program_id text,
    parameters text,
    booking_id text,
    progress_message text,
    created_at bigint not null,
    updated_at bigint not null,
    started_at bigint,
    terminated_at bigint,
    revision bigint not null
, process_id text, per_hour bigint);
CREATE TABLE quotes (
    id text not null primary key, -- of version 7: in the order of making
    organization_id text not null,
    project_id text not null,
    principal_id text not null,
    kind text not null,
    model text not null, -- or the platform
    digest text not null, -- of the request
    document text not null, -- offers
    created_at bigint not null,
    valid_until bigint not null
);
CREATE TABLE rate_limits (
    id text primary key,
    organization text not null,
    scope text not null,
    scope_id text not null,
    requests_per_minute bigint not null,
    tokens_per_minute bigint not null,
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE replicas (
    id text not null primary key,
    deployment_id text not null references deployments (id) on delete cascade,
    node_id text not null,
    zone text not null,
    intent text not null default 'run', -- run, stop
    state text not null,
    gpus text not null default '[]',
    memory_bytes bigint not null default 0,
    cpus bigint not null default 0,
    restarts bigint not null default 0,
    detail text not null default '',
    document text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null
);
CREATE TABLE revisions (
    revision bigint not null primary key,
    at bigint not null
);
CREATE TABLE row_counts (
    kind text not null, -- a table, or a part of it: users, users:member
    organization_id text not null references organizations (id),
    n bigint not null,
    primary key (kind, organization_id)
);
CREATE TABLE schema_floor (oldest bigint not null primary key);
CREATE TABLE schema_migrations (number bigint not null primary key, name text not null, at bigint not null);
CREATE TABLE secret_versions (
    id text not null primary key, -- of the secret, and the revision
    secret_id text not null references secrets (id) on delete cascade,
    revision bigint not null,
    status text not null, -- enabled, disabled, scheduled_for_deletion, deleted
    description text,
    key_id text, -- of customer_keys, that data_key is sealed under; null: the sealing key of the control plane
    data_key bytea, -- null: the version was deleted
    data bytea,
    crc32 bigint,
    ephemeral_properties text,
    expires_at bigint,
    was_enabled bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    deletion_requested_at bigint,
    deleted_at bigint,
    unique (secret_id, revision)
);
CREATE TABLE secrets (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    region text not null,
    path text not null,
    name text not null,
    type text not null,
    description text,
    tags text not null default '[]',
    protected bigint not null,
    ephemeral_policy text,
    used_by text not null default '[]',
    key_id text, -- of customer_keys
    created_at bigint not null,
    updated_at bigint not null,
    deletion_requested_at bigint
);
CREATE TABLE security_settings (
    organization_id text not null primary key references organizations (id) on delete cascade,
    session_length bigint, -- ns; null: the default
    key_length bigint -- ns; null: keys need not expire
);
CREATE TABLE sequences (
    name text not null primary key,
    last bigint not null
);
CREATE TABLE sessions (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null, -- where it works unless it says otherwise
    principal_id text not null references principals (id) on delete cascade,
    access_key text references api_keys (access_key) on delete cascade, -- the key that asked for it, which limits it
    token_hash text unique, -- null: signed in, and the token not yet fetched
    code_hash text unique, -- of the code that it is fetched with, until then
    code_challenge text, -- base64url of the SHA-256 of what whoever fetches it must know
    created_at bigint not null,
    expires_at bigint not null,
    address text not null,
    user_agent text not null
);
CREATE TABLE settings (
    name text not null primary key,
    value text not null
);
CREATE TABLE ssh_keys (
    id text not null primary key,
    organization_id text not null references organizations (id),
    project_id text not null references projects (id),
    name text not null,
    public_key text not null,
    fingerprint text not null,
    disabled bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    unique (project_id, fingerprint)
);
CREATE TABLE users (
    id text not null primary key references principals (id) on delete cascade,
    organization_id text not null references organizations (id),
    type text not null, -- owner, member
    status text not null, -- invitation_pending, activated
    email text not null,
    username text not null,
    first_name text not null default '',
    last_name text not null default '',
    phone_number text not null default '',
    locale text not null default '',
    tags text not null default '[]',
    locked bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    last_login_at bigint,
    unique (organization_id, username)
);
CREATE TABLE zones (
    name text not null primary key,
    place text,
    jurisdiction text,
    operator_name text,
    declared_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);
CREATE INDEX acl_rules_by_deployment on acl_rules (deployment_id);
CREATE INDEX api_keys_by_default_project on api_keys (default_project_id);
CREATE INDEX api_keys_by_only_project on api_keys (only_project_id);
CREATE INDEX api_keys_by_principal on api_keys (principal_id, created_at, access_key);
CREATE INDEX api_keys_by_time on api_keys (organization_id, created_at, access_key);
CREATE INDEX applications_by_time on applications (organization_id, created_at, id);
CREATE INDEX budget_deliveries_due on budget_deliveries (channel, next_attempt_at);
CREATE INDEX budget_leases_by_zone on budget_leases (zone);
CREATE INDEX budgets_by_organization on budgets (organization, created_at, id);
CREATE INDEX customer_keys_by_deletion on customer_keys (deletion_requested_at);
CREATE INDEX customer_keys_by_organization on customer_keys (organization_id, created_at, id);
CREATE INDEX customer_keys_by_project on customer_keys (project_id);
CREATE INDEX customer_keys_by_rotation on customer_keys (next_rotation_at);
CREATE INDEX deployments_by_model on deployments (model_id);
CREATE INDEX deployments_by_project on deployments (project_id, created_at);
CREATE INDEX endpoints_by_deployment on endpoints (deployment_id);
CREATE INDEX group_members_by_principal on group_members (principal_id);
CREATE INDEX groups_by_time on groups (organization_id, created_at, id);
CREATE INDEX idempotent_requests_by_time on idempotent_requests (created_at);
CREATE INDEX identities_by_principal on identities (principal_id);
CREATE INDEX models_by_project on models (project_id);
CREATE INDEX outbox_by_topic on outbox (topic, id);
CREATE INDEX policies_by_group on policies (group_id);
CREATE INDEX policies_by_principal on policies (principal_id);
CREATE INDEX policies_by_time on policies (organization_id, created_at, id);
CREATE INDEX policy_rules_by_policy on policy_rules (policy_id, place);
CREATE INDEX principals_by_organization on principals (organization_id);
CREATE INDEX projects_by_time on projects (organization_id, created_at, id);
CREATE INDEX quantum_bookings_by_end on quantum_bookings (zone, finished_at);
CREATE INDEX quantum_bookings_by_platform on quantum_bookings (platform_id, started_at);
CREATE INDEX quantum_jobs_by_program on quantum_jobs (program_id);
CREATE INDEX quantum_jobs_by_project on quantum_jobs (project_id, created_at);
CREATE INDEX quantum_jobs_by_revision on quantum_jobs (revision);
CREATE INDEX quantum_jobs_by_session on quantum_jobs (session_id, created_at);
CREATE INDEX quantum_jobs_unfinished on quantum_jobs (zone, ended_at);
CREATE INDEX quantum_processes_by_project on quantum_processes (project_id, created_at);
CREATE INDEX quantum_programs_by_age on quantum_programs (zone, created_at);
CREATE INDEX quantum_programs_by_project on quantum_programs (project_id, created_at);
CREATE INDEX quantum_sessions_by_end on quantum_sessions (zone, terminated_at);
CREATE INDEX quantum_sessions_by_program on quantum_sessions (program_id);
CREATE INDEX quantum_sessions_by_project on quantum_sessions (project_id, created_at);
CREATE INDEX quantum_sessions_by_state on quantum_sessions (zone, state);
CREATE INDEX quotes_by_end on quotes (valid_until);
CREATE INDEX quotes_by_making on quotes (created_at);
CREATE INDEX quotes_by_organization on quotes (organization_id, id);
CREATE INDEX rate_limits_by_organization on rate_limits (organization, created_at, id);
CREATE INDEX replicas_by_deployment on replicas (deployment_id);
CREATE INDEX replicas_by_node on replicas (node_id);
CREATE INDEX secret_versions_by_deletion on secret_versions (deletion_requested_at);
CREATE INDEX secret_versions_by_expiry on secret_versions (expires_at);
CREATE INDEX secret_versions_by_key on secret_versions (key_id);
CREATE INDEX secrets_by_deletion on secrets (deletion_requested_at);
CREATE INDEX secrets_by_organization on secrets (organization_id, created_at, id);
CREATE INDEX secrets_by_place on secrets (project_id, path, name);
CREATE INDEX sessions_by_expiry on sessions (expires_at);
CREATE INDEX sessions_by_principal on sessions (principal_id, created_at, id);
CREATE INDEX ssh_keys_by_organization on ssh_keys (organization_id, created_at, id);
CREATE INDEX users_by_time on users (organization_id, created_at, id);
CREATE INDEX users_by_type on users (organization_id, type, created_at, id);
