#include "base/async.h"

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>
#include <stdexcept>
#include <thread>

#include "base/real/real.h"
#include "base/sim/world.h"

namespace meridian {
namespace {

using namespace std::chrono_literals;
using sim::World;

// What a coroutine learned, for the test to look at afterwards.
struct Seen {
    std::vector<std::string> words;
    std::thread::id before, inside, after;
};

Task<> cross(Pool& pool, Seen& seen) {
    seen.before = std::this_thread::get_id();
    const int answer = co_await on(pool, [&] {
        seen.inside = std::this_thread::get_id();
        return 42;
    });
    seen.after = std::this_thread::get_id();
    seen.words.push_back(std::to_string(answer));
    try {
        co_await on(pool, [] { throw std::runtime_error("from the pool"); });
    } catch (const std::runtime_error& e) {
        seen.words.emplace_back(e.what());
    }
}

TEST(On, ResumesOnItsOwnExecutorWithTheResultOrTheException) {
    real::Loops loops(1);
    loops.start();
    {
        real::ThreadPool pool(2);
        Seen seen;
        loops.wait(loops.executor(0), cross(pool, seen));
        EXPECT_EQ(seen.before, seen.after);
        EXPECT_NE(seen.inside, seen.after);
        EXPECT_EQ(seen.words, (std::vector<std::string>{"42", "from the pool"}));
    }
    World world(1);
    Seen seen;
    world.run(cross(world.pool(), seen));
    EXPECT_EQ(seen.words, (std::vector<std::string>{"42", "from the pool"}));
    EXPECT_EQ(seen.inside, seen.after);
}

Task<> sleep_then_say(Clock& clock, Duration length, std::string word, std::vector<std::string>& words) {
    try {
        co_await clock.sleep(length);
        words.push_back(word);
    } catch (const boost::system::system_error&) {
        words.push_back(word + " was cancelled");
        throw;
    }
}

Task<> fail() {
    throw std::runtime_error("on purpose");
    co_return;
}

void cancel_and_join(Executor executor, Clock& clock, const std::function<void(Task<>)>& run) {
    std::vector<std::string> words;
    std::optional<TaskGroup> group(std::in_place, executor);
    const auto all = [](TaskGroup& g, Clock& c, std::vector<std::string>& w) -> Task<> {
        g.spawn("long", sleep_then_say(c, 10h, "long", w));
        g.spawn("broken", fail());
        g.spawn("short", sleep_then_say(c, 1ms, "short", w));
        EXPECT_EQ(g.running(), 3u);
        while (w.empty()) co_await c.sleep(1ms);
        g.cancel();
        co_await g.join();
        EXPECT_EQ(g.running(), 0u);
        g.spawn("late", sleep_then_say(c, 10h, "late", w));
        co_await g.join();
    };
    run(all(*group, clock, words));
    EXPECT_EQ(words, (std::vector<std::string>{"short", "long was cancelled"}));
    group.reset();
}

TEST(TaskGroup, CancelsAndJoinsInTheWorld) {
    World world(1);
    cancel_and_join(world.executor(), world.clock(), [&](Task<> task) { world.run(std::move(task)); });
}

TEST(TaskGroup, CancelsAndJoinsOnALoop) {
    real::Loops loops(1);
    real::WallClock clock;
    loops.start();
    cancel_and_join(loops.executor(0), clock, [&](Task<> task) { loops.wait(loops.executor(0), std::move(task)); });
}

Task<> spawn_more(TaskGroup& group, Clock& clock, int depth, int& ended) {
    co_await clock.sleep(1s);
    if (depth > 0) group.spawn("child", spawn_more(group, clock, depth - 1, ended));
    ++ended;
}

TEST(TaskGroup, JoinWaitsForTasksThatWereSpawnedMeanwhile) {
    World world(1);
    TaskGroup group(world.executor());
    int ended = 0;
    group.spawn("first", spawn_more(group, world.clock(), 5, ended));
    world.run(group.join());
    EXPECT_EQ(ended, 6);
}

// A coroutine that is cancelled while it owns a group still waits for the group's tasks.
Task<> own_a_group(Clock& clock, std::vector<std::string>& words) {
    TaskGroup inner(co_await asio::this_coro::executor);
    inner.spawn("inner", sleep_then_say(clock, 10h, "inner", words));
    co_await asio::this_coro::throw_if_cancelled(false);
    try {
        co_await clock.sleep(10h);
    } catch (const boost::system::system_error&) {
        words.emplace_back("outer was cancelled");
    }
    inner.cancel();
    co_await inner.join();
    words.emplace_back("joined");
}

TEST(TaskGroup, JoinsInsideACancelledCoroutine) {
    World world(1);
    TaskGroup group(world.executor());
    std::vector<std::string> words;
    group.spawn("outer", own_a_group(world.clock(), words));
    world.run_for(1s);
    group.cancel();
    world.run(group.join());
    EXPECT_EQ(words, (std::vector<std::string>{"outer was cancelled", "inner was cancelled", "joined"}));
}

TEST(Event, WakesWhoWaitsAndRemembersOnce) {
    World world(1);
    Event event(world.executor());
    auto& clock = world.clock();
    EXPECT_FALSE(world.run(event.wait(clock, 1min)));
    event.notify();
    event.notify();
    EXPECT_TRUE(world.run(event.wait(clock, 1min)));
    const auto before = clock.steady();
    EXPECT_FALSE(world.run(event.wait(clock, 1min)));
    EXPECT_EQ(clock.steady() - before, Duration(1min));
}

Task<> wait_and_say(Event& event, Clock& clock, Duration limit, std::vector<std::string>& words) {
    words.emplace_back(co_await event.wait(clock, limit) ? "notified" : "too late");
}

Task<> notify_after(Event& event, Clock& clock, Duration wait) {
    co_await clock.sleep(wait);
    event.notify();
}

TEST(Event, WakesAllThatWaitAndLeavesNoSleeperBehind) {
    World world(1);
    Event event(world.executor());
    TaskGroup group(world.executor());
    std::vector<std::string> words;
    const auto before = world.clock().steady();
    group.spawn("short", wait_and_say(event, world.clock(), 1s, words));
    for (int i = 0; i < 3; ++i) group.spawn("wait", wait_and_say(event, world.clock(), Duration::max(), words));
    group.spawn("notify", notify_after(event, world.clock(), 5s));
    world.run(group.join());
    EXPECT_EQ(words, (std::vector<std::string>{"too late", "notified", "notified", "notified"}));
    EXPECT_EQ(world.clock().steady() - before, Duration(5s));
    EXPECT_FALSE(world.run(event.wait(world.clock(), 1s)));
}

TEST(Event, WaitCanBeCancelled) {
    World world(1);
    Event event(world.executor());
    TaskGroup group(world.executor());
    std::vector<std::string> words;
    group.spawn("wait", wait_and_say(event, world.clock(), 10h, words));
    world.run_for(1s);
    group.cancel();
    world.run(group.join());
    EXPECT_TRUE(words.empty());
    event.notify();
    EXPECT_TRUE(world.run(event.wait(world.clock(), 1s)));
}

Task<> count_notifications(Event& event, Clock& clock, std::atomic<int>& made, int target) {
    while (made < target) co_await event.wait(clock, 10s);
}

TEST(Event, LosesNoNotificationFromAnotherThread) {
    real::Loops loops(1);
    real::WallClock clock;
    loops.start();
    Event event(loops.executor(0));
    std::atomic<int> made = 0;
    const std::jthread other([&] {
        for (int i = 0; i < 10'000; ++i) {
            ++made;
            event.notify();
        }
    });
    loops.wait(loops.executor(0), count_notifications(event, clock, made, 10'000));
    EXPECT_EQ(made, 10'000);
}

}  // namespace
}  // namespace meridian
