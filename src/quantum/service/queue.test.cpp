#include "quantum/service/queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace meridian::quantum::service {
namespace {

using namespace std::chrono_literals;

struct QueueOf {
    SeededRng rng{7};
    ProjectId a = ProjectId::random(rng), b = ProjectId::random(rng);
    Queue queue;
    std::map<JobId, int> number;

    JobId add(const ProjectId& project, Duration cost, Priority priority = Priority::normal, Lane lane = Lane::large) {
        const auto id = JobId::random(rng);
        number[id] = static_cast<int>(number.size());
        queue.add({id, project, priority, lane, cost});
        return id;
    }
    // The order in which everything is taken, one job after the other.
    std::vector<int> order(Lane lane = Lane::large) {
        std::vector<int> out;
        while (const auto taken = queue.take(lane)) {
            out.push_back(number.at(taken->job));
            queue.ended(*taken, taken->cost);
        }
        return out;
    }
};

TEST(Queues, TakeTurnsBetweenProjectsHoweverMuchOneHasWaiting) {
    QueueOf q;
    for (int i = 0; i < 4; ++i) q.add(q.a, 1s);  // 0 1 2 3
    q.add(q.b, 1s);                              // 4
    q.add(q.b, 1s);                              // 5
    EXPECT_EQ(q.order(), (std::vector{0, 4, 1, 5, 2, 3}));
}

TEST(Queues, CountTimeAndNotJobs) {
    QueueOf q;
    q.add(q.a, 10s);  // 0
    q.add(q.a, 10s);  // 1
    for (int i = 0; i < 12; ++i) q.add(q.b, 1s);
    EXPECT_EQ(q.order(), (std::vector{0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 12, 13}));
}

TEST(Queues, ChargeWhatAJobTookAndNotWhatItSaid) {
    QueueOf q;
    q.add(q.a, 1s);
    q.add(q.a, 1s);
    const auto first = q.queue.take(Lane::large);
    q.add(q.b, 1s);
    q.add(q.b, 1s);
    q.queue.ended(*first, 100s);
    EXPECT_EQ(q.order(), (std::vector{2, 3, 1}));
}

TEST(Queues, ObeyPrioritiesWithinAProjectOnly) {
    QueueOf q;
    q.add(q.a, 1s, Priority::low);     // 0
    q.add(q.a, 1s, Priority::normal);  // 1
    q.add(q.a, 1s, Priority::high);    // 2
    q.add(q.b, 1s, Priority::low);     // 3
    EXPECT_EQ(q.order(), (std::vector{2, 3, 1, 0}));
}

TEST(Queues, SaveNothingUpForAProjectThatWasAway) {
    QueueOf q;
    for (int i = 0; i < 3; ++i) q.add(q.a, 5s);
    const auto first = q.queue.take(Lane::large);
    q.queue.ended(*first, 5s);
    for (int i = 0; i < 3; ++i) q.add(q.b, 5s);  // 3 4 5
    EXPECT_EQ(q.order(), (std::vector{1, 3, 2, 4, 5}));
}

TEST(Queues, LetSmallJobsPassBesideALargeOne) {
    QueueOf q;
    q.add(q.a, 100s, Priority::normal, Lane::large);  // 0
    q.add(q.a, 1ms, Priority::low, Lane::small);      // 1
    EXPECT_EQ(q.number.at(q.queue.take(Lane::small)->job), 1);
    EXPECT_FALSE(q.queue.take(Lane::small));
    EXPECT_EQ(q.number.at(q.queue.take(Lane::large)->job), 0);
    q.add(q.a, 1ms, Priority::low, Lane::small);  // 2: the team has nothing better to do
    EXPECT_EQ(q.number.at(q.queue.take(Lane::large)->job), 2);
}

TEST(Queues, TakeWhatIsBookedBeforeAllElse) {
    QueueOf q;
    q.add(q.a, 1s, Priority::high);  // 0
    const auto booked = JobId::random(q.rng);
    q.number[booked] = 1;
    q.queue.add({.job = booked, .project = q.b, .priority = Priority::low, .cost = 100s, .is_booked = true});
    q.add(q.b, 1s, Priority::high);  // 2
    EXPECT_EQ(q.order(), (std::vector{1, 0, 2}));
}

TEST(Queues, PassOverWhatMayNotRunNow) {
    QueueOf q;
    q.add(q.a, 100s);  // 0
    q.add(q.a, 1s);    // 1
    q.add(q.b, 50s);   // 2
    const auto is_short = [](const Waiting& waiting) { return waiting.cost <= 1s; };
    EXPECT_EQ(q.number.at(q.queue.take(Lane::large, is_short)->job), 1);
    EXPECT_FALSE(q.queue.take(Lane::large, is_short));
    EXPECT_EQ(q.queue.size(), 2u);
    EXPECT_TRUE(q.queue.take(Lane::large));
}

TEST(Queues, ForgetWhatIsRemoved) {
    QueueOf q;
    const auto gone = q.add(q.a, 1s);
    q.add(q.a, 1s);
    EXPECT_TRUE(q.queue.remove(gone));
    EXPECT_FALSE(q.queue.remove(gone));
    EXPECT_EQ(q.order(), std::vector{1});
}

RC_GTEST_PROP(Queues, ForecastWhatHappens, (std::vector<std::tuple<bool, std::uint8_t, std::uint8_t>> wishes)) {
    QueueOf q;
    for (const auto& [first, seconds, priority] : wishes)
        q.add(first ? q.a : q.b, std::chrono::seconds(seconds), static_cast<Priority>(priority % 3));
    std::map<JobId, Duration> forecast;
    for (const auto& [job, wait] : q.queue.forecast(Lane::large)) forecast[job] = wait;
    RC_ASSERT(forecast.size() == wishes.size());
    Duration now{};
    while (const auto taken = q.queue.take(Lane::large)) {
        RC_ASSERT(forecast.at(taken->job) == now);
        now += taken->cost;
        q.queue.ended(*taken, taken->cost);
    }
    RC_ASSERT(q.queue.size() == 0u);
}

}  // namespace
}  // namespace meridian::quantum::service
