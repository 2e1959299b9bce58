#include "base/sim/world.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "base/sim/clock.h"
#include "base/sim/disk.h"
#include "base/sim/network.h"

namespace meridian::sim {
namespace {

class SameThread final : public Pool {
public:
    explicit SameThread(Executor executor) : executor_(std::move(executor)) {}
    void post(std::move_only_function<void()> job) override {
        asio::post(executor_, [j = std::move(job)]() mutable { j(); });
    }

private:
    Executor executor_;
};

}  // namespace

struct World::State {
    std::uint64_t seed;
    std::unique_ptr<asio::io_context> context = std::make_unique<asio::io_context>(1);
    Executor executor = context->get_executor();
    SeededRng rng{seed};
    SimClock clock;
    MemoryDisk disk{seed};
    PipeNetwork network{executor, clock};
    SameThread pool{executor};

    explicit State(std::uint64_t s) : seed(s) {}
    // What waits is dropped first, into the loop; the loop then takes its coroutines down while all that they use is still there.
    ~State() {
        clock.clear();
        network.clear();
        context.reset();
        clock.clear();
    }
    void run_ready() {
        do context->restart();
        while (context->poll() > 0);
    }
};

World::World(std::uint64_t seed) : state_(std::make_unique<State>(seed)) {}
World::~World() = default;

Executor World::executor() const { return state_->executor; }
Clock& World::clock() { return state_->clock; }
Rng& World::rng() { return state_->rng; }
SimDisk& World::disk() { return state_->disk; }
SimNetwork& World::network() { return state_->network; }
Pool& World::pool() { return state_->pool; }

void World::run_void(Task<> task) {
    struct Outcome {
        bool is_there = false;
        std::exception_ptr error;
    };
    const auto outcome = std::make_shared<Outcome>();
    asio::co_spawn(state_->executor, std::move(task), [outcome](const std::exception_ptr& error) { *outcome = {true, error}; });
    for (;;) {
        state_->run_ready();
        if (outcome->is_there) break;
        if (!state_->clock.advance(Steady::max()))
            throw std::logic_error(fmt::format("deadlock: everything waits for nothing in the world of seed {}", state_->seed));
    }
    if (outcome->error) std::rethrow_exception(outcome->error);
}

void World::run_for(Duration length) {
    const auto until = state_->clock.steady() + length;
    do state_->run_ready();
    while (state_->clock.advance(until));
    state_->clock.move_to(until);
}

void World::work_for(Duration length) { state_->clock.move_to(state_->clock.steady() + length); }

void World::jump_wall_clock(Duration by) { state_->clock.jump_wall(by); }

}  // namespace meridian::sim
