// iam/v1alpha1: applications, the principals that are no people.
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/people.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

struct ApplicationView {
    PrincipalId id;
    std::string name, description;
    Timestamp created_at, updated_at;
    OrganizationId organization_id;
    bool editable = true, deletable = true, managed = false;
    std::uint32_t nb_api_keys = 0;
    std::vector<std::string> tags;
    std::string srn;
};
constexpr auto schema_name(As<ApplicationView>) { return std::string_view("iam.Application"); }
constexpr auto describe(As<ApplicationView>) {
    return fields(field("id", &ApplicationView::id), field("name", &ApplicationView::name),
                  field("description", &ApplicationView::description), field("created_at", &ApplicationView::created_at),
                  field("updated_at", &ApplicationView::updated_at), field("organization_id", &ApplicationView::organization_id),
                  field("editable", &ApplicationView::editable), field("deletable", &ApplicationView::deletable),
                  field("managed", &ApplicationView::managed), field("nb_api_keys", &ApplicationView::nb_api_keys),
                  field("tags", &ApplicationView::tags), field("srn", &ApplicationView::srn));
}

ApplicationView view_of(store::Tx& tx, const Application& row) {
    ApplicationView view;
    view.id = row.id;
    view.name = row.name;
    view.description = row.description;
    view.created_at = row.created_at;
    view.updated_at = row.updated_at;
    view.organization_id = row.organization;
    view.nb_api_keys = static_cast<std::uint32_t>(count_keys_of(tx, row.id));
    view.tags = row.tags;
    return view;
}

struct ApplicationFilter {
    std::string order_by = "created_at_asc", name, tag;
    std::optional<OrganizationId> organization_id;
    std::optional<bool> editable;
    std::vector<PrincipalId> application_ids;
};
constexpr auto describe(As<ApplicationFilter>) {
    return fields(field("order_by", &ApplicationFilter::order_by, defaulted,
                        one_of{"created_at_asc", "created_at_desc", "updated_at_asc", "updated_at_desc", "name_asc", "name_desc"}),
                  field("name", &ApplicationFilter::name, defaulted), field("tag", &ApplicationFilter::tag, defaulted),
                  field("organization_id", &ApplicationFilter::organization_id), field("editable", &ApplicationFilter::editable),
                  field("application_ids", &ApplicationFilter::application_ids, at_most{1000}));
}

using ApplicationList = http::Listed<"applications", ApplicationView>;

Task<ApplicationList> list(State& state, Call<ApplicationFilter> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    Listing listing("applications");
    listing.of("applications", by.organization).among("id", call.in.application_ids).order(call.in.order_by);
    if (!call.in.name.empty()) listing.where("name = {}", call.in.name);
    if (!call.in.tag.empty()) listing.where("replace(tags, {}, '') <> tags", stored_tag(call.in.tag));
    if (call.in.editable == false) listing.where("1 = 0");
    co_return co_await state.store.read([listing, page = call.page()](store::Tx& tx) {
        return ApplicationList(mapped(listing.page<Application>(tx, page), [&](const Application& row) { return view_of(tx, row); }));
    });
}

struct CreateApplication {
    std::string name, description;
    std::optional<OrganizationId> organization_id;
    std::vector<std::string> tags;
};
constexpr auto schema_name(As<CreateApplication>) { return std::string_view("iam.CreateApplicationRequest"); }
constexpr auto describe(As<CreateApplication>) {
    return fields(field("name", &CreateApplication::name), field("description", &CreateApplication::description, defaulted),
                  field("organization_id", &CreateApplication::organization_id), field("tags", &CreateApplication::tags));
}

Task<http::Created<ApplicationView>> create(State& state, Call<CreateApplication> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    check_name(call.in.name, "an application");
    check_description(call.in.description);
    check_tags(call.in.tags);
    const auto now = state.clock.now();
    const Application made{.id = PrincipalId::random(state.rng),
                           .organization = by.organization,
                           .name = call.in.name,
                           .description = call.in.description,
                           .tags = call.in.tags,
                           .created_at = now,
                           .updated_at = now};
    co_return http::Created<ApplicationView>{co_await state.change(by, [made](store::Tx& tx) {
        insert_application(tx, made);
        return view_of(tx, made);
    })};
}

Task<ApplicationView> get(State& state, Call<> call) {
    co_return co_await state.store.read([by = call.caller_as<Caller>(), id = http::id_param<PrincipalId>(call, "application_id")](
                                            store::Tx& tx) { return view_of(tx, visible_application(tx, by, id)); });
}

struct UpdateApplication {
    std::optional<std::string> name, description;
    std::optional<std::vector<std::string>> tags;
};
constexpr auto schema_name(As<UpdateApplication>) { return std::string_view("iam.UpdateApplicationRequest"); }
constexpr auto describe(As<UpdateApplication>) {
    return fields(field("name", &UpdateApplication::name), field("description", &UpdateApplication::description),
                  field("tags", &UpdateApplication::tags));
}

Task<ApplicationView> update(State& state, Call<UpdateApplication> call) {
    const auto by = call.caller_as<Caller>();
    const auto& in = call.in;
    if (in.name) check_name(*in.name, "an application");
    if (in.description) check_description(*in.description);
    if (in.tags) check_tags(*in.tags);
    co_return co_await state.change(by, [&state, by, in, id = http::id_param<PrincipalId>(call, "application_id")](store::Tx& tx) {
        auto row = visible_application(tx, by, id);
        row.name = in.name.value_or(row.name);
        row.description = in.description.value_or(row.description);
        row.tags = in.tags.value_or(row.tags);
        row.updated_at = state.clock.now();
        update_application(tx, row);
        return view_of(tx, row);
    });
}

Task<http::NoContent> remove(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await state.change(by, [by, id = http::id_param<PrincipalId>(call, "application_id")](store::Tx& tx) {
        remove_application(tx, visible_application(tx, by, id));
    });
    co_return http::NoContent{};
}

}  // namespace

void add_application_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const auto all = iam_base + "applications", one = all + "/{application_id}";
    add_route<ApplicationFilter, ApplicationList>(router, identity, "GET", all, {"read", "applications"},
                                                  doc("ListApplications", "List applications", "iam"), list);
    add_route<CreateApplication, http::Created<ApplicationView>>(router, identity, "POST", all, {"create", "applications"},
                                                                 doc("CreateApplication", "Make an application", "iam"), create);
    add_route<http::Nothing, ApplicationView>(router, identity, "GET", one, {"read", "applications"},
                                              doc("GetApplication", "Get an application", "iam"), get);
    add_route<UpdateApplication, ApplicationView>(router, identity, "PATCH", one, {"update", "applications"},
                                                  doc("UpdateApplication", "Change an application", "iam"), update);
    add_route<http::Nothing, http::NoContent>(router, identity, "DELETE", one, {"remove", "applications"},
                                              doc("DeleteApplication", "Delete an application with its keys", "iam"), remove);
}

}  // namespace meridian::identity
