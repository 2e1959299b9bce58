#include "inference/store.h"

#include "base/json.h"

namespace meridian::inference::rows {
namespace {

std::string texts(const std::vector<std::string>& list) {
    JsonArray out;
    for (const auto& text : list) out.emplace_back(text);
    return to_text(out);
}

template <class N>
JsonArray numbers(const std::vector<N>& list) {
    JsonArray out;
    for (const auto& each : list) out.emplace_back(each);
    return out;
}

std::vector<int> numbers_in(const Json& json) {
    std::vector<int> out;
    if (!json.is_array()) throw Error(Fault::bug, "A stored list is damaged.");
    for (const auto& each : json.get_array()) out.push_back(static_cast<int>(each.as_int64()));
    return out;
}

std::vector<std::string> texts_in(const std::string& column) {
    const auto parsed = parse_json(column);
    if (!parsed || !parsed->is_array()) throw Error(Fault::bug, "A stored list is damaged.");
    std::vector<std::string> out;
    for (const auto& item : parsed->get_array()) out.emplace_back(view(item.as_string()));
    return out;
}

Deployment deployment_in(const store::Row& row) {
    Deployment d;
    d.id = store::id_in<DeploymentId>(row, "id");
    d.name = row.get<std::string>("name");
    d.organization = store::id_in<OrganizationId>(row, "organization_id");
    d.project = store::id_in<ProjectId>(row, "project_id");
    const auto state = deployment_state(row.get<std::string>("state"));
    if (!state) throw Error(Fault::bug, "A stored state is damaged.", "deployment " + d.id.str());
    d.state = *state;
    d.tags = texts_in(row.get<std::string>("tags"));
    d.node_type = row.get<std::string>("node_type");
    d.model = store::id_in<ModelId>(row, "model_id");
    d.model_name = row.get<std::string>("model_name");
    d.min_size = row.get<std::uint32_t>("min_size");
    d.max_size = row.get<std::uint32_t>("max_size");
    d.size = row.get<std::uint32_t>("size");
    d.error_message = row.get<std::optional<std::string>>("error_message");
    d.placed_because = row.get<std::string>("placed_because");
    d.created_at = row.get<Timestamp>("created_at");
    d.updated_at = row.get<Timestamp>("updated_at");
    d.version = row.get<std::int64_t>("version");
    if (row.get<std::optional<std::string>>("principal_id")) d.principal = store::id_in<PrincipalId>(row, "principal_id");
    if (row.get<std::optional<std::string>>("quote_id")) {
        d.quoted = QuotedHours{.quote = store::id_in<QuoteId>(row, "quote_id"),
                               .per_hour = Money::nanos(row.get<std::int64_t>("quoted_per_hour")),
                               .hours = row.get<std::uint32_t>("quoted_hours"),
                               .replicas = row.get<std::uint32_t>("quoted_replicas"),
                               .until = row.get<std::optional<Timestamp>>("quoted_until")};
    }
    return d;
}

// Endpoints and rules of all that are given.
void add_parts(store::Tx& tx, std::vector<Deployment>& deployments) {
    for (const auto& row : tx.query("select id, deployment_id, auth_disabled from endpoints order by created_at, id")) {
        const auto owner = store::id_in<DeploymentId>(row, "deployment_id");
        for (auto& d : deployments) {
            if (d.id == owner) d.endpoints.push_back({store::id_in<EndpointId>(row, "id"), row.get<bool>("auth_disabled")});
        }
    }
    for (const auto& row : tx.query("select id, deployment_id, ip, description from acl_rules order by created_at, id")) {
        const auto owner = store::id_in<DeploymentId>(row, "deployment_id");
        const auto ip = parse_network(row.get<std::string>("ip"));
        // Left out it would let in whom it shall keep out.
        if (!ip) throw Error(Fault::bug, "A stored access rule is damaged.", "deployment " + owner.str());
        for (auto& d : deployments) {
            if (d.id == owner) d.acl.push_back({store::id_in<AclRuleId>(row, "id"), *ip, row.get<std::string>("description")});
        }
    }
}

}  // namespace

void insert(store::Tx& tx, const Deployment& d, std::string_view zone) {
    tx.run(
        "insert into deployments (id, name, organization_id, project_id, region, zone, state, tags, node_type, model_id, model_name, "
        "min_size, "
        "max_size, size, error_message, placed_because, created_at, updated_at, version, principal_id) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        d.id, d.name, d.organization, d.project, zone.substr(0, 6), zone, name(d.state), texts(d.tags), d.node_type, d.model, d.model_name,
        d.min_size, d.max_size, d.size, d.error_message, d.placed_because, d.created_at, d.updated_at, d.version, d.principal);
    if (d.quoted) {
        tx.run("update deployments set quote_id = $1, quoted_per_hour = $2, quoted_hours = $3, quoted_replicas = $4 where id = $5",
               d.quoted->quote, d.quoted->per_hour.count(), d.quoted->hours, d.quoted->replicas, d.id);
    }
    for (const auto& endpoint : d.endpoints) insert(tx, d.id, endpoint, d.created_at);
    tx.changed("deployments", d.id.str());
}

void update(store::Tx& tx, Deployment& d) {
    const auto rows = tx.query("select state from deployments where id = $1", d.id);
    if (rows.empty()) throw Error(Fault::not_found, "This deployment no longer exists.").about("deployment", d.id.str());
    const auto before = deployment_state(rows.front().get<std::string>("state"));
    MERIDIAN_ASSERT(before && (*before == d.state || may_move(*before, d.state)));
    const auto changed = tx.run(
        "update deployments set name = $1, state = $2, tags = $3, min_size = $4, max_size = $5, size = $6, error_message = $7, "
        "placed_because = $8, "
        "updated_at = $9, model_id = $10, model_name = $11, quoted_until = $12, version = version + 1 where id = $13 and version = $14",
        d.name, name(d.state), texts(d.tags), d.min_size, d.max_size, d.size, d.error_message, d.placed_because, d.updated_at, d.model,
        d.model_name, d.quoted ? d.quoted->until : std::nullopt, d.id, d.version);
    if (changed == 0) {
        throw Error(Fault::conflict, "The deployment was changed by somebody else at the same time; read it again and retry.")
            .about("deployment", d.id.str())
            .in_state(std::string(name(*before)));
    }
    ++d.version;
    tx.changed("deployments", d.id.str());
}

void remove(store::Tx& tx, const DeploymentId& id) {
    tx.run("delete from deployments where id = $1", id);
    tx.changed("deployments", id.str());
}

std::optional<Deployment> find(store::Tx& tx, const DeploymentId& id) {
    std::vector<Deployment> found;
    for (const auto& row : tx.query("select * from deployments where id = $1", id)) found.push_back(deployment_in(row));
    if (found.empty()) return std::nullopt;
    add_parts(tx, found);
    return std::move(found.front());
}

std::vector<Deployment> all(store::Tx& tx) {
    std::vector<Deployment> out;
    for (const auto& row : tx.query("select * from deployments order by created_at desc, id")) out.push_back(deployment_in(row));
    add_parts(tx, out);
    return out;
}

void insert(store::Tx& tx, const DeploymentId& deployment, const Endpoint& endpoint, Timestamp now) {
    tx.run("insert into endpoints (id, deployment_id, auth_disabled, created_at, updated_at) values ($1, $2, $3, $4, $4)", endpoint.id,
           deployment, endpoint.auth_disabled, now);
    tx.changed("deployments", deployment.str());
}

void update(store::Tx& tx, const DeploymentId& deployment, const Endpoint& endpoint, Timestamp now) {
    tx.run("update endpoints set auth_disabled = $1, updated_at = $2 where id = $3", endpoint.auth_disabled, now, endpoint.id);
    tx.changed("deployments", deployment.str());
}

void remove(store::Tx& tx, const DeploymentId& deployment, const EndpointId& id) {
    tx.run("delete from endpoints where id = $1", id);
    tx.changed("deployments", deployment.str());
}

std::optional<DeploymentId> deployment_of(store::Tx& tx, const EndpointId& id) {
    const auto rows = tx.query("select deployment_id from endpoints where id = $1", id);
    if (rows.empty()) return std::nullopt;
    return store::id_in<DeploymentId>(rows.front(), "deployment_id");
}

void insert(store::Tx& tx, const DeploymentId& deployment, const AclRule& rule, Timestamp now) {
    tx.run("insert into acl_rules (id, deployment_id, ip, description, created_at) values ($1, $2, $3, $4, $5)", rule.id, deployment,
           rule.ip.str(), rule.description, now);
    tx.changed("deployments", deployment.str());
}

void remove(store::Tx& tx, const DeploymentId& deployment, const AclRuleId& id) {
    tx.run("delete from acl_rules where id = $1", id);
    tx.changed("deployments", deployment.str());
}

std::optional<DeploymentId> deployment_of(store::Tx& tx, const AclRuleId& id) {
    const auto rows = tx.query("select deployment_id from acl_rules where id = $1", id);
    if (rows.empty()) return std::nullopt;
    return store::id_in<DeploymentId>(rows.front(), "deployment_id");
}

void insert(store::Tx& tx, const ReplicaRow& replica, std::string_view zone) {
    tx.run(
        "insert into replicas (id, deployment_id, node_id, zone, state, gpus, memory_bytes, cpus, document, created_at, updated_at) "
        "values ($1, $2, $3, $4, 'wanted', $5, $6, $7, $8, $9, $9)",
        replica.id, replica.deployment, replica.node, zone, to_text(numbers(replica.gpus)), replica.memory_bytes,
        static_cast<std::int64_t>(replica.cpu_ids.size()),
        to_text(JsonObject{{"cpu_ids", numbers(replica.cpu_ids)}, {"runtime", replica.runtime}}), replica.created_at);
}

void remove(store::Tx& tx, const ReplicaId& id) { tx.run("delete from replicas where id = $1", id); }

std::vector<ReplicaRow> replicas(store::Tx& tx) {
    std::vector<ReplicaRow> out;
    for (const auto& row : tx.query("select * from replicas order by created_at, id")) {
        ReplicaRow r;
        r.id = store::id_in<ReplicaId>(row, "id");
        r.deployment = store::id_in<DeploymentId>(row, "deployment_id");
        r.node = store::id_in<NodeId>(row, "node_id");
        r.created_at = row.get<Timestamp>("created_at");
        r.memory_bytes = row.get<std::uint64_t>("memory_bytes");
        const auto gpus = parse_json(row.get<std::string>("gpus")), document = parse_json(row.get<std::string>("document"));
        const auto* cpus = document ? member(*document, "cpu_ids") : nullptr;
        const auto* runtime = document ? text_member(*document, "runtime") : nullptr;
        if (!gpus) throw Error(Fault::bug, "A stored replica is damaged.", "replica " + r.id.str());
        r.gpus = numbers_in(*gpus);
        if (cpus) r.cpu_ids = numbers_in(*cpus);
        r.runtime = runtime ? view(*runtime) : std::string_view("llama.cpp");  // there was one before they were named
        out.push_back(std::move(r));
    }
    return out;
}

}  // namespace meridian::inference::rows
