// Sessions and bookings: the verbs.
#include <fmt/format.h>

#include <algorithm>

#include "quantum/service/service.h"
#include "quantum/service/visible.h"

namespace meridian::quantum::service {
namespace {

Duration checked(const char* field, std::optional<Duration> wished, Duration otherwise) {
    const auto value = wished.value_or(otherwise);
    if (value < std::chrono::seconds(1) || value > limits::session_duration)
        wrong(field, fmt::format("{} must be between 1 s and {} s.", field, limits::session_duration.count()));
    return value;
}

// Two bookings of a platform never overlap; how many one organization may have is the platform's rule.
void check_booking(store::Tx& tx, const Platform& platform, const Session& session, const BookingWish& wish) {
    const auto& rule = *platform.facts.booking;
    std::uint32_t in_day = 0, in_week = 0;
    for (const auto& other : rows::bookings_of_platform(tx, platform.id, session.created_at - std::chrono::hours(24 * 7))) {
        if (other.started_at < wish.finished_at && wish.started_at < other.finished_at) {
            throw Error(Fault::conflict, fmt::format("{} is booked from {} to {}. Choose another time.", platform.name,
                                                     rfc3339(other.started_at), rfc3339(other.finished_at)))
                .about("booking", platform.name);
        }
        if (other.organization != session.organization) continue;
        const auto apart = std::chrono::abs(other.started_at - wish.started_at);
        in_day += apart < std::chrono::hours(24);
        in_week += apart < std::chrono::hours(24 * 7);
    }
    if (in_day >= rule.per_day_max || in_week >= rule.per_week_max) {
        throw Error(Fault::quota, fmt::format("{} takes {} bookings of an organization in a day and {} in a week.", platform.name,
                                              rule.per_day_max, rule.per_week_max))
            .about("booking", platform.name);
    }
}

Booking booking_for(const Platform& platform, const Session& session, const BookingWish& wish, const BookingId& id, Timestamp now) {
    if (!platform.facts.booking)
        wrong("booking_demand",
              fmt::format("{} is not booked ahead; leave booking_demand out and open the session when you need it.", platform.name));
    const auto& rule = *platform.facts.booking;
    const auto length = wish.finished_at - wish.started_at;
    if (wish.started_at < now || wish.started_at > now + limits::booking_ahead || length < std::chrono::minutes(rule.minutes_min) ||
        length > std::chrono::minutes(rule.minutes_max))
        wrong("booking_demand", fmt::format("A booking of {} begins in the future, within {} days, and takes {} to {} minutes.",
                                            platform.name, std::chrono::duration_cast<std::chrono::days>(limits::booking_ahead).count(),
                                            rule.minutes_min, rule.minutes_max));
    if (wish.description.size() > limits::description || wish.time_zone.size() > limits::name)
        wrong("booking_demand.description", fmt::format("A description has at most {} bytes.", limits::description));
    Booking made{.id = id,
                 .organization = session.organization,
                 .project = session.project,
                 .principal = session.principal,
                 .zone = session.zone,
                 .platform = platform.id,
                 .session = session.id,
                 .state = BookingState::validated,
                 .description = wish.description,
                 .time_zone = wish.time_zone,
                 .progress_message = "",
                 .created_at = now,
                 .updated_at = now,
                 .started_at = wish.started_at,
                 .finished_at = wish.finished_at,
                 .run = RunId(id.uuid()),
                 .per_hour = platform.facts.per_hour,
                 .began_at = {},
                 .charged_at = {},
                 .cost = {}};
    made.progress_message =
        fmt::format("{} EUR for its time at {} EUR an hour, jobs included; nothing if it is cancelled before it begins.",
                    made.cost_max().str(), made.per_hour.str());
    return made;
}

}  // namespace

Quantum::Quantum(store::Store& store, store::ContentStore& content, Pool& files, Offer offer, geography::Zone zone, Clock& clock, Rng& rng)
    : store_(store),
      content_(content),
      files_(files),
      offer_(std::move(offer)),
      zone_(std::move(zone)),
      clock_(clock),
      rng_(rng),
      contents_(store, content, files) {}

const Platform* Quantum::platform(const PlatformId& id) const {
    const auto found = std::ranges::find(offer_.platforms, id, &Platform::id);
    return found == offer_.platforms.end() ? nullptr : &*found;
}

Platform Quantum::priced(Platform platform) const {
    if (!offer_.prices) return platform;
    const auto price = offer_.prices->now(platform.name, platform.price());
    platform.facts.per_hour = price.per_hour;
    platform.facts.per_shot = price.per_shot;
    platform.facts.per_circuit = price.per_circuit;
    return platform;
}

// The hours of a session may have a price of their own.
Platform Quantum::priced_for_booking(const Platform& platform) const {
    auto made = priced(platform);
    if (!offer_.prices) return made;
    if (const auto rate = offer_.prices->rate_now(platform.name, metering::Unit::session_hour)) made.facts.per_hour = *rate;
    return made;
}

// Of a session that is not booked: where the price list names its hours.
std::optional<Money> Quantum::per_hour_of(const Platform& platform) const {
    if (!offer_.prices || !offer_.hours) return std::nullopt;
    const auto rate = offer_.prices->rate_now(platform.name, metering::Unit::session_hour);
    return rate && *rate > Money() ? rate : std::nullopt;
}

const Platform& Quantum::known_platform(const PlatformId& id) const {
    if (const auto* found = platform(id)) return *found;
    throw Error(Fault::not_found, "There is no platform with this id; list the platforms to see them.").about("platform", id.str());
}

Session Quantum::planned(const identity::Caller& caller, SessionWish& wish) const {
    check_name(wish.name);
    check_tags(wish.tags);
    check_parameters(wish.parameters);
    if (wish.deduplication_id.size() > limits::deduplication_id)
        wrong("deduplication_id", fmt::format("A deduplication id has at most {} bytes.", limits::deduplication_id));
    const auto now = clock_.now();
    Session made;
    made.id = SessionId(ordered_id(rng_, now));
    made.organization = caller.organization;
    made.project = wish.project.is_nil() ? caller.project : wish.project;
    made.principal = caller.principal;
    made.zone = zone_.str();
    made.name = std::move(wish.name);
    made.platform = known_platform(wish.platform).id;
    made.tags = std::move(wish.tags);
    made.deduplication_id = std::move(wish.deduplication_id);
    made.max_duration = checked("max_duration", wish.max_duration, limits::session_duration_default);
    made.max_idle_duration = checked("max_idle_duration", wish.max_idle_duration, limits::idle_default);
    made.program = wish.program;
    made.parameters = std::move(wish.parameters);
    made.created_at = made.updated_at = now;
    if (wish.booking)
        made.state = SessionState::starting;
    else
        made.started_at = now;
    return made;
}

Task<Session> Quantum::create_session(identity::Caller caller, SessionWish wish) {
    auto session = planned(caller, wish);
    const auto& platform = known_platform(session.platform);
    std::optional<Booking> booking;
    if (wish.booking) {
        booking = booking_for(priced_for_booking(platform), session, *wish.booking, BookingId(ordered_id(rng_, session.created_at)),
                              session.created_at);
        session.booking = booking->id;
    } else {
        session.per_hour = per_hour_of(platform);
    }
    if (!session.per_hour) co_return co_await insert_session(std::move(caller), std::move(session), std::move(booking), std::move(wish));
    const auto same = co_await store_.read([caller, session](store::Tx& tx) {
        check_project(tx, caller, session.project);
        return session.deduplication_id.empty() ? std::nullopt : rows::same_session(tx, session.project, session.deduplication_id);
    });
    if (same) co_return *same;
    if (auto refusal = co_await offer_.hours->begin(session, platform.name)) throw *std::move(refusal);
    try {
        auto made = co_await insert_session(std::move(caller), session, std::nullopt, std::move(wish));
        if (made.id == session.id)
            offer_.hours->count(session.id);
        else
            offer_.hours->end(session.id);
        co_return made;
    } catch (...) {
        offer_.hours->end(session.id);
        throw;
    }
}

Task<Session> Quantum::insert_session(identity::Caller caller, Session session, std::optional<Booking> booking, SessionWish wish) {
    const auto& platform = known_platform(session.platform);
    co_return co_await store_.write(identity::author_of(caller), [caller, session, booking, wish, &platform](store::Tx& tx) {
        check_project(tx, caller, session.project);
        if (session.program) visible_program(tx, caller, *session.program);
        if (!session.deduplication_id.empty()) {
            if (auto same = rows::same_session(tx, session.project, session.deduplication_id)) return *std::move(same);
        }
        if (rows::count_open_sessions(tx, session.project) >= limits::sessions_per_project) {
            throw Error(Fault::quota,
                        fmt::format("A project has at most {} open sessions; terminate some first.", limits::sessions_per_project))
                .about("session", "");
        }
        if (booking) check_booking(tx, platform, session, *wish.booking);
        rows::insert(tx, session);
        if (booking) rows::insert(tx, *booking);
        return session;
    });
}

Task<Session> Quantum::session(identity::Caller caller, SessionId id) {
    co_return co_await store_.read([caller, id](store::Tx& tx) { return visible_session(tx, caller, id); });
}

Task<std::vector<Session>> Quantum::sessions(identity::Caller caller, ProjectId project) {
    co_return co_await store_.read([caller, project](store::Tx& tx) {
        check_project(tx, caller, project);
        return rows::sessions(tx, project);
    });
}

Task<Session> Quantum::change_session(identity::Caller caller, SessionId id, SessionChange change) {
    check_words(change);
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, change, now](store::Tx& tx) {
        auto session = visible_session(tx, caller, id);
        if (change.max_duration) session.max_duration = checked("max_duration", change.max_duration, {});
        if (change.max_idle_duration) session.max_idle_duration = checked("max_idle_duration", change.max_idle_duration, {});
        take_words(session, change, now);
        rows::update(tx, session);
        return session;
    });
}

