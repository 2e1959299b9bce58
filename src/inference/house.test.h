// For this room's tests: everything that a deployment needs, real but for the machines, and a power switch.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/sim/failing_pool.h"
#include "base/sim/world.h"
#include "catalog/testing.h"
#include "inference/exchange.test.h"
#include "inference/reconcile.h"
#include "inference/store.h"

namespace meridian::inference {

inline void PrintTo(DeploymentState state, std::ostream* out) { *out << name(state); }

}  // namespace meridian::inference

namespace meridian::inference::test {

using namespace std::chrono_literals;

// Processes that are only names. They outlive a Meridian that was killed, but not their machine.
class FakeDriver final : public fleet::Driver {
public:
    explicit FakeDriver(sim::World& world) : world_(world) { boots_.emplace(world.executor()); }
    ~FakeDriver() override { end_boots(); }

    Task<std::vector<fleet::Replica>> adopt(std::vector<ReplicaId> wanted) override {
        std::erase_if(running, [&](const auto& each) { return std::ranges::find(wanted, each.first) == wanted.end(); });
        std::vector<fleet::Replica> claimed;
        for (const auto& [_, replica] : running) claimed.push_back(replica);
        co_return claimed;
    }
    Task<fleet::Replica> start(fleet::Launch launch) override {
        if (start_time > Duration::zero()) co_await world_.clock().sleep(start_time);
        const auto [it, is_new] = running.try_emplace(launch.id);
        if (is_new) {
            it->second.id = launch.id;
            it->second.state = fleet::ReplicaState::loading;
            it->second.address = *Address::parse("unix:/run/" + launch.id.str());
            it->second.secret = "secret-of-" + launch.id.str();
            boots_->spawn("boot", boot(launch.id));
            launches.push_back(std::move(launch));
        }
        co_return it->second;
    }
    Task<> stop(ReplicaId id, Duration) override {
        if (stop_time > Duration::zero()) co_await world_.clock().sleep(stop_time);
        if (running.erase(id) == 0) co_return;
        fleet::Replica gone;
        gone.id = id;
        gone.state = fleet::ReplicaState::stopped;
        tell(gone);
    }
    std::optional<fleet::Replica> find(ReplicaId id) override {
        const auto it = running.find(id);
        return it == running.end() ? std::nullopt : std::optional(it->second);
    }
    void on_change(std::function<void(const fleet::Replica&)> told) override { told_.push_back(std::move(told)); }
    Task<> shutdown(Leave) override { co_return; }

    // What Meridian's end means to what it started.
    void forget_meridian() { told_.clear(); }
    void lose_power() {
        forget_meridian();
        end_boots();
        running.clear();
        boots_.emplace(world_.executor());
    }
    void crash(const ReplicaId& id, std::string detail) { change(id, fleet::ReplicaState::failed, std::move(detail)); }

    Duration start_time{}, boot_time = 100ms, stop_time{};
    std::optional<std::string> failing;  // what they die of instead of being ready
    std::map<ReplicaId, fleet::Replica> running;
    std::vector<fleet::Launch> launches;

private:
    Task<> boot(ReplicaId id) {
        co_await world_.clock().sleep(boot_time);
        change(id, failing ? fleet::ReplicaState::failed : fleet::ReplicaState::ready, failing.value_or(""));
    }
    void change(const ReplicaId& id, fleet::ReplicaState state, std::string detail) {
        const auto it = running.find(id);
        if (it == running.end()) return;
        it->second.state = state;
        it->second.detail = std::move(detail);
        tell(fleet::Replica(it->second));
    }
    void tell(const fleet::Replica& replica) {
        for (const auto& each : told_) each(replica);
    }

    void end_boots() {
        boots_->cancel();
        world_.run(boots_->join());
    }

    sim::World& world_;
    std::optional<TaskGroup> boots_;
    std::vector<std::function<void(const fleet::Replica&)>> told_;
};

inline fleet::Node node_of(sim::World& world, std::uint64_t memory_bytes, int gpus) {
    fleet::Node node{.id = NodeId::random(world.rng()),
                     .name = "debian",
                     .zone = *geography::Zone::parse("fr-par-1"),
                     .arch = "x86_64",
                     .cpus = 4,
                     .memory_bytes = memory_bytes,
                     .gpus = {},
                     .sandbox_layers = {"mount-ns"}};
    for (int i = 0; i < gpus; ++i)
        node.gpus.push_back({"NVIDIA L4", "GPU-" + std::to_string(i), 24ull << 30, i, "/dev/nvidia" + std::to_string(i)});
    return node;
}

// One that uses GPUs and one that does not.
inline RuntimeOptions two_runtimes() {
    return {.all = {*named_runtime("llama.cpp=/usr/bin/llama-server"), *named_runtime("vllm=/opt/vllm/bin/vllm")}};
}

// One Meridian, as long as it lives.
struct Life {
    Life(sim::World& w, Pool& pool, FakeDriver& driver, const fleet::Node& node, RuntimeOptions runtimes, char key)
        : world(w), store(opened(w, pool)), sealing(keys::SealingKey::from_bytes(std::string(32, key)).value()) {
        const auto first = identity::Identity(*store, w.clock(), w.rng()).bootstrap();
        caller = caller_of(first.organization, first.project);
        catalog.emplace(*store, artifacts, w.clock(), w.rng(), pool, sealing, w.disk(), "models: []");
        catalog->load();
        deployments.emplace(*store, *catalog, std::vector{node}, node.zone, w.clock(), w.rng(), std::move(runtimes));
        reconciler.emplace(*store, content, *catalog, driver, *deployments, serving, w.clock(), w.rng(), w.executor());
    }
    static std::unique_ptr<store::Store> opened(sim::World& world, Pool& pool) {
        auto store = store::Store::open(world.disk(), world.clock(), pool, {.path = "/data/control/meridian.db"});
        if (!store) throw std::runtime_error(store.error().said);
        return std::move(*store);
    }

