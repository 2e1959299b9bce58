#include "metering/limits/limiter.h"

#include <algorithm>
#include <limits>

namespace meridian::metering {
namespace {

constexpr Duration minute = std::chrono::minutes(1);

void show_tighter(std::optional<Limiter::Shown>& shown, const Limiter::Shown& other) {
    if (!shown || other.remaining < shown->remaining) shown = other;
}

}  // namespace

// A limit of 2^40 tokens or more is finer than a nanosecond can say; it then lets in a little more.
Duration Limiter::Bucket::of(std::uint64_t amount) const {
    const auto length = static_cast<unsigned __int128>(minute.count()) * amount / limit;
    return Duration(
        static_cast<std::int64_t>(std::min<unsigned __int128>(length, static_cast<std::uint64_t>(Duration::max().count() / 4))));
}

std::optional<Duration> Limiter::Bucket::refusal(std::uint64_t amount, Steady now) const {
    // More than it ever holds is let in when it is full.
    const auto after = std::max(full_at, now) + of(std::min(amount, limit)) - now;
    if (after <= minute) return std::nullopt;
    return after - minute;
}

void Limiter::Bucket::take(std::uint64_t amount, Steady now) { full_at = std::max(full_at, now) + of(amount); }

Limiter::Shown Limiter::Bucket::shown(Steady now) const {
    const auto lacking = std::clamp(Duration(full_at - now), Duration::zero(), minute);
    const auto left = static_cast<unsigned __int128>((minute - lacking).count()) * limit / static_cast<std::uint64_t>(minute.count());
    return {limit, static_cast<std::uint64_t>(left), std::max(Duration::zero(), Duration(full_at - now))};
}

void Limiter::know(const std::vector<RateLimit>& limits) {
    const std::lock_guard lock(mutex_);
    const auto before = std::exchange(all_, {});
    by_scope_.clear();
    for (const auto& limit : limits) {
        const auto same = std::ranges::find(before, limit.id, [](const auto& pair) { return pair->limit.id; });
        auto pair = same == before.end() ? std::make_shared<Pair>() : *same;
        pair->limit = limit;
        pair->requests.limit = limit.requests_per_minute;
        pair->tokens.limit = limit.tokens_per_minute;
        all_.push_back(pair);
        by_scope_.add(scope_of(limit.scope, limit.scope_id).value(), pair);
    }
    is_idle_ = all_.empty();
}

template <class F>
void Limiter::for_each_of(const RunScopes& who, F f) {
    by_scope_.for_each_of(who, [&](const std::shared_ptr<Pair>& pair) {
        if (pair->limit.organization == who.organization) f(*pair);
    });
}

Limiter::Answer Limiter::take(const RunScopes& who, std::int64_t tokens, Steady now) {
    Answer made;
    if (is_idle_.load(std::memory_order_relaxed)) return made;
    const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(tokens, 0));
    const std::lock_guard lock(mutex_);
    const auto refuse = [&](const std::optional<Duration>& wait, bool by_tokens) {
        if (!wait || (!made.is_let_in && *wait <= made.retry_after)) return;
        made.is_let_in = false;
        made.is_by_tokens = by_tokens;
        made.retry_after = *wait;
    };
    for_each_of(who, [&](Pair& pair) {
        if (pair.requests.limit > 0) refuse(pair.requests.refusal(1, now), false);
        if (pair.tokens.limit > 0) refuse(pair.tokens.refusal(amount, now), true);
    });
    for_each_of(who, [&](Pair& pair) {
        if (pair.requests.limit > 0) {
            if (made.is_let_in) pair.requests.take(1, now);
            show_tighter(made.requests, pair.requests.shown(now));
        }
        if (pair.tokens.limit > 0) {
            if (made.is_let_in) pair.tokens.take(amount, now);
            show_tighter(made.tokens, pair.tokens.shown(now));
        }
    });
    return made;
}

void Limiter::correct(const RunScopes& who, std::int64_t tokens, Steady now) {
    if (is_idle_.load(std::memory_order_relaxed) || tokens == 0) return;
    const std::lock_guard lock(mutex_);
    for_each_of(who, [&](Pair& pair) {
        if (pair.tokens.limit == 0) return;
        if (tokens > 0)
            pair.tokens.take(static_cast<std::uint64_t>(tokens), now);
        else
            pair.tokens.full_at -= pair.tokens.of(static_cast<std::uint64_t>(-tokens));
    });
}

}  // namespace meridian::metering
