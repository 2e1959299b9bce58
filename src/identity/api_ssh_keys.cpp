// iam/v1alpha1: SSH keys, which belong to a project.
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/ssh_key.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

constexpr std::size_t text_max = 65'000;
constexpr std::int64_t keys_max = 1'000;  // of a project

struct SshKey {
    SshKeyId id;
    std::string name, public_key, fingerprint;
    Timestamp created_at, updated_at;
    OrganizationId organization_id;
    ProjectId project_id;
    bool disabled = false;
    std::string srn;  // empty
};
constexpr auto schema_name(As<SshKey>) { return std::string_view("iam.SSHKey"); }
constexpr auto describe(As<SshKey>) {
    return fields(field("id", &SshKey::id), field("name", &SshKey::name), field("public_key", &SshKey::public_key),
                  field("fingerprint", &SshKey::fingerprint), field("created_at", &SshKey::created_at),
                  field("updated_at", &SshKey::updated_at), field("organization_id", &SshKey::organization_id),
                  field("project_id", &SshKey::project_id), field("disabled", &SshKey::disabled), field("srn", &SshKey::srn, no_column));
}

SshKey visible(store::Tx& tx, const Caller& by, const SshKeyId& id) {
    const auto rows = tx.query(select_sql<SshKey>("ssh_keys", "where id = $1 and organization_id = $2"), id, by.organization);
    auto key = rows.empty() ? std::nullopt : std::optional(from_row<SshKey>(rows.front()));
    if (key) check_reach(by, {key->organization_id, key->project_id}, "ssh_key");
    if (!key || !by.may_see(key->project_id)) no_such("ssh_key", id.str());
    return *std::move(key);
}

struct Filter {
    std::string order_by = "created_at_asc", name;
    std::optional<OrganizationId> organization_id;
    std::optional<ProjectId> project_id;
    std::optional<bool> disabled;
};
constexpr auto describe(As<Filter>) {
    return fields(field("order_by", &Filter::order_by, defaulted,
                        one_of{"created_at_asc", "created_at_desc", "updated_at_asc", "updated_at_desc", "name_asc", "name_desc"}),
                  field("name", &Filter::name, defaulted), field("organization_id", &Filter::organization_id),
                  field("project_id", &Filter::project_id), field("disabled", &Filter::disabled));
}

using KeyList = http::Listed<"ssh_keys", SshKey>;

Task<KeyList> list(State& state, Call<Filter> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    Listing listing("ssh_keys");
    listing.of("ssh_keys", by.organization).where_if("project_id = {}", call.in.project_id);
    listing.where_if("disabled = {}", call.in.disabled).order(call.in.order_by);
    if (!call.in.name.empty()) listing.where("name = {}", call.in.name);
    if (by.reach.is_nowhere()) listing.where("1 = 0");
    if (!by.reach.is_everywhere()) listing.among("project_id", std::vector(by.reach.projects().begin(), by.reach.projects().end()));
    co_return co_await state.store.read([listing, page = call.page()](store::Tx& tx) { return KeyList(listing.page<SshKey>(tx, page)); });
}

struct Create {
    std::string name, public_key;
    std::optional<ProjectId> project_id;
};
constexpr auto schema_name(As<Create>) { return std::string_view("iam.CreateSSHKeyRequest"); }
constexpr auto describe(As<Create>) {
    return fields(field("name", &Create::name, defaulted, length{0, 1000}), field("public_key", &Create::public_key, length{1, text_max}),
                  field("project_id", &Create::project_id));
}

void insert(store::Tx& tx, const SshKey& key) {
    const auto count = tx.query("select count(*) as n from ssh_keys where project_id = $1", key.project_id).front().get<std::int64_t>("n");
    if (count >= keys_max) throw Error(Fault::quota, fmt::format("A project has at most {} SSH keys.", keys_max)).about("iam_ssh_key", "");
    if (!tx.query("select 1 as one from ssh_keys where project_id = $1 and fingerprint = $2", key.project_id, key.fingerprint).empty())
        throw Error(Fault::conflict, "The project has this SSH key already.").about("ssh_key", key.fingerprint);
    insert_row(tx, "ssh_keys", key);
    add_count(tx, "ssh_keys", key.organization_id, 1);
    tx.changed("ssh_keys", key.id.str());
}

