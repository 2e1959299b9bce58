#include "quantum/engines/team.h"

#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

namespace meridian::quantum {
namespace {

TEST(Team, EveryMemberWorksOnceARound) {
    for (const unsigned size : {1u, 2u, 3u, 7u}) {
        Team team(size);
        ASSERT_EQ(team.size(), size);
        std::vector<std::atomic<int>> times(size);
        for (int round = 0; round < 200; ++round) team.run([&](unsigned member) { ++times[member]; });
        for (const auto& count : times) EXPECT_EQ(count, 200);
    }
}

TEST(Team, NoSizeTakesEveryCpu) {
    Team team(0);
    EXPECT_GE(team.size(), 1u);
    std::atomic<unsigned> members = 0;
    team.run([&](unsigned) { ++members; });
    EXPECT_EQ(members, team.size());
}

TEST(Team, SharesCoverTheWholeInOrderAndDifferByAtMostOne) {
    for (const unsigned size : {1u, 2u, 3u, 5u})
        for (const std::size_t count : {0uz, 1uz, 2uz, 4uz, 5uz, 1000uz, 1001uz}) {
            Team team(size);
            std::size_t next = 0, least = count, most = 0;
            for (unsigned member = 0; member < size; ++member) {
                const auto [begin, end] = team.share(count, member);
                EXPECT_EQ(begin, next);
                ASSERT_LE(begin, end);
                next = end;
                least = std::min(least, end - begin);
                most = std::max(most, end - begin);
            }
            EXPECT_EQ(next, count);
            EXPECT_LE(most - least, 1u);
        }
}

TEST(Team, AMembersExceptionArrivesAfterAllHaveEnded) {
    Team team(3);
    for (const unsigned failing : {0u, 1u, 2u}) {
        std::atomic<unsigned> ended = 0;
        EXPECT_THROW(team.run([&](unsigned member) {
            ++ended;
            if (member == failing) throw std::runtime_error("failed");
        }),
                     std::runtime_error);
        EXPECT_EQ(ended, 3u);
    }
    std::atomic<unsigned> after = 0;
    team.run([&](unsigned) { ++after; });
    EXPECT_EQ(after, 3u) << "a failure leaves the team whole";
}

TEST(Team, WhatMembersWroteIsSeenByTheCaller) {
    Team team(4);
    std::vector<std::size_t> values(10'000);
    for (std::size_t round = 1; round <= 20; ++round) {
        team.run([&](unsigned member) {
            const auto [begin, end] = team.share(values.size(), member);
            for (std::size_t k = begin; k < end; ++k) values[k] += k;
        });
        for (std::size_t k = 0; k < values.size(); k += 997) ASSERT_EQ(values[k], round * k);
    }
}

}  // namespace
}  // namespace meridian::quantum
