// Rate limits: requests and tokens a minute, of an API key, a user, a project or an organization. The generic cell rate algorithm (ITU-T
// I.371): one time a bucket, no timers. A bucket holds a minute's worth, so that bursts are let in up to that. In memory and of this zone
// alone: a restart fills every bucket.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "metering/budget/types.h"
#include "metering/by_scope.h"

namespace meridian::metering {

using RateLimitId = Id<struct RateLimitTag>;

struct RateLimit {
    RateLimitId id;
    OrganizationId organization;
    ScopeKind scope = ScopeKind::organization;
    std::string scope_id;
    std::uint32_t requests_per_minute = 0;  // 0: no limit
    std::uint64_t tokens_per_minute = 0;
    Timestamp created_at, updated_at;
};

class Limiter {
public:
    // Buckets of limits that stay keep what is in them.
    void know(const std::vector<RateLimit>& limits);

    // What clients are shown of the tightest bucket of a kind.
    struct Shown {
        std::uint64_t limit = 0, remaining = 0;
        Duration reset{};  // until it is full again
    };
    struct Answer {
        bool is_let_in = true;
        bool is_by_tokens = false;  // of a refusal
        Duration retry_after{};
        std::optional<Shown> requests, tokens;
    };
    // One request that will take about so many tokens. What is refused takes nothing.
    Answer take(const RunScopes& who, std::int64_t tokens, Steady now);
    // What it really took, more or less.
    void correct(const RunScopes& who, std::int64_t tokens, Steady now);

private:
    struct Bucket {
        std::uint64_t limit = 0;
        Steady full_at{};  // when it is full again, if nothing more is taken

        [[nodiscard]] Duration of(std::uint64_t amount) const;
        [[nodiscard]] std::optional<Duration> refusal(std::uint64_t amount, Steady now) const;
        void take(std::uint64_t amount, Steady now);
        [[nodiscard]] Shown shown(Steady now) const;
    };
    struct Pair {
        RateLimit limit;
        Bucket requests, tokens;
    };
    template <class F>
    void for_each_of(const RunScopes& who, F f);

    std::atomic<bool> is_idle_{true};
    std::mutex mutex_;
    std::vector<std::shared_ptr<Pair>> all_;
    ByScope<Pair> by_scope_;
};

}  // namespace meridian::metering