    sim::World& world;
    std::unique_ptr<store::Store> store;
    keys::SealingKey sealing;
    store::ArtifactStore artifacts{world.disk(), "/data/artifacts"};
    store::ContentStore content{world.disk(), "/data/content", "fr-par-1"};
    std::optional<catalog::Catalog> catalog;
    std::optional<Deployments> deployments;
    Serving serving;
    std::optional<Reconciler> reconciler;
    TaskGroup tasks{world.executor()};
    identity::Caller caller;
};

struct House {
    static constexpr std::uint64_t large = 8ull << 30;

    explicit House(std::uint64_t memory_bytes = large, int gpus = 0) : node(node_of(world, memory_bytes, gpus)) {
        log::configure(log::Level::off, log::Form::text);
        begin();
        add_file("talk", catalog::talking_gguf());
        add_file("other", catalog::talking_gguf("{{ tools }}"));
    }
    ~House() {
        if (life) end();
    }

    void begin(char key = 'k') { life = std::make_unique<Life>(world, pool, driver, node, runtimes, key); }
    void reconcile() { life->tasks.spawn("reconciler", life->reconciler->run()); }
    void end() {
        life->catalog->stop();
        world.run(life->reconciler->stop());
        world.run(life->tasks.join());
        driver.forget_meridian();
        life.reset();
    }
    // The machine goes down, and comes up again with what its disk has kept.
    void lose_power(sim::SimDisk::Unsynced how) {
        world.disk().crash(how);
        end();
        driver.lose_power();
        begin();
    }
    // Only we go down, in the middle of whatever we do.
    void kill() {
        world.disk().crash(sim::SimDisk::Unsynced::kept);
        end();
        begin();
    }

    void add_file(const std::string& name, const catalog::GgufWriter& gguf) {
        const auto path = "/models/" + name + ".gguf";
        ASSERT_TRUE(world.disk().make_directories("/models"));
        ASSERT_TRUE(world.disk().replace_file(path, gguf.bytes()));
        world.run(life->catalog->add_file({.path = path, .name = name, .embedding = false, .slots = 2, .context = 512}));
    }
    Deployment create(const std::string& name, std::uint32_t size = 1, const std::string& model = "talk") {
        DeploymentWish wish;
        wish.name = name;
        wish.model = model;
        wish.min_size = wish.max_size = size;
        return world.run(life->deployments->create(life->caller, wish));
    }
    Deployment get(const DeploymentId& id) { return world.run(life->deployments->get(life->caller, id)); }
    std::vector<Deployment> list() { return world.run(life->deployments->list(life->caller)); }
    Deployment change(const DeploymentId& id, DeploymentChange what) {
        return world.run(life->deployments->update(life->caller, id, std::move(what)));
    }
    void remove(const DeploymentId& id) { world.run(life->deployments->remove(life->caller, id)); }
    std::vector<ReplicaRow> replicas() {
        return life->store->read_now([](store::Tx& tx) { return rows::replicas(tx); });
    }
    // Lets time pass until the deployment is in that state, at most a minute.
    testing::AssertionResult becomes(const DeploymentId& id, DeploymentState state) {
        for (int i = 0; i < 600; ++i) {
            if (get(id).state == state) return testing::AssertionSuccess();
            world.run_for(100ms);
        }
        const auto d = get(id);
        return testing::AssertionFailure() << "it is " << name(d.state) << " " << d.error_message.value_or("");
    }
    // What the gateway would choose from.
    std::vector<Backend> backends(const std::string& model) {
        const auto table = life->serving.current();
        const auto found = table->by_model.find(model);
        std::vector<Backend> all;
        if (found == table->by_model.end()) return all;
        for (const auto& served : found->second) all.insert(all.end(), served->backends.begin(), served->backends.end());
        return all;
    }

    sim::World world{5};
    sim::FailingPool pool{world};
    FakeDriver driver{world};
    fleet::Node node;
    RuntimeOptions runtimes = two_runtimes();
    std::unique_ptr<Life> life;
};

// What `task` throws.
template <class T>
std::optional<Error> error_of(sim::World& world, Task<T> task) {
    try {
        world.run(std::move(task));
        return std::nullopt;
    } catch (const Error& e) {
        return e;
    }
}

}  // namespace meridian::inference::test
