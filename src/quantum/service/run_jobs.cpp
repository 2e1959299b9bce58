// The reconciler, from the queue to the computer and to the end of a job.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "quantum/service/reconcile.h"
#include "quantum/service/store.h"
#include "quantum/service/times.h"

namespace meridian::quantum::service {
namespace {

constexpr Duration retry_write = std::chrono::seconds(1);
// A run that takes this many times its quoted maximum is ended, but not before this time.
constexpr double overrun = 20;
constexpr Duration overrun_floor = std::chrono::seconds(10);
constexpr Duration forecast_every = std::chrono::milliseconds(200);

constexpr std::size_t index_of(Lane lane) { return static_cast<std::size_t>(lane); }

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

}  // namespace

void Reconciler::dispatch() {
    if (stopping_) return;
    const Booked booked(slots_, clock_.now());
    for (const auto lane : {Lane::small, Lane::large}) {
        if (is_busy_[index_of(lane)]) continue;
        const auto taken = queue_.take(lane, [&](const Waiting& waiting) { return booked.may_begin(waiting); });
        if (!taken) continue;
        is_busy_[index_of(lane)] = true;
        free_at_[index_of(lane)] = clock_.steady() + taken->cost;
        group_.spawn("run job " + taken->job.str(), execute(*taken, lane));
    }
}

void Reconciler::forecast() {
    if ((queue_.size() == 0 && early_.empty()) || (forecast_at_ && clock_.steady() < *forecast_at_ + forecast_every)) return;
    forecast_at_ = clock_.steady();
    const auto now = clock_.now();
    std::vector<Waiting> early;
    for (const auto& id : early_) early.push_back(waiting_of(work_.at(id)));
    for (const auto lane : {Lane::small, Lane::large}) {
        const auto& free_at = free_at_[index_of(lane)];
        const auto busy = free_at ? std::max(Duration::zero(), Duration(*free_at - clock_.steady())) : Duration::zero();
        for (const auto& [job, at] : queue_.forecast(lane, later(now, busy), slots_, early))
            quantum_.board().update(job, [&](Moment& moment) { moment.expected_start = at; });
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
    auto end = co_await compute(work.job, std::move(ready), price_of(taken, work.job), work.control);
    queue_.ended(taken, clock_.steady() - started);
    is_busy_[index_of(lane)] = false;
    free_at_[index_of(lane)].reset();
    dispatch();
    if (stopping_ && end.state != JobState::completed) co_return;  // goes on after the next start
    end.started_at = started_at;
    co_await finish(taken.job, std::move(end));
}

// What runs in a booked time is paid for with it, shots and circuits too, and not once more.
metering::Price Reconciler::price_of(const Waiting& taken, const Job& job) const {
    if (taken.booking) return {};
    return work_.at(job.id).ready->price;
}

metering::RunStart Reconciler::start_of(const Job& job, const Ready& ready, const metering::Price& price) const {
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
            .price = price,
            .quote = job.quote.value_or(QuoteId()),
            // Time in a booking is paid for with it.
            .ceiling = price == metering::Price{} ? Money() : ready.quote.cost_max};
}

// The result is on the disk before the receipt says `finished`; the receipt is in the ledger before the row says `completed`.
Task<Reconciler::End> Reconciler::compute(Job job, Ready ready, metering::Price price, std::shared_ptr<Control> control) {
    try {
        // Refused here, a job costs nothing: no result is computed that could not be kept.
        const auto full = co_await store_.read(
            [job, keeping = quantum_.keeping()](store::Tx& tx) { return too_much(tx, keeping, job.zone, job.project, 0); });
        if (full) co_return End{.state = JobState::error, .said = *full, .result_bytes = {}, .started_at = {}};
        auto hold = co_await meter_.begin(start_of(job, ready, price));
        const auto order = *order_of(job);
        const auto key = metering::CommitmentKey::make(rng_);
        const auto input = co_await input_of(job, order, key);
        hold.commit({input, std::nullopt});
        const auto ran = co_await computer_.run(order, ready, control);
        if (ran) {
            hold.commit({input, metering::Commitment::to_output(key).add(ran->result).finish()});
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

// What goes in is the text that is computed, a zero byte, and the parameters. The key lies beside them, and goes with them.
Task<Sha256> Reconciler::input_of(const Job& job, const Order& order, const metering::CommitmentKey& key) {
    co_return co_await on(files_, [this, &job, &order, &key] {
        const store::ContentHandle of(job.project, job.zone);
        content_.put(of, key_content(job.id), key.bytes());
        auto input = metering::Commitment::to_input(key);
        return input.add(content_.get(of, order.content)).add(std::string_view("\0", 1)).add(order.parameters).finish();
    });
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
            if (idle) look_at_sessions(later(now, *idle));
            break;
        } catch (const Error& error) {
            log::error("quantum", "the end of job {} cannot be written now: {} {}", id.str(), error.said, error.logged);
            if (stopping_) co_return;  // the next start finds it in the ledger
        }
        co_await clock_.sleep(retry_write);
    }
    quantum_.give_back_quote(work_.at(id).job);
    work_.erase(id);
    quantum_.board().erase(id);
    quantum_.board().ring(id);
}

}  // namespace meridian::quantum::service
