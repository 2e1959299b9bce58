#include "base/sim/world.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace meridian::sim {
namespace {

using namespace std::chrono_literals;

Task<int> sleep_and_answer(Clock& clock, Duration length) {
    co_await clock.sleep(length);
    co_return 7;
}

TEST(World, AVirtualHourPassesAtOnce) {
    World world(1);
    const auto steady = world.clock().steady();
    const auto now = world.clock().now();
    EXPECT_EQ(world.run(sleep_and_answer(world.clock(), 1h)), 7);
    EXPECT_EQ(world.clock().steady() - steady, Duration(1h));
    EXPECT_EQ(world.clock().now() - now, 1h);
}

TEST(World, RunForStopsAtItsTime) {
    World world(1);
    const auto before = world.clock().steady();
    world.run_for(90min);
    EXPECT_EQ(world.clock().steady() - before, Duration(90min));
}

TEST(World, TheWallClockMayJumpAndTheSteadyOneDoesNot) {
    World world(1);
    const auto steady = world.clock().steady();
    const auto now = world.clock().now();
    world.jump_wall_clock(-3h);
    EXPECT_EQ(world.clock().steady(), steady);
    EXPECT_EQ(world.clock().now() - now, -3h);
}

Task<> wait_for_ever(Event& event, Clock& clock) { co_await event.wait(clock, Duration::max()); }
Task<> accept_for_ever(Listener& listener) { (void)co_await listener.accept(); }

std::string deadlock(World& world, Task<> task) {
    try {
        world.run(std::move(task));
    } catch (const std::logic_error& e) {
        return e.what();
    }
    return "no deadlock";
}

TEST(World, SaysWithItsSeedThatEverythingWaitsForNothing) {
    World world(4711);
    Event event(world.executor());
    const auto listener = *world.network().listen(world.executor(), *Address::parse("127.0.0.1:80"));
    EXPECT_NE(deadlock(world, wait_for_ever(event, world.clock())).find("4711"), std::string::npos);
    EXPECT_NE(deadlock(world, accept_for_ever(*listener)).find("4711"), std::string::npos);
}

Task<> throw_it() {
    throw std::out_of_range("thrown inside");
    co_return;
}

TEST(World, RethrowsWhatTheTaskThrew) {
    World world(1);
    EXPECT_THROW(world.run(throw_it()), std::out_of_range);
}

Task<> wander(World& world, std::string name, std::string& trace) {
    for (int i = 0; i < 20; ++i) {
        co_await world.clock().sleep(std::chrono::milliseconds(world.rng().below(10)));
        trace += name;
    }
}

std::string trace_of(std::uint64_t seed) {
    World world(seed);
    TaskGroup group(world.executor());
    std::string trace;
    for (const auto* name : {"a", "b", "c", "d"}) group.spawn(name, wander(world, name, trace));
    world.run(group.join());
    return trace;
}

TEST(World, TheSameSeedGivesTheSameOrder) {
    EXPECT_EQ(trace_of(1), trace_of(1));
    EXPECT_NE(trace_of(1), trace_of(2));
}

TEST(World, SleepersOfOneMomentWakeInTheOrderInWhichTheyLayDown) {
    World world(1);
    TaskGroup group(world.executor());
    std::string trace;
    const auto say = [](Clock& clock, char c, std::string& out) -> Task<> {
        co_await clock.sleep(1s);
        out += c;
    };
    for (const char c : {'x', 'y', 'z'}) group.spawn("say", say(world.clock(), c, trace));
    world.run(group.join());
    EXPECT_EQ(trace, "xyz");
}

// Frames that are suspended when the world ends are destroyed with it; the sanitizer would see one that is not.
Task<> hold(std::shared_ptr<int> what, Clock& clock, Network& network, Address at) {
    auto stream = co_await network.connect(at, 1s);
    char byte;
    (void)co_await (*stream)->read_some({&byte, 1});
    co_await clock.sleep(1h);
    *what = 1;
}

TEST(World, TakesSuspendedCoroutinesWithIt) {
    const auto held = std::make_shared<int>(0);
    {
        World world(1);
        const auto at = *Address::parse("127.0.0.1:80");
        const auto listener = *world.network().listen(world.executor(), at);
        EXPECT_THROW(world.run(hold(held, world.clock(), world.network(), at)), std::logic_error);
        EXPECT_EQ(held.use_count(), 2);
    }
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace meridian::sim
