#include "quantum/service/emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>

#include "base/hash.h"
#include "quantum/programs/job.h"
#include "quantum/programs/results.h"
#include "quantum/service/computation.h"
#include "quantum/service/energy.h"
#include "quantum/service/quote.h"

namespace meridian::quantum::service {

struct Decoded {
    quantum::Job job;
    JobParameters parameters;
    Precision precision = Precision::double_;
    std::unique_ptr<Computation> computation;  // of a process; all above is empty then
    // Bytes that count against `limits::kept_bytes` as long as this lives.
    std::size_t kept = 0;
    std::shared_ptr<std::atomic<std::size_t>> counter;
    ~Decoded() {
        if (counter) counter->fetch_sub(kept);
    }
};

namespace {

// The engine that a client may name beside "automatic".
constexpr std::string_view method_statevector = "statevector";

struct Text {
    std::string bytes, digest;
};

// The lane that runs waits for it; who only quotes goes without when the lane has it.
struct KeptPlans {
    std::mutex mutex;
    PlanCache plans;
};

// Plans by session, those that were used last. Both lanes ask, each for caches of its own.
class Plans {
public:
    std::shared_ptr<KeptPlans> of(const SessionId& session) {
        const std::lock_guard lock(mutex_);
        const auto found = std::ranges::find(caches_, session, &Entry::first);
        if (found != caches_.end()) {
            caches_.splice(caches_.begin(), caches_, found);
        } else {
            caches_.emplace_front(session, std::make_shared<KeptPlans>());
            if (caches_.size() > limits::plan_caches) caches_.pop_back();
        }
        return caches_.front().second;
    }
    void forget(const SessionId& session) {
        const std::lock_guard lock(mutex_);
        caches_.remove_if([&](const Entry& entry) { return entry.first == session; });
    }

private:
    using Entry = std::pair<SessionId, std::shared_ptr<KeptPlans>>;
    std::mutex mutex_;
    std::list<Entry> caches_;
};

// Where jobs of one lane run. The team's first member is the pool's thread.
struct Place {
    Place(Pool& p, unsigned threads) : pool(p), team(threads) {}
    Pool& pool;
    Team team;
    Plans plans;
    std::optional<Calibration> measured;     // when the first job comes; touched on the pool's thread only
    std::optional<Calibration> calibration;  // the same; touched on the home executor only
};

expected<Precision> precision_of(const quantum::Job& job, const Platform& platform) {
    const auto& wish = job.backend.precision.empty() ? platform.facts.precision : job.backend.precision;
    if (wish == "double") return Precision::double_;
    if (wish == "single") return Precision::single;
    return complaint(fmt::format("There is no precision '{}'; choose single or double.", wish));
}

// What is decoded and cannot be computed here is said, never dropped.
expected<void> check(const Decoded& decoded, const Platform& platform) {
    const auto& job = decoded.job;
    const auto& facts = platform.facts;
    if (job.noise && (!job.noise->gate_errors.empty() || !job.noise->readout_errors.empty()))
        return complaint(fmt::format("{} computes without noise. Send the job without a noise model.", platform.name));
    if (const auto& method = job.backend.method; !method.empty() && method != "automatic" && method != method_statevector)
        return complaint(
            fmt::format("{} computes state vectors; method '{}' is not offered. Leave the method out.", platform.name, method));
    if (job.circuits.empty()) return complaint("The job has no circuit. Send at least one.");
    if (job.circuits.size() > facts.circuits_max)
        return complaint(fmt::format("The job has {} circuits; {} takes {} in one job. Split it.", job.circuits.size(), platform.name,
                                     facts.circuits_max));
    if (decoded.parameters.shots < 1 || decoded.parameters.shots > facts.shots_max)
        return complaint(
            fmt::format("{} takes 1 to {} shots; {} were asked for.", platform.name, facts.shots_max, decoded.parameters.shots));
    if (needs_memory(job, decoded.parameters) && decoded.parameters.shots * job.circuits.size() > limits::memory_shots)
        return complaint(fmt::format("Every shot by itself is kept for at most {} shots of a job. Ask for counts, or for fewer shots.",
                                     limits::memory_shots));
    for (const auto& circuit : job.circuits) {
        if (circuit.qubits > platform.qubits_max)
            return complaint(fmt::format("A circuit of {} qubits does not fit this node: {} takes at most {}. Use fewer qubits.",
                                         circuit.qubits, platform.name, platform.qubits_max));
    }
    return {};
}

CircuitResult result_of(const Samples& samples, std::uint64_t seed) {
    CircuitResult made{.shots = samples.shots, .seed = seed, .counts = {}, .memory = {}};
    made.counts.reserve(samples.counts.size());
    for (std::size_t k = 0; k < samples.counts.size(); ++k) {
        const auto bits = samples.outcome(k);
        made.counts.emplace_back(ShotBits(bits.begin(), bits.end()), samples.counts[k]);
    }
    if (!samples.memory.empty()) {
        made.memory.reserve(samples.shots);
        for (std::uint64_t k = 0; k < samples.shots; ++k) {
            const auto bits = samples.shot(k);
            made.memory.emplace_back(bits.begin(), bits.end());
        }
    }
    return made;
}

class Emulator final : public Computer {
public:
    Emulator(store::ContentStore& content, Clock& clock, Rng& rng, Pool& reading, Pool& small_lane, Pool& large_lane,
             EmulatorOptions options)
        : content_(content),
          clock_(clock),
          rng_(rng),
          reading_(reading),
          options_(std::move(options)),
          energy_(options_.energy_counter),
          small_(small_lane, 1),
          large_(large_lane, options_.threads ? options_.threads : std::max(1u, options_.cpus)) {}

