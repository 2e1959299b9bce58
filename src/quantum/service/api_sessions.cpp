// Sessions and bookings on the wire.
#include "quantum/service/views.h"

namespace meridian::quantum::service::qaas {

struct BookingDemand {
    std::optional<Timestamp> started_at, finished_at;
    std::optional<std::string> description, time_zone;
};
constexpr auto describe(As<BookingDemand>) {
    using B = BookingDemand;
    return fields(field("started_at", &B::started_at), field("finished_at", &B::finished_at), field("description", &B::description),
                  field("time_zone", &B::time_zone));
}

struct CreateSession {
    std::optional<ProjectId> project_id;
    PlatformId platform_id;
    std::optional<std::string> name, deduplication_id, parameters;
    Json max_duration, max_idle_duration;
    std::vector<std::string> tags;
    std::optional<ProgramId> model_id;
    std::optional<BookingDemand> booking_demand;
};
constexpr auto describe(As<CreateSession>) {
    using C = CreateSession;
    return fields(field("project_id", &C::project_id), field("platform_id", &C::platform_id), field("name", &C::name),
                  field("max_duration", &C::max_duration), field("max_idle_duration", &C::max_idle_duration), field("tags", &C::tags),
                  field("deduplication_id", &C::deduplication_id), field("model_id", &C::model_id), field("parameters", &C::parameters),
                  field("booking_demand", &C::booking_demand));
}

struct UpdateSession {
    std::optional<std::string> name;
    Json max_duration, max_idle_duration;
    std::optional<std::vector<std::string>> tags;
};
constexpr auto describe(As<UpdateSession>) {
    using U = UpdateSession;
    return fields(field("name", &U::name), field("max_duration", &U::max_duration), field("max_idle_duration", &U::max_idle_duration),
                  field("tags", &U::tags));
}

struct UpdateBooking {
    std::optional<std::string> description;
};
constexpr auto describe(As<UpdateBooking>) { return fields(field("description", &UpdateBooking::description)); }

namespace {

using http::Call;
using http::Dialect;
using http::doc;
using http::Listed;
using http::NoContent;
using http::Nothing;
using http::Permission;
using identity::Caller;

constexpr Order<SessionView> session_orders[] = {
    {"name", [](const SessionView& a, const SessionView& b) { return a.name < b.name; }},
    {"started_at", [](const SessionView& a, const SessionView& b) { return a.started_at < b.started_at; }},
    {"created_at", [](const SessionView& a, const SessionView& b) { return a.created_at < b.created_at; }},
    {"status", [](const SessionView& a, const SessionView& b) { return a.status < b.status; }},
};
constexpr Order<BookingView> booking_orders[] = {
    {"created_at", [](const BookingView& a, const BookingView& b) { return a.created_at < b.created_at; }},
    {"started_at", [](const BookingView& a, const BookingView& b) { return a.started_at < b.started_at; }},
};

class Sessions {
public:
    explicit Sessions(Quantum& quantum) : quantum_(quantum) {}

    Task<SessionView> create(Call<CreateSession> call) {
        auto& in = call.in;
        SessionWish wish;
        wish.project = in.project_id.value_or(ProjectId());
        wish.platform = in.platform_id;
        wish.name = in.name.value_or("");
        wish.deduplication_id = in.deduplication_id.value_or("");
        wish.max_duration = duration_in(in.max_duration, "max_duration");
        wish.max_idle_duration = duration_in(in.max_idle_duration, "max_idle_duration");
        wish.tags = std::move(in.tags);
        wish.program = in.model_id;
        wish.parameters = std::move(in.parameters);
        if (const auto& demand = in.booking_demand) {
            if (!demand->started_at || !demand->finished_at)
                throw Error(Fault::invalid, "A booking has a beginning and an end.")
                    .with({"booking_demand", FieldProblem::Reason::required, "started_at and finished_at are needed"});
            wish.booking =
                BookingWish{*demand->started_at, *demand->finished_at, demand->description.value_or(""), demand->time_zone.value_or("")};
        }
        co_return view(co_await quantum_.create_session(call.caller_as<Caller>(), std::move(wish)));
    }

    Task<Listed<"sessions", SessionView>> list(Call<> call) {
        const auto platform = http::query_id<PlatformId>(call, "platform_id");
        std::vector<SessionView> views;
        for (const auto& session : co_await quantum_.sessions(call.caller_as<Caller>(), project_of(call))) {
            if ((!platform || session.platform == *platform) && has_tags(session.tags, call)) views.push_back(view(session));
        }
        sort_as_asked<SessionView>(views, call, "name_asc", session_orders);
        co_return paged(std::move(views), call);
    }

    Task<SessionView> get(Call<> call) {
        co_return view(co_await quantum_.session(call.caller_as<Caller>(), http::id_param<SessionId>(call, "session_id")));
    }

    Task<SessionView> update(Call<UpdateSession> call) {
        SessionChange change{.name = call.in.name,
                             .max_duration = duration_in(call.in.max_duration, "max_duration"),
                             .max_idle_duration = duration_in(call.in.max_idle_duration, "max_idle_duration"),
                             .tags = call.in.tags};
        co_return view(
            co_await quantum_.change_session(call.caller_as<Caller>(), http::id_param<SessionId>(call, "session_id"), std::move(change)));
    }

