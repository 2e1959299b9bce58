#include "inference/scale.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meridian::inference {
namespace {

using namespace std::chrono_literals;

// One deployment whose load is said step by step.
struct Watched {
    ScaleReading now{.min_size = 1, .max_size = 5, .replicas = 1, .ready = 1, .slots = 4, .running = 0};
    ScaleMemory memory;
    Steady at{};
    std::uint32_t after(Duration passed, std::uint32_t running) {
        at += passed;
        now.running = running;
        return wished_size(now, memory, at);
    }
    void has(std::uint32_t replicas) { now.replicas = now.ready = replicas; }
};

TEST(Scaling, GrowsOnlyWhenTheLoadStays) {
    Watched one;
    EXPECT_EQ(one.after(0s, 4), 1u);
    EXPECT_EQ(one.after(9s, 4), 1u) << "not for long enough";
    EXPECT_EQ(one.after(500ms, 3), 1u) << "a pause begins anew";
    EXPECT_EQ(one.after(1s, 4), 1u);
    EXPECT_EQ(one.after(10s, 4), 2u);
    one.has(2);
    EXPECT_EQ(one.after(1s, 8), 2u) << "the new size is judged by what comes after it";
}

TEST(Scaling, GrowsByAsManyAsTheQueueNeeds) {
    Watched one;
    one.after(0s, 16);
    EXPECT_EQ(one.after(10s, 13), 5u) << "13 requests on replicas of 4 slots at 80 %";
    one = {};
    one.after(0s, 60);
    EXPECT_EQ(one.after(10s, 60), 5u) << "the largest size is the largest";
}

TEST(Scaling, ShrinksSlowlyAndOneByOne) {
    Watched one;
    one.has(3);
    one.after(0s, 4);
    EXPECT_EQ(one.after(119s, 4), 3u);
    EXPECT_EQ(one.after(1s, 4), 2u) << "4 requests fill half of two";
    one.has(2);
    one.after(1s, 3);
    EXPECT_EQ(one.after(200s, 3), 2u) << "3 would fill more than half of one";
    one.after(1s, 0);
    EXPECT_EQ(one.after(120s, 0), 1u);
    one.has(1);
    one.after(1s, 0);
    EXPECT_EQ(one.after(999s, 0), 1u) << "the least size is the least";
}

TEST(Scaling, WaitsForReplicasThatStart) {
    Watched one;
    one.now.replicas = 2;
    one.now.ready = 1;
    one.after(0s, 8);
    EXPECT_EQ(one.after(60s, 8), 2u);
}

TEST(Scaling, KeepsWishingWhileNobodyCanFulfilIt) {
    Watched one;
    one.after(0s, 4);
    EXPECT_EQ(one.after(10s, 4), 2u);
    EXPECT_EQ(one.after(1s, 4), 2u) << "there was no place";
    EXPECT_EQ(one.after(1s, 1), 1u) << "and no need any more";
}

TEST(Scaling, TheSizesThatAreWishedComeAtOnce) {
    Watched one;
    one.now.min_size = 3;
    EXPECT_EQ(one.after(0s, 0), 3u);
    one.has(5);
    one.now.max_size = 4;
    EXPECT_EQ(one.after(0s, 99), 4u);
}

TEST(Scaling, NeverSwingsUnderALoadThatStays) {
    EXPECT_TRUE(rc::check([] {
        Watched one;
        one.now.max_size = *rc::gen::inRange<std::uint32_t>(1, 50);
        one.now.slots = *rc::gen::inRange<std::uint32_t>(1, 16);
        const auto load = *rc::gen::inRange<std::uint32_t>(0, 500);
        int turns = 0;
        auto last = one.now.replicas;
        bool grew = true;
        for (int step = 0; step < 3000; ++step) {
            const auto size = one.after(5s, load);
            RC_ASSERT(size >= one.now.min_size && size <= one.now.max_size);
            if (size != last && (size > last) != grew) ++turns, grew = size > last;
            last = size;
            one.has(size);
        }
        RC_ASSERT(turns <= 1);
    }));
}

}  // namespace
}  // namespace meridian::inference