    Task<expected<Ready>> prepare(Order order) override {
        const auto read_in = co_await on(reading_, [this, order] { return read_and_decode(order); });
        if (!read_in) co_return std::unexpected(read_in.error());
        Ready ready;
        ready.digest = read_in->text.digest;
        for (auto [lane, place] : {std::pair{Lane::small, &small_}, std::pair{Lane::large, &large_}}) {
            const auto node = co_await calibration(*place);
            auto made = co_await on(
                reading_, [this, place, order, decoded = read_in->decoded, node] { return quote_now(*place, order, *decoded, node); });
            if (!made) co_return std::unexpected(made.error());
            ready.quote = std::move(*made);
            ready.lane = lane;
            if (ready.quote.seconds_max <= limits::small_seconds && ready.quote.memory_bytes <= limits::small_memory_bytes) break;
        }
        keep(ready, read_in->decoded);
        co_return ready;
    }

    Task<expected<Ran>> run(Order order, Ready ready, std::shared_ptr<Control> control) override {
        auto& place = ready.lane == Lane::small ? small_ : large_;
        co_return co_await on(place.pool, [this, &place, order = std::move(order), ready = std::move(ready), control = std::move(control)] {
            return run_now(place, order, ready, *control);
        });
    }

    void forget(const SessionId& session) override {
        small_.plans.forget(session);
        large_.plans.forget(session);
    }

private:
    Text read(const Order& order) {
        if (order.text) return {*order.text, "sha256:" + hex(sha256(*order.text))};
        Text text{content_.get(store::ContentHandle(order.project, options_.zone), order.content), {}};
        text.digest = "sha256:" + hex(sha256(text.bytes));
        return text;
    }

    static expected<std::shared_ptr<Decoded>> decode(const Order& order, const Text& text) {
        auto decoded = std::make_shared<Decoded>();
        if (order.application) {
            auto computation = read_computation(*order.application, text.bytes, order.platform);
            if (!computation) return std::unexpected(computation.error());
            decoded->computation = std::move(*computation);
            return decoded;
        }
        auto job = read_job(text.bytes);
        if (!job) return std::unexpected(job.error());
        decoded->job = std::move(*job);
        const auto parameters = read_parameters(order.parameters);
        if (!parameters) return std::unexpected(parameters.error());
        decoded->parameters = *parameters;
        if (const auto good = check(*decoded, order.platform); !good) return std::unexpected(good.error());
        const auto precision = precision_of(decoded->job, order.platform);
        if (!precision) return std::unexpected(precision.error());
        decoded->precision = *precision;
        return decoded;
    }

    struct Read {
        Text text;
        std::shared_ptr<Decoded> decoded;
    };
    expected<Read> read_and_decode(const Order& order) {
        Read made{read(order), nullptr};
        auto decoded = decode(order, made.text);
        if (!decoded) return std::unexpected(decoded.error());
        made.decoded = std::move(*decoded);
        return made;
    }

    // A team computes on its lane's thread, and so it is measured there: the first job of a lane waits for it.
    Task<Calibration> calibration(Place& place) {
        if (!place.calibration) {
            place.calibration = co_await on(place.pool, [this, &place] {
                if (!place.measured)
                    place.measured =
                        calibrate(place.team, [this] { return std::chrono::duration<double>(clock_.steady().time_since_epoch()).count(); });
                return *place.measured;
            });
        }
        co_return *place.calibration;
    }

