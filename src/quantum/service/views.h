// QaaS on the wire: how sessions, jobs and the rest look to the clients, and what their lists have in common.
#pragma once
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/typed.h"
#include "quantum/service/links.h"
#include "quantum/service/service.h"

namespace meridian::quantum::service::qaas {

inline const std::string base = "/qaas/v1alpha1";

// "3600s", or a number of seconds. Nothing for null and absence; Error{invalid} for the rest.
std::optional<Duration> duration_in(const Json& value, const char* field);
std::string seconds_text(Duration duration);

struct SessionView {
    std::string id, name, platform_id, status, project_id, deduplication_id, origin_type;
    std::optional<Timestamp> created_at, started_at, updated_at, terminated_at;
    std::string max_idle_duration, max_duration;
    std::uint64_t waiting_job_count = 0, finished_job_count = 0;
    std::vector<std::string> tags;
    std::optional<std::string> origin_id, progress_message, booking_id, model_id, parameters;
};
constexpr auto describe(As<SessionView>) {
    using V = SessionView;
    return fields(field("id", &V::id), field("name", &V::name), field("platform_id", &V::platform_id), field("created_at", &V::created_at),
                  field("started_at", &V::started_at), field("updated_at", &V::updated_at), field("terminated_at", &V::terminated_at),
                  field("max_idle_duration", &V::max_idle_duration), field("max_duration", &V::max_duration),
                  field("waiting_job_count", &V::waiting_job_count), field("finished_job_count", &V::finished_job_count),
                  field("status", &V::status), field("project_id", &V::project_id), field("tags", &V::tags),
                  field("deduplication_id", &V::deduplication_id), field("origin_type", &V::origin_type), field("origin_id", &V::origin_id),
                  field("progress_message", &V::progress_message), field("booking_id", &V::booking_id), field("model_id", &V::model_id),
                  field("parameters", &V::parameters));
}

struct QuoteView {
    std::string engine, why, energy_basis;
    std::uint64_t memory_bytes = 0, circuits = 0, shots = 0;
    double seconds = 0, seconds_max = 0;
    Money cost, cost_max;
    std::optional<Millijoules> energy_millijoules;
};
constexpr auto describe(As<QuoteView>) {
    using V = QuoteView;
    return fields(field("engine", &V::engine), field("why", &V::why), field("memory_bytes", &V::memory_bytes),
                  field("circuits", &V::circuits), field("shots", &V::shots), field("seconds", &V::seconds),
                  field("seconds_max", &V::seconds_max), field("cost", &V::cost), field("cost_max", &V::cost_max),
                  field("energy_millijoules", &V::energy_millijoules), field("energy_basis", &V::energy_basis));
}

// `priority`, `expected_start_at`, `receipt_id` and `quote` are additions of ours, which the clients keep.
struct JobView {
    std::string id, name, session_id, status;
    std::vector<std::string> tags;
    std::optional<Timestamp> created_at, started_at, updated_at, expected_start_at;
    std::optional<std::string> progress_message, job_duration, result_distribution, model_id, parameters;
    std::string priority, receipt_id;
    std::optional<QuoteView> quote;
};
constexpr auto describe(As<JobView>) {
    using V = JobView;
    return fields(field("id", &V::id), field("name", &V::name), field("tags", &V::tags), field("session_id", &V::session_id),
                  field("created_at", &V::created_at), field("started_at", &V::started_at), field("updated_at", &V::updated_at),
                  field("status", &V::status), field("progress_message", &V::progress_message), field("job_duration", &V::job_duration),
                  field("result_distribution", &V::result_distribution), field("model_id", &V::model_id),
                  field("parameters", &V::parameters), field("priority", &V::priority), field("expected_start_at", &V::expected_start_at),
                  field("receipt_id", &V::receipt_id), field("quote", &V::quote));
}

struct ModelView {
    std::string id, project_id;
    std::optional<Timestamp> created_at;
    std::string url;
};
constexpr auto describe(As<ModelView>) {
    using V = ModelView;
    return fields(field("id", &V::id), field("created_at", &V::created_at), field("url", &V::url), field("project_id", &V::project_id));
}

struct JobResultView {
    std::string job_id;
    std::optional<std::string> result, url;
    std::optional<Timestamp> created_at;
};
constexpr auto describe(As<JobResultView>) {
    using V = JobResultView;
    return fields(field("job_id", &V::job_id), field("result", &V::result), field("url", &V::url), field("created_at", &V::created_at));
}

// What it costs is an addition of ours: at most, and once it is charged.
struct BookingView {
    std::string id, status, description, progress_message, platform_id, session_id;
    std::optional<Timestamp> created_at, started_at, updated_at, finished_at;
    std::optional<std::string> time_zone, receipt_id;
    Money price_per_hour, cost_max;
    std::optional<Money> cost;
};
constexpr auto describe(As<BookingView>) {
    using V = BookingView;
    return fields(field("id", &V::id), field("created_at", &V::created_at), field("started_at", &V::started_at),
                  field("updated_at", &V::updated_at), field("finished_at", &V::finished_at), field("status", &V::status),
                  field("description", &V::description), field("progress_message", &V::progress_message), field("time_zone", &V::time_zone),
                  field("platform_id", &V::platform_id), field("session_id", &V::session_id), field("price_per_hour", &V::price_per_hour),
                  field("cost_max", &V::cost_max), field("cost", &V::cost), field("receipt_id", &V::receipt_id));
}

// The struct in a body that may be large: such a one is read on the pool, since an event loop must not stand still for it.
Json json_of_body(const std::string& body);
template <class In>
Task<In> body_of(http::Called call, Pool& pool) {
    const auto& body = call.exchange->request().body;  // which lives as long as the exchange
    const auto read = [&body] { return from_json<In>(json_of_body(body)); };
    if (body.size() <= limits::body_on_loop) co_return read();
    co_return co_await on(pool, read);
}
// Its route: what `typed` does for a body that it reads itself.
template <class In, class Out, class F>
http::Route with_large_body(std::string path, http::Permission may, http::RouteDoc about, std::size_t body_max, F run) {
    auto route =
        http::typed<http::Nothing, Out>("POST", std::move(path), std::move(may), http::Dialect::scaleway, std::move(about), std::move(run));
    route.doc.request = schema<In>(Direction::in);
    route.body_max = body_max;
    return route;
}

SessionView view(const Session& session);
JobView view(const Job& job, const std::optional<Moment>& moment);
BookingView view(const Booking& booking);
// With nested objects left out where there are none: the clients' readers take no null for them.
Json view(const Platform& platform);

// Where the caller reached us: "https://host:port".
std::string origin_of(const http::Called& call);
std::string program_path(const ProgramId& id);
std::string result_path(const JobId& id);

// --- What lists have in common.

ProjectId project_of(const http::Called& call);
bool has_tags(const std::vector<std::string>& tags, const http::Called& call);

template <class View>
struct Order {
    std::string_view word;
    bool (*less)(const View&, const View&);
};
// By `order_by`, a word and _asc or _desc; another word falls back to `otherwise`.
template <class View>
void sort_as_asked(std::vector<View>& views, const http::Called& call, std::string_view otherwise, std::span<const Order<View>> orders) {
    const auto asked = http::query_text(call, "order_by").value_or(std::string(otherwise));
    for (std::string_view wish : {std::string_view(asked), otherwise}) {
        const bool is_descending = wish.ends_with("_desc");
        const auto word = wish.substr(0, wish.rfind('_'));
        const auto found = std::ranges::find(orders, word, &Order<View>::word);
        if (found == orders.end()) continue;
        std::vector<std::size_t> order(views.size());
        for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
        std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
            const auto &first = views[is_descending ? b : a], &second = views[is_descending ? a : b];
            return found->less(first, second) || (!found->less(second, first) && a < b);
        });
        std::vector<View> sorted;
        sorted.reserve(views.size());
        for (const auto k : order) sorted.push_back(std::move(views[k]));
        views = std::move(sorted);
        return;
    }
}
// The clients never ask for a second page: without a size, the page holds everything.
template <class View>
Paged<View> paged(std::vector<View> views, const http::Called& call) {
    auto page = call.page();
    if (!http::query_text(call, "page_size")) page.size = limits::page;
    return page_of(std::move(views), page);
}

void add_platform_routes(http::Router& router, Quantum& quantum);
void add_process_routes(http::Router& router, Quantum& quantum);
void add_session_routes(http::Router& router, Quantum& quantum);
void add_job_routes(http::Router& router, Quantum& quantum, const Links& links);

}  // namespace meridian::quantum::service::qaas
