#include "quantum/service/reconcile.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "quantum/service/store.h"
#include "quantum/service/times.h"

namespace meridian::quantum::service {
namespace {

constexpr Duration look_again = std::chrono::seconds(5);  // wake-ups come from the feed; this catches what they miss
constexpr Duration forecast_again = std::chrono::seconds(1);
constexpr Duration look_every = std::chrono::milliseconds(100);

}  // namespace

Reconciler::Reconciler(store::Store& store, store::ContentStore& content, Pool& files, metering::Meter& meter, Computer& computer,
                       Quantum& quantum, std::string node, Clock& clock, Rng& rng, Executor executor)
    : store_(store),
      content_(content),
      files_(files),
      meter_(meter),
      computer_(computer),
      quantum_(quantum),
      node_(std::move(node)),
      clock_(clock),
      rng_(rng),
      keeper_(store, content, files, meter, computer, quantum, node_, clock, rng),
      group_(executor),
      wake_(executor) {}

Reconciler::~Reconciler() = default;

Task<> Reconciler::run() {
    auto& feed = store_.feed();
    jobs_listening_ = feed.listen(group_.executor(), {std::string(rows::jobs_topic)}, [this](store::Revision) { wake_.notify(); });
    sessions_listening_ = feed.listen(group_.executor(), {std::string(rows::sessions_topic)}, [this](store::Revision) {
        sessions_changed_ = true;
        wake_.notify();
    });
    bool is_recovered = false;
    while (!stopping_) {
        try {
            if (!is_recovered) {
                co_await recover();
                group_.spawn("clear orphans", quantum_.contents().clear_orphans(quantum_.zone().str(), stopping_));
            }
            is_recovered = true;
            co_await pass();
            if (is_look_due()) {
                sessions_changed_ = false;
                sessions_due_.reset();
                looked_at_ = clock_.steady();
                if (const auto next = co_await keeper_.look()) look_at_sessions(*next);
            }
            forecast();
        } catch (const Error& error) {
            log::error("quantum", "the rows cannot be read now: {} {}", error.said, error.logged);
            sessions_changed_ = true;
        }
        auto wait = look_again;
        if (sessions_due_) wait = std::clamp<Duration>(*sessions_due_ - clock_.now(), std::chrono::milliseconds(10), look_again);
        if (queue_.size() > 0 || !early_.empty()) wait = std::min(wait, forecast_again);
        if (sessions_changed_) wait = std::min(wait, look_every);
        if (!stopping_) co_await wake_.wait(clock_, wait);
    }
    keeper_.end_charges();
}

// A look goes through all open sessions, so that those of a moment share one.
bool Reconciler::is_look_due() const {
    const bool is_wanted = sessions_changed_ || (sessions_due_ && *sessions_due_ <= clock_.now());
    return is_wanted && (!looked_at_ || clock_.steady() >= *looked_at_ + look_every);
}

Task<> Reconciler::stop() {
    stopping_ = true;
    wake_.notify();
    for (auto& [id, work] : work_)
        if (work.control) work.control->cancel = true;
    co_await group_.join();
    jobs_listening_.reset();
    sessions_listening_.reset();
}

// --- From rows to work.

// Jobs and bookings as they were at one moment: a booked job is never seen without its booking.
Task<Reconciler::Seen> Reconciler::seen_since(std::int64_t revision) {
    co_return co_await store_.read([zone = quantum_.zone().str(), revision, now = clock_.now()](store::Tx& tx) {
        return Seen{rows::unfinished_since(tx, zone, revision), rows::bookings_of_zone(tx, zone, now)};
    });
}

Task<> Reconciler::recover() {
    auto seen = co_await seen_since(0);
    slots_ = std::move(seen.bookings);
    for (const auto& job : seen.jobs) {
        if (work_.contains(job.id)) continue;  // an earlier try got so far
        co_await resume(job);
    }
    if (!seen.jobs.empty()) log::info("quantum", "{} job(s) of the last run go on", seen.jobs.size());
}

// What the ledger knows of the job's run decides.
Task<> Reconciler::resume(Job job) {
    seen_revision_ = std::max(seen_revision_, job.revision);
    const auto receipt = co_await on(files_, [this, id = job.run] { return meter_.find(id); });
    if (!receipt) {
        admit(job);
        co_return;
    }
    if (receipt->outcome == metering::Outcome::finished) {
        const auto result = co_await on(
            files_, [this, job] { return content_.get(store::ContentHandle(job.project, job.zone), result_content(job.id)).size(); });
        work_.emplace(job.id, Work{.job = job, .ready = {}, .control = {}});
        co_await finish(job.id, {.state = JobState::completed, .said = {}, .result_bytes = result, .started_at = receipt->started_at});
        co_return;
    }
    if (job.attempts >= limits::attempts) {
        work_.emplace(job.id, Work{.job = job, .ready = {}, .control = {}});
        co_await finish(job.id, {.state = JobState::error,
                                 .said = "The installation went down twice while this job ran, so it was given up. Submit it again.",
                                 .result_bytes = {},
                                 .started_at = {}});
        co_return;
    }
    // Whoever cancels it meanwhile is not overwritten.
    const auto again = co_await store_.write([id = job.id, run = RunId(Uuid::random(rng_))](store::Tx& tx) {
        auto now = rows::job(tx, id);
        if (!now || is_final(now->state)) return std::optional<Job>();
        ++now->attempts;
        now->run = run;
        rows::update(tx, *now);
        return now;
    });
    if (again) admit(*again);
}

Task<> Reconciler::pass() {
    auto seen = co_await seen_since(seen_revision_);
    slots_ = std::move(seen.bookings);
    for (const auto& job : seen.jobs) {
        seen_revision_ = std::max(seen_revision_, job.revision);
        const auto known = work_.find(job.id);
        if (known == work_.end())
            admit(job);
        else if (job.state == JobState::cancelling)
            cancel(known->second);
        else if (std::exchange(known->second.job.priority, job.priority) != job.priority && queue_.remove(job.id))
            enqueue(known->second);
    }
    begin_slots();
    dispatch();
}

void Reconciler::admit(const Job& job) {
    auto& work = work_.emplace(job.id, Work{.job = job, .ready = {}, .control = {}}).first->second;
    work.is_cancelled = job.state == JobState::cancelling;
    to_read_.add({.job = job.id, .project = job.project, .priority = job.priority});
    read_next();
}

// A job that waits ends here; one that is read or runs notices by itself.
void Reconciler::cancel(Work& work) {
    if (std::exchange(work.is_cancelled, true)) return;
    if (work.control) work.control->cancel = true;
    if (queue_.remove(work.job.id) || to_read_.remove(work.job.id) || early_.erase(work.job.id) > 0)
        group_.spawn(
            "cancel job " + work.job.id.str(),
            finish(work.job.id, {.state = JobState::cancelled, .said = "Cancelled before it ran.", .result_bytes = {}, .started_at = {}}));
}

std::optional<Order> Reconciler::order_of(const Job& job) const {
    const auto* found = quantum_.platform(job.platform);
    if (!found) return std::nullopt;
    auto platform = quantum_.priced(*found);
    if (job.ceiling) {
        platform.facts.per_hour = job.quoted_per_hour.value_or(Money());
        platform.facts.per_shot = job.quoted_per_shot.value_or(Money());
        platform.facts.per_circuit = job.quoted_per_circuit.value_or(Money());
    }
    return Order{.job = job.id,
                 .session = job.session,
                 .project = job.project,
                 .platform = std::move(platform),
                 .content = job.has_circuit ? circuit_content(job.id) : program_content(job.program.value_or(ProgramId())),
                 .parameters = job.parameters.value_or(""),
                 .application = job.application};
}

void Reconciler::read_next() {
    while (!stopping_ && reading_.size() < limits::readers) {
        const auto taken = to_read_.take(Lane::large, [this](const Waiting& waiting) { return !reading_.contains(waiting.project); });
        if (!taken) return;
        reading_.insert(taken->project);
        group_.spawn("prepare job " + taken->job.str(), prepare(*taken));
    }
}

Task<> Reconciler::prepare(Waiting taken) {
    const auto started = clock_.steady();
    co_await read_and_queue(taken.job);
    to_read_.ended(taken, clock_.steady() - started);
    reading_.erase(taken.project);
    read_next();
}

Task<> Reconciler::read_and_queue(JobId id) {
    const auto job = work_.at(id).job;
    expected<Ready> ready = complaint("The platform of this job is not offered any more. Open a session on another one.");
    const auto order = order_of(job);
    if (order && !work_.at(id).is_cancelled) {
        try {
            ready = co_await computer_.prepare(*order);
            if (ready) ready->price = order->platform.price();
        } catch (const Error& error) {
            log::error("quantum", "job {}: {} {}", id.str(), error.said, error.logged);
            ready = complaint(error.said);
        } catch (const std::bad_alloc&) {
            ready = complaint("The node has not enough memory to read this job. Send it in smaller pieces.");
        } catch (const std::exception& broken) {
            log::error("quantum", "job {}: {}", id.str(), broken.what());
            ready = complaint(std::string(our_mistake));
        }
    }
    if (stopping_) co_return;
    auto& work = work_.at(id);
    if (work.is_cancelled) {
        co_await finish(id, {.state = JobState::cancelled, .said = "Cancelled before it ran.", .result_bytes = {}, .started_at = {}});
        co_return;
    }
    if (!ready) {
        co_await finish(id, {.state = JobState::error, .said = ready.error().said, .result_bytes = {}, .started_at = {}});
        co_return;
    }
    const auto* slot = slot_of(job.session);
    if (job.ceiling) {
        ready->quote.held_to = job.quote;
        ready->quote.cost = std::min(ready->quote.cost, *job.ceiling);
        ready->quote.cost_max = std::min(ready->quote.cost_max, *job.ceiling);
    }
    if (slot) ready->quote.cost = ready->quote.cost_max = {};  // its time is paid for already
    quantum_.board().set(id, {.started_at = {}, .expected_start = {}, .quote = ready->quote, .done = 0});
    work.ready = std::move(*ready);
    if (slot && slot->started_at > clock_.now()) {
        early_.insert(id);
        wake_.notify();
        co_return;
    }
    enqueue(work);
    dispatch();
    if (queue_.size() > 0) wake_.notify();  // somebody waits, and wants to know how long
}

Waiting Reconciler::waiting_of(const Work& work) const {
    const auto* slot = slot_of(work.job.session);
    return {.job = work.job.id,
            .project = work.job.project,
            .priority = work.job.priority,
            .lane = work.ready->lane,
            .cost = duration_of(work.ready->quote.seconds),
            .longest = duration_of(work.ready->quote.seconds_max),
            .booking = slot ? std::optional(slot->id) : std::nullopt};
}

void Reconciler::enqueue(const Work& work) { queue_.add(waiting_of(work)); }

// --- Bookings.

const Booking* Reconciler::slot_of(const SessionId& session) const {
    const auto found = std::ranges::find(slots_, session, &Booking::session);
    return found == slots_.end() ? nullptr : &*found;
}

void Reconciler::begin_slots() {
    for (auto it = early_.begin(); it != early_.end();) {
        const auto& work = work_.at(*it);
        const auto* slot = slot_of(work.job.session);
        const bool is_early = slot && slot->started_at > clock_.now();
        if (!is_early) enqueue(work);
        it = is_early ? std::next(it) : early_.erase(it);
    }
}

void Reconciler::look_at_sessions(Timestamp at) { sessions_due_ = sessions_due_ ? std::min(*sessions_due_, at) : at; }

}  // namespace meridian::quantum::service
