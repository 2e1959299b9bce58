#include "quantum/service/reconcile.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "quantum/service/store.h"

namespace meridian::quantum::service {
namespace {

constexpr Duration look_again = std::chrono::seconds(5);  // wake-ups come from the feed; this catches what they miss
constexpr Duration retry_write = std::chrono::seconds(1);
// A run that takes this many times its quoted maximum is ended, but not before this time.
constexpr double overrun = 20;
constexpr Duration overrun_floor = std::chrono::seconds(10);
constexpr std::string_view our_mistake = "The job failed through a mistake of ours; the operator's log says more.";
constexpr Duration forecast_every = std::chrono::milliseconds(200), forecast_again = std::chrono::seconds(1);

constexpr std::size_t index_of(Lane lane) { return static_cast<std::size_t>(lane); }

Duration duration_of(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

// A run is held to its quote, so that a loop that does not end cannot keep the others waiting.
Duration time_allowed(const Quote& quote) { return std::max(overrun_floor, duration_of(quote.seconds_max * overrun)); }
Duration time_for(const Job& job, const Quote& quote) {
    return job.max_duration ? std::min(*job.max_duration, time_allowed(quote)) : time_allowed(quote);
}
std::string overdue_words(const Job& job, const Quote& quote) {
    if (job.max_duration && *job.max_duration <= time_allowed(quote))
        return fmt::format("The job ran longer than its max_duration of {} s and was ended.",
                           std::chrono::duration_cast<std::chrono::seconds>(*job.max_duration).count());
    return fmt::format("The job ran for {:.0f} s, far longer than its quote, and was ended. See whether a loop in it may never end.",
                       std::chrono::duration<double>(time_allowed(quote)).count());
}

Timestamp after(Timestamp now, Duration by) { return now + std::chrono::duration_cast<Timestamp::duration>(by); }

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
      keeper_(store, content, files, computer, quantum, clock),
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
            if (!is_recovered) co_await recover();
            is_recovered = true;
            co_await pass();
            if (std::exchange(sessions_changed_, false) || (sessions_due_ && *sessions_due_ <= clock_.now())) {
                sessions_due_.reset();
                if (const auto next = co_await keeper_.look()) look_at_sessions(*next);
            }
            forecast();
        } catch (const Error& error) {
            log::error("quantum", "the rows cannot be read now: {} {}", error.said, error.logged);
            sessions_changed_ = true;
        }
        auto wait = look_again;
        if (sessions_due_) wait = std::clamp<Duration>(*sessions_due_ - clock_.now(), std::chrono::milliseconds(10), look_again);
        if (queue_.size() > 0) wait = std::min(wait, forecast_again);
        if (!stopping_) co_await wake_.wait(clock_, wait);
    }
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

Task<> Reconciler::recover() {
    const auto unfinished =
        co_await store_.read([zone = quantum_.zone().str()](store::Tx& tx) { return rows::unfinished_since(tx, zone, 0); });
    for (const auto& job : unfinished) {
        if (work_.contains(job.id)) continue;  // an earlier try got so far
        co_await resume(job);
    }
    if (!unfinished.empty()) log::info("quantum", "{} job(s) of the last run go on", unfinished.size());
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
    ++job.attempts;
    job.run = RunId(Uuid::random(rng_));
    co_await store_.write([job](store::Tx& tx) { rows::update(tx, job); });
    admit(job);
}

Task<> Reconciler::pass() {
    const auto changed = co_await store_.read(
        [zone = quantum_.zone().str(), since = seen_revision_](store::Tx& tx) { return rows::unfinished_since(tx, zone, since); });
    for (const auto& job : changed) {
        seen_revision_ = std::max(seen_revision_, job.revision);
        const auto known = work_.find(job.id);
        if (known == work_.end())
            admit(job);
        else if (job.state == JobState::cancelling)
            cancel(known->second);
    }
}

void Reconciler::admit(const Job& job) {
    auto& work = work_.emplace(job.id, Work{.job = job, .ready = {}, .control = {}}).first->second;
    work.is_cancelled = job.state == JobState::cancelling;
    group_.spawn("prepare job " + job.id.str(), prepare(job.id));
}

// A job that waits ends here; one that is read or runs notices by itself.
void Reconciler::cancel(Work& work) {
    if (std::exchange(work.is_cancelled, true)) return;
    if (work.control) work.control->cancel = true;
    if (queue_.remove(work.job.id))
        group_.spawn(
            "cancel job " + work.job.id.str(),
            finish(work.job.id, {.state = JobState::cancelled, .said = "Cancelled before it ran.", .result_bytes = {}, .started_at = {}}));
}

std::optional<Order> Reconciler::order_of(const Job& job) const {
    const auto* platform = quantum_.platform(job.platform);
    if (!platform) return std::nullopt;
    return Order{.job = job.id,
                 .session = job.session,
                 .project = job.project,
                 .platform = *platform,
                 .content = job.has_circuit ? circuit_content(job.id) : program_content(job.program.value_or(ProgramId())),
                 .parameters = job.parameters.value_or("")};
}

Task<> Reconciler::prepare(JobId id) {
    const auto job = work_.at(id).job;
    expected<Ready> ready = complaint("The platform of this job is not offered any more. Open a session on another one.");
    const auto order = order_of(job);
    if (order && !work_.at(id).is_cancelled) {
        try {
            ready = co_await computer_.prepare(*order);
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
    quantum_.board().set(id, {.started_at = {}, .expected_start = {}, .quote = ready->quote, .done = 0});
    queue_.add({id, job.project, job.priority, ready->lane, duration_of(ready->quote.seconds)});
    work.ready = std::move(*ready);
    dispatch();
    if (queue_.size() > 0) wake_.notify();  // somebody waits, and wants to know how long
}

void Reconciler::look_at_sessions(Timestamp at) { sessions_due_ = sessions_due_ ? std::min(*sessions_due_, at) : at; }

// --- From the queue to the computer.

void Reconciler::dispatch() {
    if (stopping_) return;
    for (const auto lane : {Lane::small, Lane::large}) {
        if (is_busy_[index_of(lane)]) continue;
        const auto taken = queue_.take(lane);
        if (!taken) continue;
        is_busy_[index_of(lane)] = true;
        free_at_[index_of(lane)] = clock_.steady() + taken->cost;
        group_.spawn("run job " + taken->job.str(), execute(*taken, lane));
    }
}

void Reconciler::forecast() {
    if (queue_.size() == 0 || (forecast_at_ && clock_.steady() < *forecast_at_ + forecast_every)) return;
    forecast_at_ = clock_.steady();
    const auto now = clock_.now();
    for (const auto lane : {Lane::small, Lane::large}) {
        const auto& free_at = free_at_[index_of(lane)];
        const auto busy = free_at ? std::max(Duration::zero(), Duration(*free_at - clock_.steady())) : Duration::zero();
        for (const auto& [job, wait] : queue_.forecast(lane))
            quantum_.board().update(job, [&](Moment& moment) { moment.expected_start = after(now, busy + wait); });
    }
}

Task<> Reconciler::execute(Waiting taken, Lane lane) {
    auto& work = work_.at(taken.job);
    work.control = std::make_shared<Control>();
    const auto started = clock_.steady();
    work.control->deadline = started + time_for(work.job, work.ready->quote);
    const auto started_at = clock_.now();
    quantum_.board().update(taken.job, [&](Moment& moment) { moment.started_at = started_at; });
    auto ready = *work.ready;
    ready.lane = lane;
    auto end = co_await compute(work.job, std::move(ready), work.control);
    queue_.ended(taken, clock_.steady() - started);
    is_busy_[index_of(lane)] = false;
    free_at_[index_of(lane)].reset();
    dispatch();
    if (stopping_ && end.state != JobState::completed) co_return;  // goes on after the next start
    end.started_at = started_at;
    co_await finish(taken.job, std::move(end));
}

metering::RunStart Reconciler::start_of(const Job& job, const Ready& ready) const {
    const auto* platform = quantum_.platform(job.platform);
    MERIDIAN_ASSERT(platform != nullptr);
    return {.kind = metering::Kind::quantum_job,
            .id = job.run,
            .organization = job.organization,
            .project = job.project,
            .principal = job.principal,
            .model = platform->name,
            .model_digest = ready.digest,
            .deployment = {},
            .node = node_,
            .price = platform->price()};
}

// The result is on the disk before the receipt says `finished`; the receipt is in the ledger before the row says `completed`.
Task<Reconciler::End> Reconciler::compute(Job job, Ready ready, std::shared_ptr<Control> control) {
    try {
        auto hold = meter_.hold(start_of(job, ready));
        const auto ran = co_await computer_.run(*order_of(job), ready, control);
        if (ran) {
            co_await on(files_, [this, job, text = ran->result] {
                content_.put(store::ContentHandle(job.project, job.zone), result_content(job.id), text);
            });
            const auto receipt = meter_.settle(std::move(hold), usage_of(ready.quote, *ran), metering::Outcome::finished);
            co_return End{.state = JobState::completed,
                          .said = fmt::format("{}. Charged {} EUR.", in_words(ready.quote), receipt.cost.str()),
                          .result_bytes = ran->result.size(),
                          .started_at = {}};
        }
        if (stopping_) {
            meter_.settle(std::move(hold), {}, metering::Outcome::interrupted);
            co_return End{.state = JobState::error, .said = {}, .result_bytes = {}, .started_at = {}};
        }
        const auto& said = ran.error().said;
        const bool is_ended = said == was_cancelled || said == was_overdue;
        meter_.settle(std::move(hold), {}, is_ended ? metering::Outcome::cancelled : metering::Outcome::failed);
        if (said == was_cancelled)
            co_return End{.state = JobState::cancelled, .said = "Cancelled while it ran.", .result_bytes = {}, .started_at = {}};
        if (said == was_overdue)
            co_return End{.state = JobState::error, .said = overdue_words(job, ready.quote), .result_bytes = {}, .started_at = {}};
        co_return End{.state = JobState::error, .said = said, .result_bytes = {}, .started_at = {}};
    } catch (const Error& error) {
        log::error("quantum", "job {}: {} {}", job.id.str(), error.said, error.logged);
        co_return End{.state = JobState::error, .said = error.said, .result_bytes = {}, .started_at = {}};
    } catch (const std::bad_alloc&) {
        co_return End{.state = JobState::error,
                      .said = "The node ran out of memory for this job. Use fewer qubits, or try again when less is running.",
                      .result_bytes = {},
                      .started_at = {}};
    } catch (const std::exception& broken) {
        // The lane must go on whatever an engine threw.
        log::error("quantum", "job {}: {}", job.id.str(), broken.what());
        co_return End{.state = JobState::error, .said = std::string(our_mistake), .result_bytes = {}, .started_at = {}};
    }
}

Task<> Reconciler::finish(JobId id, End end) {
    for (;;) {
        const auto now = clock_.now();
        try {
            const auto idle = co_await store_.write([id, end, now](store::Tx& tx) -> std::optional<Duration> {
                auto job = rows::job(tx, id);
                if (!job || is_final(job->state)) return std::nullopt;
                job->state = end.state;
                job->progress_message = end.said;
                job->result_bytes = end.result_bytes;
                job->started_at = end.started_at;
                job->ended_at = job->updated_at = now;
                rows::update(tx, *job);
                rows::stop_if_idle(tx, job->session, now);
                const auto session = rows::session(tx, job->session);
                return session ? std::optional(session->max_idle_duration) : std::nullopt;
            });
            if (idle) look_at_sessions(after(now, *idle));
            break;
        } catch (const Error& error) {
            log::error("quantum", "the end of job {} cannot be written now: {} {}", id.str(), error.said, error.logged);
            if (stopping_) co_return;  // the next start finds it in the ledger
        }
        co_await clock_.sleep(retry_write);
    }
    work_.erase(id);
    quantum_.board().erase(id);
    quantum_.board().ring(id);
}

}  // namespace meridian::quantum::service
