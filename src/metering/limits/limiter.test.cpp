#include "metering/limits/limiter.h"

#include <gtest/gtest.h>

#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

struct Limits : ::testing::Test {
    RateLimit add(ScopeKind scope, std::string id, std::uint32_t requests, std::uint64_t tokens) {
        RateLimit made;
        made.id = RateLimitId(Uuid{{static_cast<std::uint8_t>(all.size() + 1)}});
        made.organization = testing::organization;
        made.scope = scope;
        made.scope_id = std::move(id);
        made.requests_per_minute = requests;
        made.tokens_per_minute = tokens;
        all.push_back(made);
        limiter.know(all);
        return made;
    }
    int let_in(int tries, std::int64_t tokens = 0) {
        int count = 0;
        for (int i = 0; i < tries; ++i) count += limiter.take(who, tokens, now).is_let_in;
        return count;
    }

    std::vector<RateLimit> all;
    Limiter limiter;
    Steady now{1h};
    const RunScopes who{testing::organization, testing::project, *PrincipalId::parse("33333333-3333-4333-8333-333333333333"), "SCWKEY"};
};

TEST_F(Limits, LetInAMinutesWorthAndThenAtTheirPace) {
    add(ScopeKind::project, testing::project.str(), 60, 0);
    EXPECT_EQ(let_in(100), 60);
    const auto no = limiter.take(who, 0, now);
    EXPECT_FALSE(no.is_let_in);
    EXPECT_EQ(no.retry_after, 1s);
    EXPECT_EQ(no.requests->limit, 60u);
    EXPECT_EQ(no.requests->remaining, 0u);
    EXPECT_EQ(no.requests->reset, 60s);
    now += 10s;
    EXPECT_EQ(let_in(100), 10);
    now += 1h;
    EXPECT_EQ(let_in(100), 60);
}

TEST_F(Limits, CountTokensAsTheyWere) {
    add(ScopeKind::api_key, "SCWKEY", 0, 1000);
    EXPECT_EQ(let_in(3, 400), 2);
    limiter.correct(who, -300, now);  // one of them used a quarter of what it was taken for
    EXPECT_EQ(limiter.take(who, 400, now).tokens->remaining, 100u);
    limiter.correct(who, 500, now);
    const auto no = limiter.take(who, 1, now);
    EXPECT_FALSE(no.is_let_in);
    EXPECT_TRUE(no.is_by_tokens);
    EXPECT_GT(no.retry_after, 24s);
    EXPECT_FALSE(no.requests);
}

TEST_F(Limits, LetInWhatIsLargerThanAMinuteWhenTheyAreFull) {
    add(ScopeKind::organization, testing::organization.str(), 0, 100);
    EXPECT_EQ(let_in(2, 500), 1);
    now += 240s;
    EXPECT_EQ(let_in(1, 1), 0);
    now += 2s;
    EXPECT_EQ(let_in(1, 1), 1);
}

TEST_F(Limits, AreAllAskedAndRefusalsTakeNothing) {
    add(ScopeKind::organization, testing::organization.str(), 100, 0);
    add(ScopeKind::project, testing::project.str(), 2, 0);
    EXPECT_EQ(let_in(50), 2);
    EXPECT_EQ(limiter.take(who, 0, now).requests->remaining, 0u);
    auto other = who;
    other.project = *ProjectId::parse("99999999-2222-4222-8222-222222222222");
    EXPECT_EQ(limiter.take(other, 0, now).requests->remaining, 97u);
}

TEST_F(Limits, KeepWhatIsInTheirBucketsWhenOthersChange) {
    add(ScopeKind::project, testing::project.str(), 5, 0);
    EXPECT_EQ(let_in(9), 5);
    add(ScopeKind::api_key, "SCWOTHER", 1, 0);
    EXPECT_EQ(let_in(9), 0);
    limiter.know({});
    EXPECT_EQ(let_in(9), 9);
    EXPECT_FALSE(limiter.take(who, 0, now).requests);
}

}  // namespace
}  // namespace meridian::metering
