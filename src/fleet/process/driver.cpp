#include "fleet/process/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"

namespace meridian::fleet {
namespace {

using namespace std::chrono_literals;

constexpr Duration stop_slack = 5s;  // beyond its grace, for killing and reaping

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

http::ClientLimits limits() {
    http::ClientLimits out;
    out.connect_time = 1s;
    out.head_time = out.read_time = probe_limit;
    return out;
}

}  // namespace

ProcessDriver::ProcessDriver(Disk& disk, Network& network, Clock& clock, Rng& rng, Pool& pool, Executor executor,
                             ProcessDriverOptions options)
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

ProcessDriver::EntryPtr ProcessDriver::entry_of(const ReplicaId& id, const ReplicaPaths& at, ShimSpec spec) {
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
    if (const auto numbered = co_await number(); !numbered)
        throw Error(Fault::unavailable, "Replicas cannot be adopted: " + numbered.error().said);
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
            // One that is ending, unclaimed for too long, is none any more: it forgets itself.
            if (entry->replica.state != ReplicaState::stopped) out.push_back(entry->replica);
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

void ProcessDriver::begin_stop(const EntryPtr& entry, Duration grace) {
    entry->grace = std::clamp<Duration>(grace, 0ns, std::chrono::milliseconds(grace_ms_max));
    entry->is_stopping = true;
    entry->wake.notify();
    // Before there is a link, the owning task says it as soon as there is one.
    if (entry->link)
        group_.spawn("stop of replica " + entry->replica.id.str(), say(entry->link, fmt::format("stop {}", entry->grace / 1ms)));
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

std::unique_ptr<Driver> process_driver(Disk& disk, Network& network, Clock& clock, Rng& rng, Pool& pool, Executor executor,
                                       ProcessDriverOptions options) {
    return std::make_unique<ProcessDriver>(disk, network, clock, rng, pool, std::move(executor), std::move(options));
}

}  // namespace meridian::fleet
