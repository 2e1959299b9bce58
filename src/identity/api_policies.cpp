// iam/v1alpha1: policies, their rules, and the permission sets that rules name.
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/people.h"
#include "identity/permission_sets.h"
#include "identity/policies.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

struct PolicyView {
    PolicyId id;
    std::string name, description;
    OrganizationId organization_id;
    Timestamp created_at, updated_at;
    bool editable = true, deletable = true, managed = false;
    std::uint32_t nb_rules = 0, nb_scopes = 0, nb_permission_sets = 0;
    std::vector<std::string> tags;
    std::optional<PrincipalId> user_id, application_id;
    std::optional<GroupId> group_id;
    std::optional<bool> no_principal;
    std::string srn;
};
constexpr auto schema_name(As<PolicyView>) { return std::string_view("iam.Policy"); }
constexpr auto describe(As<PolicyView>) {
    return fields(field("id", &PolicyView::id), field("name", &PolicyView::name), field("description", &PolicyView::description),
                  field("organization_id", &PolicyView::organization_id), field("created_at", &PolicyView::created_at),
                  field("updated_at", &PolicyView::updated_at), field("editable", &PolicyView::editable),
                  field("deletable", &PolicyView::deletable), field("managed", &PolicyView::managed),
                  field("nb_rules", &PolicyView::nb_rules), field("nb_scopes", &PolicyView::nb_scopes),
                  field("nb_permission_sets", &PolicyView::nb_permission_sets), field("tags", &PolicyView::tags),
                  field("user_id", &PolicyView::user_id), field("group_id", &PolicyView::group_id),
                  field("application_id", &PolicyView::application_id), field("no_principal", &PolicyView::no_principal),
                  field("srn", &PolicyView::srn));
}

PolicyView view_of(store::Tx& tx, const PolicyRow& row) {
    PolicyView view;
    view.id = row.id;
    view.name = row.name;
    view.description = row.description;
    view.organization_id = row.organization;
    view.created_at = row.created_at;
    view.updated_at = row.updated_at;
    for (const auto& rule : rules_of(tx, row.id)) {
        ++view.nb_rules;
        view.nb_scopes += rule.projects ? static_cast<std::uint32_t>(rule.projects->size()) : 1;
        view.nb_permission_sets += static_cast<std::uint32_t>(rule.permission_sets.size());
    }
    view.tags = row.tags;
    if (row.principal) (find_principal(tx, row.organization, *row.principal) == true ? view.user_id : view.application_id) = row.principal;
    view.group_id = row.group;
    if (!row.principal && !row.group) view.no_principal = true;
    return view;
}

// Whom a policy is for: one of them, or nobody.
struct Bearer {
    std::optional<PrincipalId> user_id, application_id;
    std::optional<GroupId> group_id;
    std::optional<bool> no_principal;
    [[nodiscard]] bool is_given() const { return user_id || application_id || group_id || no_principal == true; }
};
void give(store::Tx& tx, const Caller& by, const Bearer& to, PolicyRow& row) {
    if ((to.user_id ? 1 : 0) + (to.application_id ? 1 : 0) + (to.group_id ? 1 : 0) + (to.no_principal == true ? 1 : 0) != 1)
        refuse("no_principal", "A policy is for one user, group or application, or has no principal: give one of the four.");
    row.principal = to.user_id ? to.user_id : to.application_id;
    row.group = to.group_id;
    if (to.user_id) visible_user(tx, by, *to.user_id);
    if (to.application_id) visible_application(tx, by, *to.application_id);
    if (to.group_id) visible_group(tx, by, *to.group_id);
}

struct RuleSpecs {
    std::vector<std::string> permission_set_names;
    std::string condition;
    std::vector<ProjectId> project_ids;
    std::optional<OrganizationId> organization_id;
};
constexpr auto schema_name(As<RuleSpecs>) { return std::string_view("iam.RuleSpecs"); }
constexpr auto describe(As<RuleSpecs>) {
    return fields(field("permission_set_names", &RuleSpecs::permission_set_names, at_most{100}),
                  field("condition", &RuleSpecs::condition, defaulted, length{0, 2048}),
                  field("project_ids", &RuleSpecs::project_ids, at_most{1000}), field("organization_id", &RuleSpecs::organization_id));
}

std::vector<PolicyRule> rules_from(const Caller& by, const std::vector<RuleSpecs>& specs) {
    std::vector<PolicyRule> made;
    for (const auto& spec : specs) {
        // One that is not understood would allow more than it says.
        if (!spec.condition.empty())
            refuse("rules.condition", "Rules with a condition are not known here. Leave it empty; nothing was changed.");
        if (spec.organization_id && !spec.project_ids.empty())
            refuse("rules.organization_id", "Give project_ids or organization_id, not both.");
        check_organization(by, spec.organization_id);
        PolicyRule rule;
        rule.permission_sets = spec.permission_set_names;
        if (!spec.organization_id) rule.projects = spec.project_ids;
        made.push_back(std::move(rule));
    }
    return made;
}

