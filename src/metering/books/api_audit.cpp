// Scaleway's audit-trail/v1alpha1 over the changes that the log has, and those that were refused.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "metering/books/event.h"
#include "metering/books/sight.h"
#include "resource/fields.h"

namespace meridian::metering {
namespace {

using http::Call;
using http::doc;

constexpr std::size_t overview_max = 5;
constexpr std::int64_t done_status = 200;
constexpr auto back_by_default = std::chrono::hours(1);

// What Scaleway calls the things that we have, as far as it has a word.
struct Word {
    std::string_view ours, theirs;
};
constexpr Word words_there[] = {
    {"api_keys", "iam_api_key"},        {"projects", "account_project"}, {"deployments", "gapi_dedicated_deployment"},
    {"models", "gapi_dedicated_model"}, {"secrets", "secm_secret"},      {"customer_keys", "key_manager_key"}};
std::string_view type_there(std::string_view ours) {
    const auto* const found = std::ranges::find(words_there, ours, &Word::ours);
    return found == std::end(words_there) ? "unknown_type" : found->theirs;
}
std::string service_of(std::string_view product) { return fmt::format("scaleway.{}.Api", product); }

struct TrailWish {
    std::optional<OrganizationId> organization_id;
    std::optional<ProjectId> project_id;
    std::string resource_type, method_name, order_by, product_name, service_name, resource_id, source_ip;
    std::optional<std::uint32_t> status;
    std::optional<Timestamp> recorded_after, recorded_before;
    std::optional<PrincipalId> principal_id;
};
constexpr auto describe(As<TrailWish>) {
    using W = TrailWish;
    return fields(field("organization_id", &W::organization_id), field("project_id", &W::project_id),
                  field("resource_type", &W::resource_type, defaulted), field("method_name", &W::method_name, defaulted),
                  field("status", &W::status), field("recorded_after", &W::recorded_after, help("An hour ago when absent")),
                  field("recorded_before", &W::recorded_before), field("order_by", &W::order_by, defaulted),
                  field("product_name", &W::product_name, defaulted), field("service_name", &W::service_name, defaulted),
                  field("resource_id", &W::resource_id, defaulted), field("principal_id", &W::principal_id),
                  field("source_ip", &W::source_ip, defaulted));
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json event_json(const AdminEvent& e, const geography::Zone& zone) {
    const bool is_made = !e.before && !e.is_refused, is_changed = e.before && e.after, is_deleted = !e.after && !e.is_refused;
    const auto at = Json(rfc3339(e.at));
    const auto at_if = [&](bool so) { return so ? at : Json(nullptr); };
    const JsonObject resource{{"id", e.resource},
                              {"type", type_there(e.resource_type)},
                              {"created_at", at_if(is_made)},
                              {"updated_at", at_if(is_changed)},
                              {"deleted_at", at_if(is_deleted)},
                              {"name", text_or_null(e.name)},
                              {"action", e.is_refused ? Json(nullptr)
                                         : is_made    ? "create"
                                         : is_deleted ? "delete"
                                                      : "update"}};
    return JsonObject{{"id", e.id.str()},
                      {"recorded_at", at},
                      {"locality", zone.region()},
                      {"principal", e.principal ? Json(JsonObject{{"id", e.principal->str()}}) : Json(nullptr)},
                      {"organization_id", e.organization.str()},
                      {"project_id", e.project ? Json(e.project->str()) : Json(nullptr)},
                      {"source_ip", e.address},
                      {"user_agent", text_or_null(e.user_agent)},
                      {"product_name", e.product},
                      {"service_name", service_of(e.product)},
                      {"method_name", e.operation},
                      {"resources", JsonArray{resource}},
                      {"request_id", e.request},
                      // It is not kept; the leaf has digests of before and after.
                      {"request_body", e.details.is_object() ? e.details : Json(JsonObject())},
                      {"status_code", e.is_refused ? refused_status : done_status}};
}

// Nothing: no event can fit.
std::optional<EventFilter> filter_of(const TrailWish& in, const identity::Caller& caller, Timestamp now) {
    auto filter = visible_events(caller, in.project_id);
    filter.and_of_no_project = caller.reach.is_everywhere();  // Python's client always names its default project
    filter.from = in.recorded_after.value_or(now - back_by_default);
    filter.to = in.recorded_before;
    filter.principal = in.principal_id;
    filter.operation = in.method_name;
    filter.product = in.product_name;
    filter.resource = in.resource_id;
    filter.address = in.source_ip;
    if (in.status && *in.status != done_status && *in.status != refused_status) return std::nullopt;
    if (in.status) filter.is_refused = *in.status == refused_status;
    if (!in.resource_type.empty() && in.resource_type != "unknown_type") {
        const auto* const found = std::ranges::find(words_there, in.resource_type, &Word::theirs);
        if (found == std::end(words_there)) return std::nullopt;
        filter.resource_type = found->ours;
    }
    if (!in.service_name.empty()) {
        constexpr std::string_view before = "scaleway.", after = ".Api";
        if (!in.service_name.starts_with(before) || !in.service_name.ends_with(after)) return std::nullopt;
        const auto product = in.service_name.substr(before.size(), in.service_name.size() - before.size() - after.size());
        if (!filter.product.empty() && filter.product != product) return std::nullopt;
        filter.product = product;
    }
    return filter;
}

class Trail {
public:
    Trail(const BookParts& parts, const http::Router& router) : sight_(std::make_shared<Sight>(parts)), router_(router) {}

    // `wrapped`: as the combined list has them.
    Task<Json> events(Call<TrailWish> call, bool wrapped) {
        const auto caller = checked(call, call.in.organization_id);
        if (call.in.order_by == "recorded_at_asc")
            throw invalid("order_by", FieldProblem::Reason::constraint, "events come newest first: recorded_at_desc");
        const auto filter = filter_of(call.in, caller, sight_->now());
        EventPage page;
        if (filter) page = co_await page_of_events(sight_, *filter, call);
        JsonArray out;
        for (const auto& event : page.events) {
            auto json = event_json(event, sight_->zone().name);
            out.push_back(wrapped ? Json(JsonObject{{"api", std::move(json)}, {"auth", nullptr}, {"system", nullptr}}) : std::move(json));
        }
        co_return JsonObject{{"events", std::move(out)},
                             {"next_page_token", page.next_before ? Json(page_token(std::to_string(*page.next_before))) : Json(nullptr)}};
    }

    // Sign-ins and what the program does by itself are not recorded yet.
    Json none(const Call<TrailWish>& call) {
        checked(call, call.in.organization_id);
        return JsonObject{{"events", JsonArray()}, {"next_page_token", nullptr}};
    }

    Task<Json> overview(Call<TrailWish> call) {
        const auto caller = checked(call, call.in.organization_id);
        auto filter = visible_events(caller, call.in.project_id);
        filter.limit = overview_max;
        const auto page = co_await on(sight_->pool(), [this, filter] { return sight_->meter().events(filter); });
        JsonArray out;
        for (const auto& event : page.events) out.push_back(event_json(event, sight_->zone().name));
        co_return JsonObject{{"last_events", std::move(out)}};
    }

    // From the routes that there are: whatever is not read changes something.
    Json products(const Call<TrailWish>& call) {
        checked(call, call.in.organization_id);
        std::map<std::string, std::set<std::string>> methods;
        for (const auto& route : router_.routes())
            if (route.method != "GET" && !route.doc.tag.empty()) methods[route.doc.tag].insert(route.doc.id);
        JsonArray out;
        for (const auto& [product, names] : methods) {
            JsonArray list;
            for (const auto& name : names) list.emplace_back(name);
            out.push_back(JsonObject{{"title", product},
                                     {"name", product},
                                     {"services", JsonArray{JsonObject{{"name", service_of(product)}, {"methods", std::move(list)}}}}});
        }
        const auto count = out.size();
        return JsonObject{{"products", std::move(out)}, {"total_count", count}};
    }

    Json no_export_jobs(const Call<TrailWish>& call) {
        checked(call, call.in.organization_id);
        return JsonObject{{"export_jobs", JsonArray()}, {"total_count", 0}};
    }
    [[noreturn]] static Json refuse_export() {
        throw Error(Fault::precondition, "Events are not exported to a bucket: read them from here, or as leaves of the zone's log.")
            .about("export_job", "");
    }
    [[noreturn]] static http::NoContent no_export_job(const Call<>& call) {
        throw Error(Fault::not_found, "There is no export job with this id.").about("export_job", call.param("export_job_id"));
    }

private:
    identity::Caller checked(const http::Called& call, const std::optional<OrganizationId>& organization) const {
        const auto region = sight_->zone().name.region();
        if (call.param("region") != region) {
            throw Error(Fault::invalid, "This installation serves region '" + region + "'.")
                .with({"region", FieldProblem::Reason::constraint, "use " + region});
        }
        auto caller = call.caller_as<identity::Caller>();
        Sight::check_organization(caller, organization);
        return caller;
    }

    std::shared_ptr<Sight> sight_;
    const http::Router& router_;
};

}  // namespace

void add_audit_routes(http::Router& router, const BookParts& parts) {
    const auto trail = std::make_shared<Trail>(parts, router);
    const auto s = http::Dialect::scaleway;
    const std::string base = "/audit-trail/v1alpha1/regions/{region}";
    const auto get = [&](const std::string& path, http::RouteDoc page, auto run) {
        router.add(http::typed<TrailWish, Json>("GET", base + path, read_events(), s, std::move(page), std::move(run)));
    };
    get("/events", doc("ListAuditEvents", "Changes, newest first", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->events(std::move(call), false); });
    get("/combined-events", doc("ListCombinedEvents", "The same in one list with sign-ins, which are not recorded yet", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->events(std::move(call), true); });
    get("/authentication-events", doc("ListAuthenticationEvents", "None: sign-ins are not recorded yet", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->none(call); });
    get("/system-events", doc("ListSystemEvents", "None: what the program does by itself is not recorded", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->none(call); });
    get("/last-events-overview", doc("GetLastEventsOverview", "The newest changes", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->overview(std::move(call)); });
    get("/products", doc("ListAuditProducts", "What changes are recorded of", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->products(call); });
    get("/export-jobs", doc("ListExportJobs", "None: events are not exported", "audit-trail"),
        [trail](Call<TrailWish> call) { return trail->no_export_jobs(call); });
    router.add(http::typed<http::Nothing, Json>("POST", base + "/export-jobs", read_events(), s,
                                                doc("CreateExportJob", "Refused: events are not exported", "audit-trail"),
                                                [](Call<>) -> Json { return Trail::refuse_export(); }));
    router.add(http::typed<http::Nothing, http::NoContent>("DELETE", base + "/export-jobs/{export_job_id}", read_events(), s,
                                                           doc("DeleteExportJob", "There is none", "audit-trail"),
                                                           [](Call<> call) -> http::NoContent { return Trail::no_export_job(call); }));
}

}  // namespace meridian::metering
