// The life of one replica, as the driver follows it.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "fleet/process/driver.h"

namespace meridian::fleet {
namespace {

using namespace std::chrono_literals;

constexpr Duration first_look = 20ms, longest_look = 250ms;  // between probes while it loads
constexpr Duration forever = std::chrono::hours(24);         // a wait that only a change ends
constexpr Duration claim_limit = 5s;
constexpr int failed_probes_max = 3;
constexpr std::size_t health_body_max = 64 * 1024;

}  // namespace

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
        const auto is_running = [&] {
            return entry->status.state == ShimState::running && !entry->is_stopping && entry->status.pid == pid;
        };
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

Task<ProcessDriver::Health> ProcessDriver::ask(EntryPtr entry, Duration limit) {
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
        case ShimState::starting:
            return become(entry, ReplicaState::starting, "starting the runtime");
        case ShimState::running:
            if (!is_same_process || entry->replica.state == ReplicaState::starting)
                become(entry, ReplicaState::starting, "starting the runtime");
            return;
        case ShimState::backing_off:
            return become(entry, ReplicaState::backing_off, status.detail);
        case ShimState::failed:
            return become(entry, ReplicaState::failed, status.detail);
        case ShimState::stopping:
            return become(entry, ReplicaState::stopped, "stopping");
        case ShimState::stopped:
            return become(entry, ReplicaState::stopped, status.detail);
        case ShimState::displaced:
            return become(entry, ReplicaState::stopped, "taken over by another Meridian");
        case ShimState::refused:
            return become(entry, ReplicaState::failed, status.detail);
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

}  // namespace meridian::fleet