Task<http::Created<SshKey>> create(State& state, Call<Create> call) {
    const auto by = call.caller_as<Caller>();
    const auto read = read_ssh_public_key(call.in.public_key);
    if (!read) refuse("public_key", "This is no public SSH key of one line, as in a .pub file: type, base64, comment.");
    SshKey made;
    made.id = SshKeyId::random(state.rng);
    made.name = call.in.name;
    made.public_key = call.in.public_key;
    made.fingerprint = read->fingerprint;
    made.created_at = made.updated_at = state.clock.now();
    made.organization_id = by.organization;
    made.project_id = call.in.project_id.value_or(by.project);
    co_await state.change(by, [by, made](store::Tx& tx) {
        check_project(tx, by, made.project_id);
        insert(tx, made);
    });
    co_return http::Created<SshKey>{made};
}

Task<SshKey> get(State& state, Call<> call) {
    co_return co_await state.store.read(
        [by = call.caller_as<Caller>(), id = http::id_param<SshKeyId>(call, "ssh_key_id")](store::Tx& tx) { return visible(tx, by, id); });
}

struct Update {
    std::optional<std::string> name;
    std::optional<bool> disabled;
};
constexpr auto schema_name(As<Update>) { return std::string_view("iam.UpdateSSHKeyRequest"); }
constexpr auto describe(As<Update>) { return fields(field("name", &Update::name, length{0, 1000}), field("disabled", &Update::disabled)); }

Task<SshKey> update(State& state, Call<Update> call) {
    const auto by = call.caller_as<Caller>();
    co_return co_await state.change(by, [&state, by, in = call.in, id = http::id_param<SshKeyId>(call, "ssh_key_id")](store::Tx& tx) {
        auto key = visible(tx, by, id);
        key.name = in.name.value_or(key.name);
        key.disabled = in.disabled.value_or(key.disabled);
        key.updated_at = state.clock.now();
        update_row(tx, "ssh_keys", "id", key);
        tx.changed("ssh_keys", id.str());
        return key;
    });
}

Task<http::NoContent> remove(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await state.change(by, [by, id = http::id_param<SshKeyId>(call, "ssh_key_id")](store::Tx& tx) {
        tx.run("delete from ssh_keys where id = $1", visible(tx, by, id).id);
        add_count(tx, "ssh_keys", by.organization, -1);
        tx.changed("ssh_keys", id.str());
    });
    co_return http::NoContent{};
}

}  // namespace

void add_ssh_key_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const auto all = iam_base + "ssh-keys", one = all + "/{ssh_key_id}";
    add_route<Filter, KeyList>(router, identity, "GET", all, {"read", "ssh_keys"}, doc("ListSSHKeys", "List SSH keys", "iam"), list);
    add_route<Create, http::Created<SshKey>>(router, identity, "POST", all, {"create", "ssh_keys"},
                                             doc("CreateSSHKey", "Add an SSH key to a project", "iam"), create);
    add_route<http::Nothing, SshKey>(router, identity, "GET", one, {"read", "ssh_keys"}, doc("GetSSHKey", "Get an SSH key", "iam"), get);
    add_route<Update, SshKey>(router, identity, "PATCH", one, {"update", "ssh_keys"}, doc("UpdateSSHKey", "Change an SSH key", "iam"),
                              update);
    add_route<http::Nothing, http::NoContent>(router, identity, "DELETE", one, {"remove", "ssh_keys"},
                                              doc("DeleteSSHKey", "Remove an SSH key", "iam"), remove);
}

}  // namespace meridian::identity
