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
    q.queue.add({.job = booked, .project = q.b, .priority = Priority::low, .cost = 100s, .booking = BookingId::random(q.rng)});
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
    for (const auto& [job, at] : q.queue.forecast(Lane::large, Timestamp())) forecast[job] = at.value() - Timestamp();
    RC_ASSERT(forecast.size() == wishes.size());
    Duration now{};
    while (const auto taken = q.queue.take(Lane::large)) {
        RC_ASSERT(forecast.at(taken->job) == now);
        now += taken->cost;
        q.queue.ended(*taken, taken->cost);
    }
    RC_ASSERT(q.queue.size() == 0u);
}

Timestamp at(int seconds) { return Timestamp() + std::chrono::seconds(seconds); }

Booking booked_from(QueueOf& q, int from, int until) {
    Booking made;
    made.id = BookingId::random(q.rng);
    made.started_at = at(from);
    made.finished_at = at(until);
    return made;
}

TEST(Queues, KeepOutOfBookedTimesUnlessTheyAreShort) {
    QueueOf q;
    const auto booking = booked_from(q, 100, 200);
    const std::vector bookings{booking};
    const auto may = [&](int second, Duration longest, std::optional<BookingId> of = {}) {
        return Booked(bookings, at(second)).may_begin({.job = {}, .project = q.a, .longest = longest, .booking = of});
    };
    EXPECT_TRUE(may(90, 10s)) << "it has ended when the booking begins";
    EXPECT_FALSE(may(90, 11s));
    EXPECT_TRUE(may(150, 1s));
    EXPECT_FALSE(may(199, 2s));
    EXPECT_TRUE(may(200, 2s));
    EXPECT_FALSE(may(99, 1s, booking.id));
    EXPECT_TRUE(may(100, 1h, booking.id));
    EXPECT_FALSE(may(200, 1s, booking.id)) << "its session ends with its time";
    EXPECT_EQ(Booked(bookings, at(0)).changes_at(), at(100));
    EXPECT_EQ(Booked(bookings, at(100)).changes_at(), at(200));
    EXPECT_EQ(Booked(bookings, at(200)).changes_at(), std::nullopt);
}

TEST(Queues, ForecastNothingForWhatItsBookingHasNoTimeFor) {
    QueueOf q;
    const auto booking = booked_from(q, 10, 70);
    const std::vector bookings{booking};
    std::vector<Waiting> early;
    for (int k = 0; k < 3; ++k)
        early.push_back({.job = JobId::random(q.rng), .project = q.a, .cost = 30s, .longest = 60s, .booking = booking.id});
    const auto free = q.add(q.b, 20s);
    const auto forecast = q.queue.forecast(Lane::large, at(5), bookings, early);
    const Queue::Forecast expected{{early[0].job, at(10)}, {early[1].job, at(40)}, {free, at(70)}, {early[2].job, std::nullopt}};
    EXPECT_EQ(forecast, (Queue::Forecast{{free, at(5)}, {early[0].job, at(25)}, {early[1].job, at(55)}, {early[2].job, std::nullopt}}))
        << "without a longest time it is short";
    q.queue.remove(free);
    q.queue.add({.job = free, .project = q.b, .cost = 20s, .longest = 40s});
    EXPECT_EQ(q.queue.forecast(Lane::large, at(5), bookings, early), expected);
}

// A lane that asks the queue every second, as bookings come and go.
std::map<JobId, Timestamp> what_happens(Queue queue, std::span<const Booking> bookings, std::vector<Waiting> early) {
    std::map<JobId, Timestamp> began;
    std::optional<std::pair<Waiting, Timestamp>> running;
    for (int second = 0; second < 4000; ++second) {
        const Booked booked(bookings, at(second));
        if (running && running->second <= at(second)) {
            queue.ended(running->first, running->first.cost);
            running.reset();
        }
        std::erase_if(early, [&](const Waiting& waiting) {
            if (running || !booked.may_begin(waiting)) return false;
            queue.add(waiting);
            return true;
        });
        while (!running) {
            const auto taken = queue.take(Lane::large, [&](const Waiting& waiting) { return booked.may_begin(waiting); });
            if (!taken) break;
            began.emplace(taken->job, at(second));
            if (taken->cost > Duration::zero())
                running.emplace(*taken, at(second) + std::chrono::duration_cast<Timestamp::duration>(taken->cost));
            else
                queue.ended(*taken, taken->cost);
        }
    }
    return began;
}

RC_GTEST_PROP(Queues, ForecastWhatHappensAroundBookings,
              (std::vector<std::tuple<bool, std::uint8_t, std::uint8_t>> wishes,
               std::vector<std::pair<std::uint8_t, std::uint8_t>> times)) {
    QueueOf q;
    std::vector<Booking> bookings;
    int end = 0;
    for (const auto& [gap, length] : times) {
        if (bookings.size() == 5) break;
        bookings.push_back(booked_from(q, end + gap, end + gap + length + 1));
        end += gap + length + 1;
    }
    std::vector<Waiting> early;
    for (const auto& [first, seconds, kind] : wishes) {
        if (early.size() + q.queue.size() == 12) break;
        const auto cost = std::chrono::seconds(seconds % 64);
        const Waiting waiting{
            .job = JobId::random(q.rng),
            .project = first ? q.a : q.b,
            .priority = static_cast<Priority>(kind % 3),
            .cost = cost,
            .longest = cost * (1 + kind % 2),
            .booking = kind < 64 && !bookings.empty() ? std::optional(bookings[kind % bookings.size()].id) : std::nullopt};
        if (waiting.booking)
            early.push_back(waiting);
        else
            q.queue.add(waiting);
    }
    const auto happened = what_happens(q.queue, bookings, early);
    const auto forecast = q.queue.forecast(Lane::large, at(0), bookings, early);
    RC_ASSERT(forecast.size() == q.queue.size() + early.size());
    for (const auto& [job, begins] : forecast) {
        const auto found = happened.find(job);
        RC_ASSERT(begins.has_value() == (found != happened.end()));
        if (begins) RC_ASSERT(*begins == found->second);
    }
}

}  // namespace
}  // namespace meridian::quantum::service
