#include "metering/slices.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "metering/price.h"

namespace meridian::metering {
namespace {

using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration refused_again = seconds(5), shortest_wait = seconds(1);

// A whole slice costs no more than its share of the hour, so that slices never cost more than the hours they are of.
RunStart sliced(RunStart start, Duration length) {
    MERIDIAN_ASSERT(length > Duration::zero());
    constexpr std::int64_t hour = 3'600'000;
    const auto share = static_cast<__int128>(start.price.per_hour.count()) * floor<milliseconds>(length).count() / hour;
    start.ceiling = Money::nanos(static_cast<std::int64_t>(share));
    return start;
}

}  // namespace

Task<std::optional<Error>> Slices::open(Uuid id, Slice first) {
    try {
        auto hold = co_await meter_.begin(sliced(std::move(first.start), first.length));
        const std::lock_guard lock(mutex_);
        MERIDIAN_ASSERT(!open_.contains(id));
        open_.emplace(id, Open{.hold = std::move(hold), .until = clock_.steady() + first.length, .counted_from = {}, .next = {}});
    } catch (const Error& refusal) {
        co_return refusal;
    }
    co_return std::nullopt;
}

void Slices::count(const Uuid& id) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found != open_.end() && !found->second.counted_from) found->second.counted_from = clock_.steady();
}

bool Slices::is_open(const Uuid& id) {
    const std::lock_guard lock(mutex_);
    return open_.contains(id);
}

Task<std::optional<Error>> Slices::try_next(Uuid id, Slice next) {
    try {
        auto hold = co_await meter_.begin(sliced(std::move(next.start), next.length));
        const std::lock_guard lock(mutex_);
        // Closed meanwhile, it needs no next one; that costs nothing.
        if (const auto found = open_.find(id); found != open_.end()) {
            found->second.next.emplace(std::move(hold));
            found->second.next_length = next.length;
        } else {
            meter_.settle(std::move(hold), {}, Outcome::cancelled);
        }
    } catch (const Error& refusal) {
        co_return refusal;
    }
    co_return std::nullopt;
}

Task<Slices::Look> Slices::look(Uuid id, std::function<std::optional<Slice>(Duration)> next_one) {
    if (!is_open(id)) {
        auto first = next_one({});
        if (!first) co_return Look{.due = limits::slice_ahead};
        const auto length = first->length;
        const auto refusal = co_await open(id, *std::move(first));
        if (refusal) co_return Look{.is_over = true, .why = refusal->said};
        co_return Look{.left = length, .due = length - limits::slice_ahead};
    }
    std::optional<Duration> left;
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(id);
        if (found == open_.end()) co_return Look{.is_over = true};
        if (!found->second.next) left = std::max(found->second.until - clock_.steady(), Duration::zero());
    }
    std::optional<Error> refusal;
    bool is_free = false;
    if (left && *left <= limits::slice_ahead) {
        auto next = next_one(*left);
        is_free = !next;
        if (next) refusal = co_await try_next(id, *std::move(next));
    }
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) co_return Look{.is_over = true};
    const auto now = clock_.steady();
    Look made{.left = found->second.until - now};
    if (made.left <= Duration::zero()) {
        auto ended = std::move(found->second);
        open_.erase(found);
        made = roll_over(id, std::move(ended), now);
        if (is_free) made.is_over = false;
    }
    if (refusal) made.why = refusal->said;
    made.due = refusal ? std::min(made.left, refused_again) : std::max(made.left - limits::slice_ahead, shortest_wait);
    co_return made;
}

// From one that has ended to its next, where that is held.
Slices::Look Slices::roll_over(const Uuid& id, Open ended, Steady now) {
    auto next = std::exchange(ended.next, std::nullopt);
    // Where nobody looked in time, the time between belongs to no slice.
    const auto begins = now - ended.until < limits::slice_ahead ? ended.until : now;
    const auto until = begins + ended.next_length;
    const bool is_counted = ended.counted_from.has_value();
    settle(std::move(ended), now);
    if (!next) return {.is_over = true};
    Open fresh{.hold = std::move(*next), .until = until, .counted_from = {}, .next = {}};
    if (is_counted) fresh.counted_from = begins;
    open_.emplace(id, std::move(fresh));
    return {.left = until - now};
}

// Whole seconds: the unit that prices are said for.
void Slices::settle(Open slice, Steady at) {
    const auto end = std::min(at, slice.until);
    const auto time = slice.counted_from && *slice.counted_from < end ? floor<seconds>(end - *slice.counted_from) : seconds(0);
    try {
        if (slice.next) meter_.settle(std::move(*slice.next), {}, Outcome::cancelled);
        meter_.settle(std::move(slice.hold), bounded({.milliseconds = milliseconds(time).count()}),
                      slice.counted_from ? Outcome::finished : Outcome::cancelled);
    } catch (const Error& error) {
        log::error("metering", "time under way has no receipt until the next start: {} {}", error.said, error.logged);
    }
}

void Slices::close(const Uuid& id) {
    const std::lock_guard lock(mutex_);
    if (auto node = open_.extract(id)) settle(std::move(node.mapped()), clock_.steady());
}

void Slices::keep(const std::set<Uuid>& ids) {
    const std::lock_guard lock(mutex_);
    for (auto it = open_.begin(); it != open_.end();) {
        if (!it->second.counted_from || ids.contains(it->first)) {
            ++it;
            continue;
        }
        auto node = open_.extract(it++);
        settle(std::move(node.mapped()), clock_.steady());
    }
}

void Slices::close_all() {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    for (auto& [_, slice] : open_) settle(std::move(slice), now);
    open_.clear();
}

}  // namespace meridian::metering
