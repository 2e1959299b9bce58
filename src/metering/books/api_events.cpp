// The changes that the log has, for those with the right to audit: in our own form.
#include "metering/books/event.h"
#include "metering/books/sight.h"
#include "metering/leaf_answer.h"
#include "metering/page.h"
#include "resource/fields.h"

namespace meridian::metering {
namespace {

using http::Call;

enum class Result { done, refused };
constexpr auto names(As<Result>) { return words<Result>({{Result::done, "done"}, {Result::refused, "refused"}}); }

struct EventWish {
    std::optional<ProjectId> project_id;
    std::optional<PrincipalId> principal_id;
    std::optional<Timestamp> from, to;
    std::optional<Result> outcome;
    std::string operation, product, resource_type, resource, address;
};
constexpr auto describe(As<EventWish>) {
    using W = EventWish;
    return fields(field("project_id", &W::project_id), field("principal_id", &W::principal_id), field("from", &W::from),
                  field("to", &W::to), field("outcome", &W::outcome),
                  field("operation", &W::operation, defaulted, help("CreateDeployment, ...")), field("product", &W::product, defaulted),
                  field("resource_type", &W::resource_type, defaulted), field("resource", &W::resource, defaulted),
                  field("address", &W::address, defaulted));
}

Task<Json> list_events(std::shared_ptr<Sight> sight, Call<EventWish> call) {
    const auto& in = call.in;
    EventFilter filter = visible_events(call.caller_as<identity::Caller>(), in.project_id);
    filter.principal = in.principal_id;
    filter.from = in.from;
    filter.to = in.to;
    if (in.outcome) filter.is_refused = *in.outcome == Result::refused;
    filter.operation = in.operation;
    filter.product = in.product;
    filter.resource_type = in.resource_type;
    filter.resource = in.resource;
    filter.address = in.address;
    const auto page = co_await page_of_events(sight, filter, call);
    JsonArray events;
    for (const auto& event : page.events) {
        auto json = parse_json(event.leaf).value();
        json.as_object()["index"] = event.index;
        events.push_back(std::move(json));
    }
    co_return JsonObject{{"changes", std::move(events)},
                         {"next_page_token", page.next_before ? Json(page_token(std::to_string(*page.next_before))) : Json(nullptr)}};
}

Task<http::Response> show_event(std::shared_ptr<Sight> sight, Call<> call) {
    auto filter = visible_events(call.caller_as<identity::Caller>(), std::nullopt);
    filter.id = http::id_param<EventId>(call, "change_id");
    const auto found = co_await on(sight->pool(), [sight, &filter] { return sight->meter().events(filter); });
    if (found.events.empty()) throw Error(Fault::not_found, "There is no change with this id.").about("change", call.param("change_id"));
    co_return co_await leaf_answer(sight->meter(), RunId(filter.id->uuid()), call.exchange->request());
}

}  // namespace

EventFilter visible_events(const identity::Caller& caller, const std::optional<ProjectId>& project) {
    if (project) Sight::check_project(caller, *project);
    EventFilter filter;
    filter.organization = caller.organization;
    if (project)
        filter.projects = {*project};
    else if (!caller.reach.is_everywhere())
        filter.projects.emplace(caller.reach.projects().begin(), caller.reach.projects().end());
    return filter;
}

Task<EventPage> page_of_events(std::shared_ptr<Sight> sight, EventFilter filter, const http::Called& call) {
    const auto page = call.cursor_page();
    filter.limit = page.size;
    filter.before_index = leaf_before(page);
    return on(sight->pool(), [sight, filter = std::move(filter)] { return sight->meter().events(filter); });
}

void add_event_routes(http::Router& router, const BookParts& parts) {
    const auto sight = std::make_shared<Sight>(parts);
    router.add(http::typed<EventWish, Json>("GET", "/meridian/v1/changes", read_events(), http::Dialect::meridian,
                                            http::doc("ListChanges", "Who changed what, from where, newest first", "events"),
                                            [sight](Call<EventWish> call) { return list_events(sight, std::move(call)); }));
    router.add(http::typed<http::Nothing, http::Response>(
        "GET", "/meridian/v1/changes/{change_id}", read_events(), http::Dialect::meridian,
        http::doc("GetChange", "One change with its proof, or as a JWS when application/jose is accepted", "events"),
        [sight](Call<> call) { return show_event(sight, std::move(call)); }));
}

}  // namespace meridian::metering