struct PolicyFilter {
    std::string order_by = "created_at_asc", policy_name, tag;
    std::optional<OrganizationId> organization_id;
    std::optional<bool> editable, no_principal;
    std::vector<PrincipalId> user_ids, application_ids;
    std::vector<GroupId> group_ids;
    std::vector<PolicyId> policy_ids;
};
constexpr auto describe(As<PolicyFilter>) {
    return fields(field("order_by", &PolicyFilter::order_by, defaulted,
                        one_of{"policy_name_asc", "policy_name_desc", "created_at_asc", "created_at_desc"}),
                  field("policy_name", &PolicyFilter::policy_name, defaulted), field("tag", &PolicyFilter::tag, defaulted),
                  field("organization_id", &PolicyFilter::organization_id), field("editable", &PolicyFilter::editable),
                  field("no_principal", &PolicyFilter::no_principal), field("user_ids", &PolicyFilter::user_ids, at_most{1000}),
                  field("application_ids", &PolicyFilter::application_ids, at_most{1000}),
                  field("group_ids", &PolicyFilter::group_ids, at_most{1000}),
                  field("policy_ids", &PolicyFilter::policy_ids, at_most{1000}));
}

using PolicyList = http::Listed<"policies", PolicyView>;

Task<PolicyList> list(State& state, Call<PolicyFilter> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    auto principals = call.in.user_ids;
    principals.insert(principals.end(), call.in.application_ids.begin(), call.in.application_ids.end());
    std::string_view order = call.in.order_by;
    if (order.starts_with("policy_")) order.remove_prefix(std::string_view("policy_").size());
    Listing listing("policies");
    listing.of("policies", by.organization).among("id", call.in.policy_ids).order(order);
    listing.among("principal_id", principals).among("group_id", call.in.group_ids);
    if (!call.in.policy_name.empty()) listing.where("name = {}", call.in.policy_name);
    if (!call.in.tag.empty()) listing.where("replace(tags, {}, '') <> tags", stored_tag(call.in.tag));
    if (call.in.no_principal == true) listing.where("principal_id is null and group_id is null");
    if (call.in.editable == false) listing.where("1 = 0");
    co_return co_await state.store.read([listing, page = call.page()](store::Tx& tx) {
        return PolicyList(mapped(listing.page<PolicyRow>(tx, page), [&](const PolicyRow& row) { return view_of(tx, row); }));
    });
}

struct CreatePolicy : Bearer {
    std::optional<OrganizationId> organization_id;
    std::string name, description;
    std::vector<RuleSpecs> rules;
    std::vector<std::string> tags;
};
constexpr auto schema_name(As<CreatePolicy>) { return std::string_view("iam.CreatePolicyRequest"); }
constexpr auto describe(As<CreatePolicy>) {
    return fields(field("organization_id", &CreatePolicy::organization_id), field("name", &CreatePolicy::name),
                  field("description", &CreatePolicy::description, defaulted), field("rules", &CreatePolicy::rules, at_most{50}),
                  field("tags", &CreatePolicy::tags), field("user_id", &CreatePolicy::user_id),
                  field("application_id", &CreatePolicy::application_id), field("group_id", &CreatePolicy::group_id),
                  field("no_principal", &CreatePolicy::no_principal));
}

Task<http::Created<PolicyView>> create(State& state, Call<CreatePolicy> call) {
    const auto by = call.caller_as<Caller>();
    const auto& in = call.in;
    check_organization(by, in.organization_id);
    check_name(in.name, "a policy");
    check_description(in.description);
    check_tags(in.tags);
    const auto now = state.clock.now();
    PolicyRow row{.id = PolicyId::random(state.rng),
                  .organization = by.organization,
                  .name = in.name,
                  .description = in.description,
                  .tags = in.tags,
                  .principal = {},
                  .group = {},
                  .created_at = now,
                  .updated_at = now};
    co_return http::Created<PolicyView>{
        co_await state.change(by, [&state, by, row, to = Bearer(in), rules = rules_from(by, in.rules)](store::Tx& tx) mutable {
            give(tx, by, to, row);
            insert_policy(tx, row);
            set_rules(tx, by, row, rules, state.rng);
            return view_of(tx, row);
        })};
}