Task<Session> Quantum::terminate(identity::Caller caller, SessionId id) {
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, now](store::Tx& tx) {
        auto session = visible_session(tx, caller, id);
        rows::end_session(tx, std::move(session), "terminated on request", now);
        return visible_session(tx, caller, id);
    });
}

Task<> Quantum::remove_session(identity::Caller caller, SessionId id) {
    const auto now = clock_.now();
    co_await store_.write(identity::author_of(caller), [caller, id, now](store::Tx& tx) {
        rows::end_session(tx, visible_session(tx, caller, id), "deleted", now);
        rows::unwant(tx, visible_session(tx, caller, id), now);
    });
}

Task<std::vector<Booking>> Quantum::bookings(identity::Caller caller, ProjectId project) {
    co_return co_await store_.read([caller, project](store::Tx& tx) {
        check_project(tx, caller, project);
        return rows::bookings(tx, project);
    });
}

Task<Booking> Quantum::booking(identity::Caller caller, BookingId id) {
    co_return co_await store_.read([caller, id](store::Tx& tx) { return visible_booking(tx, caller, id); });
}

Task<Booking> Quantum::change_booking(identity::Caller caller, BookingId id, std::string description) {
    if (description.size() > limits::description)
        wrong("description", fmt::format("A description has at most {} bytes.", limits::description));
    const auto now = clock_.now();
    co_return co_await store_.write(identity::author_of(caller), [caller, id, description, now](store::Tx& tx) {
        auto booking = visible_booking(tx, caller, id);
        booking.description = description;
        booking.updated_at = now;
        rows::update(tx, booking);
        return booking;
    });
}

}  // namespace meridian::quantum::service