    Task<SessionView> terminate(Call<> call) {
        co_return view(co_await quantum_.terminate(call.caller_as<Caller>(), http::id_param<SessionId>(call, "session_id")));
    }

    Task<NoContent> remove(Call<> call) {
        co_await quantum_.remove_session(call.caller_as<Caller>(), http::id_param<SessionId>(call, "session_id"));
        co_return NoContent{};
    }

    // What the caller's own key may do with the session.
    Task<Json> acls(Call<> call) {
        const auto caller = call.caller_as<Caller>();
        const auto session = co_await quantum_.session(caller, http::id_param<SessionId>(call, "session_id"));
        JsonArray list;
        if (caller.may("invoke", "quantum", session.project))
            list = {"full"};
        else
            list = {"read_job", "read_job_circuit", "read_job_result", "read_session"};
        const auto count = list.size();
        co_return JsonObject{{"total_count", count}, {"acls", std::move(list)}};
    }

    Task<Listed<"bookings", BookingView>> bookings(Call<> call) {
        const auto platform = http::query_id<PlatformId>(call, "platform_id");
        std::vector<BookingView> views;
        for (const auto& booking : co_await quantum_.bookings(call.caller_as<Caller>(), project_of(call))) {
            if (!platform || booking.platform == *platform) views.push_back(view(booking));
        }
        sort_as_asked<BookingView>(views, call, "created_at_desc", booking_orders);
        co_return paged(std::move(views), call);
    }

    Task<BookingView> booking(Call<> call) {
        co_return view(co_await quantum_.booking(call.caller_as<Caller>(), http::id_param<BookingId>(call, "booking_id")));
    }

    Task<BookingView> update_booking(Call<UpdateBooking> call) {
        const auto id = http::id_param<BookingId>(call, "booking_id");
        if (!call.in.description) co_return view(co_await quantum_.booking(call.caller_as<Caller>(), id));
        co_return view(co_await quantum_.change_booking(call.caller_as<Caller>(), id, *call.in.description));
    }

private:
    Quantum& quantum_;
};

}  // namespace

void add_session_routes(http::Router& router, Quantum& quantum) {
    auto api = std::make_shared<Sessions>(quantum);
    const auto s = Dialect::scaleway;
    const Permission read{"read", "quantum"}, invoke{"invoke", "quantum"};
    const auto all = base + "/sessions", one = all + "/{session_id}";
    router.add(http::typed<CreateSession, SessionView>("POST", all, invoke, s,
                                                       doc("CreateSession", "Open a session on a platform", "quantum"),
                                                       [api](Call<CreateSession> c) { return api->create(std::move(c)); }));
    router.add(http::typed<Nothing, Listed<"sessions", SessionView>>(
        "GET", all, read, s, doc("ListSessions", "Sessions of a project", "quantum"), [api](Call<> c) { return api->list(std::move(c)); }));
    router.add(http::typed<Nothing, SessionView>("GET", one, read, s, doc("GetSession", "One session", "quantum"),
                                                 [api](Call<> c) { return api->get(std::move(c)); }));
    router.add(http::typed<UpdateSession, SessionView>("PATCH", one, invoke, s,
                                                       doc("UpdateSession", "Change name, durations or tags", "quantum"),
                                                       [api](Call<UpdateSession> c) { return api->update(std::move(c)); }));
    router.add(http::typed<Nothing, NoContent>("DELETE", one, invoke, s, doc("DeleteSession", "Delete it with jobs and results", "quantum"),
                                               [api](Call<> c) { return api->remove(std::move(c)); }));
    router.add(http::typed<Nothing, SessionView>("POST", one + "/terminate", invoke, s,
                                                 doc("TerminateSession", "End it; jobs are cancelled, results stay", "quantum"),
                                                 [api](Call<> c) { return api->terminate(std::move(c)); }));
    router.add(http::typed<Nothing, Json>("GET", one + "/acls", read, s, doc("ListSessionACLs", "What the caller may do", "quantum"),
                                          [api](Call<> c) { return api->acls(std::move(c)); }));
    const auto bookings = base + "/bookings", booking = bookings + "/{booking_id}";
    router.add(http::typed<Nothing, Listed<"bookings", BookingView>>("GET", bookings, read, s,
                                                                     doc("ListBookings", "Bookings of a project", "quantum"),
                                                                     [api](Call<> c) { return api->bookings(std::move(c)); }));
    router.add(http::typed<Nothing, BookingView>("GET", booking, read, s, doc("GetBooking", "One booking", "quantum"),
                                                 [api](Call<> c) { return api->booking(std::move(c)); }));
    router.add(http::typed<UpdateBooking, BookingView>("PATCH", booking, invoke, s,
                                                       doc("UpdateBooking", "Change the description", "quantum"),
                                                       [api](Call<UpdateBooking> c) { return api->update_booking(std::move(c)); }));
}

}  // namespace meridian::quantum::service::qaas