Task<PolicyView> get(State& state, Call<> call) {
    co_return co_await state.store.read([by = call.caller_as<Caller>(), id = http::id_param<PolicyId>(call, "policy_id")](store::Tx& tx) {
        return view_of(tx, visible_policy(tx, by, id));
    });
}

struct UpdatePolicy : Bearer {
    std::optional<std::string> name, description;
    std::optional<std::vector<std::string>> tags;
};
constexpr auto schema_name(As<UpdatePolicy>) { return std::string_view("iam.UpdatePolicyRequest"); }
constexpr auto describe(As<UpdatePolicy>) {
    return fields(field("name", &UpdatePolicy::name), field("description", &UpdatePolicy::description), field("tags", &UpdatePolicy::tags),
                  field("user_id", &UpdatePolicy::user_id), field("application_id", &UpdatePolicy::application_id),
                  field("group_id", &UpdatePolicy::group_id), field("no_principal", &UpdatePolicy::no_principal));
}

Task<PolicyView> update(State& state, Call<UpdatePolicy> call) {
    const auto by = call.caller_as<Caller>();
    const auto& in = call.in;
    if (in.name) check_name(*in.name, "a policy");
    if (in.description) check_description(*in.description);
    if (in.tags) check_tags(*in.tags);
    co_return co_await state.change(by, [&state, by, in, id = http::id_param<PolicyId>(call, "policy_id")](store::Tx& tx) {
        auto row = visible_policy(tx, by, id);
        row.name = in.name.value_or(row.name);
        row.description = in.description.value_or(row.description);
        row.tags = in.tags.value_or(row.tags);
        row.updated_at = state.clock.now();
        if (in.is_given()) {
            give(tx, by, in, row);
            // Whoever gets the policy gets its rules: they are checked as if they were written now.
            set_rules(tx, by, row, rules_of(tx, row.id), state.rng);
        }
        update_policy(tx, row);
        return view_of(tx, row);
    });
}

Task<PolicyView> clone(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_return co_await state.change(by, [&state, by, id = http::id_param<PolicyId>(call, "policy_id")](store::Tx& tx) {
        auto row = visible_policy(tx, by, id);
        const auto rules = rules_of(tx, row.id);
        row.id = PolicyId::random(state.rng);
        constexpr std::size_t kept = 50;  // of the name, so that the copy's has room
        row.name = row.name.substr(0, kept) + " " + row.id.str().substr(0, 8);
        row.created_at = row.updated_at = state.clock.now();
        insert_policy(tx, row);
        set_rules(tx, by, row, rules, state.rng);
        return view_of(tx, row);
    });
}

Task<http::NoContent> remove(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await state.change(
        by, [by, id = http::id_param<PolicyId>(call, "policy_id")](store::Tx& tx) { remove_policy(tx, visible_policy(tx, by, id)); });
    co_return http::NoContent{};
}

struct RuleView {
    RuleId id;
    std::vector<std::string> permission_set_names;
    std::string permission_sets_scope_type, condition;
    std::optional<std::vector<ProjectId>> project_ids;
    std::optional<OrganizationId> organization_id;
    std::optional<std::string> account_root_user_id;
    std::string srn;
};
constexpr auto schema_name(As<RuleView>) { return std::string_view("iam.Rule"); }
constexpr auto describe(As<RuleView>) {
    return fields(field("id", &RuleView::id), field("permission_set_names", &RuleView::permission_set_names),
                  field("permission_sets_scope_type", &RuleView::permission_sets_scope_type), field("condition", &RuleView::condition),
                  field("project_ids", &RuleView::project_ids), field("organization_id", &RuleView::organization_id),
                  field("account_root_user_id", &RuleView::account_root_user_id), field("srn", &RuleView::srn));
}

std::string word_of(Level scope) { return scope == Level::project ? "projects" : "organization"; }

std::vector<RuleView> views_of(const PolicyRow& policy, const std::vector<PolicyRule>& rules) {
    std::vector<RuleView> made;
    for (const auto& rule : rules) {
        RuleView view;
        view.id = rule.id;
        view.permission_set_names = rule.permission_sets;
        const auto* const set = rule.permission_sets.empty() ? nullptr : permission_set(rule.permission_sets.front());
        view.permission_sets_scope_type = set ? word_of(set->scope) : "unknown_scope_type";
        view.project_ids = rule.projects;
        if (!rule.projects) view.organization_id = policy.organization;
        made.push_back(std::move(view));
    }
    return made;
}

