// iam/v1alpha1: the organization, and how much there may be of what belongs to it.
#include <fmt/format.h>

#include "identity/api.h"
#include "identity/oidc/providers.h"
#include "identity/quotas.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

struct OrganizationView {
    OrganizationId id;
    std::string name, alias;
    bool login_password_enabled = false, login_magic_code_enabled = false, login_oauth2_enabled = false, login_saml_enabled = false;
};
constexpr auto schema_name(As<OrganizationView>) { return std::string_view("iam.Organization"); }
constexpr auto describe(As<OrganizationView>) {
    return fields(field("id", &OrganizationView::id), field("name", &OrganizationView::name), field("alias", &OrganizationView::alias),
                  field("login_password_enabled", &OrganizationView::login_password_enabled),
                  field("login_magic_code_enabled", &OrganizationView::login_magic_code_enabled),
                  field("login_oauth2_enabled", &OrganizationView::login_oauth2_enabled),
                  field("login_saml_enabled", &OrganizationView::login_saml_enabled));
}

Task<OrganizationView> get(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    const auto id = http::id_param<OrganizationId>(call, "organization_id");
    co_return co_await state.store.read([by, id](store::Tx& tx) {
        const auto found = visible_organization(tx, by, id);
        OrganizationView view;
        view.id = found.id;
        view.name = found.name;
        view.login_oauth2_enabled = find_provider(tx, id).has_value();
        return view;
    });
}

struct QuotumLimit {
    bool global = true;
    std::optional<std::string> region, zone;
    std::int64_t limit = 0;
};
constexpr auto describe(As<QuotumLimit>) {
    return fields(field("global", &QuotumLimit::global), field("region", &QuotumLimit::region), field("zone", &QuotumLimit::zone),
                  field("limit", &QuotumLimit::limit));
}
struct Quotum {
    std::string name;
    std::int64_t limit = 0;
    std::string pretty_name, unit = "", description, locality_type = "global";
    std::vector<QuotumLimit> limits;
    std::string srn;
};
constexpr auto schema_name(As<Quotum>) { return std::string_view("iam.Quotum"); }
constexpr auto describe(As<Quotum>) {
    return fields(field("name", &Quotum::name), field("limit", &Quotum::limit), field("pretty_name", &Quotum::pretty_name),
                  field("unit", &Quotum::unit), field("description", &Quotum::description), field("locality_type", &Quotum::locality_type),
                  field("limits", &Quotum::limits), field("srn", &Quotum::srn));
}

Quotum quotum(const Quota& of) {
    Quotum made;
    made.name = of.name;
    made.limit = of.limit;
    made.pretty_name = of.what;
    made.description = fmt::format("{} of an organization at most", of.what);
    QuotumLimit everywhere;
    everywhere.limit = of.limit;
    made.limits.push_back(std::move(everywhere));
    return made;
}

struct QuotaFilter {
    std::string order_by = "name_asc";
    std::optional<OrganizationId> organization_id;
    std::vector<std::string> quotum_names;
};
constexpr auto describe(As<QuotaFilter>) {
    return fields(field("order_by", &QuotaFilter::order_by, defaulted, one_of{"name_asc", "name_desc"}),
                  field("organization_id", &QuotaFilter::organization_id),
                  field("quotum_names", &QuotaFilter::quotum_names, at_most{1000}));
}
using QuotaList = http::Listed<"quota", Quotum>;

QuotaList list_quota(const Call<QuotaFilter>& call) {
    check_organization(call.caller_as<Caller>(), call.in.organization_id);
    std::vector<Quotum> all;
    for (const auto& one : quotas())
        if (call.in.quotum_names.empty() || std::ranges::find(call.in.quotum_names, one.name) != call.in.quotum_names.end())
            all.push_back(quotum(one));
    sort_by(all, &Quotum::name, &Quotum::name, call.in.order_by == "name_desc");
    return page_of(std::move(all), call.page());
}

Quotum get_quotum(const Call<>& call) {
    const auto name = call.param("quotum_name");
    const auto found = std::ranges::find(quotas(), name, &Quota::name);
    if (found == quotas().end()) no_such("quotum", name);
    return quotum(*found);
}

}  // namespace

void add_organization_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const http::Permission may{"read", "organization"};
    add_route<http::Nothing, OrganizationView>(router, identity, "GET", iam_base + "organizations/{organization_id}", may,
                                               doc("GetOrganization", "Get the organization", "iam"), get);
    router.add(http::typed<QuotaFilter, QuotaList>("GET", iam_base + "quota", may, http::Dialect::scaleway,
                                                   doc("ListQuota", "How much there may be of what", "iam"), list_quota));
    router.add(http::typed<http::Nothing, Quotum>("GET", iam_base + "quota/{quotum_name}", may, http::Dialect::scaleway,
                                                  doc("GetQuotum", "How much there may be of one thing", "iam"), get_quotum));
}

}  // namespace meridian::identity
