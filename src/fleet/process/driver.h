// The process driver: for every replica one task that holds the claim on its shim and listens, and one that asks it how it is. All state
// is on one executor. The shim restarts a crashed program by itself; the driver restarts a shim that died, and asks for a restart of a
// program that does not answer.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fleet/process/launcher.h"
#include "fleet/process/link.h"
#include "fleet/service.h"
#include "http/client.h"

namespace meridian::fleet {

// A runtime whose threads are all busy answers its probe late; ending it for that would hurt more than the delay in noticing a hung one.
inline constexpr Duration probe_limit = std::chrono::seconds(20), first_probe_limit = std::chrono::seconds(1);
inline constexpr Duration default_grace = std::chrono::seconds(10);

class ProcessDriver final : public Driver {
public:
    ProcessDriver(Disk& disk, Network& network, Clock& clock, Rng& rng, Pool& pool, Executor executor, ProcessDriverOptions options);

    Task<std::vector<Replica>> adopt(std::vector<ReplicaId> wanted) override;
    Task<Replica> start(Launch launch) override;
    Task<> stop(ReplicaId id, Duration grace) override;
    std::optional<Replica> find(ReplicaId id) override;
    void on_change(std::function<void(const Replica&)> told) override { told_.push_back(std::move(told)); }
    Task<> shutdown(Leave leave) override;

private:
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

}  // namespace meridian::fleet