struct SetRules {
    PolicyId policy_id;
    std::vector<RuleSpecs> rules;
};
constexpr auto schema_name(As<SetRules>) { return std::string_view("iam.SetRulesRequest"); }
constexpr auto describe(As<SetRules>) {
    return fields(field("policy_id", &SetRules::policy_id), field("rules", &SetRules::rules, at_most{50}));
}
struct RulesAnswer {
    std::vector<RuleView> rules;
};
constexpr auto schema_name(As<RulesAnswer>) { return std::string_view("iam.SetRulesResponse"); }
constexpr auto describe(As<RulesAnswer>) { return fields(field("rules", &RulesAnswer::rules)); }

Task<RulesAnswer> put_rules(State& state, Call<SetRules> call) {
    const auto by = call.caller_as<Caller>();
    co_return co_await state.change(by, [&state, by, id = call.in.policy_id, rules = rules_from(by, call.in.rules)](store::Tx& tx) {
        auto row = visible_policy(tx, by, id);
        set_rules(tx, by, row, rules, state.rng);
        row.updated_at = state.clock.now();
        update_policy(tx, row);
        return RulesAnswer{views_of(row, rules_of(tx, id))};
    });
}

struct RuleFilter {
    PolicyId policy_id;
};
constexpr auto describe(As<RuleFilter>) { return fields(field("policy_id", &RuleFilter::policy_id)); }
using RuleList = http::Listed<"rules", RuleView>;

Task<RuleList> list_rules(State& state, Call<RuleFilter> call) {
    co_return co_await state.store.read([by = call.caller_as<Caller>(), id = call.in.policy_id, page = call.page()](store::Tx& tx) {
        const auto policy = visible_policy(tx, by, id);
        return RuleList(page_of(views_of(policy, rules_of(tx, id)), page));
    });
}

struct SetView {
    Uuid id;
    std::string name, scope_type, description;
    std::vector<std::string> categories;
};
constexpr auto schema_name(As<SetView>) { return std::string_view("iam.PermissionSet"); }
constexpr auto describe(As<SetView>) {
    return fields(field("id", &SetView::id), field("name", &SetView::name), field("scope_type", &SetView::scope_type),
                  field("description", &SetView::description), field("categories", &SetView::categories));
}
struct SetFilter {
    std::string order_by = "name_asc";
    std::optional<OrganizationId> organization_id;
};
constexpr auto describe(As<SetFilter>) {
    return fields(field("order_by", &SetFilter::order_by, defaulted, one_of{"name_asc", "name_desc", "created_at_asc", "created_at_desc"}),
                  field("organization_id", &SetFilter::organization_id));
}
using SetList = http::Listed<"permission_sets", SetView>;

SetList list_sets(const Call<SetFilter>& call) {
    std::vector<SetView> all;
    for (const auto& set : permission_sets())
        all.push_back({id_of(set), std::string(set.name), word_of(set.scope), std::string(set.description), {std::string(set.category)}});
    if (call.in.order_by.ends_with("_desc")) std::ranges::reverse(all);
    return page_of(std::move(all), call.page());
}

}  // namespace

void add_policy_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const auto all = iam_base + "policies", one = all + "/{policy_id}", rules = iam_base + "rules";
    add_route<PolicyFilter, PolicyList>(router, identity, "GET", all, {"read", "policies"}, doc("ListPolicies", "List policies", "iam"),
                                        list);
    add_route<CreatePolicy, http::Created<PolicyView>>(router, identity, "POST", all, {"create", "policies"},
                                                       doc("CreatePolicy", "Make a policy with its rules", "iam"), create);
    add_route<http::Nothing, PolicyView>(router, identity, "GET", one, {"read", "policies"}, doc("GetPolicy", "Get a policy", "iam"), get);
    add_route<UpdatePolicy, PolicyView>(router, identity, "PATCH", one, {"update", "policies"},
                                        doc("UpdatePolicy", "Change a policy, or whom it is for", "iam"), update);
    add_route<http::Nothing, http::NoContent>(router, identity, "DELETE", one, {"remove", "policies"},
                                              doc("DeletePolicy", "Delete a policy", "iam"), remove);
    add_route<http::Nothing, PolicyView>(router, identity, "POST", one + "/clone", {"create", "policies"},
                                         doc("ClonePolicy", "Copy a policy", "iam"), clone);
    add_route<RuleFilter, RuleList>(router, identity, "GET", rules, {"read", "policies"},
                                    doc("ListRules", "List the rules of a policy", "iam"), list_rules);
    add_route<SetRules, RulesAnswer>(router, identity, "PUT", rules, {"update", "policies"},
                                     doc("SetRules", "Put others in the place of a policy's rules", "iam"), put_rules);
    router.add(http::typed<SetFilter, SetList>("GET", iam_base + "permission-sets", {"read", "organization"}, http::Dialect::scaleway,
                                               doc("ListPermissionSets", "List what rules can allow", "iam"), list_sets));
}

}  // namespace meridian::identity