    // The plans that are made for it stay for the run.
    expected<Quote> quote_now(Place& place, const Order& order, const Decoded& decoded, const Calibration& node) {
        const auto kept = place.plans.of(order.session);
        const std::unique_lock lock(kept->mutex, std::try_to_lock);
        auto* plans = lock.owns_lock() ? &kept->plans : nullptr;
        const Allowance allowance{.bytes_free = options_.memory_bytes, .tdp_watts = options_.watts, .cpus = options_.cpus};
        if (decoded.computation) return decoded.computation->quote(order.platform.price(), node, allowance, plans);
        return quote(decoded.job.circuits, {decoded.precision, decoded.parameters.shots}, order.platform.price(), node, allowance, plans);
    }

    // By what it takes in memory: some bytes of text may be a circuit of a gigabyte.
    void keep(Ready& ready, const std::shared_ptr<Decoded>& decoded) {
        const auto bytes = decoded->computation ? decoded->computation->bytes() : bytes_of(decoded->job.circuits);
        if (bytes > limits::kept_job_bytes) return;
        if (kept_->fetch_add(bytes) + bytes > limits::kept_bytes) {
            kept_->fetch_sub(bytes);
            return;
        }
        decoded->kept = bytes;
        decoded->counter = kept_;
        ready.decoded = decoded;
    }

    expected<Ran> run_now(Place& place, const Order& order, const Ready& ready, Control& control) {
        const auto started = clock_.steady();
        std::shared_ptr<const Decoded> decoded = ready.decoded;
        if (!decoded) {
            auto again = decode(order, read(order));
            if (!again) return std::unexpected(again.error());
            decoded = *std::move(again);
        }
        auto options = options_for(*decoded, control);
        if (options.cancelled()) return ended(control);
        const auto kept = place.plans.of(order.session);
        auto energy = energy_.begin(place.team.size(), clock_.steady());
        auto result = [&] {
            const std::lock_guard lock(kept->mutex);
            return decoded->computation ? decoded->computation->run(options, place.team, &kept->plans)
                                        : sampled(order, *decoded, options, place.team, kept->plans);
        }();
        if (!result) return result.error().said == cancelled ? ended(control) : std::unexpected(result.error());
        return Ran{
            .result = *std::move(result), .took = clock_.steady() - started, .energy = energy_.end(std::move(energy), clock_.steady())};
    }

    RunOptions options_for(const Decoded& decoded, Control& control) {
        RunOptions options;
        options.precision = decoded.precision;
        options.shots = decoded.parameters.shots;
        options.seed = decoded.job.backend.seed_simulator.value_or(rng_.next() >> 1);  // clients read it as a signed number
        options.memory = !decoded.computation && needs_memory(decoded.job, decoded.parameters);
        options.cancelled = [this, &control] {
            energy_.look(clock_.steady());
            if (control.deadline && clock_.steady() >= *control.deadline) control.is_overdue = true;
            return control.cancel.load() || control.is_overdue.load();
        };
        options.progress = [&control](double done) { control.done = done; };
        return options;
    }

    expected<std::string> sampled(const Order& order, const Decoded& decoded, const RunOptions& options, Team& team, PlanCache& plans) {
        const auto& job = decoded.job;
        const auto outcomes = sample_all(job.circuits, options, team, &plans);
        std::vector<CircuitResult> results;
        for (std::size_t k = 0; k < outcomes.size(); ++k) {
            if (!outcomes[k]) {
                if (outcomes[k].error().said == cancelled || outcomes.size() == 1) return std::unexpected(outcomes[k].error());
                return complaint(fmt::format("Circuit {} of the job: {}", k + 1, outcomes[k].error().said));
            }
            results.push_back(result_of(*outcomes[k], seed_of(options.seed, k)));
        }
        const Answer answer{job.backend.name, job.backend.version, order.job.str(), rfc3339(clock_.now())};
        return write_results(job, decoded.parameters, results, answer);
    }

    static std::unexpected<Diagnostic> ended(const Control& control) {
        return complaint(std::string(control.is_overdue ? was_overdue : was_cancelled));
    }

    store::ContentStore& content_;
    Clock& clock_;
    Rng& rng_;
    Pool& reading_;
    EmulatorOptions options_;
    EnergyMeter energy_;
    Place small_, large_;
    std::shared_ptr<std::atomic<std::size_t>> kept_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace

std::unique_ptr<Computer> emulator(store::ContentStore& content, Clock& clock, Rng& rng, Pool& reading, Pool& small_lane, Pool& large_lane,
                                   EmulatorOptions options) {
    return std::make_unique<Emulator>(content, clock, rng, reading, small_lane, large_lane, std::move(options));
}

}  // namespace meridian::quantum::service
