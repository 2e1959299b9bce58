#include "quantum/service/keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "metering/price.h"
#include "quantum/service/store.h"
#include "quantum/service/times.h"

namespace meridian::quantum::service {
namespace {

constexpr Duration charge_again = std::chrono::seconds(5);

struct Look {
    std::vector<Session> to_clear, ended;
    std::vector<Program> unused;
    std::vector<Booking> to_charge, begun;
    std::vector<Session> charged;  // by the hour
    bool is_swept = false;
    std::optional<Timestamp> next;
    void due(Timestamp at) { next = next ? std::min(*next, at) : at; }
};

void begin_booked(store::Tx& tx, Session session, Booking booking, Timestamp now, Look& look) {
    if (booking.started_at > now) return look.due(booking.started_at);
    booking.began_at = now;
    rows::update(tx, booking);
    session.state = SessionState::running;
    session.started_at = session.updated_at = now;
    rows::update(tx, session);
    look.due(now);
}

// Why a running session is over, or when that will be.
std::optional<std::string_view> over(store::Tx& tx, const Session& session, const std::optional<Booking>& booking, Timestamp now,
                                     Look& look) {
    auto end = later(session.started_at.value_or(session.created_at), session.max_duration);
    if (booking) end = std::min(end, booking->finished_at);
    if (end <= now) return booking ? "its booked time is over" : "its max_duration is over";
    look.due(end);
    if (booking) return std::nullopt;
    const auto idle = rows::idle_since(tx, session);
    if (!idle) return std::nullopt;
    const auto idle_end = later(*idle, session.max_idle_duration);
    if (idle_end <= now) return "it was idle for its max_idle_duration";
    look.due(idle_end);
    return std::nullopt;
}

// What ended long ago becomes what was deleted. The next look goes on where this one has enough.
void sweep(store::Tx& tx, const std::string& zone, Timestamp before, Timestamp now, Look& look) {
    const auto old = rows::sessions_ended_before(tx, zone, before, limits::swept_at_once);
    for (const auto& session : old) rows::unwant(tx, session, now);
    look.unused = rows::programs_unused_since(tx, zone, before, limits::swept_at_once);
    for (const auto& program : look.unused) rows::remove(tx, program.id);
    look.is_swept = old.size() < limits::swept_at_once && look.unused.size() < limits::swept_at_once;
    if (!look.is_swept) look.due(now);
}

Look look_at(store::Tx& tx, const std::string& zone, std::optional<Timestamp> sweep_before, Timestamp now) {
    Look look;
    if (sweep_before) sweep(tx, zone, *sweep_before, now, look);
    for (auto& session : rows::open_sessions(tx, zone)) {
        if (!session.is_wanted) {
            if (session.state == SessionState::stopped) look.to_clear.push_back(session);
            continue;
        }
        const auto booking = session.booking ? rows::booking(tx, *session.booking) : std::nullopt;
        if (session.state == SessionState::starting && booking) begin_booked(tx, session, *booking, now, look);
        if (session.state != SessionState::running) continue;
        if (const auto why = over(tx, session, booking, now, look)) {
            look.ended.push_back(session);
            rows::end_session(tx, std::move(session), *why, now);
        } else if (session.per_hour) {
            look.charged.push_back(session);
        } else if (booking && booking->run) {
            look.begun.push_back(*booking);
        }
    }
    look.to_charge = rows::bookings_to_charge(tx, zone, now);
    return look;
}

}  // namespace

Task<std::optional<Timestamp>> Keeper::look() {
    const auto now = clock_.now();
    const auto zone = quantum_.zone().str();
    // A clock that was set back does not keep us waiting.
    const bool is_due = !swept_at_ || now >= later(*swept_at_, limits::sweep_every) || now < *swept_at_;
    const auto before = is_due ? std::optional(later(now, -quantum_.keeping().retention)) : std::nullopt;
    auto look = co_await store_.write([zone, before, now](store::Tx& tx) { return look_at(tx, zone, before, now); });
    if (look.is_swept) swept_at_ = now;
    if (swept_at_) look.due(later(*swept_at_, limits::sweep_every));
    for (const auto& session : look.ended) computer_.forget(session.id);
    if (const auto due = co_await look_at_hours(look.charged)) look.due(*due);
    co_await reserve(look.begun);
    for (const auto& booking : look.to_charge) {
        try {
            co_await charge(booking);
        } catch (const Error& error) {
            log::error("quantum", "booking {} cannot be charged now: {} {}", booking.id.str(), error.said, error.logged);
            std::erase_if(look.to_clear, [&](const Session& session) { return session.id == booking.session; });
            look.due(later(now, charge_again));
        }
    }
    for (const auto& session : look.to_clear) co_await clear(session);
    co_await remove_programs(look.unused);
    co_return look.next;
}

// A session ends with the hours that were paid.
Task<std::optional<Timestamp>> Keeper::look_at_hours(std::vector<Session> charged) {
    auto* hours = quantum_.hours();
    if (!hours) co_return std::nullopt;
    std::optional<Timestamp> next;
    std::set<Uuid> running;
    for (const auto& session : charged) {
        const auto* platform = quantum_.platform(session.platform);
        const auto seen = co_await hours->look(session, platform ? platform->name : session.platform.str());
        running.insert(session.id.uuid());
        if (seen.is_over) {
            co_await end(session.id, seen.why.value_or("its hours are over"));
            continue;
        }
        const auto now = clock_.now();
        next = next ? std::min(*next, later(now, seen.due)) : later(now, seen.due);
        const auto notice = seen.why ? fmt::format("Ends at {}. {}", rfc3339(later(now, seen.left)), *seen.why) : std::string();
        if (notice == session.progress_message.value_or("")) continue;
        co_await store_.write([id = session.id, notice](store::Tx& tx) {
            auto row = rows::session(tx, id);
            if (!row || row->state != SessionState::running) return;
            row->progress_message = notice.empty() ? std::nullopt : std::optional(notice);
            rows::update(tx, *row);
        });
    }
    hours->keep(running);
    co_return next;
}

Task<> Keeper::end(SessionId session, std::string why) {
    co_await store_.write([session, why, now = clock_.now()](store::Tx& tx) {
        if (auto row = rows::session(tx, session)) rows::end_session(tx, *std::move(row), why, now);
    });
    computer_.forget(session);
}

// A booking that has begun holds what all of its time costs, or ends.
Task<> Keeper::reserve(std::vector<Booking> begun) {
    for (const auto& booking : begun) {
        if (held_.contains(booking.id)) continue;
        std::optional<std::string> refused;
        try {
            held_.emplace(booking.id, co_await hold(booking));
        } catch (const Error& error) {
            refused = error.said;
        }
        if (!refused) continue;
        co_await store_.write([id = booking.id](store::Tx& tx) {
            auto row = rows::booking(tx, id);
            if (!row) return;
            row->run.reset();  // it costs nothing
            rows::update(tx, *row);
        });
        co_await end(booking.session, *std::move(refused));
    }
}

void Keeper::end_charges() {
    try {
        for (auto& [_, held] : held_) meter_.settle(std::move(held), {}, metering::Outcome::interrupted);
    } catch (const Error& error) {
        log::error("quantum", "bookings under way have no receipt until the next start: {} {}", error.said, error.logged);
    }
    held_.clear();
    if (auto* hours = quantum_.hours()) hours->end_all();
}

// As a job's run, a booking's has its id in a row before it is opened. One that was interrupted costs nothing, and another takes its place.
Task<RunId> Keeper::run_of(Booking booking) {
    const auto receipt = co_await on(files_, [this, &booking] { return meter_.find(*booking.run); });
    if (!receipt || receipt->outcome == metering::Outcome::finished) co_return *booking.run;
    const auto fresh = RunId(Uuid::random(rng_));
    co_await store_.write([&booking, fresh](store::Tx& tx) {
        auto now = rows::booking(tx, booking.id);
        if (!now) return;
        now->run = fresh;
        rows::update(tx, *now);
    });
    co_return fresh;
}

Task<metering::Hold> Keeper::hold(Booking booking) {
    const auto* platform = quantum_.platform(booking.platform);
    co_return co_await meter_.begin({.kind = metering::Kind::quantum_booking,
                                     .id = co_await run_of(booking),
                                     .organization = booking.organization,
                                     .project = booking.project,
                                     .principal = booking.principal,
                                     .model = platform ? platform->name : booking.platform.str(),
                                     .model_digest = {},
                                     .deployment = {},
                                     .node = node_,
                                     .price = {.per_hour = booking.per_hour},
                                     .ceiling = booking.cost_max()});
}

// Its time is over. Where it was not held when we went down, it is held and settled at once.
Task<> Keeper::charge(Booking booking) {
    const auto time = booking.charged_time();
    const metering::Usage usage = metering::bounded({.milliseconds = time.count()});
    std::optional<metering::Receipt> receipt;
    if (auto held = held_.extract(booking.id)) {
        receipt = meter_.settle(std::move(held.mapped()), usage, metering::Outcome::finished);
    } else {
        receipt = co_await on(files_, [this, &booking] { return meter_.find(*booking.run); });
        if (!receipt || receipt->outcome != metering::Outcome::finished)
            receipt = meter_.settle(co_await hold(booking), usage, metering::Outcome::finished);
    }
    co_await store_.write([&booking, &receipt, time, at = clock_.now()](store::Tx& tx) {
        auto now = rows::booking(tx, booking.id);
        if (!now) return;
        now->charged_at = now->updated_at = at;
        now->cost = receipt->cost;
        now->progress_message = fmt::format("Charged {} EUR for {} s.", receipt->cost.str(), static_cast<double>(time.count()) / 1e3);
        rows::update(tx, *now);
    });
}

// Rows go last: what is left after a crash is found again by its row.
Task<> Keeper::clear(Session session) {
    computer_.forget(session.id);
    const auto jobs = co_await store_.read([id = session.id](store::Tx& tx) { return rows::jobs_of_session(tx, id); });
    co_await on(files_, [this, jobs, session] {
        const store::ContentHandle key(session.project, session.zone);
        for (const auto& job : jobs) {
            for (const auto& name : contents_of(job.id)) content_.remove(key, name);
        }
    });
    const auto programs = co_await store_.write([jobs, session](store::Tx& tx) {
        std::vector<Program> unused;
        rows::remove(tx, session.id);
        std::set<ProgramId> candidates;
        if (session.program) candidates.insert(*session.program);
        for (const auto& job : jobs)
            if (job.program) candidates.insert(*job.program);
        for (const auto& id : candidates) {
            auto program = rows::program(tx, id);
            if (!program || rows::is_used(tx, id)) continue;
            rows::remove(tx, id);
            unused.push_back(*std::move(program));
        }
        return unused;
    });
    co_await remove_programs(programs);
}

// Their rows are gone.
Task<> Keeper::remove_programs(std::vector<Program> programs) {
    if (programs.empty()) co_return;
    co_await on(files_, [this, &programs] {
        for (const auto& each : programs) content_.remove(store::ContentHandle(each.project, each.zone), program_content(each.id));
    });
}

}  // namespace meridian::quantum::service
