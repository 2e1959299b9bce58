// The process driver: for every replica one task that holds the claim on its shim and listens, and one that asks it how it is. All state
// is on one executor. The shim restarts a crashed program by itself; the driver restarts a shim that died, and asks for a restart of a
// program that does not answer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <map>
#include <span>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "fleet/process/launcher.h"
#include "fleet/process/link.h"
#include "fleet/service.h"
#include "http/client.h"

namespace meridian::fleet {
namespace {

using namespace std::chrono_literals;

constexpr Duration first_look = 20ms, longest_look = 250ms;  // between probes while it loads
constexpr Duration forever = std::chrono::hours(24);          // a wait that only a change ends
constexpr Duration claim_limit = 5s;
constexpr Duration stop_slack = 5s;  // beyond its grace, for killing and reaping
constexpr Duration default_grace = 10s;
constexpr int failed_probes_max = 3;
// A runtime whose threads are all busy answers its probe late; ending it for that would hurt more than the delay in noticing a hung one.
constexpr Duration probe_limit = 20s, first_probe_limit = 1s;
constexpr std::size_t health_body_max = 64 * 1024;

std::string random_hex(Rng& rng) {
    std::array<std::byte, 16> bytes;
    rng.fill(bytes);
    return hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string absolute_directory(const std::string& path) {
    auto out = std::filesystem::absolute(path).lexically_normal().string();
    while (out.size() > 1 && out.ends_with('/')) out.pop_back();
    return out;
}

struct Entry {
    explicit Entry(const Executor& executor) : wake(executor), ended(executor) {}
    Replica replica;
    ShimSpec spec;
    ReplicaPaths at;
    ShimStatus status;
    std::shared_ptr<ShimLink> link;
    Event wake;   // for its probing task: look again
    Event ended;  // its holding task is over
    bool is_over = false;
    bool is_stopping = false;
    bool is_cleaned = false;
    Duration grace = default_grace;
    std::deque<Steady> shim_deaths;
};
using EntryPtr = std::shared_ptr<Entry>;

enum class Health { silent, loading, ready };

class ProcessDriver final : public Driver {
public:
    ProcessDriver(Disk& disk, Network& network, Clock& clock, Rng& rng, Pool& pool, Executor executor, ProcessDriverOptions options)
        : disk_(disk),
          network_(network),
          clock_(clock),
          rng_(rng),
          pool_(pool),
          executor_(executor),
          options_(std::move(options)),
          group_(executor),
          client_(network, clock, executor, {}, limits()) {
        options_.directory = absolute_directory(options_.directory);
    }

    Task<std::vector<Replica>> adopt(std::vector<ReplicaId> wanted) override;
    Task<Replica> start(Launch launch) override;
    Task<> stop(ReplicaId id, Duration grace) override;
    std::optional<Replica> find(ReplicaId id) override;
    void on_change(std::function<void(const Replica&)> told) override { told_.push_back(std::move(told)); }
    Task<> shutdown(Leave leave) override;

private:
    static http::ClientLimits limits() {
        http::ClientLimits out;
        out.connect_time = 1s;
        out.head_time = out.read_time = probe_limit;
        return out;
    }
    EntryPtr entry_of(const ReplicaId& id, const ReplicaPaths& at, ShimSpec spec);
    Task<expected<void>> number();
    Task<> own_new(EntryPtr entry);
    Task<> own(EntryPtr entry);
    Task<expected<void>> claim(EntryPtr entry);
    Task<bool> revive(EntryPtr entry);
    Task<> end_unanswered(std::shared_ptr<ShimLink> link);
    static Task<> say(std::shared_ptr<ShimLink> link, std::string line) { co_await link->say(std::move(line)); }
    static Task<> fire_late(Clock& clock, Duration limit, std::shared_ptr<Event> answered, std::shared_ptr<http::Cancel> cancel) {
        if (!co_await answered->wait(clock, limit)) cancel->fire();
    }
    Task<> probe(EntryPtr entry);
    Task<Health> ask(EntryPtr entry, Duration limit);
    void judge(const EntryPtr& entry, Health health, int& failures);
    void take(const EntryPtr& entry, const ShimStatus& status);
    void become(const EntryPtr& entry, ReplicaState state, std::string detail);
    Task<> forget(EntryPtr entry);
    void over(const EntryPtr& entry);
    void begin_stop(const EntryPtr& entry, Duration grace);
    Task<> finish_stop(EntryPtr entry);

    Disk& disk_;
    Network& network_;
    Clock& clock_;
    Rng& rng_;
    Pool& pool_;
    Executor executor_;
    ProcessDriverOptions options_;
    TaskGroup group_;
    http::Client client_;
    std::map<ReplicaId, EntryPtr> entries_;
    std::vector<std::function<void(const Replica&)>> told_;
    std::uint64_t number_ = 0;  // our fencing number
    bool is_closing_ = false;
};

EntryPtr ProcessDriver::entry_of(const ReplicaId& id, const ReplicaPaths& at, ShimSpec spec) {
    auto entry = std::make_shared<Entry>(executor_);
    entry->at = at;
    entry->replica.id = id;
    entry->replica.address.unix_path = at.socket();
    entry->replica.secret = spec.secret;
    entry->spec = std::move(spec);
    entries_[id] = entry;
    return entry;
}

Task<expected<void>> ProcessDriver::number() {
    if (number_ > 0) co_return expected<void>{};
    const auto made = co_await on(pool_, [this] { return next_number(disk_, options_.directory, 0); });
    if (!made) co_return unexpected<Diagnostic>(made.error());
    number_ = std::max(number_, *made);
    co_return expected<void>{};
}

Task<std::vector<Replica>> ProcessDriver::adopt(std::vector<ReplicaId> wanted) {
    std::vector<Replica> out;
    if (const auto numbered = co_await number(); !numbered) throw Error(Fault::unavailable, "Replicas cannot be adopted: " + numbered.error().said);
    const auto found = co_await on(pool_, [this] { return found_in(disk_, options_.directory); });
    for (const auto& one : found) {
        auto entry = entry_of(one.id, one.at, one.spec);
        if (const auto claimed = co_await claim(entry); !claimed) {
            log::info("fleet", "replica {} did not survive: {}", one.id.str(), claimed.error().said);
            entries_.erase(one.id);
            co_await on(pool_, [at = one.at] { clean_up(at); });
            continue;
        }
        const bool is_wanted = std::ranges::find(wanted, one.id) != wanted.end();
        if (is_wanted && entry->status.state == ShimState::running) {
            int failures = 0;
            judge(entry, co_await ask(entry, first_probe_limit), failures);
        }
        group_.spawn("replica " + one.id.str(), own(entry));
        group_.spawn("health of replica " + one.id.str(), probe(entry));
        if (is_wanted) {
            out.push_back(entry->replica);
        } else {
            begin_stop(entry, default_grace);
            group_.spawn("stop of unwanted replica " + one.id.str(), finish_stop(entry));
        }
    }
    co_return out;
}

Task<Replica> ProcessDriver::start(Launch launch) {
    if (is_closing_) throw Error(Fault::unavailable, "Meridian is stopping; start it again first.");
    if (const auto known = entries_.find(launch.id); known != entries_.end()) {
        const auto state = known->second->replica.state;
        const bool is_done = state == ReplicaState::failed || state == ReplicaState::stopped || known->second->is_stopping;
        if (!is_done) co_return known->second->replica;
        co_await stop(launch.id, default_grace);
    }
    const ReplicaPaths at{options_.directory + "/" + short_name(launch.id)};
    auto entry = entry_of(launch.id, at, spec_of(launch, at, options_, random_hex(rng_), random_hex(rng_)));
    entry->replica.detail = "starting the runtime";
    group_.spawn("replica " + launch.id.str(), own_new(entry));
    group_.spawn("health of replica " + launch.id.str(), probe(entry));
    co_return entry->replica;
}

Task<> ProcessDriver::own_new(EntryPtr entry) {
    auto ready = co_await number();
    if (ready) {
        ready = co_await on(pool_, [this, at = entry->at, spec = entry->spec] { return launch(disk_, options_.shim_program, at, spec); });
    }
    if (ready) ready = co_await claim(entry);
    if (!ready) {
        become(entry, ReplicaState::failed, ready.error().said);
        co_return over(entry);
    }
    co_await own(std::move(entry));
}

// Listens while the shim lives. The claim stands when this begins.
Task<> ProcessDriver::own(EntryPtr entry) {
    while (true) {
        if (entry->is_stopping) co_await say(entry->link, fmt::format("stop {}", entry->grace / 1ms));
        while (auto status = co_await entry->link->next()) {
            take(entry, *status);
            if (status->state == ShimState::displaced) co_return over(entry);
        }
        const auto last = entry->status.state;
        if (is_closing_ || entry->is_stopping || last == ShimState::stopped || last == ShimState::stopping) break;
        if (!co_await revive(entry)) break;
    }
    over(entry);
    // It ended by itself (unclaimed for too long, or told so by the host): whoever wants it starts it anew.
    const bool ended = entry->status.state == ShimState::stopped || entry->status.state == ShimState::stopping;
    if (ended && !entry->is_stopping && !is_closing_) co_await forget(entry);
}

// After the end of a connection that nobody asked for: the shim is gone, and its child with it.
Task<bool> ProcessDriver::revive(EntryPtr entry) {
    const auto now = clock_.steady();
    auto& deaths = entry->shim_deaths;
    deaths.push_back(now);
    while (now - deaths.front() > options_.crash_window) deaths.pop_front();
    entry->status.state = ShimState::failed;
    if (static_cast<int>(deaths.size()) >= options_.crashes_max) {
        become(entry, ReplicaState::failed, fmt::format("gave up: its shim died {} times", deaths.size()));
        co_return false;
    }
    become(entry, ReplicaState::backing_off, "its shim died; restarting");
    co_await clock_.sleep(options_.backoff_first);
    if (entry->is_stopping) co_return false;
    auto again = co_await claim(entry);  // perhaps only the connection broke
    if (!again) {
        again = co_await on(pool_, [this, at = entry->at] { return start_shim(options_.shim_program, at); });
        if (again) again = co_await claim(entry);
    }
    if (!again) become(entry, ReplicaState::failed, again.error().said);
    co_return again.has_value();
}

Task<expected<void>> ProcessDriver::claim(EntryPtr entry) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto stream = co_await network_.connect(Address{.ip = {}, .port = 0, .unix_path = entry->at.control()}, claim_limit);
        if (!stream) co_return complaint("its shim does not answer: " + stream.error().message());
        const auto link = std::make_shared<ShimLink>(std::move(*stream), executor_);
        group_.spawn("claim of replica " + entry->replica.id.str(), end_unanswered(link));
        co_await link->say(fmt::format("claim {} {}", number_, entry->spec.token));
        const auto status = co_await link->next();
        link->answered.notify();
        if (!status) co_return complaint("its shim does not answer");
        if (status->state != ShimState::refused) {
            entry->link = link;
            take(entry, *status);
            co_return expected<void>{};
        }
        if (status->holder < number_) co_return complaint("its shim refused the claim: " + status->detail);
        // Our number was lost, with the file that kept it. The directory's lock says that we are the one Meridian here.
        const auto above = co_await on(pool_, [this, was = status->holder] { return next_number(disk_, options_.directory, was); });
        if (!above) co_return unexpected<Diagnostic>(above.error());
        number_ = *above;
    }
    co_return complaint("its shim refused the claim twice");
}

Task<> ProcessDriver::end_unanswered(std::shared_ptr<ShimLink> link) {
    if (!co_await link->answered.wait(clock_, claim_limit)) link->close();
}

Task<> ProcessDriver::probe(EntryPtr entry) {
    Duration look = first_look;
    int failures = 0;
    std::int64_t last = 0;
    while (!entry->is_over && !is_closing_) {
        const auto pid = entry->status.pid;
        const auto is_running = [&] { return entry->status.state == ShimState::running && !entry->is_stopping && entry->status.pid == pid; };
        if (!is_running()) {
            co_await entry->wake.wait(clock_, forever);
            continue;
        }
        if (std::exchange(last, pid) != pid) {
            look = first_look;
            failures = 0;
        }
        const auto health = co_await ask(entry, entry->replica.state == ReplicaState::ready ? probe_limit : first_probe_limit);
        if (!is_running()) continue;
        judge(entry, health, failures);
        if (failures >= failed_probes_max) {
            log::warn("fleet", "replica {} does not answer; restarting it", entry->replica.id.str());
            failures = 0;
            co_await say(entry->link, "restart");
        }
        const bool is_ready = entry->replica.state == ReplicaState::ready;
        co_await entry->wake.wait(clock_, is_ready ? options_.health_every : look);
        look = std::min(look * 3 / 2, longest_look);
    }
}

Task<Health> ProcessDriver::ask(EntryPtr entry, Duration limit) {
    http::Outgoing request;
    request.path = entry->spec.health_path;
    request.headers.add("Authorization", "Bearer " + entry->spec.secret);
    request.fresh_connection = true;
    auto cancel = std::make_shared<http::Cancel>();
    const auto answered = std::make_shared<Event>(executor_);
    if (limit < probe_limit) group_.spawn("limit of a health probe", fire_late(clock_, limit, answered, cancel));
    const http::Target target{.tls = false, .host = "replica", .port = 80, .local = entry->replica.address};
    const auto response = co_await client_.fetch(target, std::move(request), health_body_max, cancel);
    answered->notify();
    if (!response) co_return Health::silent;
    if (response->status == 200) co_return Health::ready;
    co_return response->status == 503 ? Health::loading : Health::silent;
}

void ProcessDriver::judge(const EntryPtr& entry, Health health, int& failures) {
    const bool was_ready = entry->replica.state == ReplicaState::ready;
    failures = health == Health::ready ? 0 : failures + 1;
    if (health == Health::ready) {
        if (!was_ready) become(entry, ReplicaState::ready, "");
    } else if (!was_ready) {
        failures = 0;  // it has all the time it needs to load
        const auto state = health == Health::loading ? ReplicaState::loading : entry->replica.state;
        if (state != entry->replica.state) become(entry, state, "loading the model");
    }
}

// What the shim says of the process, in the words of a replica; that it is ready only a probe can say.
void ProcessDriver::take(const EntryPtr& entry, const ShimStatus& status) {
    const bool is_same_process = status.pid != 0 && status.pid == entry->status.pid;
    entry->status = status;
    entry->replica.restarts = status.restarts;
    entry->replica.layers = status.layers;
    entry->replica.pid = static_cast<int>(status.pid);
    entry->wake.notify();
    switch (status.state) {
        case ShimState::starting: return become(entry, ReplicaState::starting, "starting the runtime");
        case ShimState::running:
            if (!is_same_process || entry->replica.state == ReplicaState::starting) become(entry, ReplicaState::starting, "starting the runtime");
            return;
        case ShimState::backing_off: return become(entry, ReplicaState::backing_off, status.detail);
        case ShimState::failed: return become(entry, ReplicaState::failed, status.detail);
        case ShimState::stopping: return become(entry, ReplicaState::stopped, "stopping");
        case ShimState::stopped: return become(entry, ReplicaState::stopped, status.detail);
        case ShimState::displaced: return become(entry, ReplicaState::stopped, "taken over by another Meridian");
        case ShimState::refused: return become(entry, ReplicaState::failed, status.detail);
    }
}

void ProcessDriver::become(const EntryPtr& entry, ReplicaState state, std::string detail) {
    if (entry->replica.state == state && entry->replica.detail == detail) return;
    entry->replica.state = state;
    entry->replica.detail = std::move(detail);
    const Replica now = entry->replica;  // whoever is told may stop it
    for (const auto& told : told_) told(now);
}

void ProcessDriver::over(const EntryPtr& entry) {
    entry->is_over = true;
    if (entry->link) entry->link->close();
    entry->wake.notify();
    entry->ended.notify();
}

void ProcessDriver::begin_stop(const EntryPtr& entry, Duration grace) {
    entry->grace = std::clamp<Duration>(grace, 0ns, std::chrono::milliseconds(grace_ms_max));
    entry->is_stopping = true;
    entry->wake.notify();
    // Before there is a link, the owning task says it as soon as there is one.
    if (entry->link) group_.spawn("stop of replica " + entry->replica.id.str(), say(entry->link, fmt::format("stop {}", entry->grace / 1ms)));
}

Task<> ProcessDriver::finish_stop(EntryPtr entry) {
    const auto end = clock_.steady() + entry->grace + stop_slack;
    while (!entry->is_over && clock_.steady() < end) co_await entry->ended.wait(clock_, std::min<Duration>(end - clock_.steady(), 1s));
    if (!entry->is_over) log::error("fleet", "replica {} did not end in time; its shim goes on trying", entry->replica.id.str());
    co_await forget(entry);
}

// Files first: the same replica may be started anew as soon as it is forgotten. Both ends of a stop that was asked for twice come here.
Task<> ProcessDriver::forget(EntryPtr entry) {
    const auto is_known = [this, &entry] {
        const auto known = entries_.find(entry->replica.id);
        return known != entries_.end() && known->second == entry;
    };
    if (!is_known()) co_return;
    if (entry->is_over && !std::exchange(entry->is_cleaned, true)) co_await on(pool_, [at = entry->at] { clean_up(at); });
    if (is_known()) entries_.erase(entry->replica.id);
    become(entry, ReplicaState::stopped, "");
}

Task<> ProcessDriver::stop(ReplicaId id, Duration grace) {
    const auto known = entries_.find(id);
    if (known == entries_.end()) co_return;
    const EntryPtr entry = known->second;
    begin_stop(entry, grace);
    co_await finish_stop(entry);
}

std::optional<Replica> ProcessDriver::find(ReplicaId id) {
    const auto known = entries_.find(id);
    if (known == entries_.end()) return std::nullopt;
    return known->second->replica;
}

Task<> ProcessDriver::shutdown(Leave leave) {
    is_closing_ = true;
    const auto all = entries_;
    if (leave == Leave::stop) {
        for (const auto& [_, entry] : all) begin_stop(entry, default_grace);
        for (const auto& [_, entry] : all) co_await finish_stop(entry);
    } else {
        for (const auto& [_, entry] : all)
            if (entry->link) co_await say(entry->link, "leave");
    }
    for (const auto& [_, entry] : all)
        if (entry->link) entry->link->close();
    client_.close();
    group_.cancel();
    co_await group_.join();
    entries_.clear();
}

}  // namespace

std::unique_ptr<Driver> process_driver(Disk& disk, Network& network, Clock& clock, Rng& rng, Pool& pool, Executor executor,
                                       ProcessDriverOptions options) {
    return std::make_unique<ProcessDriver>(disk, network, clock, rng, pool, std::move(executor), std::move(options));
}

}  // namespace meridian::fleet
